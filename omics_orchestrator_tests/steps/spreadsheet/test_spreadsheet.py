"""The workbook and back: what nobody changed stays byte for byte, what cannot be known is refused with its cell."""

from __future__ import annotations

import csv
import datetime
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from python_calamine import CalamineWorkbook

from omics_orchestrator.errors import FormatError
from omics_orchestrator.steps.spreadsheet import export_book, read_import
from omics_orchestrator_tests.steps.spreadsheet.books import DICTIONARY, VARIABLES, Desk


def test_the_real_dictionary_comes_back_byte_for_byte(tmp_path):
    file = tmp_path / "book.xlsx"
    export_book(DICTIONARY, file, {"north": {("visit", "crp"): 0.5}})
    load_workbook(file).save(file)
    found = read_import(DICTIONARY, file)
    assert found.after == {}
    assert not any(vars(found.told).values())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks_stay(desk: Desk, end: str, mark: bytes):
    raw = mark + VARIABLES.replace("\n", end).rstrip().encode()
    (desk.folder / "variables.csv").write_bytes(raw)
    desk.export()
    assert desk.accepted() == []
    assert desk.bytes()["variables.csv"] == raw
    desk.put("variables", J4="CRP", G4=600)
    assert desk.accepted() == [
        "variables!G4  crp: max: 500 → 600",
        "variables!J4  crp: label: C-reactive protein → CRP",
    ]
    wanted = raw.replace(b'0,500,,open,"C-reactive protein"', b"0,600,,open,CRP")
    assert desk.bytes()["variables.csv"] == wanted


def test_the_sheets_offer_the_allowed_words(desk: Desk):
    desk.export({"north": {("visit", "crp"): 0.456}})
    book = load_workbook(desk.book)
    assert book.sheetnames == ["variables", "codes", "mappings", "omics"]
    assert book["omics"].sheet_state == "hidden"
    sheet = book["variables"]
    assert [cell.value for cell in sheet[1]][-4:] == [
        *("review", "reviewer", "shown: codes", "coverage: north")
    ]
    assert [cell.value for cell in sheet["O"] if cell.value][1:2] == ["male Male, female Female"]
    assert [sheet.cell(row, 16).value for row in range(2, 6)] == [None, None, "46%", None]
    assert sheet.freeze_panes == "B2"
    offered = {}
    for rule in sheet.data_validations.dataValidation:
        column, rows = rule.formula1.split("!")[1].split("$")[1::2][0], rule.formula1.split("$")[-1]
        words = [book["omics"][f"{column}{row}"].value for row in range(1, int(rows) + 1)]
        offered[str(rule.sqref)[0]] = (rule.errorStyle, words)
    assert offered["B"] == ("stop", ["participant", "visit", "sample", "exposure", "procedure"])
    assert offered["H"] == ("warning", ["grade", "sex"])
    assert "mg/L" in offered["E"][1]
    assert set(offered) == set("BCDEHI")


def test_another_program_reads_the_same(desk: Desk):
    workbook = CalamineWorkbook.from_path(str(desk.book))
    cells = workbook.get_sheet_by_name("codes").to_python()
    assert [row[:4] for row in cells] == list(csv.reader((desk.folder / "code_lists.csv").open()))
    assert workbook.get_sheet_by_name("variables").to_python()[5][9:11] == ["=Note", "#N/A"]


def test_rows_come_go_and_move(desk: Desk):
    with desk.edited() as book:
        codes = book["codes"]
        codes.insert_rows(5)
        codes["A5"], codes["B5"], codes["C5"] = "grade", "trace", 'A "trace", hardly'
        codes.insert_rows(9)
        variables = book["variables"]
        variables.delete_rows(6)
        variables.move_range("A3:L3", rows=17)
    assert desk.accepted() == [
        "variables  - note (stood in row 6)",
        "variables  rows that stand elsewhere: 1",
        'codes!5  + grade trace: label A "trace", hardly',
    ]
    lines = VARIABLES.splitlines()
    assert desk.bytes()["variables.csv"].decode().splitlines() == [*lines[:2], *lines[4:6], *lines[2:4]]
    assert desk.bytes()["code_lists.csv"].decode().splitlines()[3:6] == [
        "grade,0,None,",
        'grade,trace,"A ""trace"", hardly",',
        "grade,1E5,Mild,",
    ]


def test_the_order_of_codes_is_told(desk: Desk):
    with desk.edited() as book:
        book["codes"].move_range("A5:D5", rows=10)
    assert desk.accepted() == [
        "codes  rows that stand elsewhere: 1",
        "codes  order of grade: 0, MAR1, true, 1E5",
    ]


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "complaint"),
    [
        ("codes", "B3", "=1+1", "codes!B3: 'code' holds a formula"),
        ("codes", "B3", 7, "codes!B3: 'code' is a number, made by the program of what was typed"),
        ("codes", "B3", datetime.date(2026, 3, 1), "codes!B3: 'code' is a date"),
        ("codes", "B3", True, "codes!B3: 'code' is the truth value TRUE, made by the program of what was typed"),
        ("codes", "C4", 12, "codes!C4: 'label' is a number, made by the program of what was typed"),
        ("codes", "B4", "two words", "codes!B4: grade two words: 'two words' is not a code"),
        ("codes", "B4", "MAR1", "codes!B6: grade MAR1 is given twice, first in row 4"),
        ("codes", "B4", None, "codes!B4: the cell 'code' is empty, and the row is not"),
        ("codes", "C4", None, "codes!C4: grade 0: the cell 'label' is empty"),
        ("variables", "A4", "CRP", "variables!A4: CRP: 'CRP' is not a name: small letters, digits and _"),
        ("variables", "D4", "censord", "variables!D4: crp: 'censord' is not allowed"),
        ("variables", "D4", "text", "variables!D4: crp: a text has no unit, min or max"),
        ("variables", "E4", "mg/Ll", "variables!E4: crp: 'mg/Ll' is not a unit of units.csv"),
        ("variables", "F4", "low", "variables!F4: crp: must be a number, not 'low'"),
        ("variables", "F4", 501, "variables!F4: crp: min 501 is above max 500"),
        ("variables", "G4", -1, "variables!G4: crp: min 0 is above max -1"),
        ("variables", "G4", datetime.date(2026, 1, 5), "variables!G4: 'max' is a date"),
        ("variables", "H2", None, "variables!H2: sex: a code needs a code_list"),
        ("variables", "H5", "grades", "variables!H5: grade: the code list 'grades' has no codes in code_lists.csv"),
        ("variables", "J4", "#REF!", "variables!J4: 'label' holds the error #REF!"),
        ("variables", "J4", "a\u2028b", "variables!J4: 'label' holds the character U+2028, which cannot be seen"),
    ],
)  # fmt: skip
def test_every_complaint_names_its_cell(desk: Desk, sheet: str, cell: str, value: Any, complaint: str):
    desk.put(sheet, **{cell: value})
    found = desk.complaints()
    assert any(one.startswith(complaint) for one in found), found
    assert {one.split("!")[0] for one in found} == {sheet} or "studies/north" in " ".join(found)


def test_all_complaints_come_in_one_go(desk: Desk):
    desk.put("variables", B4="vist", J2="=A1", G3="12%")
    desk.put("codes", B6=0.5, C2=1)
    assert [one.split(":")[0] for one in desk.complaints()] == [
        *("codes!C2", "codes!B6", "variables!J2", "variables!G3", "variables!B4"),
    ]


def test_studies_that_could_not_be_read_are_told(desk: Desk):
    desk.put("variables", E4="mg/Ll")
    assert desk.read().told.notes == [
        "with these mistakes in the dictionary itself, the studies were not read"
    ]


def test_what_a_study_needs_does_not_go(desk: Desk):
    with desk.edited() as book:
        book["variables"].delete_rows(4)
        book["codes"]["B3"].value = "woman"
    first, second = sorted(desk.complaints())
    assert first.startswith(
        "codes!B3: (where sex female stood) studies/north/mapping.yaml:4: participant.sex.map.2:"
    )
    assert second.startswith("variables!A4: (where crp stood) studies/north/mapping.yaml:9: visit.crp")


def test_a_study_that_was_broken_before_hinders_nothing(desk: Desk):
    (desk.folder / "studies" / "north" / "mapping.yaml").write_text("participant: {from: nowhere}\n")
    desk.put("variables", J4="CRP")
    assert desk.accepted() == ["variables!J4  crp: label: C-reactive protein → CRP"]


def test_what_excel_makes_of_codes_is_brought_back(desk: Desk):
    before = desk.bytes()
    desk.put("codes", B4=0, B5=100000.0, B7=True)
    desk.put("variables", F3=0, G3=120.0)
    assert desk.accepted() == []
    assert desk.bytes() == before


def test_reviews_are_told_and_not_written(desk: Desk):
    before = desk.bytes()
    desk.put("variables", M4="Is this in plasma?", N4="Ann")
    desk.put("codes", E9="A code is missing")
    told = desk.read().told
    assert [str(one) for one in told.remarks] == [
        "variables!M4  crp: Is this in plasma? (Ann)",
        "codes!E9  a row without a name: A code is missing",
    ]
    assert desk.accepted() == []
    assert desk.bytes() == before


def test_other_sheets_and_columns_are_left_alone(desk: Desk):
    with desk.edited() as book:
        book.create_sheet("my notes")["A1"] = "=1/0"
        book["variables"].insert_cols(3)
        book["variables"]["C1"], book["variables"]["C2"] = "mine", "x"
        book["variables"]["B5"] = "vist"  # left of the new column
        del book["codes"]
    assert desk.complaints()[0].startswith("variables!B5: grade: 'vist'")
    assert desk.read().told.notes[:2] == [
        "variables: columns that are not read: mine",
        "the sheet 'codes' is not there: code_lists.csv stays as it is",
    ]


def test_headers_and_merged_cells(desk: Desk):
    with desk.edited() as book:
        book["variables"]["E1"] = "units"
        book["codes"]["D1"] = "label"
    assert desk.complaints() == [
        "codes!1: the header 'terms' is missing in row 1",
        "codes!D1: the column 'label' stands here twice",
        "variables!1: the header 'unit' is missing in row 1",
    ]
    desk.export()
    with desk.edited() as book:
        book["codes"].merge_cells("C2:C3")
    assert "codes!C2:C3: cells are merged" in desk.complaints()


def test_files_that_are_no_workbook_of_ours(desk: Desk):
    def refused() -> str:
        with pytest.raises(FormatError) as told:
            desk.read()
        return str(told.value)

    desk.book.write_text("name,entity\n")
    assert refused() == "book.xlsx is no .xlsx workbook; save it as one (Excel 2007 or newer)"
    Workbook().save(desk.book)
    assert "the hidden sheet 'omics' is missing; export again" in refused()
    desk.export()
    desk.put("omics", B1="3")
    assert "the hidden sheet 'omics' is of another version of omics" in refused()
    desk.export()
    desk.put("omics", B2="0")
    assert "the hidden sheet's copy of variables.csv is damaged" in refused()
    desk.export()
    desk.put("omics", B3="nothing")
    assert "holds no readable copy of variables.csv" in refused()
    with zipfile.ZipFile(desk.book, "w") as archive:
        archive.writestr("x", b"x")
    assert "is no .xlsx workbook" in refused()


def test_a_change_between_reading_and_writing_is_not_lost(desk: Desk):
    desk.put("variables", J4="CRP")
    found = desk.read()
    desk.change_here("variables.csv", ", Age ,", ",Years,")
    with pytest.raises(FormatError, match="was changed just now"):
        found.write()
    assert b"CRP" not in desk.bytes()["variables.csv"]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed here")
def test_saved_by_libreoffice(desk: Desk, tmp_path: Path):
    out = tmp_path / "saved"
    subprocess.run(["soffice", "--headless", "--convert-to", "xlsx", "--outdir", out, desk.book], check=True)
    assert read_import(desk.folder, out / "book.xlsx").told.changes == []
