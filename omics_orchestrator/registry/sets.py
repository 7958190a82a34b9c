"""A file set and its files, as one registration sees them: what was there, what was read, whose it is.

How they are read: reading.py; how they are settled: settle.py; how they are written: write.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from omics_orchestrator.formats.base import Inspection

NOTHING_SAID = Inspection.of({})  # of a set as a whole


class Link(NamedTuple):
    """Whose a file set is; one of the two ids is there."""

    participant_id: str | None
    sample_id: str | None
    rule: str


class Reading(NamedTuple):
    """What one pass over a file's bytes gave; sha256 is None when they could not, or need not, be read."""

    sha256: str | None
    verdict: str
    facts: Mapping[str, Any]
    samples: Sequence[str]
    problems: Sequence[str]
    identifying: Sequence[str] = ()
    md5: str | None = None
    derived: Mapping[str, bytes] = {}


class Listed(NamedTuple):
    """A listed file that differs from what is registered, with what is registered of it (None = a new file)."""

    key: str
    size: int
    modified: datetime
    etag: str | None
    number: int | None = None
    set_number: int | None = None
    version: int = 0
    sha256: str | None = None
    verdict: str | None = None
    inspector: str | None = None
    same_listing: bool = False


@dataclass(slots=True)
class Member:
    """One file of a set.

    Attributes:
        relative: its path below the folder that the assay's location names.
        listed: its listing entry, where it had to be read now.
        present: it is listed.
        reading: what was read now, or is registered.
        number: its registry file number (0 until it has one).
    """

    relative: str
    present: bool
    reading: Reading
    number: int = 0
    version: int = 1
    listed: Listed | None = None
    size: int = 0


@dataclass(slots=True)
class KnownSet:
    """What is registered of a set: its links or, when it has none, why it waits in quarantine."""

    number: int
    digest: str | None
    state: str | None
    judgement: Inspection
    links: frozenset[Link] = frozenset()
    reason: str | None = None
    nearest: str | None = None
    unknown: int = 0
    misnamed: tuple[int, ...] = ()


@dataclass(slots=True)
class FileSet:
    """A named set of files; `known` is None for a new one. What is below `known` is what this registration found."""

    name: str
    members: list[Member] = field(default_factory=list)
    known: KnownSet | None = None
    number: int = 0
    digest: str | None = None
    state: str = ""
    judgement: Inspection = NOTHING_SAID
    links: frozenset[Link] = frozenset()
    reason: str | None = None
    nearest: str | None = None
    unknown: int = 0
    misnamed: tuple[int, ...] = ()

    def present(self) -> list[Member]:
        """Return the files that are listed."""
        return [member for member in self.members if member.present]


def set_digest(files: Iterable[tuple[str, str | None]]) -> str | None:
    """Return sha256 over the sorted (path below the set's own folder, sha256); None = none, or one is unread."""
    known = sorted([(path, sha256 or "") for path, sha256 in files])
    if not known or not all(sha256 for _, sha256 in known):
        return None
    start = _common_folder(known[0][0], known[-1][0])
    return hashlib.sha256(
        "".join([f"{path[start:]}\0{sha256}\0" for path, sha256 in known]).encode()
    ).hexdigest()


def _common_folder(first: str, last: str) -> int:
    """Return the length of the folder (with its slash) that the sorted paths share."""
    folder = first.rfind("/") + 1
    while not last.startswith(first[:folder]):
        folder = first.rfind("/", 0, folder - 1) + 1
    return folder
