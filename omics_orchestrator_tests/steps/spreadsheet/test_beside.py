"""Columns that are only shown: percentages of rows, and a word where somebody typed there."""

from __future__ import annotations

from openpyxl import load_workbook

from omics_orchestrator_tests.steps.spreadsheet.books import Desk


def test_what_is_typed_there_is_told_and_not_read(desk: Desk):
    desk.export({"north": {("visit", "crp"): 0.456}, "east": {("participant", "sex"): 1.0}})
    sheet = load_workbook(desk.book)["variables"]
    assert [cell.value for cell in sheet["P"]][:3] == ["coverage: east", "100%", None]
    before = desk.bytes()
    desk.put("variables", P2="50%", Q3="none", Q4=None)
    desk.put("mappings", I3="Other", J3="1")
    assert desk.read().told.notes == [
        "variables!P2: 'coverage: east' is only shown; what was typed there is not read",
        "variables!Q3: 'coverage: north' is only shown; what was typed there is not read",
        "variables!Q4: 'coverage: north' is only shown; what was typed there is not read",
        "mappings!I3: 'shown: label' is only shown; what was typed there is not read",
        "mappings!J3: 'shown: codes in the data' is only shown; what was typed there is not read",
    ]
    assert desk.accepted() == []
    assert desk.bytes() == before


def test_rows_that_were_moved_or_are_new_are_no_edit(desk: Desk):
    desk.export({"north": {("visit", "crp"): 0.456}})
    with desk.edited() as book:
        sheet = book["variables"]
        sheet.move_range("A4:Q4", rows=10)
        sheet["A4"], sheet["B4"], sheet["C4"], sheet["D4"], sheet["I4"], sheet["J4"] = (
            *("crp_note", "visit", "laboratory", "text", "open", "A note on the CRP"),
        )
    assert desk.read().told.notes == []
    assert len(desk.accepted()) == 2
