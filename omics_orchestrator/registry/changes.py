"""What a portion of a registration changes in the tables, row by row; what is equal is left out.

Written by write.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import FileSet, KnownSet, Listed, Member, Reading

Row = tuple[Any, ...]
encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass
class Changes:
    """Rows by table, in the column order that write.py declares."""

    sets: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)
    versions: list[Row] = field(default_factory=list)
    renewed: list[Row] = field(default_factory=list)
    unlinked: list[int] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Recorder:
    """Turns settled sets into rows.

    Attributes:
        store: the store's word in study.yaml (`store`, `store+public`).
        inspector: what gave verdicts and facts.
        now: when the files were read.
    """

    study: str
    assay: str
    store: str
    inspector: str
    run_id: str | None
    now: datetime
    names: Names

    def changes(self, sets: Iterable[FileSet]) -> Changes:
        """Return what differs between the sets as found and as registered."""
        changes = Changes()
        for file_set in sets:
            for member in file_set.members:
                if member.listed is not None:
                    self._file(changes, member, member.listed, file_set.number)
            self._set(changes, file_set)
            _whose(changes, file_set)
        return changes

    def _file(self, changes: Changes, member: Member, listed: Listed, set_number: int) -> None:
        before = listed.version
        self._version(changes, member, listed)
        if listed.number is None:
            written = self.names.key(listed.key)
            changes.files.append((member.number, set_number, self.store, written, member.version))
        elif (set_number, member.version) != (listed.set_number, before):
            changes.moved.append((member.number, set_number, member.version))

    def _version(self, changes: Changes, member: Member, listed: Listed) -> None:
        """Note the version row that reading gave, when it says something new."""
        reading = member.reading
        if listed.number is not None:
            member.version = listed.version
            if self._says_nothing_new(listed, reading):
                return
            # The bytes are those of the known version, or its bytes were never read: it is said anew.
            if listed.sha256 is None or listed.sha256 == reading.sha256:
                changes.renewed.append((member.number, listed.version))
            else:
                member.version = listed.version + 1
        inside = (
            storable(self.names.within(reading.facts)),
            storable([self.names.name(name) for name in reading.samples]),
            storable(reading.problems),
            storable(reading.identifying),
        )
        verified = self.now if reading.sha256 else None
        of_bytes = (listed.size, listed.modified, listed.etag, reading.sha256, reading.md5)
        said = (reading.verdict, self.inspector, *inside, self.run_id, verified)
        changes.versions.append((member.number, member.version, *of_bytes, *said))

    def _says_nothing_new(self, listed: Listed, reading: Reading) -> bool:
        """Tell whether reading again (an unreadable file) told what is registered."""
        before = (listed.sha256, listed.verdict, listed.inspector)
        return (
            reading.sha256 is None
            and listed.same_listing
            and before == (None, reading.verdict, self.inspector)
        )

    def _set(self, changes: Changes, file_set: FileSet) -> None:
        known = file_set.known
        judged = file_set.judgement
        facts: dict[str, Any] = dict(self.names.within(judged.facts))
        if judged.samples:
            facts["samples_inside"] = [self.names.name(name) for name in judged.samples]
        said = (judged.verdict, storable(facts), storable(judged.problems))
        row = (file_set.digest, *said, file_set.unknown, list(file_set.misnamed), file_set.state)
        if known is None:
            written = self.names.key(file_set.name)
            changes.sets.append((file_set.number, self.study, self.assay, written, *row))
        elif known.state != file_set.state or not _same_judgement(known, file_set):
            changes.settled.append((file_set.number, *row))


def _same_judgement(known: KnownSet, found: FileSet) -> bool:
    before = (known.judgement.problems, known.unknown, known.misnamed)
    return before == (found.judgement.problems, found.unknown, found.misnamed)


def _whose(changes: Changes, file_set: FileSet) -> None:
    known = file_set.known
    if file_set.links != (known.links if known else frozenset()):
        if known and known.links:
            changes.unlinked.append(file_set.number)
        changes.links.extend((file_set.number, *link) for link in file_set.links)
    before = (known.reason, known.nearest) if known else (None, None)
    if (file_set.reason, file_set.nearest) != before:
        if known and known.reason:
            changes.released.append(file_set.number)
        if file_set.reason:
            changes.quarantine.append((file_set.number, file_set.reason, file_set.nearest))


def storable(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return JSON that jsonb takes: no NUL and no lone surrogate, which headers of strangers may hold."""
    if not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    try:
        text = to_json(value).decode()  # a fifth of what json takes, and as much as all else of a file's row
    except PydanticSerializationError:  # a lone surrogate
        text = encoded(value).encode("utf-8", "replace").decode()
    return NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
