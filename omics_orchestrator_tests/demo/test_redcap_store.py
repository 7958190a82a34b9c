"""What people do to a project of the demo server is in its rows and its log."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from omics_orchestrator.demo.redcap_store import METADATA, Key, RedcapProject, rows_of


def entry(name: str, form: str, kind: str = "text", choices: str = "") -> dict[str, str]:
    words = {"field_name": name, "form_name": form, "field_type": kind}
    return dict.fromkeys(METADATA, "") | words | {"select_choices_or_calculations": choices}


@pytest.fixture
def project() -> RedcapProject:
    """Return a longitudinal project: event `first` with a form that repeats, event `again` that repeats whole."""
    made = RedcapProject([entry("id", "person"), entry("crp", "visit")])
    made.events = [{"event_name": one, "arm_num": 1, "unique_event_name": one} for one in ("first", "again")]
    made.mapping = [{"unique_event_name": one, "form": "visit"} for one in ("first", "again")]
    made.repeats = [
        {"event_name": "first", "form_name": "visit", "custom_form_label": ""},
        {"event_name": "again", "form_name": "", "custom_form_label": ""},
    ]
    return made


def test_a_new_repeat_of_a_form_stands_below_the_row_of_its_event(project: RedcapProject) -> None:
    project.edit("1", "crp", "5", event="first", instrument="visit", instance=2)
    assert project.rows == {Key("1", "first"): {}, Key("1", "first", "visit", 2): {"crp": "5"}}


def test_a_new_repeat_of_a_whole_event_is_its_only_row(project: RedcapProject) -> None:
    project.edit("1", "crp", "5", event="again", instance=3)
    assert project.rows == {Key("1", "again", "", 3): {"crp": "5"}}


def test_a_rename_takes_rows_files_and_group_along_and_keeps_the_place(project: RedcapProject) -> None:
    for record in ("1", "2"):
        project.edit(record, "crp", "5", event="first")
    project.files[Key("1", "first"), "photo"] = ("a", "b", b"c")
    project.groups["1"] = "north"
    project.rename("1", "10")
    assert project.records() == ["10", "2"]
    assert list(project.files) == [(Key("10", "first"), "photo")]
    assert project.groups == {"10": "north"}
    project.delete("10")
    assert (project.records(), project.files, project.groups) == (["2"], {}, {})
    assert [one.kind for one in project.log] == ["record_add"] * 2 + ["record_edit", "record_delete"]


def test_touched_reads_the_server_s_own_time(project: RedcapProject) -> None:
    project.clock, project.zone = lambda: datetime(2026, 7, 1, 23, 30, tzinfo=UTC), ZoneInfo("Europe/London")
    project.edit("1", "crp", "5", event="first")
    assert project.touched(datetime.fromisoformat("2026-07-02 00:30"), None) == {"1"}
    assert project.touched(datetime.fromisoformat("2026-07-02 00:31"), None) == set()
    assert project.touched(None, datetime.fromisoformat("2026-07-01 23:59")) == set()


def test_a_field_is_added_at_the_end_of_its_form_and_every_change_counts(project: RedcapProject) -> None:
    project.add_field("sex", "person", field_type="radio")
    assert [one["field_name"] for one in project.metadata] == ["id", "sex", "crp"]
    project.remove_field("sex")
    assert [one["field_name"] for one in project.metadata] == ["id", "crp"]
    assert project.changes == 2


def test_checkboxes_have_a_column_for_each_code_and_each_missing_code(project: RedcapProject) -> None:
    project.info["missing_data_codes"] = "NA, not asked"
    boxes = project.columns(entry("b", "visit", "checkbox", "1, A | -90, B, C"))
    assert boxes == [("1", "b___1"), ("-90", "b____90"), ("NA", "b___na")]


def test_rows_of_a_flat_export_keep_filled_cells_only() -> None:
    flat = [
        {"id": 1, "redcap_repeat_instrument": "v", "redcap_repeat_instance": 2, "a": "x", "b": None, "c": ""}
    ]
    assert rows_of(flat, "id") == {Key("1", "", "v", 2): {"a": "x"}}
