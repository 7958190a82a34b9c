"""The loss ledger: what became of every row and every value, so that nothing is dropped in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.steps import BLANK, NO_KEY, OK, UNREADABLE, VALUE, beside
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

ROWS = "(rows)"  # the rows themselves, in the place of a variable; no variable can bear this name
IN, OUT = "values_in", "values_out"
TOGETHER = 50  # variables that one query counts


@dataclass(frozen=True)
class Ledger:
    """Counts by variable and outcome.

    `values_in` = `values_out` + every other outcome of the variable (`repeated`, `conflicting`, `missing:<reason>`,
    `invalid`, `unmapped`, `no_key`); the rows balance alike (`merged`, `filtered`, `no_key`, `unreadable_id`).
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


def read_ledger(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> Ledger:
    """Count what became of rows and values: what came in by cells, what came out by keys."""
    counts = {ROWS: _rows(connection)}
    by_key = _outcomes(connection, query)
    merged = _merged(connection, query)
    for one in query.read:
        usable = by_key[one.name].get(OK, {})
        values, repeated, conflicting, _ = merged[one.name]
        tally = {
            IN: _answered(_all(by_key[one.name])),
            OUT: values,
            "repeated": repeated,
            "conflicting": conflicting,
        }
        tally |= {outcome: n for outcome, n in usable.items() if outcome not in {BLANK, VALUE}}
        tally |= {state: _answered(by_key[one.name].get(state, {})) for state in (NO_KEY, UNREADABLE)}
        counts[one.name] = {outcome: n for outcome, n in tally.items() if n or outcome in {IN, OUT}}
    conflicts = {name: found[3] for name, found in merged.items() if found[3]}
    return Ledger(counts, conflicts, {name: _all(found) for name, found in by_key.items()})


def _all(by_key: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return outcome → count over all states of the key."""
    total: Counter[str] = Counter()
    for outcomes in by_key.values():
        total.update(outcomes)
    return dict(total)


def _answered(outcomes: dict[str, int]) -> int:
    return sum(n for outcome, n in outcomes.items() if outcome != BLANK)


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    state = identifier("#key")
    (delivered, kept, out), *_ = connection.execute(
        "SELECT (SELECT count(*) FROM joined), (SELECT count(*) FROM cells), (SELECT count(*) FROM harmonised)"
    ).fetchall()
    states = dict(connection.execute(f"SELECT {state}, count(*) FROM cells GROUP BY ALL").fetchall())
    found = {IN: delivered, OUT: out, "merged": states.get(OK, 0) - out, "filtered": delivered - kept}
    found |= {state: states.get(state, 0) for state in (NO_KEY, UNREADABLE)}
    return {outcome: n for outcome, n in found.items() if n or outcome in {IN, OUT}}


def _outcomes(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery
) -> dict[str, dict[str, dict[str, int]]]:
    """Return variable → state of the row's key → outcome → count.

    One GROUP BY per variable: a histogram per variable in one query takes time and memory by their square.
    """
    state = identifier("#key")
    found: dict[str, dict[str, dict[str, int]]] = {one.name: {} for one in query.read}
    for start in range(0, len(query.read), TOGETHER):
        asked = [
            f"SELECT {number}, {state}, {beside(one.name, 'outcome')}, count(*) FROM cells GROUP BY ALL"
            for number, one in enumerate(query.read[start : start + TOGETHER], start)
        ]
        for number, key_state, outcome, count in connection.execute(" UNION ALL ".join(asked)).fetchall():
            if outcome is not None:
                found[query.read[number].name].setdefault(key_state, {})[outcome] = count
    return found


def _merged(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> dict[str, tuple[int, ...]]:
    """Return variable → values, cells that repeat one, cells in conflict, keys in conflict."""
    asked = []
    for one in query.read:
        value, rows, conflict = identifier(one.name), beside(one.name, "rows"), beside(one.name, "conflict")
        asked += [
            f"count({value})",
            f"coalesce(sum({rows} - 1) FILTER ({value} IS NOT NULL), 0)::BIGINT",
            f"coalesce(sum({rows}) FILTER ({conflict}), 0)::BIGINT",
            f"count(*) FILTER ({conflict})",
        ]
    if not asked:
        return {}
    (numbers,) = connection.execute(f"SELECT {', '.join(asked)} FROM harmonised").fetchall()
    return {one.name: tuple(numbers[4 * i : 4 * i + 4]) for i, one in enumerate(query.read)}
