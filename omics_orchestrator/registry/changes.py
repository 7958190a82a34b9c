"""What a registration changes in the tables, row by row; what is equal is left out. Written by write.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.registry.reading import Reading
from omics_orchestrator.registry.scan import Member, set_digest
from omics_orchestrator.registry.state import KnownFile, KnownSet, Link
from omics_orchestrator.storage.objects import StoredObject

Row = tuple[Any, ...]
encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(slots=True)
class FileSet:
    """A named set of files with its members; `known` is None for a new one.

    `links` or, when there are none, the quarantine's `reason` are what this registration found.
    """

    name: str
    members: list[Member]
    known: KnownSet | None
    number: int = 0
    links: frozenset[Link] = frozenset()
    reason: str | None = None
    digest: str | None = None


@dataclass
class Changes:
    """Rows by table, in the column order that write.py declares."""

    sets: list[Row] = field(default_factory=list)
    digests: list[Row] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)
    versions: list[Row] = field(default_factory=list)
    renewed: list[Row] = field(default_factory=list)
    unlinked: list[int] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)


def give_numbers(sets: Iterable[FileSet], reserve: Callable[[str, int], list[int]]) -> None:
    """Give each set and file its registry number; new ones get theirs in the order of their names."""
    sets = list(sets)
    new_sets = [file_set for file_set in sets if file_set.known is None]
    for file_set, number in zip(new_sets, reserve("file_set", len(new_sets)), strict=True):
        file_set.number = number
    new_files: list[Member] = []
    for file_set in sets:
        if file_set.known:
            file_set.number = file_set.known.number
        for member in file_set.members:
            if member.known:
                member.number = member.known.number
            else:
                new_files.append(member)
    for member, number in zip(new_files, reserve("file", len(new_files)), strict=True):
        member.number = number


def changes_of(
    sets: Iterable[FileSet], study: str, assay: str, inspector: str, run_id: str | None
) -> Changes:
    """Return what differs between the sets as found and as registered."""
    changes = Changes()
    for file_set in sets:
        for member in file_set.members:
            _file(changes, member, file_set.number, inspector, run_id)
        _whose(changes, file_set)
        file_set.digest = set_digest(file_set.members)
        if file_set.known is None:
            changes.sets.append((file_set.number, study, assay, file_set.name, file_set.digest))
        elif file_set.digest != file_set.known.digest:
            changes.digests.append((file_set.number, file_set.digest))
    return changes


def _file(changes: Changes, member: Member, set_number: int, inspector: str, run_id: str | None) -> None:
    known = member.known
    version = _version(changes, member, inspector, run_id)
    if known is None:
        changes.files.append((member.number, set_number, member.store, member.key, version))
        return
    missing = member.found is None
    if (set_number, version, missing) != (known.set_number, known.version, known.missing):
        changes.moved.append((member.number, set_number, version, missing))


def _version(changes: Changes, member: Member, inspector: str, run_id: str | None) -> int:
    """Note the version row that reading gave, when it says something new; return the current version."""
    found, known, reading = member.found, member.known, member.reading
    if found is None or reading is None:
        return known.version if known else 1
    version = 1
    if known:
        if _same(known, found, reading, inspector):
            return known.version
        if known.sha256 is None or known.sha256 == reading.sha256:  # the bytes are those of the known version
            version = known.version
            changes.renewed.append((member.number, version))
        else:
            version = known.version + 1
    listed = (found.size, found.modified, found.etag)
    inside = (storable(reading.facts), storable(reading.samples), storable(reading.problems))
    changes.versions.append(
        (member.number, version, *listed, reading.sha256, reading.verdict, inspector, *inside, run_id)
    )
    return version


def _same(known: KnownFile, found: StoredObject, reading: Reading, inspector: str) -> bool:
    """Tell whether reading again (an unreadable file) told nothing new."""
    before = (known.sha256, known.verdict, known.inspector, known.size, known.modified, known.etag)
    return before == (reading.sha256, reading.verdict, inspector, found.size, found.modified, found.etag)


def _whose(changes: Changes, file_set: FileSet) -> None:
    known = file_set.known
    if file_set.links != (known.links if known else frozenset()):
        if known and known.links:
            changes.unlinked.append(file_set.number)
        changes.links.extend((file_set.number, *link) for link in file_set.links)
    if file_set.reason != (known.reason if known else None):
        if known and known.reason:
            changes.released.append(file_set.number)
        if file_set.reason:
            changes.quarantine.append((file_set.number, file_set.reason))


def storable(value: object) -> str:
    """Return JSON that jsonb takes: no NUL and no lone surrogate, which headers of strangers may hold."""
    text = encoded(value) if value else "{}" if isinstance(value, dict) else "[]"
    if "\\u0000" in text:
        text = NUL.sub(r"\1\\ufffd", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
