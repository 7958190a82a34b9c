"""The exported files in cells of the hidden sheet: they come back whole, or not at all."""

from __future__ import annotations

import random

import pytest

from omics_orchestrator.errors import FormatError
from omics_orchestrator.steps.spreadsheet.packed import PART, packed, unpacked


def test_a_long_text_comes_back():
    text = "".join(chr(random.Random(7).randrange(32, 60_000)) for _ in range(10)) + str(
        [random.Random(n).random() for n in range(9_000)]
    )
    rows = list(packed({"a.csv": text, "b.csv": ""}))
    assert max(len(value) for _, value in rows) == PART
    assert (unpacked(rows, "a.csv"), unpacked(rows, "b.csv")) == (text, "")


@pytest.mark.parametrize("place", [0, 1])
def test_damage_is_told(place):
    rows = list(packed({"a.csv": "x"}))
    rows[place] = (rows[place][0], "AAAA")
    with pytest.raises(FormatError, match="export again"):
        unpacked(rows, "a.csv")
