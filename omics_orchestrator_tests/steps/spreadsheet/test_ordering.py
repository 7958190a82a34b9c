"""Orders of two sides: one moved, both added, both moved."""

from __future__ import annotations

import pytest

from omics_orchestrator.steps.spreadsheet.ordering import merged_order, moved


def keys(text: str) -> list[tuple[str, ...]]:
    return [(letter,) for letter in text]


@pytest.mark.parametrize(
    ("base", "here", "mine", "order"),
    [
        ("abcd", "abcd", "abcd", "abcd"),
        ("abcd", "abxcd", "aybcd", "aybxcd"),
        ("abcd", "abxcd", "dcba", "dcbxa"),
        ("abcd", "badc", "xabcdy", "xbadyc"),
        ("abcd", "badc", "bad", "badc"),
        ("abcd", "abxcd", "abycd", "abyxcd"),
        ("ab", "", "xab", "xab"),
        ("", "x", "y", "yx"),
    ],
)
def test_the_order(base, here, mine, order):
    assert merged_order(keys(base), keys(here), keys(mine)) == keys(order)


def test_both_moved():
    assert merged_order(keys("abc"), keys("bac"), keys("cab")) is None


@pytest.mark.parametrize(("after", "number"), [("abcd", 0), ("bcda", 1), ("dcba", 3), ("", 0)])
def test_how_many_moved(after, number):
    assert moved(keys("abcd"), keys(after)) == number
