"""Excel workbooks: cells as text, sheets, titles above the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import Excel


def example(folder: Path, secret: str) -> tuple[dict[str, object], str]:
    """A declaration and its table, for the contract."""
    write(folder, {"People": [["id", "name", "note"], *([n, f"{secret} {n}", secret] for n in range(20))]})
    return {"location": "store+here://book.xlsx", "tables": {"people": {"sheet": "People"}}}, "people"


def write(folder: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> None:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "book.xlsx")


def test_cells_as_text(folder, stores):
    row = [
        7,
        7.0,
        0.1 + 0.2,
        1e20,
        True,
        date(2021, 3, 4),
        datetime.fromisoformat("2021-03-04T05:06"),
        time(7, 8),
        " 01 ",
        None,
    ]
    write(folder, {"S": [[f"c{n}" for n in range(len(row))], row]})
    delivery = Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores)
    texts = [delivery.data[name][0].as_py() for name in delivery.seen]
    whole = [
        "7",
        "7",
        "0.3",
        "100000000000000000000",
        "TRUE",
        "2021-03-04",
        "2021-03-04T05:06:00",
        "07:08:00",
        " 01 ",
    ]
    assert texts == [*whole, ""]


def test_sheets_titles_and_blank_rows(folder, stores):
    table: list[list[object]] = [
        ["A title"],
        [],
        ["id", None, "id"],
        [1, 2, 3],
        [None, None, None],
        [4, 5, None],
    ]
    write(folder, {"First": [["other"], [1]], "Second": table})
    source = Excel(location="store+here://book.xlsx", sheet="Second", skip_rows=2)
    delivery = source.deliver("s", "s", None, stores)
    assert delivery.data.drop_columns(["row_number"]).to_pydict() == {
        "id": ["1", "4"],
        "column_2": ["2", "5"],
        "id#2": ["3", ""],
    }
    assert delivery.decisions["sheet"] == "Second"
    assert "blank rows were left out" in [finding.message for finding in delivery.findings]


def test_declared_headers(folder, stores):
    write(folder, {"S": [[1, 2], [3, 4]]})
    source = Excel(location="store+here://book.xlsx", headers=("a", "b"))
    assert source.deliver("s", "s", None, stores).data["a"].to_pylist() == ["1", "3"]


def test_a_sheet_that_is_not_there(folder, stores):
    write(folder, {"S": [["a"], [1]]})
    with pytest.raises(DeliveryError, match=r"s\.s: no sheet 'T'; the workbook has S"):
        Excel(location="store+here://book.xlsx", sheet="T").deliver("s", "s", None, stores)


def test_an_empty_sheet(folder, stores):
    write(folder, {"S": []})
    with pytest.raises(DeliveryError, match="no header row"):
        Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores)


def test_old_and_new_workbooks_read_alike(shared_data, stores):
    old, new = (
        Excel(location=f"store+data://messy/frictionless/merged-cells.{end}", headers=("a",))
        .deliver("s", "s", None, stores)
        .data
        for end in ("xls", "xlsx")
    )
    assert old.num_rows > 0
    assert old == new


def test_declared_headers_must_be_as_many_as_columns(folder, stores):
    write(folder, {"S": [["A", 1, "stray"], ["B", 2]]})
    source = Excel(location="store+here://book.xlsx", headers=("id", "v"))
    with pytest.raises(DeliveryError, match="2 headers are declared, the sheet has 3 columns"):
        source.deliver("s", "s", None, stores)


def test_dates_and_texts_in_one_column_are_told(folder, stores):
    rows: list[list[object]] = [["id", "day"], ["A", date(2024, 5, 31)], ["B", "31.05.2024"], ["C", " "]]
    write(folder, {"S": rows})
    found = Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores)
    (told,) = [one for one in found.findings if "Excel" in one.message]
    assert (told.severity, told.count, told.subject) == ("note", 1, "day")
    assert "1 date of Excel, written 2024-05-31 here, beside 1 text;" in told.message
    write(folder, {"S": [["day", "text"], [date(2024, 5, 31), "x"]]})
    assert not Excel(location="store+here://book.xlsx").deliver("s", "s", None, stores).findings
