"""A saved workbook as rows of text: sheets found by name, columns by header, every unusable cell named.

What the rows change is found out in merging.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.sources.places import letters
from omics_orchestrator.steps.spreadsheet.cells import Refused, Stored, text_of
from omics_orchestrator.steps.spreadsheet.complaints import Complaint, Remark, Told
from omics_orchestrator.steps.spreadsheet.records import Records
from omics_orchestrator.steps.spreadsheet.sheets import REVIEWS, Sheet, is_shown, named

Grid = dict[int, dict[int, Stored]]  # row → column, both from 1 → cell


@dataclass
class Rows:
    """The rows of one sheet.

    Attributes:
        cells: key → column → text, in the order of the sheet.
        places: key → row of the sheet.
        columns: column → its letters in this workbook.
        beside: (key, column that is only shown) → its cell and text.
        refused: (key, column) that a complaint was made about; its text is the one before.
        whole: whether every row's key could be read: else rows may seem to be gone.
    """

    cells: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    places: dict[tuple[str, ...], int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    beside: dict[tuple[tuple[str, ...], str], tuple[str, str]] = field(default_factory=dict)
    refused: set[tuple[tuple[str, ...], str]] = field(default_factory=set)
    whole: bool = True


def grid_of(sheet: Any) -> Grid:
    """Return the cells of an openpyxl sheet that hold anything."""
    grid: Grid = {}
    for (row, column), cell in sorted(sheet._cells.items()):
        if cell.value is not None and str(cell.value).strip():
            kind = "d" if cell.is_date else cell.data_type
            grid.setdefault(row, {})[column] = Stored(cell.value, kind, cell.number_format)
    return grid


def read_rows(sheet: Sheet, grid: Grid, merged: list[str], base: Records, told: Told) -> Rows | None:
    """Return the rows of a sheet; complaints and remarks go to `told`. None: its columns are not known."""
    for place in merged:
        row = int("".join(filter(str.isdigit, place.split(":")[0])))
        told.complaints.append(Complaint(sheet.name, row, place, "cells are merged", "unmerge them"))
    header = _header(sheet, grid, told)
    if header is None:
        return None
    rows = Rows(columns={name: letters(place - 1) for name, place in header.items()})
    only_shown = {
        place: name for place, cell in grid.get(1, {}).items() if is_shown(name := str(cell.value).strip())
    }
    reader = _Reader(sheet, header, only_shown, base, told, rows)
    for number, cells in grid.items():
        if number > 1:
            reader.read(number, cells)
    return rows


def _header(sheet: Sheet, grid: Grid, told: Told) -> dict[str, int] | None:
    """Return column → its place; columns that are not known are left alone."""
    found: dict[str, int] = {}
    wanted = (*sheet.header, *REVIEWS)
    unknown = []
    before = len(told.complaints)
    for place, cell in grid.get(1, {}).items():
        name = str(cell.value).strip()
        if name in found:
            told.complaints.append(
                Complaint(sheet.name, 1, f"{letters(place - 1)}1", f"the column {name!r} stands here twice")
            )
        elif name in wanted:
            found[name] = place
        elif not is_shown(name):
            unknown.append(name)
    for name in sheet.header:
        if name not in found:
            message = f"the header {name!r} is missing in row 1"
            told.complaints.append(Complaint(sheet.name, 1, "", message, suggest(name, unknown)))
    if unknown and len(told.complaints) == before:
        told.notes.append(f"{sheet.name}: columns that are not read: {', '.join(unknown)}")
    return found if len(told.complaints) == before else None


@dataclass
class _Reader:
    """Reads row by row what one sheet holds."""

    sheet: Sheet
    header: Mapping[str, int]
    only_shown: Mapping[int, str]
    base: Records
    told: Told
    rows: Rows

    def read(self, number: int, cells: Mapping[int, Stored]) -> None:
        found = {name: cells[place] for name, place in self.header.items() if place in cells}
        if not found:
            return
        if not found.keys() <= set(REVIEWS):
            key = self._key(number, found)
            if key is None:
                self.rows.whole = False
                return
            self._row(number, key, found)
            for place, name in self.only_shown.items():
                text = str(cells[place].value).strip() if place in cells else ""
                self.rows.beside[key, name] = f"{letters(place - 1)}{number}", text
            self._remark(number, named(key), found)
        else:
            self._remark(number, "a row without a name", found)

    def _key(self, number: int, found: Mapping[str, Stored]) -> tuple[str, ...] | None:
        key: list[str] = []
        for name in self.sheet.key:
            cell = found.get(name)
            told = cell is None or isinstance(cell.value, str)  # then nothing needs to be brought back
            rows = () if told else self.base.rows
            known = [one[len(key)] for one in rows if list(one[: len(key)]) == key]
            text = self._text(number, name, cell, known)
            if text == "":
                self._complain(number, name, f"the cell {name!r} is empty, and the row is not", "")
            if not text:
                return None
            key.append(text)
        if (first := self.rows.places.get(tuple(key))) is not None:
            name = self.sheet.key[-1]
            self._complain(number, name, f"{named(tuple(key))} is given twice, first in row {first}", "")
            return None
        return tuple(key)

    def _row(self, number: int, key: tuple[str, ...], found: Mapping[str, Stored]) -> None:
        before = self.base.rows[key].cells if key in self.base.rows else {}
        row = dict(zip(self.sheet.key, key, strict=True))
        for name in self.sheet.header:
            if name in row:
                continue
            text = self._text(number, name, found.get(name), [before[name]] if name in before else [])
            if text is None:
                self.rows.refused.add((key, name))
            row[name] = before.get(name, "") if text is None else text
        self.rows.cells[key] = {name: row[name] for name in self.sheet.header}
        self.rows.places[key] = number

    def _text(self, number: int, name: str, cell: Stored | None, before: list[str]) -> str | None:
        kinds = {"number": name in self.sheet.numbers, "day": name in self.sheet.days}
        try:
            return text_of(cell or Stored(None), before=before, **kinds)
        except Refused as error:
            self._complain(number, name, f"{name!r} {error}", error.allowed)
            return None

    def _complain(self, number: int, name: str, message: str, allowed: str) -> None:
        cell = f"{letters(self.header[name] - 1)}{number}"
        self.told.complaints.append(Complaint(self.sheet.name, number, cell, message, allowed))

    def _remark(self, number: int, name: str, found: Mapping[str, Stored]) -> None:
        said = [str(found[word].value).strip() if word in found else "" for word in REVIEWS]
        if any(said):
            word = next(word for word in REVIEWS if word in found)
            cell = f"{letters(self.header[word] - 1)}{number}"
            self.told.remarks.append(Remark(self.sheet.name, cell, name, *said))


def told_inside(grid: Grid) -> Iterator[tuple[str, str]]:
    """Yield word and value of the hidden sheet."""
    for cells in grid.values():
        if 1 in cells and 2 in cells:
            yield str(cells[1].value), str(cells[2].value)
