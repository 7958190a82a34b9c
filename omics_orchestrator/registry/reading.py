"""Reads a file once: its digests and what its format says about it come from the same pass over the bytes.

Small files are held whole, larger ones stream through (streamed.py). What is not read is said to be unverified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from omics_orchestrator.errors import AccessDenied, FormatError, ObjectChanged, ObjectGone, StorageError
from omics_orchestrator.formats.base import Format, Inspection, Reach
from omics_orchestrator.formats.file_names import file_name_scan
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.text import HEAD
from omics_orchestrator.registry.sets import Listed, Reading
from omics_orchestrator.registry.streamed import StreamedFile
from omics_orchestrator.storage.objects import Store

SMALL = 1024 * 1024  # bytes up to which a file is held whole
BATCH = 64  # small files that are held and inspected together
READERS = 4  # threads: a far store answers while we wait, large files are hashed beside each other
THUMBNAIL = "thumbnail.png"  # derived object that pages show
NOT_INSPECTED = Inspection("valid", {})  # an index or the like: digest only
WHY: dict[type[StorageError], str] = {
    ObjectChanged: "it changed while it was read: the next run reads it again",
    ObjectGone: "it was listed and is not there any more",
    AccessDenied: "access is denied: give the account that runs omics the right to read it",
    StorageError: "the store does not hand it out",
}
CUT = StorageError("the store handed out another number of bytes than it lists")


def inspector_of(format_: Format) -> str:
    """Return what verdicts and facts depend on beside the bytes: the format, its version and its options."""
    options = hashlib.sha256(format_.model_dump_json().encode()).hexdigest()[:12]
    return f"{format_.format}/{format_.version}/{options}"


@dataclass(frozen=True)
class Reader:
    """Reads files of one store and format.

    Attributes:
        md5: take the md5 as well: a manifest gives one.
        quick: look at the first bytes only; such a file is `unverified`.
    """

    store: Store
    format: Format
    md5: bool = False
    quick: bool = False

    def read(self, files: Sequence[Listed]) -> list[Reading]:
        """Return what each file gave, in their order; small ones are inspected in batches.

        Raises:
            StorageError: the store failed in a way that trying again may mend.
        """
        found: dict[str, Reading] = {}
        small = [file for file in files if file.size <= SMALL and not self.quick]
        large = [file for file in files if file.size > SMALL or self.quick]
        batches = [small[start : start + BATCH] for start in range(0, len(small), BATCH)]
        if not large and self.store.local_path("any") is not None:  # threads would only take turns
            for batch in batches:
                found.update(self._small(batch))
        else:
            with ThreadPoolExecutor(READERS) as pool:
                work = [pool.submit(self._small, batch) for batch in batches]
                work += [pool.submit(self._header if self.quick else self._large, file) for file in large]
                for one in work:
                    found.update(one.result())
        return [_with_name(file.key, found[file.key]) for file in files]

    def _small(self, batch: Sequence[Listed]) -> dict[str, Reading]:
        found: dict[str, Reading] = {}
        digested: list[tuple[str, str, str | None]] = []
        contents: list[tuple[str, bytes]] = []
        for file in batch:
            try:
                raw = self.store.get(file.key, file.etag)
                if len(raw) != file.size:
                    raise CUT
            except StorageError as error:
                found[file.key] = _unreadable(error)
                continue
            digests = hashlib.sha256(raw).hexdigest(), _md5(raw) if self.md5 else None
            name = file.key.rpartition("/")[2]
            if self.format.is_companion(file.key):
                found[file.key] = _reading(*digests, NOT_INSPECTED)
            else:
                contents.append((name, raw))
                digested.append((file.key, *digests))
        inspected = self.format.inspect_many(contents)
        for (key, sha256, md5), (name, raw), inspection in zip(digested, contents, inspected, strict=True):
            found[key] = _reading(
                sha256, md5, _looks_like(inspection, self.format, name, raw[:HEAD], _within(raw))
            )
        return found

    def _large(self, file: Listed) -> dict[str, Reading]:
        name = file.key.rpartition("/")[2]
        try:
            with StreamedFile(self.store, file.key, name, file.size, etag=file.etag, md5=self.md5) as content:
                if self.format.is_companion(file.key):
                    inspection = NOT_INSPECTED
                else:
                    inspection = self.format.inspect(content)
                    inspection = _looks_like(inspection, self.format, name, content.head(), self._reach(file))
                return {file.key: _reading(*content.digests(), inspection)}
        except StorageError as error:
            return {file.key: _unreadable(error)}

    def _header(self, file: Listed) -> dict[str, Reading]:
        """Look at the first bytes only."""
        name = file.key.rpartition("/")[2]
        try:
            head = self.store.read_range(file.key, 0, min(HEAD, file.size))
            return {file.key: self._by_head(file, name, head)}
        except StorageError as error:
            return {file.key: _unreadable(error)}

    def _by_head(self, file: Listed, name: str, head: bytes) -> Reading:
        reach = self._reach(file)
        if self.format.is_companion(file.key) or self.format.sniff_far(name, head, reach):
            return Reading(None, "unverified", {}, (), ())
        refused = Inspection.refused(
            FormatError(f"its first bytes are not those of {self.format.format}"), {}
        )
        inspection = _looks_like(refused, self.format, name, head, reach)
        return Reading(None, "invalid", {}, (), inspection.problems)

    def _reach(self, file: Listed) -> Reach:
        """Return what reads a file from anywhere, in short pieces."""

        def read(start: int, length: int) -> bytes:
            length = min(length, file.size - start)
            return self.store.read_range(file.key, start, length) if length > 0 else b""

        return read


def _within(raw: bytes) -> Reach:
    return lambda start, length: raw[start : start + length]


def _with_name(key: str, reading: Reading) -> Reading:
    """Add what the key itself seems to give away of a person."""
    places = file_name_scan(key)
    return reading._replace(identifying=(*reading.identifying, *places)) if places else reading


def _looks_like(found: Inspection, format_: Format, name: str, head: bytes, read: Reach) -> Inspection:
    """Add to a verdict of `invalid` which format the file seems to have, if another."""
    if found.verdict != "invalid" or format_.opaque:
        return found
    seems = recognise(name, head, read)
    if seems.opaque or seems.format == format_.format:
        return found
    told = (*found.problems, f"it looks like {seems.format}")
    return Inspection("invalid", found.facts, (), told, found.identifying)


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _unreadable(error: StorageError) -> Reading:
    if error.retry:
        raise error
    why = WHY.get(type(error), "") or WHY[StorageError]
    return Reading(None, "unreadable", {}, (), (str(error) if error.args == CUT.args else why,))


def _reading(sha256: str, md5: str | None, found: Inspection) -> Reading:
    facts = {**found.facts, "thumbnail": True} if THUMBNAIL in found.derived else found.facts
    return Reading(
        sha256,
        found.verdict,
        facts,
        found.samples,
        found.problems,
        found.identifying,
        md5,
        found.derived,
    )
