"""Runs an entity's query in a DuckDB that can reach nothing but the tables it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.harmonise.columns import distinct_names
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.distinct import make_cells, numbered
from omics_orchestrator.harmonise.steps import ROW, Step
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
STORED = ("repeated", "agreed")  # the steps that more than one question is put to
WITHIN_CELLS = ("texts", "shared", "read")  # steps that distinct.py puts to different texts
FEW = 50_000  # source rows: up to here every step is stored, for planning hundreds of nested columns costs seconds
GATHERED = (
    6_000_000  # cells of repeated keys that are merged at a time: what is known of each takes some 60 bytes
)


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
) -> pa.Table:
    """Register the tables and create the steps: tables where several questions are put to one, else views.

    Returns:
        The step `cells`, its rows in the order of their keys.
    """
    tables, texts = numbered(query, raw)
    first = 0
    for reference, name in query.tables.items():
        table = tables[reference]
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
        if step.name.partition("_")[0] in WITHIN_CELLS:
            continue
        if step.name == "cells":
            cells = make_cells(connection, query, texts)
            connection.register("cells", cells)
        elif step.name == "agreed":
            _store_by_parts(connection, query, step)
        else:
            kind = "TABLE" if first <= FEW or step.name in STORED else "VIEW"
            connection.execute(f"CREATE TEMP {kind} {step.name} AS {step.sql}")
    return cells


def _store_by_parts(connection: duckdb.DuckDBPyConnection, query: EntityQuery, step: Step) -> None:
    """Store a step that gathers rows by key, a part of the keys at a time, so that it needs little memory."""
    ((keys,),) = connection.execute("SELECT count(*) FROM repeated").fetchall()
    parts = max(1, -(-keys * len(query.read) // GATHERED))
    part = f"hash({', '.join(map(identifier, query.keys))}) % {parts}"
    create, insert = f"CREATE TEMP TABLE {step.name} AS", f"INSERT INTO {step.name}"
    for number in range(parts):
        only = f" WHERE {part} = {number}" if parts > 1 else ""
        connection.execute(f"{insert if number else create} SELECT * FROM ({step.sql}){only}")


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
