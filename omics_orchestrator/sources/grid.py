"""The cells of a sheet: which of them are the table, what merged cells cover, their text, and what is told of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding, Severity, counted
from omics_orchestrator.sources.files import Sheet
from omics_orchestrator.sources.number_formats import TOLD
from omics_orchestrator.sources.places import letters, number
from omics_orchestrator.sources.workbook_facts import SheetFacts

Cell = int | float | str | bool | time | date | datetime | timedelta
Area = tuple[int, int, int, int]  # first row, row after the last, first column, column after the last; from 0
Merged = tuple[tuple[int, int], tuple[int, int]]
RANGE = re.compile(r"^([A-Z]{1,3})([1-9][0-9]*)(?::([A-Z]{1,3})([1-9][0-9]*)?)?$")
DIGITS = 15  # what Excel itself keeps and shows of a number
SERIAL = range(15_000, 80_000)  # numbers that stand for days between 1941 and 2119
ERRORS = "cells hold an error such as #N/A and arrive blank"
UNCOMPUTED = "formulas without a value arrive blank; open and save the workbook in Excel"
LARGE, SPARSE = 2_000_000, 0.02  # cells of a sheet, and the share of them that must hold something


@dataclass(frozen=True)
class Grid:
    """The cells of a table with its header, the column of the sheet where it begins, and what is known of the sheet.

    Attributes:
        cells: rows, equally wide.
        left: the first column's number, from 0.
        head: the number of the first row below the header, from 0.
        bottom: the number of the row after the last, from 0.
        covered: cells below the header that a merged cell covers and leaves blank.
        facts: what the sheet's XML tells.
    """

    cells: Sequence[Sequence[Cell]]
    left: int
    head: int
    bottom: int
    covered: int
    facts: SheetFacts | None

    def within(self, rows: Sequence[int]) -> int:
        """Return how many of a sheet's rows, counted from 1, are rows of the table below its header."""
        return sum(self.head < row <= self.bottom for row in rows)


def must_be_a_table(facts: SheetFacts | None) -> None:
    """Refuse a sheet that reaches far beyond its content: reading the void takes minutes, or more memory than there is.

    Raises:
        DeliveryError: naming how far it reaches.
    """
    height = facts.height if facts else 0
    width = max((number(name) + 1 for name in facts.columns), default=0) if facts else 0
    if facts and height * width > LARGE and facts.filled < SPARSE * height * width:
        raise DeliveryError(
            f"the sheet reaches to column {letters(width - 1)}, row {height:,}, and nearly all of it is empty: "
            "clear the stray cells at its end"
        )


def area_of(wanted: str | None, height: int, width: int) -> Area:
    """Return which rows and columns a range names, cut to the sheet.

    Raises:
        DeliveryError: the sheet holds nothing there.
    """
    if wanted is None:
        return 0, height, 0, width
    match = RANGE.fullmatch(wanted)
    assert match
    left, top = number(match[1]), int(match[2]) - 1
    right = number(match[3]) + 1 if match[3] else width
    bottom = int(match[4]) if match[4] else height
    if top >= min(bottom, height) or left >= min(right, width):
        raise DeliveryError(
            f"the range {wanted} holds nothing: the sheet ends at {letters(width - 1)}{height}"
        )
    return top, min(bottom, height), left, min(right, width)


def fill(rows: list[list[Cell]], merged: Sequence[Merged], head: int, *, whole: bool) -> int:
    """Write a merged cell's value into all that it covers in the header (`whole`: also below it).

    Returns:
        How many cells below the header are covered and stay blank.
    """
    blank = 0
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, min(right + 1, len(rows[row]))):
                if row < head or whole:
                    rows[row][column] = rows[top][left]
                elif (row, column) != (top, left):
                    blank += 1
    return blank


def tell_header(merged: Sequence[Merged], top: int, head: int, sheet: Sheet) -> None:
    """Tell that the header has more lines than were declared, where merged cells show it."""
    lowest = max((bottom for (first, _), (bottom, _) in merged if top <= first < head), default=head - 1)
    if lowest >= head:
        lines = lowest + 1 - top
        message = f"merged cells of the header reach down over {lines} rows: perhaps header_rows: {lines}"
        sheet.findings.append(Finding("delivery", message, lines))


def as_text(cell: Cell) -> str:
    """Return a cell as a person would write it."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return format(cell, f".{DIGITS}g") if abs(cell) < 10**DIGITS else str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            minutes, seconds = divmod(int(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return str(cell)


def tell(grid: Grid, names: Sequence[str], rows: Sequence[Sequence[Cell]], sheet: Sheet) -> None:
    """Tell what of a table's cells a person should know: columns and counts, never a cell."""
    for place, name in enumerate(names):
        kinds = Counter(kind_of(row[place]) for row in rows)
        if kinds["date"] and kinds["serial"]:
            message = f"column {name}: {kinds['date']} dates, and numbers that may be days counted by Excel"
            sheet.findings.append(Finding("delivery", message, kinds["serial"], subject=name))
        if kinds["date"] and kinds["text"]:
            days = counted(kinds["date"], "date of Excel", "dates of Excel")
            both = f"{days}, written 2024-05-31 here, beside {counted(kinds['text'], 'text')}"
            message = (
                f'column {name}: {both}; a date rule reads both where its formats name "%Y-%m-%d" and theirs'
            )
            sheet.findings.append(Finding("delivery", message, kinds["text"], "note", name))
        if grid.facts:
            sheet.findings += _of_column(grid, grid.facts, letters(grid.left + place), name)
    if grid.covered:
        sheet.note(
            "cells that a merged cell covers are blank; fill_merged: yes gives them its value", grid.covered
        )
    for part, word in (("row", "rows"), ("col", "columns")):
        if grid.facts and (hidden := grid.facts.hidden.get(part, 0)):
            sheet.note(f"hidden {word} are read too", hidden)


def _of_column(grid: Grid, facts: SheetFacts, letter: str, name: str) -> Iterator[Finding]:
    """Yield what is told of one column's cells, those of the table only."""
    told: list[tuple[str, Severity, Sequence[int]]] = [
        (ERRORS, "warning", facts.errors.get(letter, ())),
        (UNCOMPUTED, "warning", facts.uncomputed.get(letter, ())),
        *(
            (words, severity, facts.shown.get((letter, shown), ()))
            for shown, (words, severity) in TOLD.items()
        ),
    ]
    for words, severity, rows in told:
        if count := grid.within(rows):
            yield Finding("delivery", f"column {name}: {words}", count, severity, name)


def kind_of(cell: Cell) -> str:
    """Return `date`, `text`, `serial` (a whole number in the range of dates) or ''."""
    if isinstance(cell, date):
        return "date"
    if isinstance(cell, str):
        return "text" if cell.strip() else ""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return ""
    return "serial" if SERIAL[0] <= cell <= SERIAL[-1] and cell == int(cell) else ""
