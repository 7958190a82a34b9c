"""No small count can be computed from what is shown, by a reader who knows the exact number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.disclosure import Counted, band, shown_cells

OPEN, PERSONAL = Coarse(), Coarse().stricter()
HIGHEST = 400  # more than any sum below


def table(rows: list[int], missing: int, coarse: Coarse, *, single: bool = True) -> Counted:
    return Counted(rows, [number < coarse.least for number in rows], missing, single)


def told_alike(number: int, coarse: Coarse) -> set[int]:
    """Return every count that stands on a page as `number` does."""
    return {other for other in range(HIGHEST) if coarse.told(other) == coarse.told(number)}


def sums(parts: Iterable[set[int]], most: int) -> set[int]:
    return reduce(lambda found, part: {a + b for a in found for b in part if a + b <= most}, parts, {0})


def possible(counted: Counted, shown: list[bool], coarse: Coarse, told: Coarse) -> list[set[int]]:
    """Return for each cell, and last for the rows without a value, what a reader must hold possible."""
    total = sum(counted.rows) + counted.missing
    parts = []
    for number, one, small in zip(counted.rows, shown, counted.small, strict=True):
        few = set(range(coarse.least if counted.single else total + 1))
        parts.append(
            told_alike(number, coarse) if one else few if small else set(range(coarse.least, total + 1))
        )
    few_missing = 0 < counted.missing < told.least
    parts.append(set(range(1, told.least)) if few_missing else {counted.missing})
    return [
        {one for one in part if total - one in sums([*parts[:place], *parts[place + 1 :]], total)}
        for place, part in enumerate(parts)
    ]


cells = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 60)), min_size=1, max_size=6)


@given(
    cells,
    st.one_of(st.integers(0, 6), st.integers(0, 40)),
    st.sampled_from([OPEN, PERSONAL, Coarse(6)]),
    st.booleans(),
)
@example([8, 8, 8, 8, 0], 0, OPEN, True)  # all rounded upwards: the total would betray the hidden one
@example([7, 7, 4], 0, OPEN, True)
@example([57, 3], 0, OPEN, True)
@example([4, 4, 30, 40, 50], 0, OPEN, True)  # two hidden cells that hold as much as they can
@example([20, 30, 40], 1, OPEN, True)
def test_what_is_hidden_cannot_be_computed(rows, missing, coarse, single):
    told = Coarse(6) if coarse.least == 6 else OPEN
    counted = table(rows, missing, coarse, single=single)
    shown = shown_cells(counted, coarse, told)
    assert not any(one and number < coarse.least for one, number in zip(shown, rows, strict=True))
    if not any(shown):
        return
    *of_cells, without = possible(counted, shown, coarse, told)
    for found, small in zip(of_cells, counted.small, strict=True):
        if small:
            assert 0 in found
            assert len(found) > coarse.least // 2
    if 0 < missing < told.least:
        assert len(without) > told.least // 2


@given(cells, st.integers(0, 30))
def test_where_no_cell_is_small_all_are_shown(rows, missing):
    rows = [number + 5 for number in rows]
    if missing == 0 or missing >= 5:
        assert all(shown_cells(table(rows, missing, OPEN), OPEN, OPEN))


def test_a_second_cell_goes_only_where_it_must():
    assert shown_cells(table([57, 3], 0, OPEN), OPEN, OPEN) == [False, False]
    assert shown_cells(table([57, 44, 36, 3], 10, OPEN), OPEN, OPEN) == [True, True, True, False]
    assert shown_cells(table([60, 30, 4], 0, OPEN), OPEN, OPEN) == [True, True, False]
    assert shown_cells(table([62, 32, 4], 0, OPEN), OPEN, OPEN) == [True, False, False]
    assert shown_cells(table([50, 40, 3, 2], 0, OPEN), OPEN, OPEN) == [True, True, False, False]


@pytest.mark.parametrize("least", [5, 6, 7, 10, 25])
def test_the_band_holds_what_is_told_alike(least):
    coarse = Coarse(least)
    for number in [n for n in range(150) if n >= least]:
        alike = told_alike(number, coarse)
        assert band(number, coarse) == (min(alike), max(alike))
        assert len(alike) >= least // 2
