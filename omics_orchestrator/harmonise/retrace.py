"""One variable of one row, evaluated again from given raw rows by the same compiler, cell by cell.

Which raw rows these are and what was stored of them is asked in steps/trace.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.harmonise import flags_of, with_comparators
from omics_orchestrator.harmonise.columns import GROUP, Columns
from omics_orchestrator.harmonise.compile import compile_entity, key_columns, with_new_columns
from omics_orchestrator.harmonise.keys import groups
from omics_orchestrator.harmonise.result import read_result
from omics_orchestrator.harmonise.run import fetch, locked_database, prepare
from omics_orchestrator.harmonise.steps import BLANK, CONFLICTING, NOT_PICKED, OUTCOMES, ROW, VALUE, coded
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.dating import PARTICIPANT, words_in
from omics_orchestrator.verbs.expression import source_calls


@dataclass(frozen=True)
class SourceCell:
    """One cell of a source row that a rule read.

    Attributes:
        table: the table, by the name that the block gives it.
        row: its place in the raw table that was given.
        column: the column's original name.
        text: the cell, unchanged.
        outcome: what became of it: value, blank, missing:<reason>, invalid, unmapped, conflicting …
    """

    table: str
    row: int
    column: str
    text: str | None
    outcome: str


@dataclass(frozen=True)
class Made:
    """What a rule makes of the raw rows, from which cells (or from which other variables)."""

    value: Any = None
    reason: str | None = None
    comparator: str | None = None
    cells: tuple[SourceCell, ...] = ()
    inputs: tuple[str, ...] = ()


def retrace(
    study: Study,
    entity: str,
    variable: str,
    dictionary: Dictionary,
    raw: Mapping[str, pa.Table],
    key: Mapping[str, str],
    participants: pa.Table | None = None,
    participant_comparators: pa.Table | None = None,
) -> dict[str, Made]:
    """Return a variable and every variable of its entity that it needs → what its rule makes.

    Args:
        study: the study.
        entity: the entity of the variable, which has a rule.
        variable: the variable.
        dictionary: the data dictionary.
        raw: table by its name in the block → the raw rows of one key, with original column names.
        key: the key of the row in question.
        participants: the harmonised participant, for rules that name `participant.<variable>`.
        participant_comparators: what stands beside it.

    Raises:
        DeclarationError: the rules do not fit the raw tables any more.
        HarmoniseError: the query failed.
    """
    asked = _Question(
        study, entity, dictionary, raw, key, with_comparators(participants, participant_comparators)
    )
    block = study.mapping.entities[entity]  # type: ignore[index]
    needed = needs(block, variable)
    found = asked.answer(block, needed)
    parts = [(block, found)]
    if block.reshape and block.reshape.slots:  # a block of slots is a block for each slot
        slots = [block.reshape.model_copy(update={"slots": (slot,)}) for slot in block.reshape.slots]
        blocks = [block.model_copy(update={"reshape": reshape}) for reshape in slots]
        parts = [(one, asked.answer(one, needed)) for one in blocks]
    texts = [(_Texts(study, entity, one, raw), answer) for one, answer in parts]
    return {name: _made(block, name, found, texts) for name in [*needed, *hidden(block, needed)]}


def needs(block: EntityBlock, variable: str) -> list[str]:
    """Return a variable and every variable with a rule of its own that it is computed from, itself first."""
    found = [variable]
    for name in found:
        if name in block.rules:
            found += [need for need in inputs(block, name) if need in block.rules and need not in found]
    return found


def inputs(block: EntityBlock, variable: str) -> list[str]:
    """Return the names that a rule computes from: variables, and source columns as `number(column)`."""
    texts = block.rules[variable].expressions()
    words = sorted({word for text in texts for word in words_in(text)})
    return [*words, *hidden(block, [variable])]


def hidden(block: EntityBlock, variables: Iterable[str]) -> list[str]:
    """Return the source columns that expressions read, as `number(column)`."""
    texts = [text for name in variables for text in block.rules[name].expressions()]
    calls = dict.fromkeys(call for text in texts for call in source_calls(text))
    return [
        f"{how}({name})"
        for how, name in calls
        if name not in block.rules and not name.startswith(PARTICIPANT)
    ]


@dataclass(frozen=True)
class _Answer:
    """What a query says of one key: its row, the reasons and comparators beside it, its source rows."""

    row: Mapping[str, Any]
    missing: Mapping[str, Any]
    marks: Mapping[str, str]
    merged: Mapping[str, Any]
    cells: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Question:
    """The raw rows of one key, and what they are to be read by."""

    study: Study
    entity: str
    dictionary: Dictionary
    raw: Mapping[str, pa.Table]
    key: Mapping[str, str]
    participants: pa.Table | None

    def answer(self, block: EntityBlock, names: Iterable[str]) -> _Answer:
        """Run the block with no rules but those of `names`."""
        kept = block.model_copy(update={"rules": {name: block.rules[name] for name in names}, "checks": {}})
        entities = dict(self.study.mapping.entities) | {self.entity: kept}
        mapping = self.study.mapping.model_copy(update={"entities": entities})
        study = self.study.model_copy(update={"mapping": mapping})
        columns = {name: table.column_names for name, table in self.raw.items()}
        query = compile_entity(study, self.entity, self.dictionary, columns, flags=flags_of(self.raw))
        with locked_database() as connection:
            made = prepare(connection, query, self.raw, study.participant_id.aliases, self.participants)
            result = read_result(connection, query, made)
            several = self._all(fetch(connection, "SELECT * FROM several"))
            return _Answer(
                row=self._one(result.table(self.dictionary)),
                missing=self._one(result.missing()),
                marks={row["variable"]: row["comparator"] for row in self._all(result.comparators())},
                merged=self._one(fetch(connection, "SELECT * FROM harmonised")),
                cells=several or self._all(fetch(connection, "SELECT * FROM cells")),
            )

    def _all(self, table: pa.Table) -> list[dict[str, Any]]:
        return [row for row in table.to_pylist() if _has(row, self.key)]

    def _one(self, table: pa.Table) -> dict[str, Any]:
        return next(iter(self._all(table)), {})


def _has(row: Mapping[str, Any], key: Mapping[str, str]) -> bool:
    return all(row[name] == value for name, value in key.items())


def _made(block: EntityBlock, name: str, found: _Answer, parts: Iterable[tuple[_Texts, _Answer]]) -> Made:
    rule = block.rules.get(name)
    references = rule.references() if rule else (name.partition("(")[2].removesuffix(")"),)
    cells = [
        SourceCell(table, row, column, text, _outcome(name, cell, text, found))
        for texts, answer in parts
        for cell in answer.cells
        for reference in references
        for table, row, column, text in texts.behind(reference, cell)
    ]
    return Made(
        value=(found.row if rule else found.merged).get(name),
        reason=found.missing.get(name),
        comparator=found.marks.get(name) if rule else found.merged.get(f"{name}|comparator"),
        cells=tuple(dict.fromkeys(cells)),
        inputs=tuple(inputs(block, name)) if rule and rule.reads_variables else (),
    )


def _outcome(name: str, cell: Mapping[str, Any], text: str | None, found: _Answer) -> str:
    """Return what became of a variable on one source row; an empty cell of several is just blank."""
    if text is None or not text.strip():
        return BLANK
    outcome: str = OUTCOMES[cell[f"{name}|outcome"]]
    if outcome != VALUE:
        return outcome
    if not cell.get(f"{name}|picked", True):
        return NOT_PICKED
    return CONFLICTING if found.merged[f"{name}|outcome"] == coded(CONFLICTING) else VALUE


class _Texts:
    """Finds the raw text behind a column reference, on one source row of the query."""

    def __init__(self, study: Study, entity: str, block: EntityBlock, raw: Mapping[str, pa.Table]) -> None:
        self.block = block
        self.raw = raw
        delivered = with_new_columns(block, {name: table.column_names for name, table in raw.items()})
        self.columns = Columns(block, delivered, groups(study.participant_id))
        redcap = all(study.sources[study.place(table)[0]].tables() is None for table in block.own_tables())
        self.id_column = key_columns(block, entity, redcap=redcap)[0]
        self.first: dict[str, int] = {}
        number = 0
        for name in block.tables():
            self.first[name] = number
            number += raw[name].num_rows

    def behind(self, reference: str, cell: Mapping[str, Any]) -> Iterator[tuple[str, int, str, str | None]]:
        """Yield table, row, column and text of every cell that a reference or pattern stands for."""
        group = reference.startswith(GROUP) and reference.removeprefix(GROUP) in self.columns.groups
        for one in self.columns.expand(self.id_column if group else reference):
            table, column = self.columns.place(one)
            joined = table in self.block.join
            number = cell.get(f"{ROW}:{table}" if joined else ROW)
            if number is None:
                continue
            table = table if joined else self._own_table(int(number))
            row = int(number) - self.first[table]
            name = self._source(table, row, column)
            if name is not None and name in self.raw[table].column_names:
                text = self.raw[table][name][row].as_py()
                yield table, row, name, None if text is None else str(text)

    def _own_table(self, number: int) -> str:
        """Return the block's own table in which a numbered row lies."""
        rows = {name: range(at, at + self.raw[name].num_rows) for name, at in self.first.items()}
        return next(name for name in self.block.own_tables() if number in rows[name])

    def _source(self, table: str, row: int, column: str) -> str | None:
        """Return the source column behind one that `reshape` made, else the column itself."""
        reshape = self.block.reshape
        if reshape is None or column not in reshape.new_columns():
            return column
        if reshape.spread is not None:
            about = self.raw[table][reshape.spread][row].as_py()
            return reshape.values if (about or "").strip() == reshape.columns[column] else None
        return reshape.column(column, reshape.slots[0]) if column in reshape.columns else None
