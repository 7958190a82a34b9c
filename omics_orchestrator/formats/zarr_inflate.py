"""What compressed a chunk of Zarr, undone within bounds: nothing inflates beyond what its chunk may hold.

Codecs that could run code, or that are not known here, are no part of it. From bytes to values: zarr_decode.py.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Callable

from omics_orchestrator.errors import FormatError

DAMAGED = "cut off or damaged"
BEYOND = "it inflates beyond what the chunk may hold"
BLOSC_HEADER = struct.Struct(
    "<BBBBIII"
)  # c-blosc, README_CHUNK_FORMAT: version to typesize, nbytes, blocksize, cbytes


def inflated(codec: str, raw: bytes, most: int) -> bytes:
    """Return what `codec` compressed.

    Args:
        codec: a key of `CODECS`.
        raw: the compressed bytes, whole.
        most: bytes that it may become.

    Raises:
        FormatError: cut off, damaged, or longer than `most`.
    """
    try:
        found = CODECS[codec](raw, most)
    except (OSError, ValueError, RuntimeError, EOFError, struct.error, zlib.error, MemoryError, SystemError):
        raise FormatError(DAMAGED) from None
    if len(found) > most:
        raise FormatError(BEYOND)
    return found


def _blosc(raw: bytes, most: int) -> bytes:
    from numcodecs import blosc  # type: ignore[import-untyped]

    *_, size, block, stored = BLOSC_HEADER.unpack_from(raw)
    if stored != len(raw) or (size and not 0 < block <= max(size, 1 << 20)):
        raise FormatError(DAMAGED)
    if size > most:
        raise FormatError(BEYOND)
    return bytes(blosc.decompress(raw))


def _lz4(raw: bytes, most: int) -> bytes:
    from numcodecs import lz4

    if int.from_bytes(raw[:4], "little") > most:
        raise FormatError(BEYOND)
    return bytes(lz4.decompress(raw))


def _zstd(raw: bytes, most: int) -> bytes:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
        return bytes(stream.read(most + 1))


def _deflate(window: int) -> Callable[[bytes, int], bytes]:
    def undo(raw: bytes, most: int) -> bytes:
        stream = zlib.decompressobj(window)
        found = stream.decompress(raw, most + 1)
        if len(found) <= most and (not stream.eof or stream.unused_data):
            raise FormatError(DAMAGED)
        return found

    return undo


def _bz2(raw: bytes, most: int) -> bytes:
    stream = bz2.BZ2Decompressor()
    found = stream.decompress(raw, most + 1)
    if len(found) <= most and (not stream.eof or stream.unused_data):
        raise FormatError(DAMAGED)
    return found


def _crc32c(raw: bytes, most: int) -> bytes:
    from google_crc32c import value

    del most
    if len(raw) < 4 or value(raw[:-4]) != int.from_bytes(raw[-4:], "little"):
        raise FormatError(DAMAGED)
    return raw[:-4]


CODECS: dict[str, Callable[[bytes, int], bytes]] = {
    "blosc": _blosc,
    "lz4": _lz4,
    "zstd": _zstd,
    "gzip": _deflate(31),
    "zlib": _deflate(15),
    "bz2": _bz2,
    "crc32c": _crc32c,
}
"""Codecs from bytes to bytes by the name that metadata give them."""
