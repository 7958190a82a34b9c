"""The sheet `suggestions`: a row for each saved pair, its state in a drop-down, beside it what helps to decide."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from openpyxl import load_workbook

from omics_orchestrator.steps.spreadsheet import export_book, read_import
from omics_orchestrator.steps.spreadsheet.sheets import INSIDE
from omics_orchestrator.steps.suggest.saved import Saved
from omics_orchestrator.studies.suggestions import FILE
from omics_orchestrator_tests.steps.spreadsheet.books import Desk
from omics_orchestrator_tests.steps.spreadsheet.decided import EAST, NORTH, ROWS, give

SAVED = {
    ("north", "clinic.clinic.CRP", "crp"): Saved(
        "CRP\r\nin\x0bthe morning\x00", "0.81", "words crp", "crp: {number: CRP}"
    )
}


def test_every_saved_pair_is_a_row(desk: Desk):
    assert load_workbook(desk.book).sheetnames == ["variables", "codes", "mappings", "omics"]
    give(desk)
    assert export_book(desk.folder, desk.book, {}, None, SAVED) == []
    book = load_workbook(desk.book)
    assert book.sheetnames == ["variables", "codes", "mappings", "suggestions", "omics"]
    sheet = book["suggestions"]
    assert [[cell.value or "" for cell in row] for row in sheet.iter_rows(min_row=2, max_col=6)] == ROWS
    assert [cell.value for cell in sheet[1]] == [
        *("study", "column", "variable", "state", "by", "on", "review", "reviewer"),
        *("shown: column's label", "shown: variable's label", "shown: score", "shown: why", "shown: rule"),
    ]
    line = next(row for row in sheet.values if row[1:3] == ("clinic.clinic.CRP", "crp"))
    assert line[8:] == (
        *("CRP in the morning", "C-reactive protein"),
        *("0.81", "words crp", "crp: {number: CRP}"),
    )
    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref)[:2], rule.errorStyle) == ("D2", "stop")
    column = rule.formula1.split("$")[1]
    assert [book[INSIDE][f"{column}{row}"].value for row in (1, 2, 3)] == ["proposed", "approved", "rejected"]
    found = desk.read()
    assert (found.after, any(vars(found.told).values())) == ({}, False)


def test_what_is_typed_beside_is_not_read(desk: Desk):
    give(desk)
    desk.put("suggestions", K2="0.99", G3="Which unit?", H3="Ann")
    told = desk.read().told
    assert told.notes == ["suggestions!K2: 'shown: score' is only shown; what was typed there is not read"]
    assert [str(one) for one in told.remarks] == [
        "suggestions!G3  east clinic.clinic.y sex: Which unit? (Ann)"
    ]
    assert desk.accepted() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("column,variable,state,by,on\nx,crp,maybe,,\n", "suggestions.csv:2: x: 'maybe' is not a state"),
        ("column,variable,state\nx,crp,proposed\n", "suggestions.csv:1: the column 'by' is missing"),
        ("column,variable,state,by,on\nx\x07,crp,proposed,,\n", "a cell of suggestions.csv holds the character"),
    ],
)  # fmt: skip
def test_a_file_with_mistakes_is_left_out_and_told(desk: Desk, text: str, says: str):
    give(desk)
    (desk.folder / "studies" / "north" / FILE).write_text(text)
    (note,) = export_book(desk.folder, desk.book, {})
    assert note.startswith("without the suggestions of north: ")
    assert says in note
    studies = {cell.value for cell in load_workbook(desk.book)["suggestions"]["A"]}
    assert studies == {"study", "east"}


def old_book(desk: Desk) -> None:
    """Make of the workbook what an omics wrote that knew no suggestions."""
    with desk.edited() as book:
        if "suggestions" in book.sheetnames:
            del book["suggestions"]
        inside = book[INSIDE]
        inside["B1"] = "1"
        kept = [(a.value, b.value) for a, b in inside.iter_rows(max_col=2)]
        kept = [(word, value) for word, value in kept if FILE not in str(word)]
        for row in range(1, inside.max_row + 1):
            word, value = kept[row - 1] if row <= len(kept) else (None, None)
            inside.cell(row, 1).value, inside.cell(row, 2).value = word, value


def test_a_workbook_of_before_is_read(desk: Desk):
    give(desk)
    old_book(desk)
    desk.put("variables", J4="CRP")
    assert desk.accepted() == ["variables!J4  crp: label: C-reactive protein → CRP"]
    assert desk.read().told.notes == []


def test_a_sheet_that_is_not_there(desk: Desk):
    give(desk)
    with desk.edited() as book:
        del book["suggestions"]
    assert desk.read().told.notes == [
        "the sheet 'suggestions' is not there: the suggestions stay as they are"
    ]


def test_variables_that_go_are_told_where_suggestions_name_them(desk: Desk):
    give(desk)
    with desk.edited() as book:
        book["variables"].delete_rows(6)
    assert desk.read().told.notes == [
        "studies/north/suggestions.csv names variables that go; take the lines out there: clinic.clinic.a,b = note"
    ]
    assert desk.accepted() == ["variables  - note (stood in row 6)"]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed here")
def test_saved_by_libreoffice(desk: Desk, tmp_path: Path):
    give(desk)
    export_book(desk.folder, desk.book, {}, None, SAVED)
    out = tmp_path / "saved"
    convert = ["soffice", "--headless", "--convert-to", "xlsx", "--outdir", str(out)]
    subprocess.run([*convert, str(desk.book)], check=True)
    found = read_import(desk.folder, out / "book.xlsx")
    assert (found.after, any(vars(found.told).values())) == ({}, False)
    desk.put("suggestions", D2="approved", E2="ann", F2="2026-11-21")
    subprocess.run([*convert, str(desk.book)], check=True)
    found = read_import(desk.folder, out / "book.xlsx")
    assert found.told.changes == [
        "suggestions!D2  east clinic.clinic.x crp: proposed → approved (ann, 2026-11-21)"
    ]
    found.write()
    assert (desk.folder / "studies" / "east" / FILE).read_text() == EAST.replace(
        "clinic.clinic.x,crp,proposed,omics,2026-11-01", "clinic.clinic.x,crp,approved,ann,2026-11-21"
    )
    assert (desk.folder / "studies" / "north" / FILE).read_bytes() == NORTH.encode()
