"""The rows of the last step as Arrow, and the tables that they become: values, missing reasons, comparators.

They are asked for once, in any order; the order of the keys is put upon the Arrow columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.distinct import at_once
from omics_orchestrator.harmonise.ordering import key_order, whole
from omics_orchestrator.harmonise.steps import (
    BLANK,
    CONFLICTING,
    INVALID,
    MISSING,
    NOT_PICKED,
    OK,
    OUTCOMES,
    ROW,
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
        numbers: of each row the number of its source row, where no key has several; else None.
    """

    query: EntityQuery
    columns: dict[str, pa.Array]
    numbers: pa.Array | None = None

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

        def reasons(name: str) -> pa.Array:
            if name in self.query.absent:
                return pa.repeat(pa.scalar(self.query.absent[name], pa.string()), self.rows)
            if name in read:
                return reasons_of(read[name]).take(self.columns[f"{name}|outcome"])
            return self.columns[f"{name}|reason"]

        found = {key: self.columns[key] for key in self.query.keys}
        found |= zip(self.query.order, at_once(reasons, self.query.order), strict=True)
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


def read_result(connection: duckdb.DuckDBPyConnection, query: EntityQuery, cells: pa.Table) -> Result:
    """Return the rows of the last step, sorted by key; `cells` is the step of that name.

    Where no key has several rows, the cells are the rows already.
    """
    read: dict[str, str] = {}
    for one in query.read:
        read |= {one.name: identifier(one.name)} if one.name in query.order else {}
        read[f"{one.name}|outcome"] = beside(one.name, "outcome")
        read |= {f"{one.name}|comparator": beside(one.name, "comparator")} if one.marked else {}
    ((repeated,),) = connection.execute("SELECT count(*) FROM repeated").fetchall()
    numbers = None
    if repeated or any(one.repeats and not one.repeats.chooses for one in query.read):
        columns = _fetched(connection, query, read, "merged")
    else:
        usable = pc.equal(cells["#key"], OK)
        rows = cells if pc.all(usable).as_py() else cells.filter(usable)
        columns = {name: whole(rows[name]) for name in (*query.keys, *read)}
        numbers = whole(rows[ROW])
    derived: dict[str, str] = {}
    for name in (one.name for one in query.derived):
        derived[name] = identifier(name)
        derived[f"{name}|reason"] = f"CASE WHEN {identifier(name)} IS NULL THEN {beside(name, 'reason')} END"
    if derived:
        columns |= _fetched(connection, query, derived, "harmonised")
    return Result(query, columns, numbers)


def _fetched(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, asked: Mapping[str, str], step: str
) -> dict[str, pa.Array]:
    """Return the keys and what is asked of a step, sorted by key."""
    listed = ", ".join(
        [*map(identifier, query.keys), *(f"{sql} AS {identifier(name)}" for name, sql in asked.items())]
    )
    found = connection.sql(f"SELECT {listed} FROM {step}").to_arrow_table()
    columns = dict(zip(found.column_names, found.columns, strict=True))
    del found  # so that each column can go as soon as its sorted copy is there
    order = key_order(connection, [columns[key] for key in query.keys])
    for name, column in columns.items():
        columns[name] = whole(column) if order is None else whole(column).take(order)
    return columns
