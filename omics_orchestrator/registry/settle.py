"""Settles file sets: their digest, what they are judged as a whole, whose they are, and what they amount to.

What differs from before is written by write.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from omics_orchestrator.errors import StorageError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.registry.links import Linker
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import FileSet, Member, set_digest
from omics_orchestrator.registry.streamed import StreamedFile
from omics_orchestrator.storage.objects import Store


def judges(format_: Format) -> bool:
    """Tell whether a format says more of a set than of its files."""
    return type(format_).judge is not Format.judge


@dataclass(frozen=True)
class Settler:
    """Settles the sets of one assay.

    Attributes:
        folder: the folder of the assay's location, with its slash; empty = the store's root.
    """

    store: Store
    folder: str
    format: Format
    linker: Linker
    names: Names

    def settle(self, file_set: FileSet) -> None:
        """Fill what follows from the members of a set."""
        file_set.digest = set_digest(
            (self.names.key(member.relative), member.reading.sha256)
            for member in file_set.members
            if member.present
        )
        file_set.judgement = self._judged(file_set)
        self.linker.link(file_set)
        file_set.misnamed = self._misnamed(file_set)
        file_set.state = _state(file_set)

    def _judged(self, file_set: FileSet) -> Inspection:
        present = file_set.present()
        changed = any(member.listed for member in present) or not (
            file_set.known and file_set.known.digest == file_set.digest
        )
        if not judges(self.format) or not present:
            return Inspection.of({})
        if not changed and file_set.known:
            return file_set.known.judgement
        if any(member.reading.verdict in {"unverified", "unreadable"} for member in present):
            return Inspection.of({})
        with ExitStack() as opened:
            files: Mapping[str, OpenFile] = {
                member.relative: opened.enter_context(self._open(member)) for member in present
            }
            members = {member.relative: _inspection(member) for member in present}
            try:
                return self.format.judge(members, files)
            except StorageError as error:
                if error.retry:
                    raise
                return Inspection("invalid", {}, (), ("the store does not hand its files out",))

    def _misnamed(self, file_set: FileSet) -> tuple[int, ...]:
        """Return files linked by key, sheet or hand whose sample names hold neither that sample nor participant."""
        ids = {name for link in file_set.links if link.rule != "in_file" for name in link[:2]}
        if not ids:
            return ()
        return tuple(
            sorted(
                member.number
                for member in file_set.members
                if member.present
                and member.reading.samples
                and ids.isdisjoint(map(self.names.spoken, member.reading.samples))
            )
        )

    def _open(self, member: Member) -> StreamedFile:
        key = self.folder + member.relative
        return StreamedFile(self.store, key, key.rpartition("/")[2], member.size)


def _inspection(member: Member) -> Inspection:
    found = member.reading
    verdict = found.verdict if found.verdict in {"valid", "warnings", "invalid"} else "invalid"
    return Inspection(verdict, dict(found.facts), tuple(found.samples), tuple(found.problems))  # type: ignore[arg-type]


def _state(file_set: FileSet) -> str:
    """Return a digest of what a reader of the set sees: content, verdicts, links, reason, what is missing."""
    verdicts = sorted(
        (member.relative, member.reading.verdict if member.present else "missing")
        for member in file_set.members
    )
    links = sorted(tuple(part or "" for part in link) for link in file_set.links)
    seen = (file_set.name, file_set.digest, verdicts, file_set.judgement.verdict, links, file_set.reason)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]
