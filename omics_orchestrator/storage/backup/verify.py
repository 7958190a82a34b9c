"""Reads every byte of a back-up again and compares it with the digests: before a restore, or when you like."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.backup.copies import blob, read_index
from omics_orchestrator.storage.backup.manifest import OBJECTS, Manifest, read_manifest


def verify(folder: Path, *, tell: Callable[[str], None] = lambda _: None) -> Manifest:
    """Return the manifest of a back-up whose parts are all whole.

    Raises:
        StorageError: parts are missing or damaged (all are named; objects are counted).
    """
    manifest = read_manifest(folder)
    wrong = []
    for part in manifest.parts:
        tell(f"comparing: {part.holds}")
        if state := _state(folder / part.name, part.size, part.sha256):
            wrong.append(f"{part.holds} ({part.name}) is {state}")
    index = manifest.part(OBJECTS)
    if not any(index.name in told for told in wrong):
        wrong += _objects(folder, manifest, tell)
    if wrong:
        raise StorageError(
            f"the back-up of {manifest.taken_at} in {folder} is damaged, nothing was restored: {'; '.join(wrong)}. "
            "Take it from another copy of that folder"
        )
    return manifest


def _objects(folder: Path, manifest: Manifest, tell: Callable[[str], None]) -> list[str]:
    counted: dict[str, int] = {}
    number = 0
    for number, copy in enumerate(read_index(folder / manifest.part(OBJECTS).name), start=1):
        if state := _state(blob(folder, copy.sha256), copy.size, copy.sha256):
            counted[state] = counted.get(state, 0) + 1
        if number % 1000 == 0:
            tell(f"{number:,} objects checked")
    told = [f"objects {state}: {times:,} of {number:,}" for state, times in counted.items()]
    return told if number == manifest.objects else [*told, "the index of objects is too short"]


def _state(file: Path, size: int, sha256: str) -> str | None:
    """Return what is wrong with a file; None = nothing."""
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            return None if digest == sha256 and content.tell() == size else "damaged"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"unreadable ({error.strerror})"
