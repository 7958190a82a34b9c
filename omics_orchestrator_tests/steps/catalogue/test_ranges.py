"""Ranges have round limits and open ends; every value falls into the range that its label names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.steps.catalogue.ranges import ranges_of, round_step


def labels(values: list[float], *, whole: bool, lowest: float | None = None, highest: float | None = None):
    return ranges_of(np.array(values, float), 5, whole=whole).labels(lowest, highest)


def test_whole_numbers_of_a_score_have_a_range_each():
    found = labels([0, 1, 2, 3] * 20, whole=True, lowest=0, highest=3)
    assert found == ["0", "1", "2", "3"]
    assert labels([0, 1, 2, 3] * 20, whole=True) == ["0 or less", "1", "2", "3 or more"]


def test_numbers_have_round_limits():
    found = labels([20 + 0.3 * number for number in range(100)], whole=False)
    assert found[0] == "under 25"
    assert found[1] == "25 to 30"
    assert found[-1] == "45 or more"


def test_years_of_a_long_study_are_put_together():
    found = ranges_of(np.repeat(np.arange(1980.0, 2024.0), 3), 5, whole=True).labels(
        ends=("or earlier", "or later")
    )
    assert found[:2] == ["1984 or earlier", "1985–1989"]
    assert found[-1] == "2020 or later"


def test_large_numbers_are_set_in_groups_and_negative_ones_have_a_minus():
    assert labels([10_000.0 + 5000 * number for number in range(60)], whole=False)[1] == "50,000 to 100,000"
    assert labels([float(number) for number in range(-60, 1)], whole=True)[1] == "−50 to −41"


def test_numbers_over_several_powers_of_ten_have_limits_that_grow():
    found = labels([float(2**n) for n in range(12)] * 5, whole=False)
    assert found == ["under 2", "2 to 5", "5 to 10", "10 to 20", "20 to 50"] + [
        "50 to 100", "100 to 200", "200 to 500", "500 to 1000", "1000 to 2000", "2000 or more",
    ]  # fmt: skip


@pytest.mark.parametrize("values", [[0.0] * 30, [7.5] * 30, [-3.0] * 30, [1e-9] * 30, [1e12] * 30])
@pytest.mark.parametrize("whole", [True, False])
def test_one_value_alone_is_not_told(values, whole):
    if whole:
        values = [float(round(value)) for value in values]
    found = ranges_of(np.array(values), 5, whole=whole)
    assert len(found.labels()) >= 2


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=80), st.booleans(), st.integers(5, 12))
def test_ends_are_open_and_hold_enough(values, whole, least):
    numbers = np.array([float(round(value)) for value in values] if whole else values)
    found = ranges_of(numbers, least, whole=whole)
    places, names = found.places(numbers), found.labels()
    assert 2 <= len(names) <= 40
    assert list(found.limits) == sorted(set(found.limits))
    assert places.min() >= 0
    assert places.max() < len(names)
    for value, place in zip(numbers, places, strict=True):
        assert place == 0 or found.limits[place - 1] <= value
        assert place == len(names) - 1 or value < found.limits[place]
    if len(set(numbers)) > 1 and len(numbers) >= 2 * least:
        counts = np.bincount(places, minlength=len(names))
        assert max(counts[0], counts[-1]) >= least


@pytest.mark.parametrize(
    ("width", "whole", "step"),
    [
        (0.3, True, 1),
        (3, True, 5),
        (3.0, False, 5),
        (0.012, False, 0.02),
        (1, False, 1),
        (11, False, 20),
        (2000, True, 2000),
    ],
)
def test_steps_are_round(width, whole, step):
    assert round_step(width, whole=whole) == step
