"""One portion of a registration: files that were read become members of sets, which are settled and written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omics_orchestrator.registry.changes import Recorder
from omics_orchestrator.registry.known import known_members, known_sets
from omics_orchestrator.registry.sets import FileSet, KnownSet, Listed, Member, Reading
from omics_orchestrator.registry.settle import Settler, judges
from omics_orchestrator.registry.write import reserve, write

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812


@dataclass(frozen=True)
class Portions:
    """Takes in what was read of one study's assay.

    Attributes:
        settler: decides digests, judgements and links.
        recorder: turns them into rows.
        settled: numbers of the sets that were settled.
    """

    settler: Settler
    recorder: Recorder
    settled: set[int] = field(default_factory=set)

    def take_in(
        self, cursor: Cursor, listed: Sequence[Listed], readings: Sequence[Reading]
    ) -> tuple[int, set[int]]:
        """Write what was read; return the rows touched and the sets that a file left for another."""
        sets = self._grouped(listed, readings)
        known = self._known(cursor, "name", [self.settler.names.key(name) for name in sets])
        for file_set in sets.values():
            file_set.known = known.get(self.settler.names.key(file_set.name))
        numbers = {file_set.known.number for file_set in sets.values() if file_set.known}
        before = {file.set_number for file in listed if file.set_number is not None}
        read_now = [file.number for file in listed if file.number is not None]
        self._complete(cursor, list(sets.values()), read_now)
        _give_numbers(cursor, sets.values())
        return self._write(cursor, sets.values()), before - numbers

    def settle_again(self, cursor: Cursor, numbers: Collection[int]) -> int:
        """Settle registered sets of which no file was read: something else about them changed."""
        known = self._known(cursor, "number", list(numbers))
        original = self.settler.names.original
        sets = [FileSet(original(name), [], found, found.number) for name, found in known.items()]
        self._complete(cursor, sets, [])
        return self._write(cursor, [file_set for file_set in sets if file_set.members])

    def _grouped(self, listed: Sequence[Listed], readings: Sequence[Reading]) -> dict[str, FileSet]:
        sets: dict[str, FileSet] = {}
        start = len(self.settler.folder)
        set_key = self.settler.format.set_key
        for file, reading in zip(listed, readings, strict=True):
            relative = file.key[start:]
            name = set_key(relative)
            file_set = sets.get(name)
            if file_set is None:
                file_set = sets[name] = FileSet(name)
            member = Member(relative, True, reading, file.number or 0, file.version or 1, file, file.size)
            file_set.members.append(member)
        return sets

    def _known(self, cursor: Cursor, by: str, values: Sequence[object]) -> dict[str, KnownSet]:
        return known_sets(cursor, (self.recorder.study, self.recorder.assay), by, values)

    def _complete(self, cursor: Cursor, sets: Sequence[FileSet], read_now: Sequence[int]) -> None:
        """Add the members that were not read now."""
        names, start = self.settler.names, len(self.settler.folder)
        numbers = [file_set.known.number for file_set in sets if file_set.known]
        others = known_members(cursor, numbers, read_now, names, start, facts=judges(self.settler.format))
        for file_set in sets:
            if file_set.known:
                file_set.number = file_set.known.number
                file_set.members += others.get(file_set.number, [])

    def _write(self, cursor: Cursor, sets: Collection[FileSet]) -> int:
        for file_set in sets:
            self.settler.settle(file_set)
        self.settled.update(file_set.number for file_set in sets)
        changes = self.recorder.changes(sets)
        self.settler.names.remember()
        return write(cursor, changes)


def _give_numbers(cursor: Cursor, sets: Collection[FileSet]) -> None:
    """Give new sets and files their registry numbers, in the order in which they were listed."""
    new_sets = [file_set for file_set in sets if file_set.known is None]
    for file_set, number in zip(new_sets, reserve(cursor, "file_set", len(new_sets)), strict=True):
        file_set.number = number
    new_files = [member for file_set in sets for member in file_set.members if not member.number]
    for member, number in zip(new_files, reserve(cursor, "file", len(new_files)), strict=True):
        member.number = number
