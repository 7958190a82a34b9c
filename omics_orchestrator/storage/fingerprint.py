"""What a table holds as one hash, and its rows in the order of their key. Nothing here knows Postgres."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from omics_orchestrator.errors import StorageError

NORMAL = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary(), pa.bool_(): pa.uint8()}


def fingerprint(table: pa.Table, *, ignore: Collection[str] = ()) -> str:
    """Return the SHA-256 of the content: column names, types and cells in their order.

    Chunks, slices, metadata and what lies under nulls do not matter; -0.0 counts as 0.0 and all NaN as one.

    Args:
        table: any table without map and view-list columns.
        ignore: columns left out.
    """
    digest = hashlib.sha256(str(table.num_rows).encode())
    for field, column in zip(table.schema, table.columns, strict=True):
        if field.name not in ignore:
            digest.update(json.dumps([field.name, str(field.type)]).encode())
            content = _Content()
            for chunk in column.chunks or [pa.nulls(0, field.type)]:
                content.add(chunk)
            digest.update(content.digest())
    return digest.hexdigest()


def in_key_order(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the rows sorted by `key` (bytewise for text), each key once.

    Raises:
        StorageError: a key column has nulls or a type that makes no key, or a key comes more than once.
    """
    for name in key:
        column = table[name]
        if pt.is_nested(column.type) or pt.is_floating(column.type) or pt.is_null(column.type):
            raise StorageError(f'column "{name}": {column.type} cannot be part of a key')
        if column.null_count:
            raise StorageError(f'key column "{name}" is empty in {column.null_count} rows')
    if _repeats(table, key) == 0:
        return table
    order = pc.sort_indices(_keys(table, key), [(name, "ascending") for name in key])
    table = table.take(order)
    if repeats := _repeats(table, key):
        raise StorageError(f"{repeats} rows repeat the key ({', '.join(key)}) of another row")
    return table


def _keys(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the key columns in types that compare."""
    columns = [table[name] for name in key]
    plain = {
        name: c.cast(c.type.value_type) if pt.is_dictionary(c.type) else c
        for name, c in zip(key, columns, strict=True)
    }
    return pa.table({name: c.cast(NORMAL.get(c.type, c.type)) for name, c in plain.items()})


def _repeats(table: pa.Table, key: Sequence[str]) -> int:
    """Return how many rows do not lie after the row above: 0 = sorted and unique; if sorted: the repeats."""
    columns = _keys(table, key).columns
    above, below = (([c.slice(start, len(c) - 1) for c in columns]) for start in (0, 1))
    if len(table) < 2:
        return 0
    later = reduce(
        lambda rest, pair: pc.or_(pc.less(*pair), pc.and_(pc.equal(*pair), rest)),
        reversed(list(zip(above, below, strict=True))),
        pa.scalar(value=False),
    )
    return len(table) - 1 - int(pc.sum(later).as_py())


class _Content:
    """The hash of one column, fed chunk by chunk.

    Validity, lengths and values are separate streams, so that the end of a chunk leaves no trace.
    """

    def __init__(self) -> None:
        self.valid, self.lengths, self.values = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        self.inner: list[_Content] = []

    def digest(self) -> bytes:
        """Return the hash of what was added."""
        parts = [self.valid.digest(), self.lengths.digest(), self.values.digest()]
        return hashlib.sha256(b"".join([*parts, *(inner.digest() for inner in self.inner)])).digest()

    def add(self, array: pa.Array) -> None:
        """Take the next chunk."""
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        if pt.is_dictionary(array.type):
            array = array.dictionary_decode()
        array = array.cast(NORMAL.get(array.type, array.type))
        valid = array.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False)
        self.valid.update(valid.data)
        if pt.is_struct(array.type):
            self._add_inner(array.flatten())
        elif pt.is_nested(array.type):
            self._add_lengths(pc.list_value_length(array))
            self._add_inner([array.flatten()])
        elif pt.is_null(array.type) or not len(array):
            pass
        elif _has_offsets(array.type):
            self._add_bytes(array)
        else:
            self.values.update(_cells(array, valid).data)

    def _add_inner(self, children: Sequence[pa.Array]) -> None:
        self.inner = self.inner or [_Content() for _ in children]
        for content, child in zip(self.inner, children, strict=True):
            content.add(child)

    def _add_lengths(self, lengths: pa.Array) -> None:
        self.lengths.update(lengths.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).data)

    def _add_bytes(self, array: pa.Array) -> None:
        if array.null_count:
            array = array.fill_null("" if array.type in {pa.string(), pa.large_string()} else b"")
        large = array.type in {pa.large_string(), pa.large_binary()}
        _, offsets, values = array.buffers()
        bounds = np.frombuffer(offsets, np.int64 if large else np.int32)[
            array.offset : array.offset + len(array) + 1
        ]
        self.lengths.update(np.diff(bounds).astype(np.int64).data)
        if values is not None:
            self.values.update(memoryview(values)[bounds[0] : bounds[-1]])


def _has_offsets(type_: pa.DataType) -> bool:
    return type_ in {pa.string(), pa.large_string(), pa.binary(), pa.large_binary()}


def _cells(array: pa.Array, valid: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the values of a fixed-width array: zero under nulls, one form of zero and of NaN."""
    width = array.type.bit_width // 8
    kind = f"f{width}" if pt.is_floating(array.type) else f"i{width}" if width <= 8 else f"V{width}"
    cells = np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]
    if kind[0] == "f":
        cells = cells + 0.0
        cells[np.isnan(cells)] = np.nan
    if array.null_count:
        cells = cells.copy()
        cells[valid == 0] = np.zeros(1, kind)
    return cells
