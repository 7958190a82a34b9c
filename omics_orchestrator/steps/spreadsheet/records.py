"""A CSV file of the dictionary as rows that keep their own text: what nobody changed is written byte for byte.

What is allowed in such a file is decided in dictionary/strict_csv.py.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omics_orchestrator.steps.spreadsheet.sheets import Sheet

CELL = re.compile(r'\s*"(?:[^"]|"")*"\s*|[^,]*')
SIGNS = ',"\n\r'  # what stands in quotes
ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # ends of lines for Python and for no spreadsheet program


@dataclass(frozen=True)
class Record:
    """One row.

    Attributes:
        cells: by column, outer spaces removed.
        text: as it stands in the file, with its end of line and the blank lines that follow.
        line: on which it begins.
    """

    cells: dict[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Records:
    """A file: what stands above the rows, the rows by key in their order, how its lines end."""

    head: str
    rows: dict[tuple[str, ...], Record]
    newline: str


def read_records(text: str, sheet: Sheet) -> Records:
    """Return the rows of a file that `read_csv` accepts; of a row given twice the first one."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines)
    found: list[tuple[dict[str, str], list[str], int]] = []
    head: list[str] = []
    start = 0
    for cells in reader:
        raw, line, start = lines[start : reader.line_num], start + 1, reader.line_num
        stripped = [cell.strip().replace("\r\n", "\n") for cell in cells]
        if head and any(stripped):
            found.append((dict(zip(sheet.header, stripped, strict=False)), raw, line))
        else:
            (found[-1][1] if found else head).extend(raw)
    rows: dict[tuple[str, ...], Record] = {}
    for row, raw, line in found:
        whole = {name: row.get(name, "") for name in sheet.header}
        rows.setdefault(sheet.key_of(whole), Record(whole, "".join(raw), line))
    return Records("".join(head), rows, "\r\n" if lines and lines[0].endswith("\r\n") else "\n")


def changed(record: Record | None, cells: Mapping[str, str], newline: str) -> str:
    """Return the text of a row with other cells; those that stay keep their spelling (quotes, spaces)."""
    if record is None:
        return ",".join(map(_quoted, cells.values())) + newline
    body = record.text.rstrip("\r\n")
    written = _written(body)
    if len(written) != len(cells):  # a row as only `csv` reads it
        written = [_quoted(cell) for cell in record.cells.values()]
    for place, (name, cell) in enumerate(cells.items()):
        if cell != record.cells[name]:
            written[place] = _quoted(cell)
    return ",".join(written) + (record.text[len(body) :] or newline)


def joined(head: str, texts: Iterable[str], newline: str) -> str:
    """Return the file; only its last line may be without an end."""
    parts = [head, *texts]
    ended = [part if part.endswith(("\n", "\r")) or not part else part + newline for part in parts[:-1]]
    return "".join([*ended, parts[-1]])


def _written(body: str) -> list[str]:
    """Return the cells of one row as they are spelled."""
    cells, at = [], 0
    while True:
        match = CELL.match(body, at)
        end = match.end() if match else len(body)
        cells.append(body[at:end])
        if end >= len(body):
            return cells
        at = end + 1  # behind the comma


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in SIGNS + ENDS) or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell
