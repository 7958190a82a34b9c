"""Settles file sets: their digest, what they are judged as a whole, whose they are, and what they amount to.

What differs from before is written by write.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from omics_orchestrator.errors import ObjectChanged, ObjectGone, StorageError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.registry.links import Linker
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import NOTHING_SAID, FileSet, Member, set_digest
from omics_orchestrator.registry.streamed import StreamedFile
from omics_orchestrator.storage.objects import Store

UNREAD = frozenset({"unverified", "unreadable"})
JUDGED = frozenset({"valid", "warnings", "invalid"})


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
        present, written = file_set.present(), self.names.key
        file_set.digest = set_digest(
            [(written(member.relative), member.reading.sha256) for member in present]
        )
        file_set.judgement = self._judged(file_set, present)
        self.linker.link(file_set)
        file_set.misnamed = self._misnamed(file_set, present)
        file_set.state = _state(file_set)

    def _judged(self, file_set: FileSet, present: Sequence[Member]) -> Inspection:
        if not judges(self.format) or not present:
            return NOTHING_SAID
        known = file_set.known
        if known and known.digest == file_set.digest and not any(member.listed for member in present):
            return known.judgement
        if not UNREAD.isdisjoint([member.reading.verdict for member in present]):
            return NOTHING_SAID
        with ExitStack() as opened:
            files = _Opened({member.relative: member for member in present}, self._open, opened)
            members = {member.relative: _inspection(member) for member in present}
            try:
                return self.format.judge(members, files)
            except StorageError as error:
                if error.retry:
                    raise
                changed = isinstance(error, ObjectChanged | ObjectGone)
                why = "changed while it was read" if changed else "is not handed out by its store"
                return Inspection("invalid", {}, (), (f"a file of the set {why}: the next run looks again",))

    def _misnamed(self, file_set: FileSet, present: Sequence[Member]) -> tuple[int, ...]:
        """Return files linked by key, sheet or hand whose sample names hold neither that sample nor participant."""
        named = [member for member in present if member.reading.samples]
        ids = {name for link in file_set.links if named and link.rule != "in_file" for name in link[:2]}
        if not ids:
            return ()
        spoken = self.names.spoken
        return tuple(
            sorted(member.number for member in named if ids.isdisjoint(map(spoken, member.reading.samples)))
        )

    def _open(self, member: Member) -> StreamedFile:
        key = self.folder + member.relative
        etag = member.listed.etag if member.listed else None
        return StreamedFile(self.store, key, key.rpartition("/")[2], member.size, etag=etag)


class _Opened(Mapping[str, OpenFile]):
    """The files of a set, each opened when it is first asked for: most sets are judged by what is known of them."""

    def __init__(
        self, members: Mapping[str, Member], open_: Callable[[Member], StreamedFile], stack: ExitStack
    ) -> None:
        self._members = members
        self._open = open_
        self._stack = stack
        self._files: dict[str, OpenFile] = {}

    def __getitem__(self, path: str) -> OpenFile:
        if path not in self._files:
            self._files[path] = self._stack.enter_context(self._open(self._members[path]))
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _inspection(member: Member) -> Inspection:
    found = member.reading
    verdict = found.verdict if found.verdict in JUDGED else "invalid"
    return Inspection(verdict, dict(found.facts), tuple(found.samples), tuple(found.problems))  # type: ignore[arg-type]


def _state(file_set: FileSet) -> str:
    """Return a digest of what a reader of the set sees: content, verdicts, links, reason, what is missing."""
    verdicts = sorted(
        [
            (member.relative, member.reading.verdict if member.present else "missing")
            for member in file_set.members
        ]
    )
    links = sorted([(link[0] or "", link[1] or "", link[2]) for link in file_set.links])
    seen = (file_set.name, file_set.digest, verdicts, file_set.judgement.verdict, links, file_set.reason)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]
