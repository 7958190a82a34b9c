"""The rows of the last step as Arrow, and the tables that they become: values, missing reasons, comparators.

They are asked for once, in any order; the order of the keys is put upon the Arrow columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.run import fetch
from omics_orchestrator.harmonise.steps import (
    BLANK,
    CONFLICTING,
    INVALID,
    MISSING,
    NOT_PICKED,
    OUTCOMES,
    UNMAPPED,
    VALUE,
    Read,
    beside,
    coded,
)
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb


@dataclass
class Result:
    """One row per key.

    Attributes:
        query: the query that gave them.
        columns: keys, variables, and beside them outcomes (`x|outcome`), reasons (`x|reason`), comparators.
    """

    query: EntityQuery
    columns: dict[str, pa.Array]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[self.query.keys[0]])

    def values(self, name: str) -> int:
        """Return how many rows have a value of a variable."""
        if name in self.columns:
            return self.rows - int(self.columns[name].null_count)
        return self._count(name, VALUE)

    def conflicts(self, name: str) -> int:
        """Return how many keys have rows that disagree."""
        return self._count(name, CONFLICTING)

    def _count(self, name: str, outcome: str) -> int:
        found = pc.equal(self.columns[f"{name}|outcome"], pa.scalar(coded(outcome), pa.uint8()))
        return int(pc.sum(found).as_py() or 0)

    def table(self, dictionary: Dictionary) -> pa.Table:
        """Return keys and variables in the dictionary's order and types."""
        types = {name: arrow_type(dictionary.variables[name].type) for name in self.query.order}
        found = {key: self.columns[key] for key in self.query.keys}
        for name, kind in types.items():
            absent = name in self.query.absent
            found[name] = pa.nulls(self.rows, kind) if absent else self.columns[name].cast(kind)
        return pa.table(found)

    def missing(self) -> pa.Table:
        """Return keys and, for each variable, the reason where it has no value, null where it has one."""
        read = {one.name: one for one in self.query.read}
        found = {key: self.columns[key] for key in self.query.keys}
        for name in self.query.order:
            if name in self.query.absent:
                reasons = pa.repeat(pa.scalar(self.query.absent[name], pa.string()), self.rows)
            elif name in read:
                reasons = reasons_of(read[name]).take(self.columns[f"{name}|outcome"])
            else:
                reasons = self.columns[f"{name}|reason"]
            found[name] = reasons
        return pa.table(found, schema=pa.schema([(name, pa.string()) for name in found]))

    def comparators(self) -> pa.Table:
        """Return keys, variable, comparator: of censored numbers and partial dates, sorted by key and variable."""
        marks = {one.name: self.columns[f"{one.name}|comparator"] for one in self.query.read if one.marked}
        names = sorted(name for name in marks if name in self.query.order)
        places = [np.flatnonzero(marks[name].is_valid().to_numpy(zero_copy_only=False)) for name in names]
        rows = np.concatenate([np.zeros(0, np.int64), *places])
        which = np.repeat(np.arange(len(names), dtype=np.int64), [len(place) for place in places])
        words = pa.concat_arrays([pa.array([], pa.string()), *(marks[name].drop_null() for name in names)])
        order = np.lexsort((which, rows))
        found = {key: self.columns[key].take(pa.array(rows[order])) for key in self.query.keys}
        found["variable"] = pa.array(names, pa.string()).take(pa.array(which[order]))
        found["comparator"] = words.take(pa.array(order))
        return pa.table(found, schema=pa.schema([(name, pa.string()) for name in found]))


def reasons_of(one: Read) -> pa.Array:
    """Return outcome → reason of a missing value, in the order of the outcomes."""
    words: dict[str, str | None] = {
        **{outcome: outcome.removeprefix(MISSING) for outcome in OUTCOMES},
        **{BLANK: one.blank, NOT_PICKED: one.blank, VALUE: None},
        **{CONFLICTING: "unknown", INVALID: "invalid", UNMAPPED: "invalid"},
    }
    return pa.array([words[outcome] for outcome in OUTCOMES], pa.string())


def read_result(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> Result:
    """Return the rows of the last step, sorted by key."""
    names = {name: identifier(name) for name in (*query.keys, *query.order) if name not in query.absent}
    for one in query.read:
        names[f"{one.name}|outcome"] = beside(one.name, "outcome")
        if one.marked:
            names[f"{one.name}|comparator"] = beside(one.name, "comparator")
    for derived in query.derived:
        why = f"CASE WHEN {identifier(derived.name)} IS NULL THEN {beside(derived.name, 'reason')} END"
        names[f"{derived.name}|reason"] = why
    listed = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in names.items())
    found = connection.sql(f"SELECT {listed} FROM harmonised").to_arrow_table()
    columns = dict(zip(found.column_names, found.columns, strict=True))
    del found  # so that each column can go as soon as its sorted copy is there
    order = _order(connection, [columns[key] for key in query.keys])
    for name in columns:
        column = columns[name].combine_chunks()
        columns[name] = column if order is None else column.take(order)
    return Result(query, columns)


def _order(connection: duckdb.DuckDBPyConnection, keys: list[pa.ChunkedArray]) -> pa.Array | None:
    """Return the rows in the order of their keys (bytewise), None where they have it already."""
    above, below = ([key.slice(start, max(0, len(key) - 1)) for key in keys] for start in (0, 1))
    later: pa.ChunkedArray | pa.Scalar = pa.scalar(value=False)
    for upper, lower in zip(reversed(above), reversed(below), strict=True):
        later = pc.or_(pc.less(upper, lower), pc.and_(pc.equal(upper, lower), later))
    if len(keys[0]) < 2 or pc.all(later).as_py():
        return None
    places = {str(number): key for number, key in enumerate(keys)}
    places["row"] = pa.chunked_array([pa.array(np.arange(len(keys[0])))])
    connection.register("unsorted", pa.table(places))
    by = ", ".join(f'"{number}"' for number in range(len(keys)))
    return fetch(connection, f"SELECT row FROM unsorted ORDER BY {by}")["row"].combine_chunks()
