"""Which cells of a sheet are the table, and what is told of them."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.base import Delivery
from omics_orchestrator.sources.excel import Excel
from omics_orchestrator.sources.grid import as_text
from omics_orchestrator.sources.places import letters, number
from omics_orchestrator.storage.objects import Stores


def deliver(folder: Path, stores: Stores, rows: Any, *merged: str, **words: Any) -> Delivery:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    stream = io.BytesIO()
    made.save(stream)
    (folder / "book.xlsx").write_bytes(stream.getvalue())
    return Excel(location="store+here://book.xlsx", **words).deliver("s", "s", None, stores)


def cells(delivery: Delivery) -> list[list[str]]:
    names = delivery.data.column_names[1:]
    return [names, *([row[name] for name in names] for row in delivery.data.to_pylist())]


def told(delivery: Delivery) -> str:
    return " | ".join(finding.message for finding in delivery.findings)


TWO = [
    ["patients", None, None, "visits", None],
    ["id", "sex", None, "id", "crp"],
    ["P1", "m", None, "P1", 5],
    ["P2", "f", None, "P1", 6],
    [None, None, None, "P2", 7],
]


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ("A2:B4", [["id", "sex"], ["P1", "m"], ["P2", "f"]]),
        ("A2:B", [["id", "sex"], ["P1", "m"], ["P2", "f"]]),
        ("D2", [["id", "crp"], ["P1", "5"], ["P1", "6"], ["P2", "7"]]),
        ("D2:E4", [["id", "crp"], ["P1", "5"], ["P1", "6"]]),
    ],
)
def test_one_of_several_tables_of_a_sheet(
    folder: Path, stores: Stores, area: str, expected: list[list[str]]
) -> None:
    delivery = deliver(folder, stores, TWO, range=area)
    assert cells(delivery) == expected
    assert delivery.decisions["range"] == area


@pytest.mark.parametrize("area", ["Z1:Z9", "A90:B99"])
def test_a_range_beyond_the_sheet_is_told(folder: Path, stores: Stores, area: str) -> None:
    with pytest.raises(DeliveryError, match="holds nothing: the sheet ends at E5"):
        deliver(folder, stores, TWO, range=area)


def test_a_header_of_several_rows_with_merged_groups(folder: Path, stores: Stores) -> None:
    rows = [["id", "Blood", None], [None, "CRP", "Hb"], ["P1", 5, 13]]
    delivery = deliver(folder, stores, rows, "A1:A2", "B1:C1", header_rows=2)
    assert cells(delivery) == [["id", "Blood CRP", "Blood Hb"], ["P1", "5", "13"]]
    assert "perhaps header_rows: 2" in told(deliver(folder, stores, rows, "A1:A2", "B1:C1"))


def test_multiline_header_of_a_real_workbook(stores: Stores, shared_data: Path) -> None:
    assert shared_data
    place = "store+data://messy/frictionless/multiline-headers.xlsx"
    delivery = Excel(location=place, header_rows=5).deliver("s", "s", None, stores)
    assert delivery.data.column_names[1:] == [
        "Region",
        "Caloric contribution (%)",
        "Cumulative impact of changes on cost of food basket from previous quarter",
        "Cumulative impact of changes on cost of food basket from baseline (%)",
    ]


def test_merged_cells_below_the_header(folder: Path, stores: Stores) -> None:
    rows = [["id", "site"], ["P1", "north"], ["P2", None], ["P3", "south"]]
    plain = deliver(folder, stores, rows, "B2:B3")
    assert [row[1] for row in cells(plain)[1:]] == ["north", "", "south"]
    assert "fill_merged" in told(plain)
    filled = deliver(folder, stores, rows, "B2:B3", fill_merged=True)
    assert [row[1] for row in cells(filled)[1:]] == ["north", "north", "south"]
    assert "fill_merged" not in told(filled)


def test_dates_beside_numbers_that_may_be_dates_are_told(folder: Path, stores: Stores) -> None:
    delivery = deliver(folder, stores, [["when", "n"], [date(2024, 5, 1), 45413], [45414, 45414]])
    assert cells(delivery)[1:] == [["2024-05-01", "45413"], ["45414", "45414"]]
    (finding,) = [one for one in delivery.findings if "days counted by Excel" in one.message]
    assert (finding.subject, finding.count) == ("when", 1)


def test_error_cells_and_formulas_without_a_value_are_told(folder: Path, stores: Stores) -> None:
    delivery = deliver(folder, stores, [["a", "b"], ["#N/A", "=1+1"], [4, 5]])
    assert cells(delivery)[1:] == [["4", "5"]]  # the row has no content left
    subjects = {finding.subject: finding.count for finding in delivery.findings if finding.subject}
    assert subjects == {"a": 1, "b": 1}


def test_errors_outside_the_declared_range_are_not_counted(folder: Path, stores: Stores) -> None:
    rows = [["#REF!", None], ["a", "b"], ["#N/A", 1], [2, "#DIV/0!"], [3, 4], ["#NUM!", "#NUM!"]]
    delivery = deliver(folder, stores, rows, range="A2:B5")
    subjects = {finding.subject: finding.count for finding in delivery.findings if finding.subject}
    assert subjects == {"a": 1, "b": 1}


def test_numbers_that_a_person_sees_otherwise_are_told(folder: Path, stores: Stores) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (["id", "share", "dose", "n"], [7, 0.5, 5, 1], [1234, 0.25, 6, 2]):
        sheet.append(row)
    for line in (2, 3):
        for column, code in (("A", "0000"), ("B", "0%"), ("C", '0" mg"'), ("D", "0.0")):
            sheet[f"{column}{line}"].number_format = code
    made.save(folder / "book.xlsx")
    delivery = Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores)
    assert cells(delivery)[1] == ["7", "0.5", "5", "1"]
    told_of = {one.subject: (one.count, one.severity, one.message) for one in delivery.findings}
    assert told_of["id"][:2] == (1, "warning")
    assert "leading zeros" in told_of["id"][2]
    assert (told_of["share"][0], told_of["dose"][0]) == (2, 2)
    assert "n" not in told_of


STACKED = [["id", "crp"], ["P1", 5], ["P2", 6], [None, None], ["visit", "weight"], ["V1", 70], ["V2", 71]]


def test_a_second_table_below_is_refused_with_its_row_and_the_range_to_declare(
    folder: Path, stores: Stores
) -> None:
    with pytest.raises(
        DeliveryError, match=r"second table seems to begin at row 5.*range: A1:B3 .*range: A5:B"
    ) as said:
        deliver(folder, stores, STACKED)
    assert "weight" not in str(said.value)
    assert cells(deliver(folder, stores, STACKED, range="A1:B3"))[1:] == [["P1", "5"], ["P2", "6"]]
    assert cells(deliver(folder, stores, STACKED, range="A5:B"))[1:] == [["V1", "70"], ["V2", "71"]]
    whole = deliver(folder, stores, STACKED, range="A1:B7")
    assert len(cells(whole)) == 6
    assert "row 5" in told(whole)


def test_rows_after_a_blank_one_are_told(folder: Path, stores: Stores) -> None:
    delivery = deliver(folder, stores, [["id", "crp"], ["P1", 5], [None, None], ["P2", 6]])
    assert cells(delivery)[1:] == [["P1", "5"], ["P2", "6"]]
    assert "row 4" in told(delivery)


@pytest.mark.parametrize(
    ("place", "says"), [("XFD1000", "XFD, row 1,000"), ("XFD1048576", "XFD, row 1,048,576")]
)
def test_a_stray_cell_far_away_is_refused_with_its_place(
    folder: Path, stores: Stores, place: str, says: str
) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet["A1"], sheet["A2"], sheet[place] = "id", "P1", "x"
    stream = io.BytesIO()
    made.save(stream)
    (folder / "book.xlsx").write_bytes(stream.getvalue())
    with pytest.raises(DeliveryError, match=f"column {says}"):
        Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores)


@pytest.mark.parametrize(("name", "place"), [("A", 0), ("Z", 25), ("AA", 26), ("XFD", 16383)])
def test_letters_of_columns(name: str, place: int) -> None:
    assert (number(name), letters(place)) == (place, name)


def test_a_duration_is_hours_minutes_seconds() -> None:
    assert as_text(timedelta(hours=26, minutes=5)) == "26:05:00"
