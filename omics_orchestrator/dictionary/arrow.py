"""The Arrow type in which each type of the dictionary is stored. Postgres types follow from it (storage/)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_type(variable_type: str) -> pa.DataType:
    """Return the Arrow type of a dictionary type; dates are days, numbers are doubles, sets are lists of codes."""
    import pyarrow as pa  # noqa: PLC0415 - reading a study.yaml must not load pyarrow

    types: dict[str, pa.DataType] = {
        "text": pa.string(),
        "code": pa.string(),
        "file": pa.string(),
        "integer": pa.int64(),
        "decimal": pa.float64(),
        "censored": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "partial_date": pa.date32(),
        "set": pa.list_(pa.string()),
    }
    return types[variable_type]
