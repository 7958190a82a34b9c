"""A store that is a folder (`file:///…`), over plain system calls.

Not over obstore's LocalStore: that leaves out every file whose name ends in `#<digits>`, refuses tabs, does
not list by key, and costs 8 times as much for a small read (measured). Buckets live in bucket.py.
"""

from __future__ import annotations

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

from omics_orchestrator.errors import AccessDenied, ObjectChanged, ObjectExists, ObjectGone, StorageError
from omics_orchestrator.storage.barred import Barred, Tell, refused, text_flaw
from omics_orchestrator.storage.objects import BLOCK, CHANGED, Store, StoredObject
from omics_orchestrator.storage.walking import NOTHING_THERE, PASSING, walk, why_barred

if TYPE_CHECKING:
    from obstore.store import ObjectStore

STAGING = ".omics_staging"  # half-written objects, on the same file system so that a rename publishes them
NO_NAMES = frozenset({"", ".", ".."})
PIECE = 64 * 1024  # bytes read at once
ABANDONED = 24 * 3600  # seconds after which a file left there by a killed process is removed


class FolderStore(Store):
    """Objects are the regular files below a folder; links are followed, loops and sockets are not."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        super().__init__(url, read_only=read_only)
        parts = urlsplit(url.replace("#", "%23").replace("?", "%3F"))
        if parts.netloc not in {"", "localhost"}:
            raise StorageError(f"a folder is written file:///path (three slashes), not {url}")
        self.folder = url2pathname(parts.path).rstrip("/") or "/"
        self._told = _Told(url)

    def list(
        self, prefix: str = "", after: str = "", *, barred: Tell | None = None
    ) -> Iterator[StoredObject]:
        """Yield the files below `prefix` by key; one folder's names are held at a time."""
        prefix, tell = prefix.rstrip("/"), barred or refused(self.url)
        path = self._path(prefix) if prefix else self.folder
        with self._told:
            for place, key in walk(path, f"{prefix}/" if prefix else "", f"{STAGING}/", tell, after):
                if why := text_flaw(key):
                    tell(Barred(key, why))
                elif found := self._listed(place, key, tell):
                    yield found

    def _listed(self, path: str, key: str, tell: Tell) -> StoredObject | None:
        try:
            return self._entry(path, key)
        except OSError as error:
            tell(Barred(key, why_barred(error)))
            return None

    def _entry(self, path: str, key: str) -> StoredObject | None:
        """Return the listing entry of a regular file; None = nothing there, or no regular file."""
        try:
            state = os.stat(path)  # noqa: PTH116 - a Path per entry would double the cost of a listing
        except OSError as error:
            if error.errno in NOTHING_THERE:
                return None
            raise
        return _entry_of(key, state) if S_ISREG(state.st_mode) else None

    def head(self, key: str) -> StoredObject | None:
        """Return size and time of the file; None = there is no such file."""
        with self._told:
            return self._entry(self._path(key), key)

    def get(self, key: str, etag: str | None = None) -> bytes:
        """Return the whole file."""
        with self._told:
            file = self._opened(key)
            try:
                raw = b"".join(iter(partial(os.read, file, PIECE), b""))  # half of what FileIO costs
                _same(os.fstat(file), etag)
                return raw
            finally:
                os.close(file)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return a part of the file."""
        with self._told, FileIO(self._opened(key)) as file:
            file.seek(start)
            data = b""
            while len(data) < length and (more := file.read(length - len(data))):
                data += more
            if not data and length and start:
                raise StorageError("the range begins beyond the end of the object")
            return data

    def stream(self, key: str, block: int = BLOCK, etag: str | None = None) -> Iterator[bytes]:
        """Yield the file in blocks."""
        with self._told, FileIO(self._opened(key)) as file:
            while data := file.read(block):
                yield data
            _same(os.fstat(file.fileno()), etag)

    def _opened(self, key: str) -> int:
        """Open a regular file; what became a pipe or a device since it was listed is not waited for."""
        file = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        raise ObjectChanged(CHANGED)

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

    def half_written(self, before: datetime) -> Iterator[tuple[Path, int]]:
        """Yield file and size of what was begun before then and never published."""
        folder = Path(self.folder, STAGING)
        with self._told:
            for left in sorted(folder.iterdir()) if folder.is_dir() else ():
                with suppress(FileNotFoundError):
                    state = left.stat()
                    if datetime.fromtimestamp(state.st_mtime, UTC) < before:
                        yield left, state.st_size

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


def _entry_of(key: str, state: os.stat_result) -> StoredObject:
    try:
        modified = datetime.fromtimestamp(state.st_mtime, UTC)
    except (OverflowError, ValueError, OSError):  # a clock that was wrong by more than 8,000 years
        modified = datetime(9999, 12, 31, tzinfo=UTC) if state.st_mtime > 0 else datetime(1, 1, 1, tzinfo=UTC)
    return StoredObject(key, state.st_size, modified, _etag(state))


def _etag(state: os.stat_result) -> str:
    return f"{state.st_ino:x}-{state.st_mtime_ns:x}"


def _same(state: os.stat_result, etag: str | None) -> None:
    """Refuse a file that is not the one that was listed, or was written to since."""
    if etag is not None and etag != _etag(state):
        raise ObjectChanged(CHANGED)


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
                raise ObjectGone(f"no such object in {self._url}") from None
            case PermissionError():
                raise AccessDenied(f"{self._url}: {error.strerror} to user {os.geteuid()}") from None
            case OSError():
                raise StorageError(f"{self._url}: {error.strerror}", retry=error.errno in PASSING) from None
