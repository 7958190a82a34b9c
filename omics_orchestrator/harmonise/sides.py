"""What stands beside a harmonised table: missing reasons, comparators, conflicts. One row per cell concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.run import side_table
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
    """Return why a value is missing, for every missing value with a reason."""
    parts = []
    for name in [one.name for one in query.read] + [one.name for one in query.derived]:
        reason = f"r.{beside(name, 'reason')}"
        parts.append(_part(query, name, reason, f"r.{identifier(name)} IS NULL AND {reason} IS NOT NULL"))
    parts += [_part(query, name, literal(reason), "true") for name, reason in query.absent.items()]
    return side_table(connection, query, parts, "reason")


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
