"""Which cells of a count may be shown, so that no small one can be computed from the rest: docs/adr/0028.

A reader is taken to know the exact number of rows and of rows with a value, from a paper or another page. Shown
counts are rounded, so each leaves a range; what then remains possible for a hidden cell must reach down to nobody,
and be at least half of what "few" means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omics_orchestrator.steps.catalogue.coarse import Coarse

Range = tuple[int, int]  # the least and the greatest count that is possible


@dataclass(frozen=True)
class Counted:
    """What was counted of one variable in one table.

    Attributes:
        rows: exact rows of each cell.
        small: whether a cell is of fewer people than may be told.
        missing: rows without a value.
        single: whether each row is another person, so that a small cell has few rows.
    """

    rows: Sequence[int]
    small: Sequence[bool]
    missing: int = 0
    single: bool = True


def shown_cells(counted: Counted, coarse: Coarse, told: Coarse) -> list[bool]:
    """Tell for each cell whether it may be shown; the smallest that may not stay beside the hidden ones go too.

    Args:
        counted: what was counted.
        coarse: how the cells are told.
        told: how the share of rows with a value is told, beside them.
    """
    shown = [not small for small in counted.small]
    while any(shown) and not all(_safe(counted, shown, coarse, told)):
        _, place = min((number, place) for place, number in enumerate(counted.rows) if shown[place])
        shown[place] = False
    return shown


def _safe(counted: Counted, shown: Sequence[bool], coarse: Coarse, told: Coarse) -> Iterator[bool]:
    """Tell of a small cell, and of few rows without a value, whether enough remains possible."""
    total = sum(counted.rows) + counted.missing
    parts = list(_known(counted, shown, coarse, total))
    few = (0, coarse.least - 1 if counted.single else total)
    number = sum(counted.small)
    without = (counted.missing, counted.missing)
    if 0 < counted.missing < told.least:
        without = (1, told.least - 1)
        yield _wide(without, [*parts, *[few] * number], total, told)
    if number:
        yield _wide(few, [*parts, *[few] * (number - 1), without], total, coarse)


def _known(counted: Counted, shown: Sequence[bool], coarse: Coarse, total: int) -> Iterator[Range]:
    """Yield what is known of each cell that is not small."""
    for number, one, small in zip(counted.rows, shown, counted.small, strict=True):
        if one:
            yield band(number, coarse)
        elif not small:
            yield coarse.least, total


def _wide(cell: Range, others: Sequence[Range], total: int, coarse: Coarse) -> bool:
    low = total - sum(high for _, high in others)
    high = min(cell[1], total - sum(low for low, _ in others))
    return low <= cell[0] and high - cell[0] >= coarse.least // 2


def band(number: int, coarse: Coarse) -> Range:
    """Return the least and the greatest count that is told like this one."""
    rounded = coarse.rounded(number)
    if rounded is None:
        return 0, coarse.least - 1
    return max(coarse.least, rounded - coarse.least // 2), rounded + (coarse.least - 1) // 2
