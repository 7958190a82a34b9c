"""Chunks of Zarr as values: every codec and kind of values that zarr writes, shards, damage and bombs."""

import gzip
import json
import struct
import warnings
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec
from zarr.storage import MemoryStore

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.zarr_array import ZarrArray
from omics_orchestrator.formats.zarr_inflate import inflated
from omics_orchestrator.formats.zarr_nodes import tree

NUMBERS = np.arange(35 * 9, dtype="<i4").reshape(35, 9)
TEXTS = np.array(["a", "", "ü" * 50, "z"] * 5, dtype=object)
VERSION_2: dict[str, tuple[Any, dict[str, Any]]] = {
    **{
        codec: (NUMBERS, {"compressor": {"id": codec, **settings}})
        for codec, settings in {
            "gzip": {},
            "zlib": {},
            "bz2": {},
            "zstd": {},
            "lz4": {},
            "blosc": {"cname": "zstd"},
        }.items()
    },
    "plain": (NUMBERS, {"compressor": None}),
    "order F": (NUMBERS, {"order": "F"}),
    "big endian": (NUMBERS.astype(">f8"), {}),
    "booleans": (NUMBERS > 7, {}),
    "fixed text": (NUMBERS.astype("<U4"), {}),
}
VERSION_3: dict[str, tuple[Any, dict[str, Any]]] = {
    "zstd": (NUMBERS, {"compressors": ZstdCodec()}),
    "zstd with its digest": (NUMBERS, {"compressors": ZstdCodec(checksum=True)}),
    "gzip": (NUMBERS, {"compressors": GzipCodec()}),
    "blosc": (NUMBERS.astype("f8"), {"compressors": BloscCodec()}),
    "plain": (NUMBERS, {"compressors": None}),
    "crc32c": (NUMBERS, {"compressors": [ZstdCodec(), Crc32cCodec()]}),
    "transposed": (NUMBERS, {"filters": TransposeCodec(order=(1, 0))}),
    "shards": (NUMBERS, {"chunks": (5, 3), "shards": (10, 9)}),
    "small": (NUMBERS.astype("u1"), {}),
}


def opened(stored: dict[str, bytes]) -> ZarrArray:
    """Return the array of a store as it is read here."""
    listed = {name: json.loads(raw) for name, raw in stored.items() if name in (".zarray", "zarr.json")}
    group = {"zarr_format": 3, "node_type": "group"} if "zarr.json" in listed else {"zarr_format": 2}
    nodes = tree({".zgroup" if "zarr_format" in group and group["zarr_format"] == 2 else "zarr.json": group}
                 | {f"a/{name}": stated for name, stated in listed.items()})  # fmt: skip
    array = nodes["a"]
    assert isinstance(array, ZarrArray)
    array.there = {key: len(raw) for key, raw in stored.items() if array.is_chunk(key)}
    array.fetch = stored.get
    return array


def written(values: Any, version: int, options: dict[str, Any]) -> dict[str, bytes]:
    """Return the files that zarr writes of an array, with one chunk left out (the fill value)."""
    kept: dict[str, Any] = {}
    more = {"chunks": (10, 4) if values.ndim == 2 else (6,), **options}
    more["dtype"] = str if values.dtype == object else values.dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if version == 2:
            if "compressor" in more:
                import numcodecs  # type: ignore[import-untyped]

                config = more.pop("compressor")
                more["compressors"] = numcodecs.get_codec(config) if config else None
            more["zarr_format"] = 2
        more["fill_value"] = "" if values.dtype == object else None
        array = zarr.create_array(MemoryStore(kept), shape=values.shape, **more)
        array[...] = values
    return {key: raw.to_bytes() for key, raw in kept.items()}


@pytest.mark.parametrize("name", VERSION_2)
def test_what_zarr_writes_in_format_2(name):
    values, options = VERSION_2[name]
    check(values, written(values, 2, options))


@pytest.mark.parametrize("name", VERSION_3)
def test_what_zarr_writes_in_format_3(name):
    values, options = VERSION_3[name]
    check(values, written(values, 3, options))


@pytest.mark.parametrize("version", [2, 3])
def test_texts_of_any_length(version):
    check(TEXTS, written(TEXTS, version, {}))


def check(values: Any, stored: dict[str, bytes]) -> None:
    """Assert that every slice is right, each chunk is decoded, and none can be cut off unseen."""
    array = opened(stored)
    assert array.is_readable
    assert array.is_written()
    assert np.array_equal(array[...], values)
    assert np.array_equal(array[3:19], values[3:19])
    if values.ndim == 2:
        assert np.array_equal(array[9:21, 2:9], values[9:21, 2:9])
    assert len(array.seen) == len(array.there) > 1
    last = max(array.there)
    for length in (0, 1, len(stored[last]) // 2, len(stored[last]) - 1):
        cut = opened({**stored, last: stored[last][:length]})
        with pytest.raises(FormatError, match=r"^entry 1, chunk \d"):
            cut.decode_rest()


def test_a_digest_finds_every_flipped_bit():
    values, options = VERSION_3["crc32c"]
    stored = written(values, 3, options)
    key = next(key for key in stored if key.startswith("c/"))
    for bit in range(8 * len(stored[key])):
        raw = bytearray(stored[key])
        raw[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            opened({**stored, key: bytes(raw)}).decode_rest()


def test_a_chunk_that_is_not_there_is_the_fill_value():
    stored = written(NUMBERS, 2, {})
    del stored["1.0"]
    stated = json.loads(stored[".zarray"]) | {"fill_value": 7}
    found = opened({**stored, ".zarray": json.dumps(stated).encode()})[...]
    assert (found[10:20, :4] == 7).all()
    assert np.array_equal(found[20:], NUMBERS[20:])


@pytest.mark.parametrize(
    ("codec", "raw"),
    [
        ("gzip", gzip.compress(bytes(10**7))),
        ("zstd", None),
        ("lz4", struct.pack("<I", 2**31 - 1) + bytes(20)),
        ("blosc", struct.pack("<BBBBIII", 2, 1, 0x21, 4, 2**31 - 17, 2**20, 40) + bytes(24)),
    ],
)
def test_a_bomb_is_refused_before_it_inflates(codec, raw):
    import numcodecs

    with pytest.raises(FormatError, match="inflates beyond"):
        inflated(codec, raw or bytes(numcodecs.Zstd().encode(bytes(10**7))), 1000)


def test_a_large_chunk_or_an_unknown_kind_is_not_read():
    stored = written(NUMBERS, 3, {})
    for change in (
        {"data_type": {"name": "own"}},
        {"codecs": [{"name": "own"}]},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**30, 2]}}},
    ):
        stated = json.loads(stored["zarr.json"]) | change
        assert not opened({**stored, "zarr.json": json.dumps(stated).encode()}).is_readable


def test_an_array_may_claim_any_length_and_store_nothing():
    stored = written(NUMBERS, 2, {})
    stated = json.loads(stored[".zarray"]) | {"shape": [2**50, 9]}
    array = opened({**stored, ".zarray": json.dumps(stated).encode()})
    assert not array.is_written()
    array.decode_rest()
    assert len(array.seen) == len(array.there)
