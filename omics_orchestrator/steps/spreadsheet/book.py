"""Writes the workbook: one sheet per file, drop-downs, coverage beside the variables, the hidden sheet.

It is read back by reading.py; how a cell's text survives a spreadsheet program is in cells.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omics_orchestrator.sources.places import letters
from omics_orchestrator.steps.spreadsheet.cells import as_number, storable
from omics_orchestrator.steps.spreadsheet.packed import packed
from omics_orchestrator.steps.spreadsheet.records import Records
from omics_orchestrator.steps.spreadsheet.sheets import (
    FORMAT,
    INSIDE,
    REVIEWS,
    WIDTH,
    WIDTHS,
    Sheet,
)

TEXT = "@"  # the number format by which nothing that is typed becomes a number or a date
SPARE = 1000  # rows below the last one that have drop-downs too
GREY = "FFE7E6E6"
BLUE = "FFDDEBF7"


@dataclass(frozen=True)
class Choices:
    """The words of a drop-down; `strict`: others are refused at once, else they are asked about."""

    words: Sequence[str]
    strict: bool


@dataclass(frozen=True)
class Content:
    """What one sheet is to show: its rows, drop-downs by column, and columns beside them that are not read."""

    sheet: Sheet
    records: Records
    choices: Mapping[str, Choices]
    beside: Mapping[str, Sequence[str]]


def make_book(contents: Sequence[Content], texts: Mapping[str, str]) -> Any:
    """Return the openpyxl workbook.

    Args:
        contents: the sheets.
        texts: file → its text, kept in the hidden sheet.

    Raises:
        Refused: a text that no cell can hold.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    sheets = [book.create_sheet(content.sheet.name) for content in contents]
    inside = book.create_sheet(INSIDE)
    _fill_inside(inside, texts)
    used = 2
    for sheet, content in zip(sheets, contents, strict=True):
        _fill(sheet, content)
        for column, choices in content.choices.items():
            used += 1
            _offer(sheet, inside, used, content, column, choices)
    return book


def _fill(sheet: Any, content: Content) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    shades = [PatternFill("solid", start_color=colour) for colour in (BLUE, GREY)]
    header = (*content.sheet.header, *REVIEWS, *content.beside)
    for place, name in enumerate(header, start=1):
        shown = name not in content.beside
        cell = _text(sheet, 1, place, name)
        cell.font = Font(bold=True)
        cell.fill = shades[0] if shown else shades[1]
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        column = sheet.column_dimensions[letters(place - 1)]
        column.width = WIDTHS.get(name, WIDTH)
        if shown and name not in content.sheet.numbers:
            column.number_format = TEXT
    grey = Font(color="FF808080", italic=True)
    for row, record in enumerate(content.records.rows.values(), start=2):
        _fill_row(sheet, row, content, record.cells)
        for place, cells in enumerate(content.beside.values(), start=len(header) - len(content.beside) + 1):
            if cells[row - 2]:
                _text(sheet, row, place, cells[row - 2]).font = grey
    sheet.freeze_panes = sheet.cell(2, len(content.sheet.key) + 1)
    sheet.auto_filter.ref = f"A1:{letters(len(header) - 1)}{len(content.records.rows) + 1}"


def _fill_row(sheet: Any, row: int, content: Content, cells: Mapping[str, str]) -> None:
    for place, (name, text) in enumerate(cells.items(), start=1):
        number = as_number(text) if name in content.sheet.numbers else None
        if number is not None:
            sheet.cell(row, place).value = int(number) if number.is_integer() else number
        elif text:
            _text(sheet, row, place, text)
        elif name not in content.sheet.numbers:
            sheet.cell(row, place).number_format = TEXT
    for place in range(len(cells) + 1, len(cells) + len(REVIEWS) + 1):
        sheet.cell(row, place).number_format = TEXT


def _text(sheet: Any, row: int, column: int, text: str) -> Any:
    """Write a text as a text, also `=1`, `#N/A`, `1E5`."""
    cell = sheet.cell(row, column)
    cell.value = storable(text)
    cell.data_type = "s"
    cell.number_format = TEXT
    return cell


def _fill_inside(inside: Any, texts: Mapping[str, str]) -> None:
    rows = [("format", FORMAT), *packed(texts)]
    for row, pair in enumerate(rows, start=1):
        for column, text in enumerate(pair, start=1):
            _text(inside, row, column, text)
    inside.sheet_state = "hidden"
    inside.protection.sheet = True


def _offer(sheet: Any, inside: Any, used: int, content: Content, column: str, choices: Choices) -> None:
    """Give a column its drop-down; the words stand in column `used` of the hidden sheet."""
    from openpyxl.worksheet.datavalidation import DataValidation

    if not choices.words:
        return
    for row, word in enumerate(choices.words, start=1):
        _text(inside, row, used, word)
    name = letters(used - 1)
    rule = DataValidation(
        type="list",
        formula1=f"{INSIDE}!${name}$1:${name}${len(choices.words)}",
        allow_blank=True,
        showErrorMessage=True,
        errorStyle="stop" if choices.strict else "warning",
        errorTitle=column,
        error=f"{column}: this word is not in the list" + ("" if choices.strict else ". Keep it?"),
    )
    place = letters(content.sheet.header.index(column))
    rule.add(f"{place}2:{place}{len(content.records.rows) + 1 + SPARE}")
    sheet.add_data_validation(rule)
