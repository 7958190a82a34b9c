"""What cells are, and that only few short words are kept of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.steps.suggest.cells import MOST, cells_of


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "<20", "3.5", "1e3", "", "NA"], "number"),
        (["0,5", "2", "10"], "number"),
        (["2024-02-03", "2024-12-31", ""], "date"),
        (["03/02/2024", "12/05/2024"], "date"),
        (["Yes", "No", None], "yes_no"),
        (["CD", "UC", "CD"], "choice"),
        ([str(n) + " words" for n in range(MOST + 1)], "text"),
        (["x" * 80, "y"], "text"),
        (["", None, "NA"], ""),
        ([], ""),
    ],
)
def test_kinds(cells, kind):
    assert cells_of(pa.chunked_array([pa.array(cells, pa.string())])).kind == kind


def test_words_of_few_and_short_cells_only():
    assert cells_of(pa.chunked_array([["CD", " UC ", "CD"]])).words == {"CD", "UC"}
    assert cells_of(pa.chunked_array([["1", "2"]])).words == frozenset()
    assert cells_of(pa.chunked_array([[f"person {n}" for n in range(MOST + 1)]])).words == frozenset()
    numbers = cells_of(pa.chunked_array([["<20", "180", "1,5"]]))
    assert (numbers.lowest, numbers.highest) == (1.5, 180)
