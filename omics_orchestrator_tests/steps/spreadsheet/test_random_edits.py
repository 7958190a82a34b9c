"""A thousand random edits, as people and Excel make them: each is taken over exactly, or refused with its cell."""

from __future__ import annotations

import csv
import datetime
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from omics_orchestrator.steps.spreadsheet import export_book, read_import
from omics_orchestrator.steps.spreadsheet.complaints import Complaint
from omics_orchestrator.steps.spreadsheet.sheets import CODES, SHEETS, VARIABLES, Sheet
from omics_orchestrator_tests.steps.spreadsheet.books import DICTIONARY

EDITS, BATCH = 1000, 50
CELL = re.compile(r"^[A-Z]+[0-9]+$")
TWICE = re.compile(r"is given twice, first in row ([0-9]+)")
TEXTS = (
    *(
        "Mild, or so",
        'the "best"',
        "two\nlines",
        "  blanks  ",
        "µg·é",
        "=1",
        "'quoted",
        "#N/A",
        "-",
        "a;b",
        "x" * 300,
    ),
    *("1E5", "MAR1", "007", "TRUE", "true", "1-2", "+5", "<20", "0.10", "5%", "_x0041_", "a,b", "nan"),
    *("visit", "sample", "text", "code", "decimal", "mg/L", "kg", "yes_no", "open", "sex", "no such thing"),
)
VALUES = (
    *(None, "=A1+1", 5, 0, 100000.0, 0.1, -3, 1e22, True, False),
    *(
        datetime.date(2026, 3, 1),
        datetime.datetime(2026, 3, 1, 12),  # noqa: DTZ001 - a workbook knows no zones
        datetime.time(12),
        datetime.timedelta(hours=30),
    ),
)
Row = dict[str, Any]


@dataclass(eq=False)
class Line:
    """One row of a sheet as somebody left it; `before` is what it was, None for a new one."""

    cells: Row
    before: Row | None
    changed: bool = False


def small_dictionary(folder: Path) -> Path:
    """Return a part of the real dictionary that is large enough for all kinds of rows."""
    shutil.copytree(DICTIONARY, folder, ignore=shutil.ignore_patterns("studies", "schema", "scores.yaml"))
    (folder / "scores.yaml").write_text("{}\n")
    lines = (folder / VARIABLES.file).read_text().splitlines(keepends=True)
    (folder / VARIABLES.file).write_text("".join([lines[0], *lines[1:500:4]]))
    return folder


def rows_of(folder: Path, sheet: Sheet) -> list[Row]:
    with (folder / sheet.file).open(newline="") as stream:
        return list(csv.DictReader(stream))


def edit(dice: random.Random, sheet: Sheet, lines: list[Line], gone: list[Line]) -> None:
    """Do one thing that a person may do."""
    at = dice.randrange(len(lines))
    kind = dice.choices(("type", "insert", "copy", "delete", "move"), (12, 1, 1, 1, 1))[0]
    if kind == "type":
        lines[at].cells[dice.choice(sheet.header)] = dice.choice(dice.choice((TEXTS, VALUES)))
        lines[at].changed = True
    elif kind == "delete":
        gone.append(lines.pop(at))
    elif kind == "move":
        lines.insert(dice.randrange(len(lines)), lines.pop(at))
    else:
        cells = dict(lines[at].cells)
        if kind == "insert":
            cells[sheet.key[-1]] = f"new_{dice.randrange(10**6)}"
        lines.insert(dice.randrange(len(lines)), Line(cells, None, changed=True))


def fill(sheet: Any, header: tuple[str, ...], lines: list[Line]) -> None:
    """Leave the sheet with these rows."""
    for row in range(2, max(sheet.max_row, len(lines) + 1) + 1):
        for place, name in enumerate(header, start=1):
            value = lines[row - 2].cells[name] if row - 2 < len(lines) else None
            cell = sheet.cell(row, place)
            cell.number_format = "General"
            cell.value = None if value == "" else value
            if isinstance(value, str) and value not in VALUES:
                cell.data_type = "s"


def take_back(lines: list[Line], complaints: list[Complaint]) -> None:
    """Undo what was complained about; each complaint is about something that was done."""
    done = set()
    for one in complaints:
        line = lines[one.row - 2]
        if not line.changed and (first := TWICE.search(one.message)):
            line = lines[int(first[1]) - 2]
        assert line.changed, one
        done.add(id(line))
    for line in [line for line in lines if id(line) in done]:
        if line.before is None:
            lines.remove(line)
        else:
            line.cells, line.changed = dict(line.before), False


def meant(name: str, value: Any, before: Row | None, numbers: frozenset[str]) -> str:
    """Return the text that a cell must have become; what Excel made stands only for what had been there."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if name in numbers and not isinstance(value, bool):
        return "1e+22" if value == 1e22 else f"{value:g}"
    assert before is not None
    same = (
        before[name].casefold() == str(value).casefold()
        if isinstance(value, bool)
        else float(before[name]) == value
    )
    assert same, "a number or truth value was taken over that nobody can know"
    return str(before[name])


@pytest.mark.parametrize("seed", range(EDITS // BATCH))
def test_taken_over_exactly_or_refused_with_the_cell(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    folder, file = small_dictionary(tmp_path / "dictionary"), tmp_path / "book.xlsx"
    export_book(folder, file, {})
    raw = {sheet.file: (folder / sheet.file).read_text().splitlines(keepends=True) for sheet in SHEETS}
    model = {sheet: [Line(dict(row), row) for row in rows_of(folder, sheet)] for sheet in SHEETS}
    gone: dict[Sheet, list[Line]] = {sheet: [] for sheet in SHEETS}
    for _ in range(BATCH):
        sheet = dice.choice(SHEETS)
        edit(dice, sheet, model[sheet], gone[sheet])
    book = load_workbook(file)
    for _ in range(12):
        for sheet in SHEETS:
            fill(book[sheet.name], sheet.header, model[sheet])
        book.save(file)
        found = read_import(folder, file)
        if not found.told.complaints:
            break
        assert all(CELL.match(one.cell) for one in found.told.complaints), found.told.complaints
        for sheet in SHEETS:
            mine = [one for one in found.told.complaints if one.sheet == sheet.name]
            lost = [
                one for one in mine if "has no codes in" in one.message and not changed(model[sheet], one)
            ]
            take_back(model[sheet], [one for one in mine if one not in lost])
            for one in lost:  # a list that lost its last code is told where it is used
                put_back(model[CODES], gone[CODES], str(model[sheet][one.row - 2].cells["code_list"]))
    assert found.told.complaints == []
    found.write()
    for sheet in SHEETS:
        wanted = [
            {name: meant(name, line.cells[name], line.before, sheet.numbers) for name in sheet.header}
            for line in model[sheet]
        ]
        wanted = [row for row in wanted if any(row.values())]
        assert [
            {name: cell.strip() for name, cell in row.items()} for row in rows_of(folder, sheet)
        ] == wanted
        left = set((folder / sheet.file).read_text().splitlines(keepends=True))
        untouched = [line for line in model[sheet] if line.before and line.cells == line.before]
        place = {tuple(row.values()): at for at, row in enumerate(csv_rows(raw[sheet.file]))}
        assert all(
            raw[sheet.file][place[tuple(line.before.values())]] in left for line in untouched if line.before
        )


def changed(lines: list[Line], complaint: Complaint) -> bool:
    return lines[complaint.row - 2].changed


def put_back(lines: list[Line], gone: list[Line], name: str) -> None:
    """Bring back the codes of a list that were deleted or written into another list."""
    back = [line for line in gone if line.before and line.before["code_list"] == name]
    renamed = [line for line in lines if line.before and line.before["code_list"] == name and line.changed]
    for line in back:
        gone.remove(line)
        lines.append(line)
    for line in [*back, *renamed]:
        line.cells, line.changed = dict(line.before or {}), False


def csv_rows(lines: list[str]) -> list[dict[str, str]]:
    header, *rows = csv.reader(lines)
    return [dict(zip(header, header, strict=True)), *(dict(zip(header, row, strict=True)) for row in rows)]
