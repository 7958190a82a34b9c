"""Runs an entity's query in a DuckDB that can reach nothing but the tables it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.harmonise.columns import distinct_names
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.steps import ROW
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
    "memory_limit": "2GB",
    "preserve_insertion_order": True,
}
STORED = ("cells", "harmonised")  # the steps that more than one question is put to


class HarmoniseError(OmicsError):
    """The query of an entity failed; its message holds no value of the data."""


@contextmanager
def locked_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB in memory that reads no file, loads no extension and whose settings cannot be changed."""
    import duckdb  # noqa: PLC0415 - a third of a second that most commands do not need

    with duckdb.connect(":memory:", config=LOCKED) as connection:
        connection.execute("SET lock_configuration = true")
        try:
            yield connection
        except duckdb.Error as error:
            # DuckDB quotes the value that it stumbled over, so its message and traceback end here.
            raise HarmoniseError(f"DuckDB stopped with {type(error).__name__}") from None


def prepare(
    connection: duckdb.DuckDBPyConnection,
    query: EntityQuery,
    raw: Mapping[str, pa.Table],
    aliases: Mapping[str, str],
    participants: pa.Table | None,
) -> None:
    """Register the tables and create the steps: tables where several questions are put to one, else views."""
    first = 0
    for reference, name in query.tables.items():
        table = raw[reference]
        table = table.rename_columns(list(distinct_names(table.column_names).values()))
        numbers = pa.array(np.arange(first, first + table.num_rows))
        connection.register(name, table.append_column(ROW, numbers))
        first += table.num_rows
    text = pa.string()
    connection.register(
        "aliases", pa.table({"old": pa.array(aliases.keys(), text), "new": pa.array(aliases.values(), text)})
    )
    connection.register("participants", participant_columns(query, participants))
    for step in query.steps:
        kind = "TABLE" if step.name in STORED else "VIEW"
        connection.execute(f"CREATE TEMP {kind} {step.name} AS {step.sql}")


def participant_columns(query: EntityQuery, participants: pa.Table | None) -> pa.Table:
    """Return the participant's columns that the query names; what is not given is unknown everywhere."""
    if participants is None:
        participants = pa.table({"participant_id": pa.array([], pa.string())})
    columns = {"participant_id": participants["participant_id"]}
    for name in query.participant:
        column = name.removeprefix("participant.")
        given = column in participants.column_names
        columns[name] = participants[column] if given else pa.nulls(participants.num_rows, pa.string())
    return pa.table(columns)


def fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Return what a query gives as one Arrow table."""
    found: pa.Table = connection.sql(sql).to_arrow_table()
    return found.combine_chunks()


def result_table(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, dictionary: Dictionary
) -> pa.Table:
    """Return keys and variables in the dictionary's order and types, sorted by key."""
    listed = ", ".join(identifier(name) for name in (*query.keys, *query.order))
    types = {name: arrow_type(dictionary.variables[name].type) for name in query.order}
    schema = pa.schema([*((key, pa.string()) for key in query.keys), *types.items()])
    found = fetch(connection, f"SELECT {listed} FROM harmonised ORDER BY {', '.join(query.keys)}")
    return found.cast(schema)


def side_table(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, parts: list[str], *columns: str
) -> pa.Table:
    """Return a long table (keys, variable, `columns`) that the SELECTs in `parts` fill, sorted by key and variable."""
    names = (*query.keys, "variable", *columns)
    if not parts:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    order = ", ".join((*query.keys, "variable"))
    return fetch(connection, f"{' UNION ALL '.join(parts)} ORDER BY {order}").rename_columns(list(names))
