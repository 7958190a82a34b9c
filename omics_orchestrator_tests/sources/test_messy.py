"""Files as people have them (shared/data/messy): what becomes of each, one line a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import Delimited, Excel
from omics_orchestrator.storage.objects import Stores

RAGGED = "cells as in the header"
# file → rows, columns and what a finding says; or what the error says
EXPECTED: dict[str, tuple[int, int, str] | str] = {
    "clinical/dmd.csv": (209, 10, "named by their position"),
    "clinical/heartrate2dose.csv": (5, 7, ""),
    "clinical/nhanes.csv": (5000, 32, ""),
    "clinical/nhanes_dd.csv": (32, 2, ""),
    "clinical/stressEcho.csv": (558, 32, ""),
    "frictionless/accent.csv": (2, 17, ""),
    "frictionless/adjust-floating-point-error.xlsx": (5, 4, ""),
    "frictionless/blank-cells.csv": (5, 2, ""),
    "frictionless/blank-headers.csv": (2, 3, "named by their position"),
    "frictionless/blank-rows-multiple.csv": (2, 3, "blank rows were left out"),
    "frictionless/blank-rows.csv": (2, 3, "blank rows were left out"),
    "frictionless/bom.csv": (2, 2, ""),
    "frictionless/capital-invalid.csv": RAGGED,
    "frictionless/countries-cleaned.csv": (4, 4, ""),
    "frictionless/countries.csv": RAGGED,
    "frictionless/defective-rows.csv": RAGGED,
    "frictionless/delimiter.csv": (2, 2, ""),
    "frictionless/doublequote.csv": (5, 17, ""),
    "frictionless/duplicate-column.csv": (1, 4, "numbered: B"),
    "frictionless/duplicate-headers.csv": (2, 5, "numbered: id"),
    "frictionless/duplicate-rows.csv": (3, 3, ""),
    "frictionless/encoding-issue-274.csv": (507, 17, ""),
    "frictionless/invalid.csv": RAGGED,
    "frictionless/issue-1009-semicolon.csv": (1, 2, ""),
    "frictionless/issue-1105-timezone.csv": (2, 2, ""),
    "frictionless/latin1.csv": (2, 2, "the encoding is a guess"),
    "frictionless/leading-zeros.csv": (3, 1, ""),
    "frictionless/matrix-with-comment.csv": RAGGED,
    "frictionless/merged-cells-boolean.xls": (0, 1, "reach down over 3 rows"),
    "frictionless/merged-cells.xls": (0, 1, "reach down over 3 rows"),
    "frictionless/merged-cells.xlsx": (0, 1, "reach down over 3 rows"),
    "frictionless/multiline-headers.xlsx": (3, 4, "perhaps header_rows: 5"),
    "frictionless/numeric-labels.csv": (3, 10, ""),
    "frictionless/primary-file-types.csv": (2, 3, ""),
    "frictionless/schema-errors.csv": RAGGED,
    "frictionless/sheet2.xls": "no header row",
    "frictionless/sheets.xlsx": (1, 2, ""),
    "frictionless/skip-rows.csv": RAGGED,
    "frictionless/skip-rows.xlsx": (3, 2, "named by their position"),
}
DECLARED: dict[
    str, tuple[dict[str, Any], int, list[str]]
] = {  # with what a person would declare: rows, columns
    "frictionless/matrix-with-comment.csv": ({"skip_rows": 1}, 4, ["f1", "f2", "f3", "f4"]),
    "frictionless/skip-rows.xlsx": ({"skip_rows": 1}, 2, ["A", "B"]),
    "frictionless/sheet2.xls": ({"sheet": "Sheet2"}, 2, ["id", "name"]),
    "frictionless/skip-rows.csv": ({"comment": "#"}, 2, ["id", "name"]),
}


def source(place: str, **words: Any) -> Delimited | Excel:
    kind = Excel if Path(place).suffix in {".xls", ".xlsx"} else Delimited
    return kind(location=f"store+data://messy/{place}", **words)


def test_every_file_has_a_line_here(shared_data: Path) -> None:
    folder = shared_data / "messy"
    assert {str(path.relative_to(folder)) for path in folder.glob("*/*")} == EXPECTED.keys()


@pytest.mark.parametrize("place", EXPECTED)
def test_a_file_is_read_exactly_or_refused_with_lines(place: str, stores: Stores, shared_data: Path) -> None:
    assert shared_data
    expected = EXPECTED[place]
    if isinstance(expected, str):
        with pytest.raises(DeliveryError, match=expected):
            source(place).deliver("s", "s", None, stores)
        return
    delivery = source(place).deliver("s", "s", None, stores)
    told = " | ".join(finding.message for finding in delivery.findings)
    assert (delivery.data.num_rows, len(delivery.seen)) == expected[:2]
    assert expected[2] in told
    assert bool(told) == bool(expected[2])


@pytest.mark.parametrize("place", DECLARED)
def test_what_a_person_declares_mends_it(place: str, stores: Stores, shared_data: Path) -> None:
    assert shared_data
    words, rows, names = DECLARED[place]
    delivery = source(place, **words).deliver("s", "s", None, stores)
    assert (delivery.data.num_rows, list(delivery.seen)[: len(names)]) == (rows, names)
