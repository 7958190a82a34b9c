"""Reads registered bytes again and compares their sha256: one flipped bit is found, wherever the file lies.

New or announced changes (another size, time or etag) are no damage: the next registration takes them in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from omics_orchestrator.errors import StorageError
from omics_orchestrator.registry.names import Names
from omics_orchestrator.storage.schema import migrate

if TYPE_CHECKING:
    from omics_orchestrator.storage.database import Database
    from omics_orchestrator.storage.objects import Stores

READERS = 4  # threads: far stores answer while we wait
PORTION = 100  # files whose outcome is noted together
FILES = """
select number, study, assay, store, key, file.version, size, modified, etag, sha256
from (
    select file.number, study, assay, store, key, file.version, size, modified, etag, sha256,
           sum(size) over (order by verified_at nulls first, file.number) - size as before, sum(size) over () as whole
    from registry.file_set
    join registry.file on file.set_number = file_set.number
    join registry.file_version on file_number = file.number and file_version.version = file.version
    where missing_since is null and sha256 is not null
      and (%(study)s::text is null or study = %(study)s) and (%(assay)s::text is null or assay = %(assay)s)
) as file where before < whole * %(share)s::float8 or %(share)s::float8 = 1 order by store, key
"""
SAME = """
update registry.file_version set verified_at = now() where (file_number, version) in %s
"""
HEALED = "update registry.file set damaged_since = null where number = any(%s) and damaged_since is not null"
DAMAGED = "update registry.file set damaged_since = coalesce(damaged_since, now()) where number = any(%s)"


class Registered(NamedTuple):
    """A registered file as it must be."""

    number: int
    study: str
    assay: str
    store: str
    key: str
    version: int
    size: int
    modified: datetime
    etag: str | None
    sha256: str


@dataclass
class Verified:
    """What reading again gave.

    Attributes:
        outcomes: how many files are `same`, `damaged` (other bytes, unannounced), `changed` (another size, time or
            etag: not read), `missing`, `unreadable`.
        numbers: outcome → registry numbers of the files, but for `same`.
        size: bytes that were read.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    size: int = 0


def verify(
    database: Database,
    stores: Stores,
    *,
    study: str | None = None,
    assay: str | None = None,
    share: float = 1.0,
    names: Callable[[str], Names] = lambda _: Names(),
) -> Verified:
    """Read the files that were not read for longest, and note which hold other bytes than registered.

    Args:
        database: the data database.
        stores: the object stores of this machine; files of stores that it does not have are left out.
        study: only this study.
        assay: only this assay.
        share: of all bytes, from 0 to 1: a nightly 0.04 reads everything once in 25 nights.
        names: what the registry writes for the keys of a study.

    Raises:
        StorageError: the database failed, or a store in a way that may pass by itself.
    """
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(FILES, {"study": study, "assay": assay, "share": share})
        files = [Registered(*row) for row in cursor]
    files = [file for file in files if stores.missing(f"{file.store}://") is None]
    writers = {name: names(name) for name in {file.study for file in files}}
    found = Verified()
    with ThreadPoolExecutor(READERS) as pool:
        for portion in _portions(files):
            outcomes = list(
                pool.map(lambda file: _outcome(stores, file, writers[file.study].original(file.key)), portion)
            )
            _note(database, found, portion, outcomes)
    return found


def _portions(files: list[Registered]) -> Iterator[list[Registered]]:
    for start in range(0, len(files), PORTION):
        yield files[start : start + PORTION]


def _outcome(stores: Stores, file: Registered, key: str) -> str:
    """Return what became of one file."""
    store, _ = stores.resolve(f"{file.store}://")
    try:
        there = store.head(key)
        if there is None:
            return "missing"
        if there.size != file.size or (
            there.etag != file.etag if there.etag and file.etag else there.modified != file.modified
        ):
            return "changed"
        digest = hashlib.sha256()
        for block in store.stream(key):
            digest.update(block)
    except StorageError as error:
        if error.retry:
            raise
        return "unreadable"
    return "same" if digest.hexdigest() == file.sha256 else "damaged"


def _note(database: Database, found: Verified, files: list[Registered], outcomes: list[str]) -> None:
    """Write down what was the same and what is damaged."""
    found.outcomes.update(outcomes)
    by_outcome: dict[str, list[Registered]] = {}
    for file, outcome in zip(files, outcomes, strict=True):
        by_outcome.setdefault(outcome, []).append(file)
        if outcome in {"same", "damaged"}:
            found.size += file.size
        if outcome != "same":
            found.numbers.setdefault(outcome, []).append(file.number)
    same, damaged = by_outcome.get("same", []), by_outcome.get("damaged", [])
    with database.transaction() as connection, connection.cursor() as cursor:
        if same:
            cursor.execute(SAME, (tuple((file.number, file.version) for file in same),))
            cursor.execute(HEALED, ([file.number for file in same],))
        if damaged:
            cursor.execute(DAMAGED, ([file.number for file in damaged],))
