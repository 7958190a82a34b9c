"""Strict reading of the dictionary's CSV files: the declared header, no ragged row, every row with its line.

What a cell means is decided by the models; deliveries of studies are read in sources/.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems, read_text, suggest


@dataclass(frozen=True)
class Row:
    """One row: the line it starts on and its cells by column, outer spaces removed."""

    line: int
    cells: dict[str, str]


def read_csv(file: Path, header: Sequence[str], required: Sequence[str], problems: Problems) -> list[Row]:
    """Return the usable rows of a declaration; empty lines are skipped, mistakes are added to `problems`.

    Args:
        file: the CSV file, UTF-8, comma separated.
        header: the columns that it must have, in this order.
        required: the columns whose cells must not be empty.
        problems: collects every mistake.
    """
    text = read_text(file, problems)
    if text is None:
        return []
    lines = _numbered(text, file, problems)
    first = next(lines, None)
    if first is None:
        problems.add(file, 1, "", "the file is empty", f"the header is {','.join(header)}")
        return []
    if not _header_agrees(file, first, header, problems):
        return []
    rows = [_row(file, line, cells, header, required, problems) for line, cells in lines if any(cells)]
    return [row for row in rows if row]


def _numbered(text: str, file: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of its first line."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(
            file,
            line,
            "",
            f"not CSV: {error}",
            "a cell that holds a comma or a quote stands in double quotes",
        )


def _header_agrees(
    file: Path, first: tuple[int, list[str]], header: Sequence[str], problems: Problems
) -> bool:
    line, found = first
    if found == list(header):
        return True
    allowed = f"the header is {','.join(header)}"
    unknown = [name for name in found if name not in header]
    missing = [name for name in header if name not in found]
    for name in unknown:
        problems.add(file, line, "", f"there is no column {name!r}", suggest(name, header))
    for name in missing:
        problems.add(file, line, "", f"the column {name!r} is missing", allowed)
    if not unknown and not missing:
        problems.add(file, line, "", "the columns stand in another order or are repeated", allowed)
    return False


def _row(
    file: Path,
    line: int,
    cells: list[str],
    header: Sequence[str],
    required: Sequence[str],
    problems: Problems,
) -> Row | None:
    if len(cells) != len(header):
        message = f"the row has {len(cells)} cells, the header has {len(header)}"
        problems.add(file, line, cells[0], message, "a cell that holds a comma stands in double quotes")
        return None
    row = dict(zip(header, cells, strict=True))
    empty = [name for name in required if not row[name]]
    for name in empty:
        problems.add(file, line, cells[0], f"the cell {name!r} is empty")
    return None if empty else Row(line, row)
