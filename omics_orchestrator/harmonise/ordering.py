"""Arrow columns in one piece, and the order of rows by their key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import duckdb


def key_order(connection: duckdb.DuckDBPyConnection, keys: Sequence[pa.ChunkedArray]) -> pa.Array | None:
    """Return the rows in the order of their keys (bytewise, blank last), None where they have it already."""
    rows = len(keys[0])
    later: pa.ChunkedArray | pa.Scalar = pa.scalar(value=False)
    for key in reversed(keys):
        above, below = key.slice(0, max(rows - 1, 0)), key.slice(1)
        later = pc.or_(pc.less(above, below), pc.and_(pc.equal(above, below), later))
    if rows < 2 or pc.all(later, skip_nulls=False).as_py():
        return None
    columns = {f"key_{number}": key for number, key in enumerate(keys)}
    connection.register("unsorted", pa.table({**columns, "row": pa.array(np.arange(rows))}))
    by = ", ".join(f"{name} NULLS LAST" for name in columns)
    order = (
        connection.sql(f"SELECT row FROM unsorted ORDER BY {by}, row")
        .to_arrow_table()["row"]
        .combine_chunks()
    )
    connection.unregister("unsorted")
    return order


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; one that is in one piece already is not copied."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
