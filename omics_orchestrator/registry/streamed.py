"""A file of a store as formats see it: hashed on its first pass, on local disk where a library needs a name."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from omics_orchestrator.errors import ObjectChanged, StorageError
from omics_orchestrator.formats.temporary import no_room, said
from omics_orchestrator.formats.text import HEAD
from omics_orchestrator.storage.objects import CHANGED, Store

SPARE = 1024**3  # bytes that a copy leaves free on the local disk


class StreamedFile(ExitStack):
    """An `OpenFile` over a store, which hashes what passes through on the first pass."""

    def __init__(
        self, store: Store, key: str, name: str, size: int, *, etag: str | None = None, md5: bool = False
    ) -> None:
        super().__init__()
        self.name = name
        self.size = size
        self._store = store
        self._key = key
        self._etag = etag
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._first: Iterator[bytes] | None = None
        self._path: Path | None = None
        self._head = b""
        self._handed = 0

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes from the start, in blocks; may be called again."""
        if self._first is None:
            self._first = self._hashed()
            stream = self._first
        else:
            stream = self._store.stream(self._key, etag=self._etag)
        # No `yield from`: a reader that stops early would close the first pass with it.
        for block in stream:  # noqa: UP028
            yield block

    def _hashed(self) -> Iterator[bytes]:
        for block in self._store.stream(self._key, etag=self._etag):
            self._sha256.update(block)
            self._handed += len(block)
            if self._md5:
                self._md5.update(block)
            if len(self._head) < HEAD:
                self._head = (self._head + block)[:HEAD]
            yield block

    def path(self) -> Path:
        """Return a local file with the bytes; one from far away lives until the inspection ends.

        Raises:
            StorageError: the local disk has no room for a copy.
        """
        if self._path is None:
            self._path = self._store.local_path(self._key) or self._spooled()
        return self._path

    def _spooled(self) -> Path:
        try:
            folder = self.enter_context(tempfile.TemporaryDirectory(prefix="omics-"))
            if (free := shutil.disk_usage(folder).free) < self.size + SPARE:
                raise no_room(f"has {free >> 20:,} MiB free", self.size)
            path = Path(folder, Path(self.name).name)
            with path.open("wb") as file:
                for block in self.blocks():
                    file.write(block)
        except OSError as error:
            raise no_room(said(error), self.size) from None
        return path

    def head(self) -> bytes:
        """Return the first 64 KiB, as far as they were read."""
        return self._head

    def digests(self) -> tuple[str, str | None]:
        """Return sha256 and, where asked for, md5, after passing over what the format left unread.

        Raises:
            StorageError: the store handed out another number of bytes than it lists: no digest of the file.
            ObjectChanged: it is not the file that was listed, or was written to meanwhile.
        """
        if self._first is None:
            self._first = self._hashed()
        for _ in self._first:
            pass
        if self._handed != self.size:
            raise StorageError("the store handed out another number of bytes than it lists")
        if (
            self._etag and self._store.local_path(self._key) is not None
        ):  # a library may have looked after we did
            there = self._store.head(self._key)
            if there is None or there.etag != self._etag:
                raise ObjectChanged(CHANGED)
        return self._sha256.hexdigest(), self._md5.hexdigest() if self._md5 else None
