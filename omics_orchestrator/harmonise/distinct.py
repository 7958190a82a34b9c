"""Makes the step `cells`: every rule is asked once for each different text that it reads, not once for each row.

The SQL is that of the steps texts … cells (cells.py), put to the different texts; its answers are then laid out by
row. Until then rows carry numbers of texts, which DuckDB moves faster than the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa

from omics_orchestrator.harmonise.cells import cell_steps
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.ordering import key_order, whole
from omics_orchestrator.harmonise.steps import Read
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

THREADS = 2
SAMPLE, MANY = 10_000, 5_000  # where so many of a column's first cells differ, repeats are not searched for
SOURCE, PLACE = "different", "#i"

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Texts:
    """The different texts of a column (the last is none at all), and of each row the number of its text."""

    numbers: pa.Array
    words: pa.Array


@dataclass(frozen=True)
class Group:
    """Variables that read the same columns.

    Attributes:
        read: the variables.
        words: column → its text in each different row.
        numbers: of each row the number of the different row that it equals.
    """

    read: tuple[Read, ...]
    words: Mapping[str, pa.Array]
    numbers: pa.Array

    @property
    def size(self) -> int:
        """How many different rows there are."""
        return max((len(texts) for texts in self.words.values()), default=1)


def numbered(query: EntityQuery, raw: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], dict[str, Texts]]:
    """Return the raw tables with numbers in the place of texts that rows only carry, and carried name → texts."""
    tables = dict(raw)
    holders: dict[str, dict[str, pa.ChunkedArray]] = {}
    for origins in query.carried.values():
        for table, column in origins:
            holders.setdefault(column, {})[table] = raw[table][column]
    found = dict(
        zip(holders, at_once(texts_of, (list(held.values()) for held in holders.values())), strict=True)
    )
    for column, held in holders.items():
        first = 0
        for name in held:
            rows = found[column].numbers.slice(first, raw[name].num_rows)
            place = tables[name].column_names.index(column)
            tables[name] = tables[name].set_column(place, column, rows)
            first += raw[name].num_rows
    return tables, {name: found[origins[0][1]] for name, origins in query.carried.items()}


def texts_of(columns: Sequence[pa.ChunkedArray]) -> Texts:
    """Return the texts of columns, one after the other."""
    kinds = {column.type for column in columns}
    kind = kinds.pop() if len(kinds) == 1 else pa.string()
    chunks = [chunk.cast(kind) for column in columns for chunk in column.chunks]
    cells = pa.concat_arrays([pa.nulls(0, kind), *chunks])
    none = pa.nulls(1, kind)
    if len(cells.slice(0, SAMPLE).unique()) > MANY:
        return Texts(pa.array(np.arange(len(cells), dtype=np.int32)), pa.concat_arrays([cells, none]))
    coded = cells.dictionary_encode()
    return Texts(coded.indices.fill_null(len(coded.dictionary)), pa.concat_arrays([coded.dictionary, none]))


def make_cells(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, known: Mapping[str, Texts]
) -> pa.Table:
    """Return the step `cells`, for the rows of the step `keyed`.

    Args:
        connection: where the steps up to `keyed` are views.
        query: the query.
        known: carried name → its texts.
    """
    names = list(dict.fromkeys(name for one in query.read for name in one.reads))
    state = [*query.keys, "#key", *query.rows]
    listed = ", ".join(identifier(name) for name in (*state, *names))
    keyed = connection.sql(f"SELECT {listed} FROM keyed").to_arrow_table()
    order = key_order(connection, [keyed[key] for key in query.keys])
    columns = dict(zip(keyed.column_names, keyed.columns, strict=True))
    rows = keyed.num_rows
    del keyed
    found = {name: _ordered(columns.pop(name), order) for name in state}
    asked = {name: _texts(_ordered(columns.pop(name), order), known.get(name)) for name in names}
    rounds = _rounds(_groups(query.read, asked, rows))
    del asked
    while rounds:  # what a round has read can go
        together = rounds.pop()
        answers = _answers(connection, query, together)
        parts = [
            (name, answers[name].slice(0, group.size), group.numbers)
            for group in together
            for one in group.read
            for name in answers.column_names
            if name == one.name or name.startswith(f"{one.name}|")
        ]
        found |= zip((name for name, _, _ in parts), at_once(_laid_out, parts), strict=True)
    return pa.table(found)


def _ordered(column: pa.ChunkedArray, order: pa.Array | None) -> pa.Array:
    return whole(column) if order is None else whole(column).take(order)


def _texts(cells: pa.Array, known: Texts | None) -> Texts:
    """Return the texts of rows that hold them, or carry the numbers of known ones (of none: no text)."""
    if known is None:
        return texts_of([pa.chunked_array([cells])])
    return Texts(cells.fill_null(len(known.words) - 1), known.words)


def _laid_out(part: tuple[str, pa.ChunkedArray, pa.Array]) -> pa.Array:
    """Return the answers for the different rows as a column of all rows."""
    _, answers, numbers = part
    if answers.null_count == len(answers):
        return pa.nulls(len(numbers), answers.type)
    return whole(answers).take(numbers)


def _groups(read: Iterable[Read], columns: Mapping[str, Texts], rows: int) -> Iterator[Group]:
    """Yield the variables by the columns that they read."""
    readers: dict[tuple[str, ...], list[Read]] = {}
    for one in read:
        readers.setdefault(tuple(sorted(one.reads)), []).append(one)
    for names, ones in readers.items():
        if not names:
            yield Group(tuple(ones), {}, pa.array(np.zeros(rows, np.int32)))
        elif len(names) == 1:
            texts = columns[names[0]]
            yield Group(tuple(ones), {names[0]: texts.words}, texts.numbers)
        else:
            numbers, example = _together([columns[name].numbers for name in names])
            words = {name: columns[name].words.take(columns[name].numbers.take(example)) for name in names}
            yield Group(tuple(ones), words, numbers)


def _together(columns: Sequence[pa.Array]) -> tuple[pa.Array, pa.Array]:
    """Return of each row the number of the different row that it equals, and for each different row an example."""
    numbers = columns[0].to_numpy().astype(np.int64)
    for column in columns[1:]:
        more = column.to_numpy()
        pairs = numbers * (int(more.max(initial=0)) + 1) + more
        numbers = pa.array(pairs).dictionary_encode().indices.to_numpy().astype(np.int64)
    example = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
    example[numbers] = np.arange(len(numbers))
    return pa.array(numbers), pa.array(example)


def _rounds(groups: Iterable[Group]) -> list[list[Group]]:
    """Return the groups that are asked in one query: no two with the same column, all of about the same size."""
    rounds: dict[tuple[int, int], list[Group]] = {}
    for group in groups:
        size, number = group.size.bit_length() // 3, 0
        while any(
            rounds_group.words.keys() & group.words.keys() for rounds_group in rounds.get((size, number), [])
        ):
            number += 1
        rounds.setdefault((size, number), []).append(group)
    return list(rounds.values())


def _answers(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, together: Sequence[Group]
) -> pa.Table:
    """Return what the rules of the groups make of their different rows, which stand side by side."""
    size = max(group.size for group in together)
    words = {name: texts for group in together for name, texts in group.words.items()}
    filled = {
        name: pa.concat_arrays([texts, pa.nulls(size - len(texts), texts.type)])
        for name, texts in words.items()
    }
    connection.register(SOURCE, pa.table({PLACE: pa.array(np.arange(size)), **filled}))
    read = [one for group in together for one in group.read]
    carried = [name for name in words if name in query.carried]
    steps = cell_steps([f"r.{identifier(PLACE)}"], carried, read, SOURCE)
    for step in steps[:-1]:  # stored one by one: planning hundreds of nested columns costs seconds
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} AS {step.sql}")
    answers = connection.sql(f"{steps[-1].sql} ORDER BY r.{identifier(PLACE)}").to_arrow_table()
    for step in steps[:-1]:
        connection.execute(f"DROP TABLE {step.name}")
    return answers


def at_once(make: Callable[[T], U], each: Iterable[T]) -> list[U]:
    """Return what `make` gives for each, several at a time (Arrow works outside Python's lock)."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(make, each))
