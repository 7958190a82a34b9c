"""A store that is a bucket (`s3://bucket/prefix`, `az://container/prefix`) over obstore; folders: folder.py.

Credentials and patience: bucket_options.py; keys that obstore cannot say: odd_keys.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from omics_orchestrator.errors import (
    AccessDenied,
    NotConfigured,
    ObjectChanged,
    ObjectExists,
    ObjectGone,
    StorageError,
)
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.barred import Tell
from omics_orchestrator.storage.bucket_options import AZURE, S3, options_of
from omics_orchestrator.storage.objects import BLOCK, CHANGED, Store, StoredObject, paged

if TYPE_CHECKING:
    import pyarrow as pa
    from obstore import GetResult
    from obstore.store import ObjectStore

PAGE = 10_000  # entries of a listing that are held at a time
PART = 5 * 1024 * 1024  # bytes of one part of a large upload
DENIED = re.compile(r"\b(401 Unauthorized|403 Forbidden)\b")


class BucketStore(Store):
    """Objects of one bucket, below an optional prefix."""

    def __init__(
        self, url: str, settings: Settings, variables: str, *, read_only: bool = False, hasty: bool = False
    ) -> None:
        super().__init__(url, read_only=read_only)
        parts = urlsplit(url)
        if parts.scheme not in {"s3", "az"} or not parts.netloc:
            raise NotConfigured(
                f"{variables}_URL is written file:///path, s3://bucket/prefix or az://container/prefix"
            )
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._scheme = parts.scheme
        self._options = options_of(S3 if parts.scheme == "s3" else AZURE, variables, settings, hasty=hasty)
        self._objects = self.obstore()

    def obstore(self, prefix: str = "") -> ObjectStore:
        """Return the obstore store rooted at the folder `prefix`."""
        from obstore.store import AzureStore, S3Store

        root = "/".join(part for part in (self._prefix, prefix.strip("/")) if part)
        kind: Any = S3Store if self._scheme == "s3" else AzureStore
        return kind(self._bucket, prefix=root or None, **self._options)  # type: ignore[no-any-return]

    def list(
        self, prefix: str = "", after: str = "", *, barred: Tell | None = None
    ) -> Iterator[StoredObject]:
        """Yield the objects below `prefix` by key, a page at a time."""
        for page in self.pages(prefix, after, barred=barred):
            for row in zip(*(column.to_pylist() for column in page.columns), strict=True):
                yield StoredObject(*row)

    def pages(self, prefix: str = "", after: str = "", *, barred: Tell | None = None) -> Iterator[pa.Table]:
        """Yield the listing as Arrow tables: a sixth of the cost of entries.

        A key that obstore cannot say stops its whole listing. Of S3 the rest is listed by boto3 then.
        """
        try:
            for page in self._pages(prefix, after):
                if page.num_rows:
                    after = page["key"][-1].as_py()
                yield page
        except _OddKeys:
            if barred is None or self._scheme != "s3":
                raise
        else:
            return
        from omics_orchestrator.storage.odd_keys import list_s3

        with self._told():
            yield from paged(list_s3(self._bucket, self._prefix, prefix, after, self._options, barred))

    def _pages(self, prefix: str, after: str) -> Iterator[pa.Table]:
        import obstore
        import pyarrow as pa

        kind = pa.schema(
            {
                "key": pa.string(),
                "size": pa.int64(),
                "modified": pa.timestamp("us", "UTC"),
                "etag": pa.string(),
            }
        )
        with self._told():
            below, start = prefix.strip("/") or None, after or None
            listed = obstore.list(self._objects, below, offset=start, chunk_size=PAGE, return_arrow=True)
            for batch in listed:
                page = pa.table(batch).select(["path", "size", "last_modified", "e_tag"])
                page = page.rename_columns(kind.names).cast(kind)
                if page.num_rows and _quoted(first := page["etag"][0].as_py()) != first:
                    quoted = [_quoted(etag) for etag in page["etag"].to_pylist()]
                    page = page.set_column(3, "etag", pa.array(quoted, pa.string()))
                yield self._without_markers(page)

    def _without_markers(self, page: pa.Table) -> pa.Table:
        """Leave out a console's folder markers: `a/` is listed as an empty object `a`, which nobody can get."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not (empty := page.filter(pc.equal(page["size"], 0))["key"].to_pylist()):
            return page
        markers = [key for key in empty if not key or self.head(key) is None]
        return page.filter(pc.invert(pc.is_in(page["key"], value_set=pa.array(markers, pa.string()))))

    def head(self, key: str) -> StoredObject | None:
        """Return size, time and etag; None = there is no such object."""
        import obstore

        with self._told():
            try:
                return _stored(obstore.head(self._objects, _sound(key)))
            except FileNotFoundError:
                return None

    def get(self, key: str, etag: str | None = None) -> bytes:
        """Return the whole object."""
        import obstore

        with self._told():
            return bytes(_same(obstore.get(self._objects, _sound(key)), etag).bytes())

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return a part of the object; of a server that answers with the whole (rclone) what was asked for."""
        import obstore
        from obstore import exceptions

        if not length:
            return b""
        with self._told():
            try:
                return obstore.get_range(self._objects, _sound(key), start=start, length=length).to_bytes()
            except exceptions.GenericError as error:
                if "NotPartial" not in str(error):
                    raise
        read, place = bytearray(), 0
        for block in self.stream(key):
            read += block[max(0, start - place) : max(0, start + length - place)]
            place += len(block)
            if place >= start + length:
                break
        if start and not read:
            raise StorageError("the range begins beyond the end of the object")
        return bytes(read)

    def stream(self, key: str, block: int = BLOCK, etag: str | None = None) -> Iterator[bytes]:
        """Yield the object in blocks."""
        import obstore

        with self._told():
            found = _same(obstore.get(self._objects, _sound(key)), etag)
            for data in found.stream(min_chunk_size=block):
                yield bytes(data)

    def put(self, key: str, data: bytes) -> None:
        """Write the object (one request, large ones in parts that are published together) and verify it.

        Servers told a wrong sha256 accept it (moto, rclone), so we compare: the ETag, where it is S3's md5, costs no
        transfer; else (Azure, encrypted buckets) the object is read back.

        Raises:
            StorageError: the store holds other bytes than were sent, and they are taken away again; or it failed.
        """
        import obstore

        self.writable()
        with self._told():
            done = obstore.put(self._objects, _sound(key), data, chunk_size=PART)
        self._verify(key, data, done["e_tag"])

    def _verify(self, key: str, data: bytes, etag: str | None) -> None:
        if (etag or "").strip('"') == _etag(data) or self._holds(key, data):
            return
        self.delete(key)
        raise StorageError(f"{self.url}: other bytes arrived than were sent; they were removed", retry=True)

    def _holds(self, key: str, data: bytes) -> bool:
        place, view = 0, memoryview(data)
        for block in self.stream(key):
            if view[place : place + len(block)] != block:
                return False
            place += len(block)
        return place == len(data)

    def put_new(self, key: str, data: bytes) -> None:
        """Write with `If-None-Match: *`.

        Some servers (rclone, s3rver) ignore the condition and overwrite, so we look first. Two racing writers
        are told apart only by a server that honours it: locks belong into Postgres.
        """
        import obstore

        self.writable()
        if self.head(key):
            raise ObjectExists(f"an object bears that key already in {self.url}")
        with self._told():
            done = obstore.put(self._objects, _sound(key), data, mode="create", use_multipart=False)
        self._verify(key, data, done["e_tag"])

    def delete(self, key: str) -> None:
        """Remove the object."""
        import obstore

        self.writable()
        with self._told():
            obstore.delete(self._objects, _sound(key))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn obstore's errors, whose messages hold keys, into ours."""
        from obstore import exceptions

        try:
            yield
        except FileNotFoundError:
            raise ObjectGone(f"no such object in {self.url}") from None
        except exceptions.AlreadyExistsError:
            raise ObjectExists(f"an object bears that key already in {self.url}") from None
        except (exceptions.UnauthenticatedError, exceptions.PermissionDeniedError, PermissionError):
            raise AccessDenied(f"{self.url}: access denied; check the store's credentials") from None
        except (exceptions.InvalidPathError, ValueError):
            raise _OddKeys(
                f"{self.url} has a key with an empty part, `.`, `..` or a control character"
            ) from None
        except exceptions.BaseError as error:
            if DENIED.search(str(error)):  # what a listing raises is generic
                raise AccessDenied(f"{self.url}: access denied; check the store's credentials") from None
            raise StorageError(f"{self.url}: {type(error).__name__}", retry=True) from None


class _OddKeys(StorageError):
    """A key is listed that obstore cannot say."""


def _same(found: GetResult, etag: str | None) -> GetResult:
    """Return what a GET answers, or refuse another object than the one that was listed."""
    there = _quoted(found.meta["e_tag"])
    if etag and there and there != etag:
        raise ObjectChanged(CHANGED)
    return found


def _stored(entry: Any) -> StoredObject:
    return StoredObject(entry["path"], entry["size"], entry["last_modified"], _quoted(entry["e_tag"]))


def _quoted(etag: str | None) -> str | None:
    """Return the ETag in quotes: some listings (Azure, rclone) leave out what a HEAD has."""
    return etag if not etag or etag.endswith('"') else f'"{etag}"'


def _sound(key: str) -> str:
    """Return the key, or refuse the slashes that obstore would take away silently."""
    if not key or key.startswith("/") or key.endswith("/"):
        raise StorageError("a key neither begins nor ends with a slash")
    return key


def _etag(data: bytes) -> str:
    """Return the ETag that S3 gives to plain uploads of `put`: md5, of large objects that of the parts' md5."""
    if len(data) <= PART:
        return hashlib.md5(data, usedforsecurity=False).hexdigest()
    starts = range(0, len(data), PART)
    parts = [hashlib.md5(data[start : start + PART], usedforsecurity=False).digest() for start in starts]
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
