"""A study from one file: CSV as people write it, workbooks with several sheets, and what is refused."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.steps.new_study.file import from_file, slug

ROWS = "patient,date,crp\nNC-001,2024-01-01,1\nNC-001,2024-02-01,2\nNC-002,2024-01-01,3\n"


def test_a_csv(tmp_path, settings):
    file = tmp_path / "Clinic 2024.csv"
    file.write_text(ROWS)
    found = from_file("north", file, settings)
    assert found.declared == ['clinic_2024: {kind: delimited, location: "store+north://Clinic 2024.csv"}']
    assert found.said == ["clinic_2024: 3 rows, 3 columns"]
    assert found.pattern == "NC-(?P<number>[0-9]+)"
    assert found.guesses["visit"].key == ("patient", "date")
    assert found.set_up == {"OMICS_STORE_NORTH_URL": tmp_path.as_uri()}


def test_lines_above_the_header_are_found_and_declared(tmp_path, settings):
    (tmp_path / "clinic.csv").write_text("Northern clinic\nexported for a study\n" + ROWS)
    found = from_file("north", tmp_path / "clinic.csv", settings)
    assert found.declared == ['clinic: {kind: delimited, location: "store+north://clinic.csv", skip_rows: 2}']
    assert found.said == ["clinic: 3 rows, 3 columns"]


def test_remarks_among_the_rows_are_found_and_declared(tmp_path, settings):
    (tmp_path / "clinic.csv").write_text("# of the clinic\n" + ROWS.replace("NC-002", "# a remark\nNC-002"))
    found = from_file("north", tmp_path / "clinic.csv", settings)
    assert found.declared == ['clinic: {kind: delimited, location: "store+north://clinic.csv", comment: "#"}']
    assert found.said == ["clinic: 3 rows, 3 columns"]


def workbook(file, sheets):
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(file)


HEADER = ["Patient", "Visit", "CRP", "Weight", "Height", "Sex"]
VISITS = [HEADER, ["SE-1", 1, 3.5, 70, 180, "M"], ["SE-1", 2, 4, 71, 180, "M"], ["SE-2", 1, 5, 60, 160, "F"]]


def test_titles_above_the_header_of_sheets_are_found_declared_and_told(tmp_path, settings):
    titles = [["Echo registry"], ["Exported by", "clinic"], []]
    file = tmp_path / "echo.xlsx"
    workbook(
        file,
        {
            "Visits": [*titles, *VISITS],
            "Samples": [["Biobank"], [None], ["Sample", "Patient"], ["S1", "SE-1"]],
        },
    )
    found = from_file("north", file, settings)
    assert [line.strip() for line in found.declared[-2:]] == [
        'visits: {sheet: "Visits", skip_rows: 3}',
        'samples: {sheet: "Samples", skip_rows: 2}',
    ]
    assert found.said == ["echo.visits: 3 rows, 6 columns", "echo.samples: 1 row, 2 columns"]
    assert found.guesses["participant"].key == ("Patient",)
    assert "sheet Visits: 3 lines above the header left out (skip_rows: 3)" in found.notes


def test_titles_above_the_header_of_the_only_sheet(tmp_path, settings):
    workbook(tmp_path / "echo.xlsx", {"Visits": [["Echo registry"], [], *VISITS]})
    found = from_file("north", tmp_path / "echo.xlsx", settings)
    assert found.declared == ['echo: {kind: excel, location: "store+north://echo.xlsx", skip_rows: 2}']
    assert found.said == ["echo: 3 rows, 6 columns"]
    assert found.notes == ["sheet Visits: 2 lines above the header left out (skip_rows: 2)"]


def test_a_workbook_with_several_sheets(shared_data, settings):
    found = from_file("north", shared_data / "messy" / "frictionless" / "sheets.xlsx", settings)
    assert [line.strip() for line in found.declared[-3:]] == [
        'sheet1: {sheet: "Sheet1"}',
        'sheet2: {sheet: "Sheet2"}',
        'sheet3: {sheet: "Sheet3"}',
    ]
    assert found.guesses["participant"].table == "sheets.sheet1"
    assert ("sheets.sheet3", "id") in found.keys


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "the file is empty"),
        (
            "bare.csv",
            b"17,2024-01-01,ann\n18,2024-01-02,bob\n",
            "2 of the 3 names in the header are numbers, dates",
        ),
        ("mail.csv", b"ann@example.org,x,y\nbob@example.org,1,2\n", "seems to hold data"),
        ("ragged.csv", b"a,b\n1,2,3\n1\n", r"cells as in the header: .*; mend them in the file, or declare"),
        ("short.csv", b"pid,a,b\nann,bob\neve,dan\nivy,tom\n", "cells as in the header"),
        ("quote.csv", b'id,a\n1,"b\n', "quote"),
        ("damaged.xlsx", b"PK\x03\x04 no workbook", "not a workbook that can be read"),
    ],
)
def test_what_is_refused(tmp_path, settings, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeliveryError, match=says) as told:
        from_file("north", tmp_path / name, settings)
    assert not any(cell in str(told.value) for cell in ("ann", "bob", "eve", "2024"))


def test_a_file_that_is_not_there(tmp_path, settings):
    with pytest.raises(DeliveryError, match="no file lies there"):
        from_file("north", tmp_path / "gone.csv", settings)


def test_odd_encodings_and_doubled_names_are_told(tmp_path, settings):
    file = tmp_path / "odd.csv"
    file.write_bytes("id,name,name,größe\nA1,a,b,1\nA2,é,b,2\n".encode("latin-1"))
    found = from_file("north", file, settings)
    assert any("encoding is a guess" in note for note in found.notes)
    assert any("same name were numbered: name" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Clinic 2024", "clinic_2024"), ("2024", "table_2024"), ("Ärzte", "rzte"), ("", "table")],
)
def test_names_of_tables(text, name):
    assert slug(text, "table") == name
