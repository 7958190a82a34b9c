"""The values between which the rows of a key disagree. Reasons and comparators are columns of the result: result.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.merging import picked_row
from omics_orchestrator.harmonise.run import fetch
from omics_orchestrator.harmonise.steps import CONFLICTING, OK, Read, beside, coded
from omics_orchestrator.verbs.base import identifier, literal

if TYPE_CHECKING:
    import duckdb


def conflict_table(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, conflicting: Iterable[str]
) -> pa.Table:
    """Return keys, variable, candidates (a JSON list of values), for each variable in `conflicting`."""
    names = (*query.keys, "variable", "candidates")
    parts = [_candidates(query, one) for one in query.read if one.name in set(conflicting)]
    if not parts:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    order = ", ".join((*query.keys, "variable"))
    found = fetch(connection, f"{' UNION ALL '.join(parts)} ORDER BY {order}").rename_columns(list(names))
    return found.cast(pa.schema([(name, pa.string()) for name in names]))


def _candidates(query: EntityQuery, one: Read) -> str:
    """Return SQL: the values of the keys whose rows disagree about a variable."""
    keys = ", ".join(f"r.{identifier(key)}" for key in query.keys)
    torn = f"{beside(one.name, 'outcome')} = {coded(CONFLICTING)}"
    which = f"SEMI JOIN (FROM merged WHERE {torn}) AS m USING ({', '.join(map(identifier, query.keys))})"
    picks = f", {picked_row(one, keys)}" if one.repeats and one.repeats.chooses else ""
    rows = f"SELECT r.*{picks} FROM cells AS r {which} WHERE r.{identifier('#key')} = '{OK}'"
    text = f"CAST(r.{identifier(one.name)} AS VARCHAR)"
    if one.marked:
        text = f"concat(r.{beside(one.name, 'comparator')}, {text})"
    chosen = f" AND r.{beside(one.name, 'picked')}" if picks else ""
    texts = f"CASE WHEN r.{identifier(one.name)} IS NOT NULL{chosen} THEN [{text}]"
    torn = f" WHEN r.{identifier(one.name)} IS NULL THEN r.{beside(one.name, 'candidates')}"
    texts += f"{torn if one.torn else ''} END"
    listed = f"CAST(to_json(list_sort(list_distinct(flatten(list({texts}))))) AS VARCHAR)"
    return f"(SELECT {keys}, {literal(one.name)} AS variable, {listed} FROM ({rows}) AS r GROUP BY {keys})"
