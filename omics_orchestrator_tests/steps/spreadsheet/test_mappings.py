"""The sheet `mappings`: a changed rule is put in its place in mapping.yaml, and nothing else there moves."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from omics_orchestrator_tests.steps.spreadsheet.books import MAPPING, Desk

LAID_OUT = """\
# who is who
participant:      # once each
  from: clinic
  key: [patient]

  sex: {recode: sex, map: {1: male, 2: female}}      # by the clinic
  # in years
  age:
    {number: age,
     unit: a}

visit:
  from: clinic
  key: [patient, visit]
  crp:            # by hand
    number: crp   # mg
    unit: mg/L
  grade:
    {recode: grade,   # all of them
     map: {0: 0}}
  note: remark
"""


@pytest.fixture
def laid_out(desk: Desk) -> Desk:
    (desk.folder / "studies" / "north" / "mapping.yaml").write_text(LAID_OUT)
    desk.export()
    return desk


def mapping(desk: Desk) -> str:
    return (desk.folder / "studies" / "north" / "mapping.yaml").read_text()


def test_every_rule_is_a_row(laid_out: Desk):
    sheet = load_workbook(laid_out.book)["mappings"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_col=4)] == [
        ["study", "entity", "variable", "rule"],
        ["north", "participant", "sex", "{recode: sex, map: {1: male, 2: female}}"],
        ["north", "participant", "age", "{number: age, unit: a}"],
        ["north", "visit", "crp", "{number: crp, unit: mg/L}"],
        ["north", "visit", "grade", "{recode: grade, map: {0: 0}}"],
        ["north", "visit", "note", "remark"],
    ]
    assert [cell.value for cell in sheet["H"]] == ["shown: editable here", "yes", "yes", "no", "no", "yes"]
    assert [cell.value for cell in sheet["G"]][1] == "north/mapping.yaml:6"
    assert laid_out.accepted() == []
    assert mapping(laid_out) == LAID_OUT


def test_a_rule_is_replaced_and_nothing_else(laid_out: Desk):
    laid_out.put(
        "mappings",
        D2="{recode: sex, map: {m: male, f: female}}",
        D3="{number: years, unit: a}",
        D6="{text: [remark, other]}",
    )
    was, now = "{recode: sex, map: {1: male, 2: female}}", "{recode: sex, map: {m: male, f: female}}"
    assert laid_out.accepted() == [
        f"mappings!D2  north participant sex: {was} → {now}",
        "mappings!D3  north participant age: {number: age, unit: a} → {number: years, unit: a}",
        "mappings!D6  north visit note: remark → {text: [remark, other]}",
    ]
    wanted = LAID_OUT.replace("{1: male, 2: female}", "{m: male, f: female}").replace(
        "{number: age,\n     unit: a}", "{number: years, unit: a}"
    )
    assert mapping(laid_out) == wanted.replace("note: remark", "note: {text: [remark, other]}")


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"D2": "{recode: sex, map: {1: mal}}"}, "mappings!D2: north participant sex: participant.sex.map.1: 'mal'"),
        ({"D2": "{recoded: sex}"}, "mappings!D2: north participant sex: participant.sex"),
        ({"D2": "{recode: sex"}, "mappings!D2: north participant sex: this is no rule on one line of YAML"),
        ({"D6": "remark  # why"}, "mappings!D6: north visit note: this is no rule on one line of YAML"),
        ({"D6": "a\n  sex: b"}, "mappings!D6: north visit note: this is no rule on one line of YAML"),
        ({"D6": "a}"}, None),
        ({"D6": "a: b"}, "mappings!D6: north visit note: this is no rule on one line of YAML"),
        ({"D6": None}, "mappings!D6: north visit note: the rule is empty"),
        ({"D6": "=A1"}, "mappings!D6: 'rule' holds a formula"),
        ({"D6": 12}, "mappings!D6: 'rule' is a number"),
        ({"D4": "crp"}, "mappings!D4: north visit crp: the rule stands on several lines"),
        ({"D5": "grade"}, "mappings!D5: north visit grade: the rule stands on several lines"),
        ({"C6": "age"}, "mappings!D6: north visit age: this was no rule when the workbook was written"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_cell(laid_out: Desk, cells: dict[str, object], complaint: str | None):
    laid_out.put("mappings", **cells)
    if complaint is None:
        assert [one.split("!")[0] for one in laid_out.read().told.changes] == ["mappings"]
        return
    assert any(one.startswith(complaint) for one in laid_out.complaints()), laid_out.complaints()
    assert mapping(laid_out) == LAID_OUT


def test_changes_on_both_sides(desk: Desk):
    file = "studies/north/mapping.yaml"
    desk.change_here(file, "unit: mg/L", "unit: mg/dL")
    desk.put("mappings", D2="{recode: sex, map: {2: female}}")
    assert len(desk.accepted()) == 1
    wanted = MAPPING.replace("mg/L", "mg/dL").replace("{1: male, 2: female}", "{2: female}")
    assert mapping(desk) == wanted
    desk.put("mappings", D3="{number: crp, unit: g/L}")
    assert desk.complaints() == [
        "mappings!D3: north visit crp: the rule was '{number: crp, unit: mg/L}', is '{number: crp, unit: g/L}' in the "
        "workbook, '{number: crp, unit: mg/dL}' in studies/north/mapping.yaml here"
    ]
    desk.change_here(file, "  crp: {number: crp, unit: mg/dL}\n", "")
    assert desk.complaints() == [
        "mappings!D3: north visit crp: the rule is gone from studies/north/mapping.yaml here"
    ]


def test_a_code_and_its_mapping_change_together(desk: Desk):
    desk.put("codes", B3="woman")
    desk.put("mappings", D2="{recode: sex, map: {1: male, 2: woman}}")
    assert [change.split("!")[0].split(" ")[0] for change in desk.accepted()] == [
        "codes",
        "codes",
        "mappings",
    ]
    assert "2: woman" in mapping(desk)
    assert b"woman" in desk.bytes()["code_lists.csv"]


def test_rows_that_are_not_there_change_nothing(desk: Desk):
    with desk.edited() as book:
        book["mappings"].delete_rows(3)
    assert desk.read().told.notes == [
        "mappings: 1 row is not there; the rules stay, they are taken out in mapping.yaml: north visit crp"
    ]
    with desk.edited() as book:
        del book["mappings"]
    assert desk.read().told.notes == ["the sheet 'mappings' is not there: the mappings stay as they are"]


def test_line_ends_and_marks_stay(desk: Desk):
    file = desk.folder / "studies" / "north" / "mapping.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + MAPPING.replace("\n", "\r\n").encode())
    desk.export()
    desk.put("mappings", D3="crp")
    before = file.read_bytes()
    assert len(desk.accepted()) == 1
    assert file.read_bytes() == before.replace(b"{number: crp, unit: mg/L}", b"crp")


def test_a_rule_for_another_variable_is_sent_to_its_mapping(desk: Desk):
    desk.put("mappings", C3="haemoglobin")
    (told,) = desk.read().told.complaints
    assert told.message == "north visit haemoglobin: this was no rule when the workbook was written"
    assert told.allowed.startswith("write a new rule into studies/north/mapping.yaml yourself")
