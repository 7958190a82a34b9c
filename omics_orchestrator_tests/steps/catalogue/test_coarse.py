"""Counts in words: none below the limit, everything else rounded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.steps.catalogue.coarse import Coarse

FIVE = Coarse()


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "none"), (1, "fewer than 5"), (4, "fewer than 5"), (5, "about 5"), (7, "about 5"), (8, "about 10")]
    + [(1197, "about 1,195"), (1198, "about 1,200")],
)
def test_counts_of_things(number, told):
    assert FIVE.told(number) == told


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [
        (0, 120, "no values"),
        (4, 120, "fewer than 5"),
        (60, 120, "50 %"),
        (115, 120, "96 %"),
        (116, 120, "nearly all"),
    ]
    + [
        (119, 120, "nearly all"),
        (120, 120, "100 %"),
        (1195, 1200, "99 %"),
        (5, 4000, "1 %"),
        (0, 0, "too few rows"),
        (0, 19, "too few rows"),
        (19, 19, "too few rows"),
    ],
)
def test_shares(part, whole, told):
    assert FIVE.share(part, whole) == told


@pytest.mark.parametrize("least", [4, 0, -5])
def test_no_limit_below_five(least):
    with pytest.raises(ValueError, match="below 5"):
        Coarse(least)


def test_the_counts_of_a_reason_are_made_coarse():
    why = "codes that no rule names: 3 · cells that cannot be read: 23 · pending: computed in main"
    told = "codes that no rule names: fewer than 5 · cells that cannot be read: about 25 · pending: computed in main"
    assert FIVE.reason(why) == told


@given(st.integers(5, 40), st.integers(0, 500), st.integers(0, 500))
def test_no_small_count_is_told(least, part, more):
    """No small count can be computed by somebody who knows the whole; that it is nothing, or all, is told."""
    coarse, whole = Coarse(least), part + more
    for told in (coarse.told(part), coarse.share(part, whole)):
        small = [int(number.replace(",", "")) for number in re.findall(r"about ([0-9,]+)", told)]
        assert all(number >= least for number in small)
    if part:
        assert sum(coarse.told(other) == coarse.told(part) for other in range(part - least, part + least)) > 2
    alike = [other for other in range(whole + 1) if coarse.share(other, whole) == coarse.share(part, whole)]
    if part and more and min(part, more) < least:
        assert len(alike) > 2
