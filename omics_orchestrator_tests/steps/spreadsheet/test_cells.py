"""One cell: what stays exactly, what is brought back, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.steps.spreadsheet.cells import (
    Refused,
    Stored,
    as_number,
    storable,
    text_of,
    written_number,
)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Stored(" a b "), "a b"),
        (Stored("1E5"), "1E5"),
        (Stored("=1", "s"), "=1"),
        (Stored("a_x000D_\nb\r\nc"), "a\nb\nc"),
        (Stored(0.1, "n"), "0.1"),
        (Stored(1e3, "n"), "1000"),
        (Stored(None), ""),
    ],
)
def test_what_is_meant(cell, text):
    assert text_of(cell, number=True) == text


@pytest.mark.parametrize(
    ("value", "before", "text"),
    [
        (100000.0, ["1E5", "mild"], "1E5"),
        (7, ["007"], "007"),
        (True, ["true", "1"], "true"),
        (0, ["no", "0"], "0"),
    ],
)
def test_what_stood_there_is_brought_back(value, before, text):
    assert text_of(Stored(value, "n"), number=False, before=before) == text


def test_two_that_may_be_meant_are_told():
    with pytest.raises(Refused, match=r"typed, one of '007', '7'"):
        text_of(Stored(7, "n"), number=False, before=["7", "007"])


@pytest.mark.parametrize(
    ("cell", "number", "says"),
    [
        (Stored(0.05, "n", "0%"), True, "percentage"),
        (Stored(5, "n"), False, "is a number"),
        (Stored(False, "b"), True, "FALSE"),
        (Stored("a\x1cb"), True, "U\\+001C"),
        (Stored(45000, "d"), True, "is a date"),
    ],
)
def test_what_is_refused(cell, number, says):
    with pytest.raises(Refused, match=says):
        text_of(cell, number=number)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_what_it_is(value):
    assert float(written_number(value)) == value
    assert as_number(written_number(value)) == value


@pytest.mark.parametrize("text", ["0.10", "1e3", "", "x", "nan", "inf", "007", "1_0"])
def test_only_what_comes_back_exactly_is_stored_as_a_number(text):
    assert as_number(text) is None


def test_what_no_cell_can_hold():
    assert storable("_x0041_ and _x") == "_x005F_x0041_ and _x"
    for text in ("a" * 32_768, "a\x07"):
        with pytest.raises(Refused):
            storable(text)
