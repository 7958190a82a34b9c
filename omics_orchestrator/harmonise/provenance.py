"""Which source rows gave each key: the raw tables' own keys, one row per source row, joined tables' rows included.

In the query a source row bears one number over all raw tables of the block (`#row`); here numbers become records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.harmonise.columns import REDCAP_KEY
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.result import Result
from omics_orchestrator.harmonise.run import fetch
from omics_orchestrator.harmonise.steps import OK, ROW
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

ROW_NUMBER = "row_number"


def provenance_table(
    connection: duckdb.DuckDBPyConnection,
    query: EntityQuery,
    study: Study,
    block: EntityBlock,
    raw: Mapping[str, pa.Table],
    result: Result,
) -> pa.Table:
    """Return keys, source_table, record (JSON of the raw table's key columns), sorted by all of them."""
    if result.numbers is None or len(query.rows) > 1:
        found = _numbers(connection, query, _again(study, block, raw))
    else:
        found = pa.table({**{key: result.columns[key] for key in query.keys}, ROW: result.numbers})
    sources, records = [], []
    for reference in query.tables:
        place, table = ".".join(study.place(block.table_of(reference))), raw[reference]
        redcap = study.sources[study.place(block.table_of(reference))[0]].tables() is None
        sources.append(pa.repeat(place, table.num_rows))
        records.append(record_texts(table, REDCAP_KEY if redcap else (ROW_NUMBER,)))
    numbers = found[ROW]
    table = found.drop_columns([ROW])
    table = table.append_column("source_table", pa.chunked_array(sources, pa.string()).take(numbers))
    return table.append_column("record", pa.chunked_array(records, pa.string()).take(numbers))


def _numbers(connection: duckdb.DuckDBPyConnection, query: EntityQuery, again: Mapping[str, int]) -> pa.Table:
    """Return keys and the numbers of their source rows, each pair once."""
    keys, number = ", ".join(query.keys), identifier(ROW)
    usable = f"FROM cells WHERE {identifier('#key')} = '{OK}'"
    parts = [
        f"SELECT {keys}, {identifier(row)} - {again.get(row, 0)} AS {number} {usable} AND {identifier(row)} IS NOT NULL"
        for row in query.rows
    ]
    distinct = f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)})"
    return fetch(connection, f"{distinct} ORDER BY {keys}, {number}")


def _again(study: Study, block: EntityBlock, raw: Mapping[str, pa.Table]) -> dict[str, int]:
    """Return column of row numbers → how far they lie behind those of the same table, joined under another name."""
    first: dict[tuple[str, str], int] = {}
    behind, number = {}, 0
    for reference in block.tables():
        place = study.place(block.table_of(reference))
        behind[f"{ROW}:{reference}"] = number - first.setdefault(place, number)
        number += raw[reference].num_rows
    return behind


def record_texts(table: pa.Table, key: tuple[str, ...]) -> pa.Array:
    """Return each row's key columns as the text of a JSON object; a table without them counts its rows from 1."""
    columns = {name: table[name] for name in key if name in table.column_names}
    columns = columns or {ROW_NUMBER: pa.chunked_array([pa.array(range(1, table.num_rows + 1), pa.int64())])}
    parts: list[pa.ChunkedArray | str] = []
    for name, column in columns.items():
        parts += [f"{', ' if parts else '{'}{json.dumps(name)}: ", _json(column)]
    joined = pc.binary_join_element_wise(*parts, "}", "")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return each cell as JSON; of texts, what repeats is written once."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.string()).fill_null("null")
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    words = pa.array([json.dumps(value) for value in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([words.take(coded.indices)])
