"""Object stores: what a store can do and which this machine has; the two kinds are folder.py and bucket.py.

A location is `store://<key>` (our own store) or `store+<name>://<key>` (a source store, read-only); keys are
plain text, never percent-encoded. Credentials come from `Settings.environment`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import translate
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from omics_orchestrator.errors import NotConfigured, StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.barred import Tell, refused

if TYPE_CHECKING:
    import pyarrow as pa
    from obstore.store import ObjectStore

BLOCK = 4 * 1024 * 1024
CHANGED = "the object is not the one that was listed, or it changed while it was read"
PAGE = 10_000  # entries of a listing that are held at a time
LOCATION = re.compile(r"store(\+(?P<name>[A-Za-z0-9_]+))?://(?P<key>.*)", re.DOTALL)


class StoredObject(NamedTuple):
    """One object as a listing shows it: size in bytes, `modified` in UTC, `etag` as the store words it."""

    key: str
    size: int
    modified: datetime
    etag: str | None


class Store(ABC):
    """One place with objects under keys (`a/b c#1.gz`). Errors are `StorageError`; messages never hold a key.

    Attributes:
        url: `file:///…`, `s3://bucket/prefix` or `az://container/prefix`.
        read_only: a source store: `put`, `put_new` and `delete` refuse.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = url
        self.read_only = read_only

    @abstractmethod
    def list(
        self, prefix: str = "", after: str = "", *, barred: Tell | None = None
    ) -> Iterator[StoredObject]:
        """Yield what lies below the folder `prefix` (all levels), by key; the listing is never held whole.

        Args:
            prefix: the folder.
            after: only what comes later than this key: earlier objects cost nothing.
            barred: takes what is listed and cannot be reached by its name; None = it stops the listing.
        """

    def pages(self, prefix: str = "", after: str = "", *, barred: Tell | None = None) -> Iterator[pa.Table]:
        """Yield what `list` yields, a page at a time (key, size, modified, etag)."""
        yield from paged(self.list(prefix, after, barred=barred))

    @abstractmethod
    def head(self, key: str) -> StoredObject | None:
        """Return the object's listing entry; None = there is no such object."""

    @abstractmethod
    def get(self, key: str, etag: str | None = None) -> bytes:
        """Return the whole object; one that is missing, or has another etag than asked for, is a `StorageError`."""

    @abstractmethod
    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`: fewer at the object's end, a `StorageError` beyond it."""

    @abstractmethod
    def stream(self, key: str, block: int = BLOCK, etag: str | None = None) -> Iterator[bytes]:
        """Yield the object in blocks of about `block` bytes; refuses as `get` does, a folder at the object's end."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Write or replace the object; readers see the old or the new one, never a part."""

    @abstractmethod
    def put_new(self, key: str, data: bytes) -> None:
        """Write the object where none is; raises `ObjectExists` and changes nothing where one is."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; removing nothing is no error."""

    @abstractmethod
    def obstore(self, prefix: str = "") -> ObjectStore:
        """Return the obstore store rooted at the folder `prefix` (for `zarr.storage.ObjectStore`)."""

    def local_path(self, key: str) -> Path | None:
        """Return the file behind the key, whether it exists or not; None = the store is no folder."""
        del key
        return None

    def half_written(self, before: datetime) -> Iterator[tuple[Path, int]]:
        """Yield file and size of what was begun before then and never published; a bucket shows none of it."""
        del before
        yield from ()

    def writable(self) -> None:
        """Raise unless the store may be written."""
        if self.read_only:
            raise StorageError(
                f"source store {self.url} is read-only: write to our own store (OMICS_STORE_URL)"
            )


class Stores:
    """Our own store and the named source stores of this machine, opened when first used.

    Attributes:
        settings: of this machine; sources read their secrets from there.
        hasty: a bucket that does not answer is given up within half a minute, not after four.
    """

    def __init__(self, settings: Settings, *, hasty: bool = False) -> None:
        self.settings = settings
        self.hasty = hasty
        self._sources: dict[str, Store] = {}

    @cached_property
    def own(self) -> Store:
        """The store that we write (`OMICS_STORE_URL`)."""
        return self._open(self.settings.store_url, "OMICS_STORE", read_only=False)

    def source(self, name: str) -> Store:
        """Return the read-only source store `name`.

        Raises:
            NotConfigured: this machine has no `OMICS_STORE_<NAME>_URL`.
        """
        name = name.lower()
        if name not in self._sources:
            if not (url := self.settings.source_stores.get(name)):
                raise NotConfigured(f'store "{name}" is not configured here: set {_variable(name)} ({VALUE})')
            self._sources[name] = self._open(url, f"OMICS_STORE_{name.upper()}", read_only=True)
        return self._sources[name]

    def _open(self, url: str, prefix: str, *, read_only: bool) -> Store:
        """Open the store behind `url`; `<prefix>_ENDPOINT` and its like are the variables of this store alone."""
        if url.startswith("file://"):
            from omics_orchestrator.storage.folder import FolderStore

            return FolderStore(url, read_only=read_only)
        from omics_orchestrator.storage.bucket import BucketStore

        return BucketStore(url, self.settings, prefix, read_only=read_only, hasty=self.hasty)

    def resolve(self, location: str) -> tuple[Store, str]:
        """Return store and key of `store://key` or `store+name://key`."""
        name, key = _split(location)
        return (self.source(name) if name else self.own), key

    def missing(self, location: str) -> str | None:
        """Return the variable that this machine does not set for the location; None = nothing is missing."""
        name, _ = _split(location)
        return _variable(name) if name and name not in self.settings.source_stores else None

    def walk(
        self, location: str, after: str = "", *, barred: Tell | None = None
    ) -> Iterator[tuple[Store, StoredObject]]:
        """Yield one object, all below a prefix that ends in `/`, or those that match a glob in the last part.

        By key, without holding the listing. A key that exists as written wins over its reading as a glob. With
        `after` what comes later than this key only. What is barred is told as by `Store.list`, of a glob where it fits.
        """
        store, key = self.resolve(location)
        folder, _, last = key.rpartition("/")
        if last and (found := store.head(key)):
            yield from [(store, found)] if key > after else []
        elif not last:
            yield from ((store, found) for found in store.list(folder, after, barred=barred))
        elif re.search(r"[*?\[]", last):
            fits = re.compile(translate(last)).fullmatch
            start = len(folder) + 1 if folder else 0
            tell = barred or refused(store.url)

            def wanted(key: str) -> bool:
                return "/" not in (name := key[start:]) and fits(name) is not None

            fitting = store.list(folder, after, barred=lambda one: tell(one) if wanted(one.key) else None)
            yield from ((store, found) for found in fitting if wanted(found.key))

    def pages(self, location: str, after: str = "", *, barred: Tell | None = None) -> Iterator[pa.Table]:
        """Yield what `walk(location, after)` yields, a page at a time (key, size, modified, etag)."""
        store, key = self.resolve(location)
        if key.endswith("/") or not key:
            yield from store.pages(key.rstrip("/"), after, barred=barred)
        else:
            yield from paged(found for _, found in self.walk(location, after, barred=barred))

    def expand(self, location: str) -> list[tuple[Store, StoredObject]]:
        """Return `walk(location)` as a list: for sources of a few files."""
        return list(self.walk(location))


def paged(objects: Iterable[StoredObject]) -> Iterator[pa.Table]:
    """Yield listing entries as tables of at most `PAGE` rows: key, size in bytes, modified in UTC, etag."""
    import pyarrow as pa

    kinds = (pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.string())
    entries = iter(objects)
    while page := list(islice(entries, PAGE)):
        columns = [
            pa.array(values, kind) for values, kind in zip(zip(*page, strict=True), kinds, strict=True)
        ]
        yield pa.table(columns, names=list(StoredObject._fields))


def _split(location: str) -> tuple[str, str]:
    """Return (store name in lower case, empty = our own; key)."""
    match = LOCATION.fullmatch(location)
    if not match:
        raise StorageError("a location is written store://key or store+name://key")
    return (match["name"] or "").lower(), match["key"]


VALUE = "where its files lie: file:///folder, s3://bucket, az://container"  # of such a variable


def _variable(name: str) -> str:
    return f"OMICS_STORE_{name.upper()}_URL"
