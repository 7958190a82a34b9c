"""What the registry knows of one assay before a registration. How that changes is decided in plan.py."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
FILES = """
select file.number, set_number, name, store, key, file.version, missing_since is not null,
       size, modified, etag, inspector, sha256, verdict, samples
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %s and assay = %s
"""
SETS = "select name, number, digest from registry.file_set where study = %s and assay = %s"
LINKS = """
select set_number, participant_id, sample_id, rule
from registry.sample_link join registry.file_set on number = set_number where study = %s and assay = %s
"""
QUARANTINE = """
select set_number, reason
from registry.quarantine join registry.file_set on number = set_number where study = %s and assay = %s
"""


class Link(NamedTuple):
    """Whose a file set is; one of the two ids is there."""

    participant_id: str | None
    sample_id: str | None
    rule: str


class KnownFile(NamedTuple):
    """A registered file and its current version."""

    number: int
    set_number: int
    set_name: str
    store: str
    key: str
    version: int
    missing: bool
    size: int
    modified: datetime
    etag: str | None
    inspector: str
    sha256: str | None
    verdict: str
    samples: list[str]


class KnownSet(NamedTuple):
    """A registered file set; its links or, when it has none, the reason why it waits in quarantine."""

    number: int
    digest: str | None
    links: frozenset[Link]
    reason: str | None


class State(NamedTuple):
    """All file sets by name and all files by (store, key)."""

    sets: dict[str, KnownSet]
    files: dict[tuple[str, str], KnownFile]


def load_state(cursor: Cursor, study: str, assay: str) -> State:
    """Return what is registered; no other registration of this assay gets in until the transaction ends."""
    whose = (study, assay)
    cursor.execute(LOCK, (f"register {study} {assay}",))
    cursor.execute(FILES, whose)
    files = {(row[3], row[4]): KnownFile(*row) for row in cursor}
    links: dict[int, set[Link]] = {}
    cursor.execute(LINKS, whose)
    for number, *link in cursor:
        links.setdefault(number, set()).add(Link(*link))
    cursor.execute(QUARANTINE, whose)
    reasons = dict(cursor.fetchall())
    cursor.execute(SETS, whose)
    sets = {
        name: KnownSet(number, digest, frozenset(links.get(number, ())), reasons.get(number))
        for name, number, digest in cursor
    }
    return State(sets, files)
