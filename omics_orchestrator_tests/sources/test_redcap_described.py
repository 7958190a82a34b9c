"""A REDCap data dictionary as columns: kinds, choices without markup, boxes of a checkbox."""

from __future__ import annotations

import pytest

from omics_orchestrator.sources import RedcapExport
from omics_orchestrator.sources.redcap_described import of_metadata
from omics_orchestrator_tests.sources.test_redcap_export import row, write


def entry(name: str, kind: str, **rest: str) -> dict[str, str]:
    return {"field_name": name, "form_name": "base", "field_type": kind, "field_label": name.title(), **rest}


@pytest.mark.parametrize(
    ("kind", "validation", "expected"),
    [
        ("text", "", "text"),
        ("text", "date_dmy", "date"),
        ("text", "datetime_seconds_ymd", "date"),
        ("text", "integer", "number"),
        ("text", "number_2dp_comma_decimal", "number"),
        ("text", "email", "text"),
        ("notes", "", "text"),
        ("calc", "", "number"),
        ("slider", "", "number"),
        ("yesno", "", "yes_no"),
        ("truefalse", "", "yes_no"),
        ("file", "", "file"),
        ("sql", "", ""),
    ],
)
def test_kinds(kind, validation, expected):
    (found,) = of_metadata([entry("a", kind, text_validation_type_or_show_slider_number=validation)])
    assert found.kind == expected


def test_choices_lose_their_markup():
    choices = "1, <b>Male</b> | 2, Female &amp; other"
    (found,) = of_metadata([entry("sex", "radio", select_choices_or_calculations=choices)])
    assert found.choices == {"1": "Male", "2": "Female & other"}
    assert found.kind == "choice"
    for text, kind in (
        ("1, Yes | 2, No", "yes_no"),
        ("1, YES | 0, No | 9, Unknown", "yes_no"),
        ("1, Yes | 2, Often", "choice"),
    ):
        (asked,) = of_metadata([entry("ill", "dropdown", select_choices_or_calculations=text)])
        assert asked.kind == kind


def test_a_checkbox_comes_whole_and_box_by_box():
    field = entry("ticks", "checkbox", select_choices_or_calculations="1, One | -1000, Not available")
    whole, one, none = of_metadata([field])
    assert (whole.name, whole.kind, whole.option) == ("ticks___*", "several", "")
    assert (one.name, one.label, one.option) == ("ticks___1", "Ticks: One", "1")
    assert (none.name, none.option) == ("ticks____1000", "-1000")


def test_limits_flag_and_text_that_is_no_field():
    crp = entry(
        "crp", "text", text_validation_min="0", text_validation_max="x", identifier="y", field_note="mg/L"
    )
    found, *rest = of_metadata([crp, entry("hint", "descriptive")])
    assert (found.lowest, found.highest, found.identifier, found.note) == (0.0, None, True, "mg/L")
    assert rest == []


def test_an_export_tells_its_fields_but_the_record_id(folder, stores):
    write(folder, [row("p1", sex="1")])
    found = RedcapExport(location="store+here://").described("redcap", stores)
    assert [one.name for one in found] == [
        "sex",
        "ticks___*",
        "ticks___1",
        "ticks___2",
        "total",
        "crp",
        "scan",
    ]
    assert {one.table for one in found} == {"base", "lab"}
