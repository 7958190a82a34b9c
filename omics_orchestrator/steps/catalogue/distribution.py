"""How the values of a variable are spread over a study, in cells of which none tells of few people.

Which cells are hidden: disclosure.py. Free text, files and identifying values are never counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from omics_orchestrator.dictionary import ENTITIES, Dictionary, Variable
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.errors import StorageError, UnknownKey
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.disclosure import Counted, shown_cells
from omics_orchestrator.steps.catalogue.ranges import ranges_of
from omics_orchestrator.steps.unit_print import in_print
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, read_table

PEOPLE = 20  # with fewer there is no distribution
NUMBERS = {"integer", "decimal", "censored"}
DATES = {"date", "partial_date"}
DRAWN = {"code", "boolean", *NUMBERS, *DATES}
WHY_NOT = {
    "text": "The values are free text: they are never shown.",
    "file": "The values are files: they are never shown.",
    "set": "Of sets of codes no distribution is made.",
}
EARLIER = "The stored values are those of an earlier type of the variable."
CLOSED = {"identifying", "restricted"}
PARTICIPANT = "participant_id"
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Cell:
    """One code, range or year; `rows` is rounded, None = not shown. `percent` is the length of its bar."""

    label: str
    rows: int | None
    percent: float = 0.0


@dataclass(frozen=True)
class Distribution:
    """The cells in their order and what one row is; without cells, why there are none."""

    cells: tuple[Cell, ...] = ()
    counts: str = ""
    unit: str = ""
    why_not: str = ""
    ordered: bool = False
    """Whether the cells are ranges or years: a hidden one then keeps its place."""

    @property
    def hidden(self) -> tuple[Cell, ...]:
        """The cells that are not shown."""
        return tuple(cell for cell in self.cells if cell.rows is None)

    @property
    def drawn(self) -> tuple[Cell, ...]:
        """The cells that have a line in the picture."""
        return self.cells if self.ordered else tuple(cell for cell in self.cells if cell.rows is not None)


@dataclass(frozen=True)
class Sorted:
    """The values of one variable, sorted into cells: place of each row's cell, −1 = no value."""

    labels: list[str]
    places: Places
    unit: str = ""
    ordered: bool = False


def distributions(
    workspace: Workspace, tables: Mapping[str, TableState], coarse: Coarse
) -> Iterator[tuple[tuple[str, str], Distribution]]:
    """Yield (study, variable) and its distribution, one query per table; a table that is just gone is left out."""
    for study in workspace.catalogue.studies:
        for entity in ENTITIES:
            if state := tables.get(f"harmonised/{study}/{entity}"):
                try:
                    found = list(_of_table(workspace, state, entity, coarse))
                except (StorageError, UnknownKey):
                    continue
                yield from (((study, name), distribution) for name, distribution in found)


def _of_table(
    workspace: Workspace, state: TableState, entity: str, coarse: Coarse
) -> Iterator[tuple[str, Distribution]]:
    held = set(state.arrow_schema.names)
    variables = [one for one in workspace.dictionary.of_entity(entity) if one.name in held - set(state.key)]
    for one in variables:
        if why := closed(one):
            yield one.name, Distribution(why_not=why)
    drawn = [one for one in variables if not closed(one)]
    if not drawn:
        return
    inexact = any(one.type == "censored" for one in drawn)
    columns = [*(state.key if inexact else (PARTICIPANT,)), *(one.name for one in drawn)]
    table = read_table(workspace.database, state.schema, state.name, columns=columns)
    marks = _comparators(workspace, state, table) if inexact else {}
    people = _numbered(table[PARTICIPANT])
    single = state.key == (PARTICIPANT,)
    for one in drawn:
        if table[one.name].type != arrow_type(one.type):
            yield one.name, Distribution(why_not=EARLIER)
            continue
        limit = coarse.stricter() if one.sensitivity == "personal" else coarse
        found = sorted_into(one, workspace.dictionary, table[one.name], marks.get(one.name), limit.least)
        yield one.name, draw(found, people, limit, coarse, entity=entity, single=single)


def closed(variable: Variable) -> str:
    """Return why no distribution is ever made of a variable; empty = one may be made."""
    if variable.sensitivity in CLOSED:
        return f"The variable is {variable.sensitivity}: its values are never shown."
    return "" if variable.type in DRAWN else WHY_NOT[variable.type]


def _numbered(column: pa.ChunkedArray) -> Places:
    """Return a number for each participant."""
    return np.asarray(column.combine_chunks().dictionary_encode().indices, np.int64)


def _comparators(workspace: Workspace, state: TableState, table: pa.Table) -> dict[str, list[str | None]]:
    """Return variable → the comparator of each row, None where the value is exact."""
    side = read_table(workspace.database, state.schema, f"{state.name}__comparators")
    keys = list(zip(*(table[name].to_pylist() for name in state.key), strict=True))
    marks: dict[str, dict[tuple[str, ...], str]] = {}
    for row in side.to_pylist():
        marks.setdefault(row["variable"], {})[tuple(row[name] for name in state.key)] = row["comparator"]
    return {name: [found.get(key) for key in keys] for name, found in marks.items()}


def sorted_into(
    variable: Variable,
    dictionary: Dictionary,
    column: pa.ChunkedArray,
    marks: list[str | None] | None,
    least: int,
) -> Sorted:
    """Sort the values of a variable into codes, ranges or years."""
    if variable.type in {"code", "boolean"}:
        return _coded(variable, dictionary, column)
    values = pc.year(column) if variable.type in DATES else column
    numbers = np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan))
    held = np.isfinite(numbers)
    signs = np.array([(mark or "=")[0] for mark in marks or ()] or ["="] * len(numbers))
    censored = variable.type == "censored"
    exact = held & ~np.isin(signs, ("<", ">")) if censored else held
    places = np.full(len(numbers), -1, np.int64)
    labels: list[str] = []
    if exact.any():
        ranges = ranges_of(numbers[exact], least, whole=variable.type in {"integer", *DATES})
        ends = ("or earlier", "or later") if variable.type in DATES else ("or less", "or more")
        labels = ranges.labels(variable.min, variable.max, ends)
        places[exact] = ranges.places(numbers[exact])
    if censored:  # always, so that nobody learns from their absence
        places[held & (signs == "<")], places[held & (signs == ">")] = len(labels), len(labels) + 1
        labels += ["below a limit", "above a limit"]
    return Sorted(labels, places, in_print(variable.unit), ordered=True)


def _coded(variable: Variable, dictionary: Dictionary, column: pa.ChunkedArray) -> Sorted:
    codes = list(dictionary.codes(variable.name))
    names = dictionary.code_lists.get(variable.code_list, {})
    texts = pc.if_else(column, "yes", "no") if variable.type == "boolean" else column
    found = pc.index_in(texts, value_set=pa.array(codes, pa.string()))
    places = np.asarray(pc.fill_null(found, -1)).astype(np.int64)
    return Sorted([names.get(code, code) for code in codes], places)


def draw(
    found: Sorted, people: Places, coarse: Coarse, told: Coarse, *, entity: str, single: bool
) -> Distribution:
    """Return the distribution of sorted values: rounded, small cells and what would betray them left out.

    Args:
        found: the sorted values.
        people: the number of each row's participant.
        coarse: how the cells are told.
        told: how the share of rows with a value is told.
        entity: what one row is.
        single: whether each row is another participant.
    """
    has = found.places >= 0
    if len(np.unique(people[has])) < max(PEOPLE, 2 * coarse.least):
        return Distribution(why_not=f"Fewer than {max(PEOPLE, 2 * coarse.least)} participants have a value.")
    rows = np.bincount(found.places[has], minlength=len(found.labels))
    pairs = np.unique(np.stack([found.places[has], people[has]]), axis=1)
    persons = np.bincount(pairs[0], minlength=len(found.labels))
    table = Counted(rows.tolist(), (persons < coarse.least).tolist(), int((~has).sum()), single)
    shown = shown_cells(table, coarse, told)
    if sum(shown) < min(2, len(shown)):
        return Distribution(why_not="It would tell of too few participants.")
    told_rows = [
        coarse.rounded(number) if one else None for number, one in zip(table.rows, shown, strict=True)
    ]
    longest = max(number or 0 for number in told_rows)
    cells = tuple(
        Cell(label, number, round(100 * (number or 0) / longest, 1))
        for label, number in zip(found.labels, told_rows, strict=True)
    )
    return Distribution(cells, f"{entity}s", found.unit, ordered=found.ordered)
