"""The loss ledger: what became of every row and every value, so that nothing is dropped in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.result import Result
from omics_orchestrator.harmonise.steps import (
    BLANK,
    CONFLICTING,
    NO_KEY,
    NOT_PICKED,
    OK,
    OUTCOMES,
    UNREADABLE,
    VALUE,
    beside,
    coded,
)
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

ROWS = "(rows)"  # the rows themselves, in the place of a variable; no variable can bear this name
IN, OUT = "values_in", "values_out"


@dataclass(frozen=True)
class Ledger:
    """Counts by variable and outcome.

    `values_in` = `values_out` + every other outcome of the variable (`repeated`, `conflicting`, `not_picked`,
    `missing:<reason>`, `invalid`, `unmapped`, `no_key`); the rows balance alike (`merged`, `filtered`, `no_key`,
    `unreadable_id`).
    """

    counts: dict[str, dict[str, int]]
    conflicts: dict[str, int]
    """Variable → keys whose rows disagree."""
    outcomes: dict[str, dict[str, int]]
    """Variable → outcome of the single cells → count, whatever the key."""

    def unbalanced(self) -> list[str]:
        """Return the variables whose values do not add up."""
        return [
            name
            for name, found in self.counts.items()
            if found[IN] != sum(number for outcome, number in found.items() if outcome != IN)
        ]

    def table(self) -> pa.Table:
        """Return the ledger as rows of variable, outcome, count."""
        rows = [
            (name, outcome, n) for name, found in self.counts.items() for outcome, n in sorted(found.items())
        ]
        schema = pa.schema({"variable": pa.string(), "outcome": pa.string(), "count": pa.int64()})
        return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def read_ledger(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, cells: pa.Table, result: Result
) -> Ledger:
    """Count what became of rows and values: what came in by cells, what came out by keys."""
    states = cells["#key"].combine_chunks().dictionary_encode()
    ((delivered,),) = connection.execute("SELECT count(*) FROM joined").fetchall()
    counts = {ROWS: _rows(states, delivered, result.rows)}
    by_key = _outcomes(query, cells, states)
    merged = _merged(connection, query)
    for one in query.read:
        usable = by_key[one.name].get(OK, {})
        tally = Counter({IN: _answered(_all(by_key[one.name])), OUT: result.values(one.name)})
        tally.update({outcome: n for outcome, n in usable.items() if outcome not in {BLANK, VALUE}})
        tally.update(merged[one.name])
        tally.update({state: _answered(by_key[one.name].get(state, {})) for state in (NO_KEY, UNREADABLE)})
        counts[one.name] = {outcome: n for outcome, n in tally.items() if n or outcome in {IN, OUT}}
    conflicts = {one.name: number for one in query.read if (number := result.conflicts(one.name))}
    return Ledger(counts, conflicts, {name: _all(found) for name, found in by_key.items()})


def _all(by_key: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return outcome → count over all states of the key."""
    total: Counter[str] = Counter()
    for outcomes in by_key.values():
        total.update(outcomes)
    return dict(total)


def _answered(outcomes: dict[str, int]) -> int:
    return sum(n for outcome, n in outcomes.items() if outcome != BLANK)


def _rows(states: pa.DictionaryArray, delivered: int, out: int) -> dict[str, int]:
    usable = {pair["values"]: pair["counts"] for pair in states.value_counts().to_pylist()}
    found = {
        IN: delivered,
        OUT: out,
        "merged": usable.get(OK, 0) - out,
        "filtered": delivered - len(states),
        **{state: usable.get(state, 0) for state in (NO_KEY, UNREADABLE)},
    }
    return {outcome: n for outcome, n in found.items() if n or outcome in {IN, OUT}}


def _outcomes(
    query: EntityQuery, cells: pa.Table, states: pa.DictionaryArray
) -> dict[str, dict[str, dict[str, int]]]:
    """Return variable → state of the row's key → outcome → count."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    words, width = states.dictionary.to_pylist(), len(OUTCOMES)
    apart = states.indices.to_numpy() * width
    for one in query.read:
        outcomes = cells[f"{one.name}|outcome"].to_numpy()
        counts = np.bincount(apart + outcomes, minlength=width * len(words)).tolist()
        found[one.name] = {
            state: {OUTCOMES[place]: n for place, n in enumerate(counts[width * k : width * (k + 1)]) if n}
            for k, state in enumerate(words)
        }
    return found


def _merged(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> dict[str, dict[str, int]]:
    """Return variable → what became of the values of keys that have several rows."""
    found = {}
    for one in query.read:
        value, rows, left = identifier(one.name), beside(one.name, "rows"), beside(one.name, "left")
        torn = f"{beside(one.name, 'outcome')} = {coded(CONFLICTING)}"
        asked = (
            f"coalesce(sum({rows} - 1) FILTER ({value} IS NOT NULL), 0)::BIGINT",
            f"coalesce(sum({rows}) FILTER ({torn}), 0)::BIGINT",
            f"coalesce(sum({left}), 0)::BIGINT",
        )
        (numbers,) = connection.execute(f"SELECT {', '.join(asked)} FROM agreed").fetchall()
        found[one.name] = dict(zip(("repeated", CONFLICTING, NOT_PICKED), numbers, strict=True))
    return found
