"""Copies of our own objects in a back-up: files named by the SHA-256 of their bytes, and an index key → copy.

An object whose size, time and etag are those of the last back-up is not read again. What a killed back-up
had copied is in the draft of its index, and is not copied again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.objects import Store, StoredObject

FOLDER = "objects"
DRAFT = "objects.draft"


@dataclass(frozen=True)
class Copy:
    """One object: how the store listed it (`size` in bytes), and the SHA-256 of its bytes, under which it lies."""

    key: str
    size: int
    modified: str
    etag: str | None
    sha256: str

    def fits(self, found: StoredObject) -> bool:
        """Tell whether the store still lists it as it was copied."""
        return (self.size, self.modified, self.etag) == (found.size, found.modified.isoformat(), found.etag)


@dataclass
class Copied:
    """What `copy_objects` did: objects and bytes of the store, and how many of them were read and written."""

    objects: int = 0
    size: int = 0
    new: int = 0
    new_size: int = 0


def blob(folder: Path, sha256: str) -> Path:
    """Return where the copy with that digest lies."""
    return folder / FOLDER / sha256[:2] / sha256


def read_index(file: Path) -> Iterator[Copy]:
    """Yield the entries of an index; the half line that a killed back-up left at the end is left out."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield Copy(**json.loads(line))
            except (ValueError, TypeError):
                return


def copy_objects(
    store: Store, folder: Path, known: dict[str, Copy], index: Path, tell: Callable[[str], None]
) -> Copied:
    """Copy what changed, and write the index of everything to the new file `index`.

    Args:
        store: our own store.
        folder: the back-up.
        known: what was copied before, by key.
        index: the file to write, one object per line by key.
        tell: hears of the progress, every thousand objects.
    """
    done = Copied()
    with _appended(index, new=True) as lines, _appended(folder / DRAFT) as draft:
        for found in store.list():
            copy = known.get(found.key)
            if copy is None or not copy.fits(found) or not _lies(folder, copy):
                if (copy := _copy(store, found, folder)) is None:
                    continue  # a run took it away meanwhile
                draft.write(_line(copy))
                draft.flush()
                done.new += 1
                done.new_size += copy.size
            lines.write(_line(copy))
            done.objects += 1
            done.size += copy.size
            if done.objects % 1000 == 0:
                tell(f"{done.objects:,} objects looked at, {done.new:,} copied")
        lines.flush()
        os.fsync(lines.fileno())
    return done


def known_copies(folder: Path, index: Path | None) -> dict[str, Copy]:
    """Return what the last back-up and a killed one since have copied, by key."""
    files = [file for file in (index, folder / DRAFT) if file and file.exists()]
    return {copy.key: copy for file in files for copy in read_index(file)}


def sweep(folder: Path, index: Path) -> int:
    """Remove copies that the index does not name, and half-written ones; return how many copies went."""
    kept = {copy.sha256 for copy in read_index(index)}
    gone = 0
    for file in (folder / FOLDER).glob("*/*"):
        if file.name not in kept:
            file.unlink()
            gone += 1
    (folder / DRAFT).unlink(missing_ok=True)
    return gone


def put_back(store: Store, folder: Path, index: Path) -> int:
    """Write every object of the index into the store, take away what the index does not name; return bytes written."""
    written = 0
    wanted = set()
    for copy in read_index(index):
        data = blob(folder, copy.sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != copy.sha256:
            raise StorageError("a copy of an object was damaged after it was checked; restore again")
        wanted.add(copy.key)
        store.put(copy.key, data)
        written += len(data)
    for key in [found.key for found in store.list() if found.key not in wanted]:
        store.delete(key)
    return written


def _copy(store: Store, found: StoredObject, folder: Path) -> Copy | None:
    """Copy one object; None = it is gone."""
    draft = folder / f"{FOLDER}.new"
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            for block in store.stream(found.key):
                digest.update(block)
                size += target.write(block)
    except StorageError:
        if store.head(found.key) is None:
            return None
        raise
    place = blob(folder, digest.hexdigest())
    for made in (place.parent.parent, place.parent):
        made.mkdir(mode=0o700, exist_ok=True)
    draft.replace(place)
    return Copy(found.key, size, found.modified.isoformat(), found.etag, digest.hexdigest())


def _lies(folder: Path, copy: Copy) -> bool:
    try:
        return blob(folder, copy.sha256).stat().st_size == copy.size
    except FileNotFoundError:
        return False


def _line(copy: Copy) -> str:
    return json.dumps(asdict(copy)) + "\n"


def _appended(file: Path, *, new: bool = False) -> IO[str]:
    """Open a private file to write at its end."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if new else os.O_APPEND)
    return os.fdopen(os.open(file, flags, 0o600), "w" if new else "a", encoding="utf-8")
