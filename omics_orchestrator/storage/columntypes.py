"""Arrow types and their place in Postgres. How rows travel is in copying.py (there) and reading.py (back)."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from omics_orchestrator.errors import StorageError


@dataclass(frozen=True)
class Place:
    """Where an Arrow type lies: `sql` as `format_type` writes it; `wire`, the Arrow type that pgpq sends."""

    sql: str
    wire: pa.DataType


SIMPLE = {
    pa.null(): Place("text", pa.string()),
    pa.bool_(): Place("boolean", pa.bool_()),
    pa.int8(): Place("smallint", pa.int16()),
    pa.uint8(): Place("smallint", pa.int16()),
    pa.int16(): Place("smallint", pa.int16()),
    pa.uint16(): Place("integer", pa.int32()),
    pa.int32(): Place("integer", pa.int32()),
    pa.uint32(): Place("bigint", pa.int64()),
    pa.int64(): Place("bigint", pa.int64()),
    pa.uint64(): Place("numeric(20,0)", pa.uint64()),
    pa.float16(): Place("real", pa.float32()),
    pa.float32(): Place("real", pa.float32()),
    pa.float64(): Place("double precision", pa.float64()),
    pa.string(): Place("text", pa.string()),
    pa.large_string(): Place("text", pa.large_string()),
    pa.binary(): Place("bytea", pa.binary()),
    pa.large_binary(): Place("bytea", pa.large_binary()),
    pa.date32(): Place("date", pa.date32()),
    pa.date64(): Place("date", pa.date32()),
}
IN_ARRAYS = {"boolean", "smallint", "integer", "bigint", "real", "double precision", "text", "date"}


def place(type_: pa.DataType) -> Place | None:
    """Return where `type_` lies in Postgres; None when it has no place there (struct, map, duration …)."""
    if found := SIMPLE.get(type_):
        return found
    if pt.is_dictionary(type_):
        return place(type_.value_type)
    if pt.is_decimal128(type_):
        return Place(f"numeric({type_.precision},{type_.scale})", type_)
    if pt.is_timestamp(type_):
        zone = "with" if type_.tz else "without"
        return Place(f"timestamp {zone} time zone", pa.timestamp("us", type_.tz))
    if pt.is_time(type_):
        return Place("time without time zone", pa.time64("us"))
    if isinstance(type_, pa.JsonType):
        return Place("jsonb", pa.string())
    if pt.is_list(type_) or pt.is_large_list(type_):
        inner = SIMPLE.get(type_.value_type)
        return Place(f"{inner.sql}[]", pa.list_(inner.wire)) if inner and inner.sql in IN_ARRAYS else None
    return None


def to_wire(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return `column` as pgpq sends it.

    Raises:
        StorageError: the type has no place in Postgres, or a value does not fit (nanoseconds).
    """
    found = place(column.type)
    if found is None:
        raise StorageError(
            f'column "{name}": Arrow type {column.type} has no place in Postgres; cast it first'
        )
    try:
        if found.sql == "jsonb":  # pgpq leaves out the version byte of jsonb's binary form
            return pc.binary_join_element_wise("\x01", column.cast(found.wire), "")
        return column if column.type == found.wire else column.cast(found.wire)
    except pa.ArrowInvalid:
        raise StorageError(
            f'column "{name}": {column.type} holds values that {found.sql} cannot hold'
        ) from None


def from_wire(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Return `column`, as ADBC delivers it, in the Arrow type it was written with."""
    if isinstance(column.type, pa.BaseExtensionType):  # numeric arrives as text in an opaque type
        column = column.cast(column.type.storage_type)
    if pt.is_null(type_):
        return pa.chunked_array([pa.nulls(len(column))])
    if pt.is_dictionary(type_):
        encoded = from_wire(column, type_.value_type).dictionary_encode()
        return encoded.cast(type_)
    return column if column.type == type_ else column.cast(type_)


def holds_text(type_: pa.DataType) -> bool:
    """Tell whether cells of `type_` are text."""
    return type_ in {pa.string(), pa.large_string()}
