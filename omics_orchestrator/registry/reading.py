"""Reads a file once: its sha256 and what its format says about it come from the same pass over the bytes.

Small files are held whole, larger ones stream through; formats that need random access get the local file,
or a copy on local disk that lives as long as the inspection.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from omics_orchestrator.errors import StorageError
from omics_orchestrator.formats.base import Format, Inspection
from omics_orchestrator.registry.scan import Member
from omics_orchestrator.storage.objects import Store, StoredObject

SMALL = 1024 * 1024  # bytes up to which a file is held whole
BATCH = 64  # small files that are held and inspected together
READERS = 4  # threads: a far store answers while we wait, large files are hashed beside each other
NOT_INSPECTED = Inspection("valid", {})  # an index or the like: digest only


class Reading(NamedTuple):
    """What one pass over a file's bytes gave; sha256 is None when they could not be read."""

    sha256: str | None
    verdict: str
    facts: Mapping[str, Any]
    samples: Sequence[str]
    problems: Sequence[str]


def inspector_of(format_: Format) -> str:
    """Return what verdicts and facts depend on beside the bytes: the format, its version and its options."""
    options = hashlib.sha256(format_.model_dump_json().encode()).hexdigest()[:12]
    return f"{format_.format}/{format_.version}/{options}"


def read_all(members: Sequence[Member], store: Store, format_: Format) -> None:
    """Read the listed files and put each `reading` into its member; small ones are inspected in batches.

    Raises:
        StorageError: the store failed in a way that trying again may mend.
    """
    small: list[tuple[Member, StoredObject]] = []
    large: list[tuple[Member, StoredObject]] = []
    for member in members:
        if found := member.found:
            (small if found.size <= SMALL else large).append((member, found))
    batches = [small[start : start + BATCH] for start in range(0, len(small), BATCH)]
    if not large and store.local_path("any") is not None:  # threads would only take turns
        for batch in batches:
            _read_small(batch, store, format_)
        return
    with ThreadPoolExecutor(READERS) as pool:
        work = [pool.submit(_read_small, batch, store, format_) for batch in batches]
        work += [pool.submit(_read_large, member, found, store, format_) for member, found in large]
        for one in work:
            one.result()


def _read_small(batch: Sequence[tuple[Member, StoredObject]], store: Store, format_: Format) -> None:
    digested: list[tuple[Member, str]] = []
    files: list[tuple[str, bytes]] = []
    for member, found in batch:
        try:
            raw = store.get(found.key)
        except StorageError as error:
            member.reading = _unreadable(error)
            continue
        sha256 = hashlib.sha256(raw).hexdigest()
        name = found.key.rpartition("/")[2]
        if format_.is_companion(name):
            member.reading = _reading(sha256, NOT_INSPECTED)
        else:
            files.append((name, raw))
            digested.append((member, sha256))
    for (member, sha256), inspection in zip(digested, format_.inspect_many(files), strict=True):
        member.reading = _reading(sha256, inspection)


def _read_large(member: Member, found: StoredObject, store: Store, format_: Format) -> None:
    name = found.key.rpartition("/")[2]
    try:
        with StreamedFile(store, found.key, name, found.size) as file:
            inspection = NOT_INSPECTED if format_.is_companion(name) else format_.inspect(file)
            member.reading = _reading(file.sha256(), inspection)
    except StorageError as error:
        member.reading = _unreadable(error)


def _unreadable(error: StorageError) -> Reading:
    if error.retry:
        raise error
    return Reading(None, "unreadable", {}, (), ("the store does not hand it out",))


def _reading(sha256: str, found: Inspection) -> Reading:
    return Reading(sha256, found.verdict, found.facts, found.samples, found.problems)


class StreamedFile(ExitStack):
    """An `OpenFile` over a store, which hashes what passes through on the first pass."""

    def __init__(self, store: Store, key: str, name: str, size: int) -> None:
        super().__init__()
        self.name = name
        self.size = size
        self._store = store
        self._key = key
        self._hash = hashlib.sha256()
        self._first: Iterator[bytes] | None = None
        self._path: Path | None = None

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes from the start, in blocks; may be called again."""
        if self._first is None:
            self._first = self._hashed()
            stream = self._first
        else:
            stream = self._store.stream(self._key)
        # No `yield from`: a reader that stops early would close the first pass with it.
        for block in stream:  # noqa: UP028
            yield block

    def _hashed(self) -> Iterator[bytes]:
        for block in self._store.stream(self._key):
            self._hash.update(block)
            yield block

    def path(self) -> Path:
        """Return a local file with the bytes; one from far away lives until the inspection ends."""
        if self._path is None:
            self._path = self._store.local_path(self._key) or self._spooled()
        return self._path

    def _spooled(self) -> Path:
        folder = self.enter_context(tempfile.TemporaryDirectory(prefix="omics-"))
        path = Path(folder, Path(self.name).name)
        with path.open("wb") as file:
            for block in self.blocks():
                file.write(block)
        return path

    def sha256(self) -> str:
        """Return the digest, after passing over what the format left unread."""
        if self._first is None:
            self._first = self._hashed()
        for _ in self._first:
            pass
        return self._hash.hexdigest()
