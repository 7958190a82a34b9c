"""From the bytes of a Zarr chunk to its values: kinds of values, filters, sharding (Zarr 2; Zarr 3.0 core, codecs).

Compression: zarr_inflate.py. A chunk of what is not known here is not decoded: `decoder` returns None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.zarr_inflate import CODECS, DAMAGED, inflated

LARGEST_CHUNK = 512 * 1024**2  # bytes of one chunk once inflated
EMPTY = 2**64 - 1  # offset and length of an inner chunk that a shard does not hold
Decoder = Callable[[bytes], Any]


def decoder(stated: dict[str, Any], shape: tuple[int, ...], kind: Any) -> Decoder | None:
    """Return what turns the bytes of a chunk into an array of the given shape; None = not known here.

    Args:
        stated: the metadata of the array.
        shape: sides of a chunk.
        kind: numpy's kind of values, or None for text of any length.

    The decoder raises FormatError: the chunk is cut off, damaged or inflates too much.
    """
    if math.prod(shape) * (kind.itemsize if kind is not None else 1) > LARGEST_CHUNK:
        return None
    if stated.get("zarr_format") == 2:
        return _second(stated, shape, kind)
    codecs = stated.get("codecs")
    return _third(codecs, shape, kind) if isinstance(codecs, list) else None


def _most(shape: tuple[int, ...], kind: Any) -> int:
    """Return how many bytes a chunk may become."""
    return LARGEST_CHUNK if kind is None else math.prod(shape) * int(kind.itemsize)


def _second(stated: dict[str, Any], shape: tuple[int, ...], kind: Any) -> Decoder | None:
    compressor, filters = stated.get("compressor"), stated.get("filters") or []
    codec = compressor.get("id") if isinstance(compressor, dict) else None
    names = [one.get("id") if isinstance(one, dict) else None for one in filters]
    if (compressor is not None and codec not in CODECS) or names != (
        [] if kind is not None else ["vlen-utf8"]
    ):
        return None
    order = "F" if stated.get("order") == "F" else "C"

    def decode(raw: bytes) -> Any:
        whole = raw if codec is None else inflated(codec, raw, _most(shape, kind))
        return _values(whole, shape, kind, order)

    return decode


def _third(codecs: Sequence[Any], shape: tuple[int, ...], kind: Any) -> Decoder | None:
    """Undo a chain of codecs: from array to array, one from array to bytes, from bytes to bytes."""
    chain = [
        (str(one.get("name")), one.get("configuration") or {}) for one in codecs if isinstance(one, dict)
    ]
    axes: list[int] | None = None
    if chain and chain[0][0] == "transpose":
        axes = list(chain.pop(0)[1].get("order", ()))
        if sorted(axes) != list(range(len(shape))):
            return None
    stored = tuple(shape[axis] for axis in axes) if axes is not None else shape
    packers = [name for name, _ in chain[1:]]
    if len(chain) < 1 or len(chain) + (axes is not None) != len(codecs) or not set(packers) <= set(CODECS):
        return None
    name, settings = chain[0]
    unpack: Decoder | None = None
    if name == "sharding_indexed":
        unpack = _shard(settings, stored, kind)
    elif name == "bytes" and kind is not None:
        own = kind.newbyteorder(">" if settings.get("endian") == "big" else "<")
        unpack = lambda raw: _values(raw, stored, own, "C")  # noqa: E731
    elif name == "vlen-utf8" and kind is None:
        unpack = lambda raw: _values(raw, stored, None, "C")  # noqa: E731
    if unpack is None:
        return None
    inner = unpack
    most = LARGEST_CHUNK if name == "sharding_indexed" else _most(shape, kind) + 4 * len(packers)

    def decode(raw: bytes) -> Any:
        for one in reversed(packers):
            raw = inflated(one, raw, most)
        values = inner(raw)
        return values if axes is None else values.transpose(sorted(range(len(axes)), key=axes.__getitem__))

    return decode


def _values(raw: bytes, shape: tuple[int, ...], kind: Any, order: Any) -> Any:
    """Return bytes as values, exactly as many as the chunk has."""
    import numpy as np

    count = math.prod(shape)
    if kind is not None:
        if len(raw) != count * kind.itemsize:
            raise FormatError(f"{len(raw)} bytes instead of {count * kind.itemsize}")
        return np.frombuffer(raw, kind).reshape(shape, order=order)
    if int.from_bytes(raw[:4], "little") != count:
        raise FormatError("another number of texts than the chunk has")
    from numcodecs import VLenUTF8  # type: ignore[import-untyped]

    try:
        return VLenUTF8().decode(raw).reshape(shape, order=order)
    except (ValueError, SystemError, MemoryError):
        raise FormatError(DAMAGED) from None


def _shard(settings: dict[str, Any], shape: tuple[int, ...], kind: Any) -> Decoder | None:
    """Return what reads a shard: many inner chunks behind, or before, the list of where they lie."""
    import numpy as np

    sides = tuple(settings.get("chunk_shape") or ())
    if len(sides) != len(shape) or not all(isinstance(one, int) and one > 0 for one in sides):
        return None
    if any(side % one for side, one in zip(shape, sides, strict=True)):
        return None
    index_codecs = [one.get("name") for one in settings.get("index_codecs") or [] if isinstance(one, dict)]
    unpack = _third(settings.get("codecs") or [], sides, kind)
    if unpack is None or index_codecs not in (["bytes"], ["bytes", "crc32c"]):
        return None
    grid = [side // one for side, one in zip(shape, sides, strict=True)]
    length = math.prod(grid) * 16 + 4 * (len(index_codecs) - 1)
    at_start = settings.get("index_location") == "start"

    def decode(raw: bytes) -> Any:
        listed = raw[:length] if at_start else raw[-length:]
        if len(index_codecs) > 1:
            listed = inflated("crc32c", listed, length)
        if len(listed) != math.prod(grid) * 16:
            raise FormatError(DAMAGED)
        places = np.frombuffer(listed, "<u8").reshape(-1, 2).tolist()
        whole = np.zeros(shape, kind) if kind is not None else np.full(shape, "", object)
        for at, (start, size) in zip(product(*map(range, grid)), places, strict=True):
            if start == size == EMPTY:
                continue
            if start + size > len(raw):
                raise FormatError("an inner chunk that lies outside of it: cut off or damaged")
            place = tuple(slice(n * side, (n + 1) * side) for n, side in zip(at, sides, strict=True))
            whole[place] = unpack(raw[start : start + size])
        return whole

    return decode
