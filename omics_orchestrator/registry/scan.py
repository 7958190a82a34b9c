"""Lists an assay's location and lays it beside what is registered: who is new, changed, unchanged, missing.

Nothing is read here (reading.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omics_orchestrator.registry.state import KnownFile, State
from omics_orchestrator.storage.objects import StoredObject, Stores

if TYPE_CHECKING:
    from omics_orchestrator.registry.reading import Reading


@dataclass(slots=True)
class Member:
    """One file of a file set.

    Attributes:
        store: the store's word in study.yaml (`store`, `store+public`).
        relative: the key below the folder that the assay's location names.
        found: its listing entry; None = it is not listed any more.
        known: what the registry holds of it; None = a new file.
        reading: what reading it gave; None = it did not have to be read.
        number: its registry file number (0 until it has one).
    """

    store: str
    key: str
    relative: str
    found: StoredObject | None
    known: KnownFile | None
    reading: Reading | None = None
    number: int = 0

    @property
    def content(self) -> Reading | KnownFile:
        """The newer of what was read now and what is registered: sha256, verdict and samples inside."""
        content = self.reading or self.known
        if content is None:
            raise RuntimeError("a file that is neither known nor read has no content yet")
        return content


def scan(stores: Stores, location: str, known: State) -> list[Member]:
    """Return every file listed at `location`, by key, then the known ones that are listed no more."""
    _, key = stores.resolve(location)
    word = location.split("://")[0].lower()
    start = key.rfind("/") + 1
    listed = {
        (word, found.key): Member(
            word, found.key, found.key[start:], found, known.files.get((word, found.key))
        )
        for _, found in stores.walk(location)
    }
    gone = (file for place, file in known.files.items() if place not in listed)
    return [*listed.values(), *(Member(file.store, file.key, file.key, None, file) for file in gone)]


def must_be_read(member: Member, inspector: str) -> bool:
    """Tell whether the file is there and new, changed, unread so far, or inspected by another inspector."""
    found, known = member.found, member.known
    if found is None:
        return False
    if known is None or known.sha256 is None or known.inspector != inspector or known.size != found.size:
        return True
    return known.etag != found.etag if known.etag and found.etag else known.modified != found.modified


def set_digest(members: Iterable[Member]) -> str | None:
    """Return sha256 over the sorted (path below the set's own folder, sha256); None = a file is unread."""
    files = sorted((member.relative, member.content.sha256 or "") for member in members if member.found)
    if not files or not all(sha256 for _, sha256 in files):
        return None
    start = _common_folder([relative for relative, _ in files])
    return hashlib.sha256(
        "".join(f"{path[start:]}\0{sha256}\0" for path, sha256 in files).encode()
    ).hexdigest()


def _common_folder(paths: list[str]) -> int:
    """Return the length of the folder (with its slash) that the sorted paths share."""
    first, last = paths[0], paths[-1]
    same = next(
        (i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    return first.rfind("/", 0, same) + 1
