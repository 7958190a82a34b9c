"""States that were changed in the sheet `suggestions`: who alone changed one has it, else its cell is told."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from omics_orchestrator.errors import FormatError, NotConfigured
from omics_orchestrator.steps.spreadsheet import marking
from omics_orchestrator.studies.suggestions import FILE
from omics_orchestrator_tests.steps.spreadsheet.books import Desk
from omics_orchestrator_tests.steps.spreadsheet.decided import EAST, NORTH, give

OF_EAST, OF_NORTH = f"studies/east/{FILE}", f"studies/north/{FILE}"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    give(desk)
    return desk


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def files(desk: Desk) -> tuple[bytes, bytes]:
    east, north = desk.folder / OF_EAST, desk.folder / OF_NORTH
    return east.read_bytes(), north.read_bytes()


def test_who_and_when_are_filled_in_and_nothing_else_moves(desk: Desk):
    desk.put("suggestions", D2="approved", D6="rejected", D7="approved", E7="Cy, MD", F7="2026-11-20")
    told = desk.accepted()
    assert [one.partition(" ")[0] for one in told] == ["suggestions!D2", "suggestions!D6", "suggestions!D7"]
    assert told[2].endswith("north clinic.clinic.MAR1 grade: proposed → approved (Cy, MD, 2026-11-20)")
    by = f"ann@example.org,{today()}"
    north = NORTH.replace("007,age,proposed,,", f"007,age,rejected,{by}")
    assert files(desk) == (
        EAST.replace("x,crp,proposed,omics,2026-11-01", f"x,crp,approved,{by}").encode(),
        north.replace("MAR1,grade,proposed,omics,2026-11-01", 'MAR1,grade,approved,"Cy, MD",2026-11-20\r\n').encode(),
    )  # fmt: skip
    after = files(desk)
    again = desk.read()
    assert (again.after, any(vars(again.told).values())) == ({}, False)  # the same workbook once more
    assert files(desk) == after


def test_a_decision_is_taken_back(desk: Desk):
    desk.put("suggestions", D3="proposed")
    (told,) = desk.accepted()
    assert told.endswith(f"rejected → proposed (ann@example.org, {today()})")
    assert b'clinic.clinic.y,"sex",proposed,ann@example.org,' in files(desk)[0]


def test_sorted_rows_and_days_that_became_dates(desk: Desk):
    with desk.edited() as book:
        sheet = book["suggestions"]
        sheet.move_range("A2:F2", rows=10)
        sheet["D12"], sheet["F12"] = "approved", datetime.datetime(2026, 11, 19)  # noqa: DTZ001 - as Excel has it
        sheet["F5"] = datetime.datetime(2026, 11, 1)  # noqa: DTZ001 - as it was, as Excel has it
    (told,) = desk.accepted()
    assert told.startswith(
        "suggestions!D12  east clinic.clinic.x crp: proposed → approved (ann@example.org, 2026-11-19)"
    )
    assert files(desk)[1] == NORTH.encode()


def test_marks_of_byte_order_stay(desk: Desk):
    (desk.folder / OF_EAST).write_bytes(b"\xef\xbb\xbf" + EAST.encode())
    desk.export()
    desk.put("suggestions", D2="rejected", E2="ann", F2="2026-11-20")
    desk.accepted()
    assert (
        files(desk)[0]
        == b"\xef\xbb\xbf" + EAST.replace("proposed,omics,2026-11-01", "rejected,ann,2026-11-20").encode()
    )


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"D2": "aproved"}, "suggestions!D2: east clinic.clinic.x crp: 'aproved' is not a state"),
        ({"D2": "Approved"}, "suggestions!D2: east clinic.clinic.x crp: 'Approved' is not a state"),
        ({"D2": None}, "suggestions!D2: east clinic.clinic.x crp: the state is empty"),
        ({"D2": "=D3"}, "suggestions!D2: 'state' holds a formula"),
        ({"D2": True}, "suggestions!D2: 'state' is the truth value TRUE"),
        ({"D2": "approved", "F2": "20.11.2026"}, "suggestions!F2: east clinic.clinic.x crp: '20.11.2026' is no day"),
        ({"D2": "approved", "F2": 46000}, "suggestions!F2: 'on' is a number"),
        ({"D2": "approved", "F2": datetime.datetime(2026, 3, 1, 12)}, "suggestions!F2: 'on' is a date"),  # noqa: DTZ001
        ({"E3": "Ann"}, "suggestions!E3: east clinic.clinic.y sex: 'by' was changed, and the state was not"),
        ({"F3": "2026-11-20"}, "suggestions!F3: east clinic.clinic.y sex: 'on' was changed, and the state was not"),
        ({"A2": "west"}, "suggestions!A2: west clinic.clinic.x crp: this pair was not in the workbook"),
        ({"B2": "clinic.clinic.z"}, "suggestions!B2: east clinic.clinic.z crp: this pair was not in the workbook"),
        ({"C2": "age"}, "suggestions!C2: east clinic.clinic.x age: this pair was not in the workbook"),
        ({"C2": None}, "suggestions!C2: the cell 'variable' is empty, and the row is not"),
        ({"A9": "east", "B9": "q", "C9": "crp", "D9": "approved"}, "suggestions!B9: east q crp: this pair was not in"),
        ({"A9": "east", "B9": "clinic.clinic.x", "C9": "crp", "D9": "approved"},
         "suggestions!C9: east clinic.clinic.x crp is given twice, first in row 2"),
        ({"D1": "status"}, "suggestions!1: the header 'state' is missing in row 1"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_cell(desk: Desk, cells: dict[str, Any], complaint: str):
    desk.put("suggestions", **cells)
    (told,) = desk.complaints()
    assert told.startswith(complaint), told
    with pytest.raises(FormatError, match="nothing is written"):
        desk.read().write()
    assert files(desk) == (EAST.encode(), NORTH.encode())


def test_a_new_pair_is_sent_to_the_command(desk: Desk):
    desk.put("suggestions", C2="age")
    (told,) = desk.read().told.complaints
    assert "`omics dictionary suggest east --approve 'clinic.clinic.x=age'`" in told.allowed


def test_empty_cells_say_nothing(desk: Desk):
    desk.put("suggestions", E3=None, F3=None)
    assert desk.accepted() == []
    assert files(desk) == (EAST.encode(), NORTH.encode())


def test_rows_that_are_not_there_change_nothing(desk: Desk):
    with desk.edited() as book:
        book["suggestions"].delete_rows(4)
    assert desk.read().told.notes == [
        "suggestions: 1 row is not there; the suggestions stay, they are taken out in suggestions.csv: "
        "north clinic.clinic.a,b note"
    ]
    assert desk.accepted() == []


def test_a_state_that_was_changed_on_both_sides(desk: Desk):
    desk.put("suggestions", D2="approved", D7="approved")
    desk.change_here(OF_EAST, "x,crp,proposed,omics,2026-11-01", "x,crp,rejected,bob,2026-11-20")
    assert desk.complaints() == [
        "suggestions!D2: east clinic.clinic.x crp: the state was proposed (omics, 2026-11-01), is 'approved' in the "
        "workbook, rejected (bob, 2026-11-20) in studies/east/suggestions.csv here"
    ]
    desk.put("suggestions", D2="rejected")  # both say the same
    assert desk.read().told.notes == []
    desk.put("suggestions", E2="Ann")
    assert desk.read().told.notes == [
        "suggestions!D2: east clinic.clinic.x crp is rejected (bob, 2026-11-20) in studies/east/suggestions.csv here; "
        "that stays"
    ]
    assert len(desk.accepted()) == 1  # of north
    assert (
        files(desk)[0]
        == EAST.replace("x,crp,proposed,omics,2026-11-01", "x,crp,rejected,bob,2026-11-20").encode()
    )


def test_the_same_state_said_again_by_another_person_is_a_conflict(desk: Desk):
    desk.put("suggestions", D3="approved")
    desk.change_here(OF_EAST, '"Bob ""B"", of Leith",2026-11-02', "eve,2026-11-20")
    (told,) = desk.complaints()
    assert told.startswith("suggestions!D3: east clinic.clinic.y sex: the state was rejected (Bob")
    assert "rejected (eve, 2026-11-20) in studies/east/suggestions.csv here" in told


def test_what_happened_here_meanwhile_is_told_and_stays(desk: Desk):
    desk.change_here(
        OF_EAST, "x,crp,proposed,omics,2026-11-01\n", "x,crp,approved,bob,2026-11-20\nz,age,proposed,,\n"
    )
    desk.change_here(OF_NORTH, '"clinic.clinic.a,b",note,approved,bob@example.org,2026-11-03\n', "")
    before = files(desk)
    desk.put("suggestions", D7="rejected", E7="ann", F7="2026-11-20")
    told = desk.read().told.meanwhile
    assert told == [
        f"{OF_EAST}  clinic.clinic.x crp: proposed (omics, 2026-11-01) → approved (bob, 2026-11-20)",
        f"{OF_NORTH}  - clinic.clinic.a,b note",
        f"{OF_EAST}  + 1 pair",
    ]
    assert len(desk.accepted()) == 1
    assert files(desk) == (before[0], before[1].replace(
        b"grade,proposed,omics,2026-11-01", b"grade,rejected,ann,2026-11-20\n"
    ))  # fmt: skip


def test_a_pair_or_a_file_that_is_gone(desk: Desk):
    desk.put("suggestions", D2="approved", D7="approved")
    desk.change_here(OF_EAST, "clinic.clinic.x,crp,proposed,omics,2026-11-01\n", "")
    (desk.folder / OF_NORTH).unlink()
    assert desk.complaints() == [
        "suggestions!D2: east clinic.clinic.x crp: the pair is gone from studies/east/suggestions.csv here",
        "suggestions!D7: north clinic.clinic.MAR1 grade: the pair is gone from studies/north/suggestions.csv here",
    ]


def test_a_file_with_mistakes_is_not_changed(desk: Desk):
    desk.put("suggestions", D2="approved")
    desk.change_here(OF_EAST, "clinic.clinic.y,", "clinic.clinic.x,crp,perhaps,,\nclinic.clinic.y,")
    (told,) = desk.complaints()
    assert told.startswith("suggestions!D2: east clinic.clinic.x crp: the file has mistakes: ")
    assert "suggestions.csv:4: clinic.clinic.x: 'perhaps' is not a state" in told
    desk.put("suggestions", D2="proposed", D7="approved")
    assert len(desk.accepted()) == 1  # that of the other study is


def test_a_variable_that_goes_in_the_same_workbook(desk: Desk):
    desk.put("suggestions", D4="rejected")
    with desk.edited() as book:
        book["variables"].delete_rows(6)
    (told,) = desk.complaints()
    assert (
        told
        == 'suggestions!C4: north clinic.clinic.a,b note: no variable "note"; there are: '
        + ", ".join(f'"{name}"' for name in ("sex", "age", "crp", "grade"))
    )


def test_an_account_without_a_name_types_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def nobody(folder: object) -> str:
        raise NotConfigured("this account has no name: say who decides, with --by NAME")

    monkeypatch.setattr(marking, "who_decides", nobody)
    desk.put("suggestions", D2="approved")
    assert desk.complaints()[0].startswith(
        "suggestions!E2: east clinic.clinic.x crp: this account has no name"
    )
    desk.put("suggestions", E2="Ann")
    assert desk.accepted()[0].endswith(f"approved (Ann, {today()})")


def test_a_change_between_reading_and_writing_is_not_lost(desk: Desk):
    desk.put("suggestions", D2="approved")
    found = desk.read()
    desk.change_here(OF_EAST, "x,crp,proposed", "x,crp,rejected")
    with pytest.raises(FormatError, match="was changed just now"):
        found.write()
    assert b"approved" not in files(desk)[0]
