"""Single rows of a stored table, by the values of some columns; types and field metadata as they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, read_query


def rows_where(database: Database, state: TableState, wanted: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the rows that fit one of `wanted` (column → value; all of its columns must), in key order.

    Nothing wanted gives no row; a wanted row without columns gives all rows.
    """
    if not wanted:
        return state.arrow_schema.empty_table()
    columns = list(wanted[0])
    table, names = sql.Identifier(state.schema, state.name), [sql.Identifier(name) for name in columns]
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, state.arrow_schema.names)), table
    )
    parameters: list[Any] = []
    if columns:
        query += sql.SQL(" where ({}) in {}").format(sql.SQL(", ").join(names), sql.Placeholder())
        parameters.append(tuple(tuple(row[name] for name in columns) for row in wanted))
    query += sql.SQL(" order by {}").format(sql.SQL(", ").join(map(sql.Identifier, state.key)))
    with database.transaction(read_only=True) as connection:
        text = query.as_string(connection)
    found = read_query(database, text, parameters)
    return pa.table(
        [column.cast(field.type) for column, field in zip(found.columns, state.arrow_schema, strict=True)],
        schema=state.arrow_schema,
    )
