"""Single rows of a stored table, by the values of some columns; types and field metadata as they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from omics_orchestrator.storage.copying import identifier, names
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, read_query


def rows_where(database: Database, state: TableState, wanted: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the rows that fit one of `wanted` (column → value; all of its columns must), in key order.

    Nothing wanted gives no row; a wanted row without columns gives all rows.
    """
    if not wanted:
        return state.arrow_schema.empty_table()
    columns = list(wanted[0])
    query = (
        f"SELECT {names(state.arrow_schema.names)} FROM {identifier(state.schema)}.{identifier(state.name)}"
    )
    parameters: list[Any] = []
    if columns:
        query += f" WHERE ({names(columns)}) IN %s"
        parameters.append(tuple(tuple(row[name] for name in columns) for row in wanted))
    found = read_query(database, f"{query} ORDER BY {names(state.key)}", parameters)
    return pa.table(
        [column.cast(field.type) for column, field in zip(found.columns, state.arrow_schema, strict=True)],
        schema=state.arrow_schema,
    )
