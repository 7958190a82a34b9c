"""A second table below the first: refused where its header is evident, else told."""

from __future__ import annotations

import pytest

from omics_orchestrator.sources.stacked import is_header, runs

NAMES = ["id", "sex", "crp"]
FIRST = [["P1", "m", 5], ["P2", "f", 7]]


@pytest.mark.parametrize(
    "after",
    [
        [["id", "sex", "crp"], ["P3", "m", 5]],
        [["ID", "Sex", "CRP"]],
        [["visits", None, None], ["id", "crp", None], ["P1", 5, None]],
        [["patient", "dose", ""], ["P1", 5, ""]],
        [["patient", "dose", ""], ["P1", "0.5", ""]],
        [["day", "temperature", "note"], ["2024-05-01", "36.6", ""]],
    ],
)
def test_a_header_is_seen(after: list[list[object]]) -> None:
    assert is_header(NAMES, FIRST, after)


@pytest.mark.parametrize(
    "after",
    [
        [["P3", "m", 5]],
        [["P3", "m", "missing"], ["P4", "f", 5]],
        [["P3", "m", "unclear"], ["P4", "f", 5]],
        [["Total", "", 12]],
        [["* measured at night", "", ""]],
        [["P3", "m", ""], ["P4", "f", ""]],
        [["north", "m", ""], ["south", "f", ""]],
        [[]],
        [],
    ],
)
def test_a_row_is_no_header(after: list[list[object]]) -> None:
    assert not is_header(NAMES, FIRST, after)


def test_runs_of_rows() -> None:
    assert runs([True, False, False, True, True, False]) == [(1, 3), (5, 6)]
    assert runs([]) == runs([True]) == []
