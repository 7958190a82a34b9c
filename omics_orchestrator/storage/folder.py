"""A store that is a folder (`file:///…`), over plain system calls.

Not over obstore's LocalStore: that leaves out every file whose name ends in `#<digits>`, refuses tabs, does
not list by key, and costs 8 times as much for a small read (measured). Buckets live in bucket.py.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from io import FileIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from omics_orchestrator.errors import ObjectExists, StorageError
from omics_orchestrator.storage.objects import BLOCK, Store, StoredObject

if TYPE_CHECKING:
    from obstore.store import ObjectStore

STAGING = ".omics_staging"  # half-written objects, on the same file system so that a rename publishes them
NO_NAMES = frozenset({"", ".", ".."})
PIECE = 64 * 1024  # bytes read at once
ABANDONED = 24 * 3600  # seconds after which a file left there by a killed process is removed
NOTHING_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # ELOOP: a link that leads to itself
PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN, errno.ENETUNREACH}


class FolderStore(Store):
    """Objects are the regular files below a folder; links are followed, loops and sockets are not."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        super().__init__(url, read_only=read_only)
        parts = urlsplit(url.replace("#", "%23").replace("?", "%3F"))
        if parts.netloc not in {"", "localhost"}:
            raise StorageError(f"a folder is written file:///path (three slashes), not {url}")
        self.folder = url2pathname(parts.path).rstrip("/") or "/"
        self._told = _Told(url)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredObject]:
        """Yield the files below `prefix` by key; one folder's names are held at a time."""
        prefix = prefix.rstrip("/")
        path = self._path(prefix) if prefix else self.folder
        with self._told:
            yield from self._walk(path, f"{prefix}/" if prefix else "", (), after)

    def _walk(
        self, path: str, prefix: str, above: tuple[tuple[int, int], ...], after: str
    ) -> Iterator[StoredObject]:
        try:
            here = Path(path).stat()
            with os.scandir(path) as entries:
                names = sorted(entry.name + "/" if _is_folder(entry) else entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        identity = (here.st_dev, here.st_ino)
        if identity in above:  # a link to a folder above: its files are listed already
            return
        for name in names:
            if (key := prefix + name) <= after and not (name.endswith("/") and after.startswith(key)):
                continue
            if name.endswith("/"):
                if name != f"{STAGING}/" or prefix:
                    yield from self._walk(f"{path}/{name[:-1]}", key, (*above, identity), after)
            elif found := self._entry(f"{path}/{name}", key):
                yield found

    def _entry(self, path: str, key: str) -> StoredObject | None:
        """Return the listing entry of a regular file; None = nothing there, or no regular file."""
        try:
            state = os.stat(path)  # noqa: PTH116 - a Path per entry would double the cost of a listing
        except OSError as error:
            if error.errno in NOTHING_THERE:
                return None
            raise
        if not S_ISREG(state.st_mode):
            return None
        if not key.isascii():
            key.encode()
        modified = datetime.fromtimestamp(state.st_mtime, UTC)
        return StoredObject(key, state.st_size, modified, f"{state.st_ino:x}-{state.st_mtime_ns:x}")

    def head(self, key: str) -> StoredObject | None:
        """Return size and time of the file; None = there is no such file."""
        with self._told:
            return self._entry(self._path(key), key)

    def get(self, key: str) -> bytes:
        """Return the whole file."""
        with self._told:
            file = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            try:
                return b"".join(iter(partial(os.read, file, PIECE), b""))  # half of what FileIO costs
            finally:
                os.close(file)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return a part of the file."""
        with self._told, Path(self._path(key)).open("rb") as file:
            file.seek(start)
            data = file.read(length)
            if not data and length and start:
                raise StorageError("the range begins beyond the end of the object")
            return data

    def stream(self, key: str, block: int = BLOCK) -> Iterator[bytes]:
        """Yield the file in blocks."""
        with self._told, FileIO(self._path(key)) as file:
            while data := file.read(block):
                yield data

    def put(self, key: str, data: bytes) -> None:
        """Write beside, flush to the disk, rename."""
        self._write(key, data, os.replace)

    def put_new(self, key: str, data: bytes) -> None:
        """Write beside, flush to the disk, link: the kernel refuses a name that exists."""
        self._write(key, data, os.link)

    def _write(self, key: str, data: bytes, publish: Callable[[Path, Path], None]) -> None:
        self.writable()
        with self._told:
            target = Path(self._path(key))
            beside = self._staging / uuid.uuid4().hex
            try:
                with beside.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                publish(beside, target)
            finally:
                beside.unlink(missing_ok=True)

    @cached_property
    def _staging(self) -> Path:
        """The folder of half-written objects, freed of what killed processes left there."""
        folder = Path(self.folder, STAGING)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > ABANDONED:
                    left.unlink()
        return folder

    def delete(self, key: str) -> None:
        """Remove the file; its folder stays."""
        self.writable()
        with self._told:
            Path(self._path(key)).unlink(missing_ok=True)

    def obstore(self, prefix: str = "") -> ObjectStore:
        """Return an obstore LocalStore rooted at the folder `prefix`; a store that we write makes it."""
        from obstore.store import LocalStore

        path = self._path(prefix.rstrip("/")) if prefix else self.folder
        return LocalStore(path, mkdir=not self.read_only)

    def local_path(self, key: str) -> Path:
        """Return the file behind the key."""
        return Path(self._path(key))

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if parts[0] == STAGING or "\0" in key or not NO_NAMES.isdisjoint(parts):
            raise StorageError(
                "a key has no empty part, no `.` or `..`, no NUL and does not begin with our staging folder"
            )
        return f"{self.folder}/{key}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell a folder, or a link to one; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno in NOTHING_THERE:
            return False
        raise


class _Told:
    """Turns what the system says into our errors, without the path in them.

    A class: a generator would cost a quarter of a small read.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case FileExistsError():
                raise ObjectExists(f"an object bears that key already in {self._url}") from None
            case FileNotFoundError():
                raise StorageError(f"no such object in {self._url}") from None
            case UnicodeEncodeError():
                raise StorageError(
                    f"a file name below {self._url} is not UTF-8: rename it (find . | grep -axv '.*')"
                ) from None
            case OSError():
                raise StorageError(f"{self._url}: {error.strerror}", retry=error.errno in PASSING) from None
