"""What the XML of a sheet tells: error cells, formulas never computed, hidden parts; an .xls tells nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from omics_orchestrator.sources.workbook import facts_of, is_protected


def workbook(*rows: Any, name: str = "Sheet", hide: str = "") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = name
    for row in rows:
        sheet.append(row)
    if hide == "row":
        sheet.row_dimensions[2].hidden = True
    if hide == "column":
        sheet.column_dimensions["B"].hidden = True
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_errors_and_formulas_are_counted_by_column() -> None:
    facts = facts_of(workbook(["a", "b"], ["#N/A", "=1+1"], ["#REF!", 3], [1, "=B3"]), "Sheet")
    assert facts is not None
    assert dict(facts.errors) == {"A": 2}
    assert dict(facts.uncomputed) == {"B": 2}  # openpyxl computes nothing


def test_hidden_parts_are_counted() -> None:
    for part, word in (("row", "row"), ("column", "col")):
        facts = facts_of(workbook(["a", "b"], [1, 2], hide=part), "Sheet")
        assert facts is not None
        assert facts.hidden[word] == 1


def test_the_sheet_is_found_by_its_name() -> None:
    assert facts_of(workbook(["a"], name="Größe & <Alter>"), "Größe & <Alter>") is not None
    assert facts_of(workbook(["a"]), "another") is None


@pytest.mark.parametrize("cut", [0, 10, 500, 3000])
def test_damage_is_no_error_here(cut: int) -> None:
    blob = workbook(["a", "b"], [1, 2])
    found = facts_of(blob[:cut] + b"x" * 20 + blob[cut + 20 :], "Sheet")
    assert found is None or not found.errors


def test_an_xls_tells_nothing(shared_data: Path) -> None:
    assert facts_of((shared_data / "messy/frictionless/merged-cells.xls").read_bytes(), "Sheet1") is None


def test_a_password_is_seen() -> None:
    assert is_protected(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"))
    assert not is_protected(workbook(["a"]))
