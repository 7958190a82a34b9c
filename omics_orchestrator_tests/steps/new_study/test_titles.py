"""The lines above the header of a sheet: titles, notes, blank rows, and headers that look like them."""

from __future__ import annotations

import pytest

from omics_orchestrator.steps.new_study.titles import lines_above

HEADER = ["Patient", "Visit", "CRP", "Weight", "Sex"]
ROW = ["SE-1", 1, 3.5, 70, "M"]
BLANK = ["", "", "", "", ""]


@pytest.mark.parametrize(
    ("rows", "above"),
    [
        ([HEADER, ROW], 0),
        ([["Title", "", "", "", ""], HEADER, ROW], 1),
        ([["Title", "", "", "", ""], BLANK, ["Exported by", "clinic", "", "", ""], BLANK, HEADER, ROW], 4),
        ([BLANK, BLANK, HEADER, ROW], 2),
        ([["id", "crp"], ["SE-1", 3.5]], 0),  # two columns are a table
        ([["id", ""], ["SE-1", ""], ["SE-2", ""]], 0),  # one column: nothing is a title
        ([["", ""], ["id", ""], ["SE-1", ""]], 1),
        ([["Blood", "", "", "Stool", ""], HEADER, ROW], 0),  # groups over a header are part of it
        ([["Patient", "", "", "", ""], ["SE-1", "", "", "", ""]], 0),
        ([*[["a note", "", "", "", ""]] * 25, HEADER, ROW], 0),  # more than is tried
        ([], 0),
    ],
)
def test_titles(rows, above):
    assert lines_above(rows) == above
