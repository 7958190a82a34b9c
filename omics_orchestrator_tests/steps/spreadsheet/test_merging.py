"""Changes on two sides: other rows and cells are merged, the same cell is refused with both values."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.steps.spreadsheet.complaints import Told
from omics_orchestrator.steps.spreadsheet.merging import merge
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Records, changed, read_records
from omics_orchestrator.steps.spreadsheet.sheets import CODES
from omics_orchestrator_tests.steps.spreadsheet.books import Desk

Table = dict[str, tuple[str, str]]  # code → label, terms
table: st.SearchStrategy[Table] = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.sampled_from("xyz"), st.sampled_from("xyz"))
)


def test_other_rows_and_other_cells_are_merged(desk: Desk):
    desk.change_here("variables.csv", "a,0.0,120", "a,0.0,130")
    desk.change_here("variables.csv", "mg/L,0,500", "mg/L,0,400")
    desk.change_here("code_lists.csv", "sex,female,Female,\n", "sex,female,Female,\nsex,other,Other,\n")
    desk.put("variables", J4="CRP", J5="Degree")
    desk.put("codes", C2="Man")
    assert desk.read().told.meanwhile == [
        "variables.csv  age: max: 120 → 130",
        "variables.csv  crp: max: 500 → 400",
        "code_lists.csv  + sex other",
    ]
    assert desk.accepted() == [
        "variables!J4  crp: label: C-reactive protein → CRP",
        "variables!J5  grade: label: Grade → Degree",
        "codes!C2  sex male: label: Male → Man",
    ]
    variables = desk.bytes()["variables.csv"].decode()
    assert "\nage,participant,demographics,decimal,a,0.0,130,,open, Age ,,\n\n" in variables
    assert "\ncrp,visit,laboratory,censored,mg/L,0,400,,open,CRP,,LOINC 1988-5\n" in variables
    assert b"sex,male,Man,\nsex,female,Female,\nsex,other,Other,\n" in desk.bytes()["code_lists.csv"]


def test_the_same_cell_is_refused_with_both_values(desk: Desk):
    desk.change_here("variables.csv", "mg/L,0,500", "mg/L,0,400")
    desk.put("variables", G4=300, J4="CRP")
    assert desk.complaints() == [
        "variables!G4: crp: max was '500', is '300' in the workbook, '400' in variables.csv here",
    ]


def test_the_same_change_on_both_sides_is_none(desk: Desk):
    desk.change_here("variables.csv", "mg/L,0,500", "mg/L,0,400")
    desk.put("variables", G4=400)
    before = desk.bytes()
    assert desk.accepted() == []
    assert desk.bytes() == before


def test_a_row_that_is_gone_on_one_side_and_changed_on_the_other(desk: Desk):
    desk.change_here("variables.csv", "activity,text,,,,,personal,=Note", "activity,text,,,,,open,=Note")
    with desk.edited() as book:
        book["variables"].delete_rows(6)
    assert desk.complaints() == [
        "variables!A6: note: the row is gone in the workbook, but was changed in variables.csv here: "
        "sensitivity 'personal' → 'open'"
    ]
    desk.export()
    desk.change_here("variables.csv", "note,visit,activity,text,,,,,open,=Note,#N/A,\n", "")
    desk.put("variables", J6="Note")
    assert desk.complaints() == [
        "variables!A6: note: the row is gone from variables.csv here, but was changed in the workbook: "
        "label '=Note' → 'Note'"
    ]


def test_a_row_added_on_both_sides(desk: Desk):
    desk.change_here("code_lists.csv", "sex,female,Female,\n", "sex,female,Female,\nsex,other,Other,\n")
    with desk.edited() as book:
        for place, text in zip("ABC", ("sex", "other", "Another"), strict=True):
            book["codes"][f"{place}8"] = text
    assert desk.complaints() == [
        "codes!C8: sex other: label is 'Another' in the workbook, 'Other' in code_lists.csv here",
    ]


def test_moved_on_both_sides(desk: Desk):
    desk.change_here(
        "code_lists.csv", "sex,male,Male,\nsex,female,Female,", "sex,female,Female,\nsex,male,Male,"
    )
    with desk.edited() as book:
        book["codes"].move_range("A5:D5", rows=10)
    assert desk.complaints() == [
        "codes: rows were moved in the workbook, and otherwise in code_lists.csv here"
    ]


def test_an_import_twice_is_an_import_once(desk: Desk):
    desk.put("variables", J4="CRP", G4=300)
    assert len(desk.accepted()) == 2
    once = desk.bytes()
    assert desk.accepted() == []
    assert desk.bytes() == once


def records(one: Table) -> Records:
    rows = [changed(None, cells, "\n") for cells in cells_of(one).values()]
    return read_records("code_list,code,label,terms\n" + "".join(rows), CODES)


def cells_of(one: Table) -> dict[tuple[str, ...], dict[str, str]]:
    return {
        ("l", code): {"code_list": "l", "code": code, "label": label, "terms": terms}
        for code, (label, terms) in one.items()
    }


def diff3(base: str | None, here: str | None, mine: str | None) -> tuple[str | None, bool]:
    """Return who wins, and whether nobody does."""
    if here == mine or mine == base:
        return here, False
    return (mine, False) if here == base else (here, True)


@settings(deadline=None, max_examples=300)
@given(table, table, table)
def test_any_three_tables(base: Table, here: Table, mine: Table) -> None:
    cells = cells_of(mine)
    rows = Rows(
        cells, {key: row for row, key in enumerate(cells, 2)}, dict(zip(CODES.header, "ABCD", strict=True))
    )
    told = Told()
    merged = merge(CODES, records(base), records(here), rows, told)
    refused = {
        complaint.message.split(":")[0].split(" ")[-1] for complaint in told.complaints if complaint.row
    }
    for code in {*base, *here, *mine}:
        whole = [one.get(code) for one in (base, here, mine)]
        taken, conflict = diff3(*map(repr, whole))
        if conflict and None not in (whole[1], whole[2]):
            pairs = [diff3(*(one[at] if one else None for one in whole)) for at in (0, 1)]
            taken, conflict = repr(tuple(cell for cell, _ in pairs)), any(lost for _, lost in pairs)
        assert (code in refused) == conflict
        row = merged.rows.get(("l", code))
        assert repr((row["label"], row["terms"]) if row else None) == taken
    assert list(read_records(merged.text, CODES).rows) == list(merged.rows)
    if mine == base and list(mine) == list(base):
        assert list(merged.rows) == list(cells_of(here))
    if here == base and list(here) == list(base):
        assert list(merged.rows) == list(cells)
