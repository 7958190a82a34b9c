"""Whether a second table stands below the first one in the same file or sheet: what the rows after a blank one show."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.files import Sheet

Rows = Sequence[Sequence[object]]
LOOK = 50  # rows of either block that are looked at
TITLES = 2  # rows of one cell that may stand above a header
MOST = 100  # blocks that are looked at
NUMBER = re.compile(r"\s*[<>]?\s*[-+]?[0-9]+([.,:/ -][0-9]+)*\s*%?\s*")
LACKING = {
    "-",
    ".",
    "?",
    "na",
    "n/a",
    "nan",
    "nd",
    "n.d.",
    "nk",
    "none",
    "null",
    "missing",
    "unknown",
    "not done",
}


def must_be_one_table(
    names: Sequence[str],
    rows: Callable[[int, int], Rows],
    blocks: Sequence[tuple[int, int]],
    place: Callable[[int], str],
    sheet: Sheet,
    *,
    mend: str,
    certain: bool,
) -> None:
    """Tell that rows follow below a blank one; where the first of them is the header of another table, refuse.

    Args:
        names: the header.
        rows: first, last (not included) → rows below the header.
        blocks: runs of rows with content, as first and last (not included).
        place: row → `row 7` or `line 7`, for messages.
        sheet: takes what is told.
        mend: what to do about it.
        certain: a person declared where the table ends: never refuse.

    Raises:
        DeliveryError: another table begins.
    """
    later = [first for first, _ in blocks[1:]]
    for first, last in blocks[1:MOST]:
        before = rows(blocks[0][0], min(blocks[0][1], LOOK))
        if not certain and is_header(names, before, rows(first, min(last, first + LOOK))):
            raise DeliveryError(
                f"a second table seems to begin at {place(first)}, with a header of its own: {mend}"
            )
    if later:
        where = ", ".join(map(place, later[:5]))
        sheet.note(
            f"rows after a blank one are taken for rows of the same table ({where}): if another one begins, {mend}",
            len(later),
        )


def runs(blank: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the runs of rows that are not blank, as first and last (not included)."""
    found: list[tuple[int, int]] = []
    first: int | None = None
    for number, empty in enumerate([*blank, True]):
        if empty and first is not None:
            found.append((first, number))
            first = None
        elif not empty and first is None:
            first = number
    return found


def is_header(names: Sequence[str], before: Rows, after: Rows) -> bool:
    """Tell whether rows begin with a header: the same names again, or words alone above numbers, unlike any row."""
    head = 0
    while head < min(TITLES, len(after) - 1) and len(names) > 1 and sum(map(_given, after[head])) == 1:
        head += 1
    row, below = (after[head], after[head + 1 :]) if after else ((), ())
    words = {n: cell.strip() for n, cell in enumerate(row) if isinstance(cell, str) and _given(cell)}
    if (
        len(words) <= 1
        or len(set(words.values())) < len(words)
        or any(not isinstance(cell, str) or NUMBER.fullmatch(cell) for cell in row if _given(cell))
    ):
        return False
    known = {name.strip().casefold() for name in names}
    if 2 * sum(word.casefold() in known for word in words.values()) > len(words):
        return True
    if any(_is_datum(word, [*_column(before, n), *_column(below, n)]) for n, word in words.items()):
        return False
    return any(_numbers(_column(below, n)) for n in words)


def _is_datum(word: str, cells: Sequence[object]) -> bool:
    """Tell whether a word is one of the cells, stands for a missing one, or is built like them: `P9` and `P10`."""
    shapes = {_shape(cell) for cell in cells if isinstance(cell, str)}
    like = any(sign.isdigit() for sign in word) and _shape(word) in shapes
    return word.casefold() in LACKING or word in cells or like


def _shape(text: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"[0-9]+", "9", text.strip()))


def _numbers(cells: Sequence[object]) -> bool:
    return bool(cells) and all(not isinstance(cell, str) or NUMBER.fullmatch(cell) for cell in cells)


def _column(rows: Rows, place: int) -> list[object]:
    return [row[place] for row in rows if place < len(row) and _given(row[place])]


def _given(cell: object) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))
