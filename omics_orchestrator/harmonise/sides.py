"""What stands beside a harmonised table: missing reasons (of its shape), comparators, conflicts (a row per cell)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.run import fetch, side_table
from omics_orchestrator.harmonise.steps import beside
from omics_orchestrator.verbs.base import identifier, literal

if TYPE_CHECKING:
    import duckdb


def _part(
    query: EntityQuery, name: str, found: str, where: str, source: str = "harmonised", tail: str = ""
) -> str:
    keys = ", ".join(f"r.{key}" for key in query.keys)
    return f"(SELECT {keys}, {literal(name)} AS variable, {found} FROM {source} AS r WHERE {where}{tail})"


def missing_table(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> pa.Table:
    """Return keys and, for each variable, the reason where it has no value, NULL where it has one."""
    found = [*query.keys]
    for name in query.order:
        why = literal(query.absent[name]) if name in query.absent else f"r.{beside(name, 'reason')}"
        found.append(f"CASE WHEN r.{identifier(name)} IS NULL THEN {why} END AS {identifier(name)}")
    return fetch(
        connection, f"SELECT {', '.join(found)} FROM harmonised AS r ORDER BY {', '.join(query.keys)}"
    )


def comparator_table(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> pa.Table:
    """Return the comparators of censored numbers and the precision of partial dates."""
    marks = [(one.name, f"r.{beside(one.name, 'comparator')}") for one in query.read if one.marked]
    parts = [_part(query, name, mark, f"{mark} IS NOT NULL") for name, mark in marks]
    return side_table(connection, query, parts, "comparator")


def conflict_table(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, conflicting: list[str]
) -> pa.Table:
    """Return the values between which the rows of a key disagree, as a JSON list, for each of `conflicting`."""
    keys = ", ".join(f"r.{key}" for key in query.keys)
    parts = []
    for one in (one for one in query.read if one.name in conflicting):
        text = f"CAST(r.{identifier(one.name)} AS VARCHAR)"
        if one.marked:
            text = f"concat(r.{beside(one.name, 'comparator')}, {text})"
        disagreeing = f"FROM harmonised WHERE {beside(one.name, 'conflict')}"
        source = (
            f"(SELECT c.* FROM cells AS c SEMI JOIN ({disagreeing}) AS m USING ({', '.join(query.keys)}))"
        )
        found = f"CAST(to_json(list_sort(list_distinct(list({text})))) AS VARCHAR) AS candidates"
        where = f"r.{identifier(one.name)} IS NOT NULL"
        parts.append(_part(query, one.name, found, where, source, f" GROUP BY {keys}"))
    return side_table(connection, query, parts, "candidates")
