"""How many lines of titles and notes stand above the header of a sheet. Text files: file.py."""

from __future__ import annotations

from collections.abc import Sequence

ABOVE = 20  # lines above a header that are tried
WIDE = 5  # columns from which a line of two cells at the left (`Exported by`, `clinic`) is a note, no header
LEFT = [0, 1]  # where the two cells of such a line stand


def lines_above(rows: Sequence[Sequence[object]]) -> int:
    """Return how many of a sheet's first rows are blank or hold a title or a note; 0 = the first is the header.

    A title is one filled cell above a table of several columns; where no row below has several, nothing is a title.
    """
    filled = [[place for place, cell in enumerate(row) if str(cell).strip()] for row in rows[: 2 * ABOVE]]
    widest = max(map(len, filled), default=0)
    if widest < 2:
        return next((number for number, row in enumerate(filled) if row), 0)
    for number, row in enumerate(filled[: ABOVE + 1]):
        is_note = widest >= WIDE and row == LEFT
        if len(row) > 1 and not is_note:
            return number
    return 0
