"""Headers of several lines become one name a column."""

from __future__ import annotations

import pytest

from omics_orchestrator.sources.files import Sheet
from omics_orchestrator.sources.headers import joined


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([["a", "b"]], ["a", "b"]),
        ([["Blood", "", "Stool"], ["CRP", "Hb", "FC"]], ["Blood CRP", "Blood Hb", "Stool FC"]),
        ([["id", "Blood"], ["id", "CRP"]], ["id", "Blood CRP"]),
        ([["", "Blood", ""], ["id", "CRP", "Hb"]], ["id", "Blood CRP", "Blood Hb"]),
        ([["A", "", ""], ["B", "", "C"], ["x", "y", "z"]], ["A B x", "A B y", "A C z"]),
        ([["Blood"], ["CRP", "Hb"]], ["Blood CRP", "Blood Hb"]),
        ([[" two\nlines "], [" of  it "]], ["two lines of  it"]),
    ],
)
def test_words_of_the_lines_are_joined_and_groups_reach_to_the_right(
    lines: list[list[str]], names: list[str]
) -> None:
    sheet = Sheet()
    assert joined(lines, sheet) == names
    assert ("header" in sheet.decisions) == (len(lines) > 1)
