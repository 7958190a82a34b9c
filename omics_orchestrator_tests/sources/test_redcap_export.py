"""REDCap exports: which rows an instrument has, under which key, and which columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import Delivery, RedcapExport

NOT_CLASSIC = {"error": "You cannot export this for classic projects"}
FIELDS = [
    ("id", "base", "text", ""),
    ("sex", "base", "radio", "1, M | 2, F"),
    ("ticks", "base", "checkbox", "1, one | 2, two"),
    ("total", "lab", "calc", "sum([crp])"),
    ("crp", "lab", "text", ""),
    ("scan", "lab", "file", ""),
]


def example(folder: Path, secret: str) -> tuple[dict[str, object], str]:
    """A declaration and its table, for the contract."""
    write(folder, [row(f"p{n}", sex=secret, base_complete="2") for n in range(20)])
    return {"location": "store+here://"}, "base"


def row(record: str, **values: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ["sex", "ticks___1", "ticks___2", "base_complete", "total", "crp", "scan", "lab_complete"], ""
    )
    return {"id": record, "redcap_repeat_instrument": "", "redcap_repeat_instance": "", **blank, **values}


def write(folder: Path, records: object, **answers: Any) -> None:
    metadata = [
        {
            "field_name": n,
            "form_name": f,
            "field_type": t,
            "field_label": n,
            "select_choices_or_calculations": c,
        }
        for n, f, t, c in FIELDS
    ]
    names = {"ticks": ["ticks___1", "ticks___2"]}
    exports = [
        {"original_field_name": name, "choice_value": "", "export_field_name": column}
        for name, _, kind, _ in FIELDS
        if kind != "file"
        for column in names.get(name, [name])
    ]
    default = {
        "metadata": metadata,
        "exportFieldNames": exports,
        "formEventMapping": NOT_CLASSIC,
        "repeatingFormsEvents": NOT_CLASSIC,
        "records": records,
    }
    for name, answer in (default | answers).items():
        if answer is not None:
            (folder / f"{name}.json").write_text(json.dumps(answer))


@pytest.fixture
def deliver(folder, stores):
    def one(form: str, rows: list[dict[str, Any]], admitted: Any = None, **answers: Any) -> Delivery:
        write(folder, **{"records": rows, **answers})
        return RedcapExport(location="store+here://").deliver("redcap", form, admitted, stores)

    return one


def keys(delivery: Delivery) -> list[tuple[object, ...]]:
    return [tuple(key.values()) for key in delivery.data.select(delivery.key).to_pylist()]


def told(delivery: Delivery) -> list[tuple[str, int, str]]:
    return [(finding.message, finding.count, finding.severity) for finding in delivery.findings]


def test_a_classic_project(deliver):
    records = [row("p1", sex="1", base_complete="2"), row("p2", sex="2", base_complete="0", crp="5")]
    delivery = deliver("base", records)
    assert keys(delivery) == [("p1", "", 0, 0), ("p2", "", 0, 0)]
    assert delivery.seen == ("sex", "ticks___1", "ticks___2", "base_complete")
    assert delivery.decisions["project"] == "classic"


def test_fields_tell_their_redcap_type(deliver):
    schema = deliver("base", [row("p1", sex="1", base_complete="2")]).data.schema
    assert schema.field("ticks___2").metadata[b"field_type"] == b"checkbox"
    assert schema.field("sex").metadata[b"choices"] == b"1, M | 2, F"
    assert not schema.field("base_complete").metadata


def test_a_file_field_has_its_column_although_exports_do_not_name_it(deliver):
    assert deliver("lab", [row("p1", scan="s.jpg")]).seen == ("total", "crp", "scan", "lab_complete")


def test_rows_without_content_are_left_out_and_counted(deliver):
    records = [
        row("opened", base_complete="1"),
        row("filled", sex="1", base_complete="0"),
        row("ticked", ticks___2="1", ticks___1="0", base_complete="0"),
        row("untouched", ticks___1="0", ticks___2="0", base_complete="0"),
        row("gray"),
    ]
    delivery = deliver("base", records)
    assert [key[0] for key in keys(delivery)] == ["opened", "filled", "ticked"]
    assert told(delivery) == [("rows without any content were left out", 2, "note")]


def test_a_calculation_is_no_content(deliver):
    assert keys(deliver("lab", [row("p1", total="0"), row("p2", crp="0")])) == [("p2", "", 0, 0)]


def test_only_admitted_content_keeps_a_row(deliver):
    assert keys(deliver("base", [row("p1", sex="1")], ["ticks___*"])) == []


def test_a_repeating_form_is_declared_not_guessed(deliver):
    records = [
        row("p1", sex="1", base_complete="2"),
        row("p1", redcap_repeat_instrument="lab", redcap_repeat_instance=1, crp="5", lab_complete="2"),
        row("p1", redcap_repeat_instrument="lab", redcap_repeat_instance=2, crp="6", lab_complete="2"),
    ]
    repeating = [{"form_name": "lab", "custom_form_label": ""}]
    lab = deliver("lab", records, repeatingFormsEvents=repeating)
    assert keys(lab) == [("p1", "", 0, 1), ("p1", "", 0, 2)]
    assert keys(deliver("base", records, repeatingFormsEvents=repeating)) == [("p1", "", 0, 0)]
    undeclared = deliver("lab", records)
    assert keys(undeclared) == keys(lab)
    assert told(undeclared)[:1] == [
        ("rows of lab lie where the project declares no such form or repeat", 2, "warning")
    ]


def test_events_and_repeating_events(deliver):
    mapping = [{"unique_event_name": event, "form": "lab"} for event in ("v1", "v2")]
    mapping.append({"unique_event_name": "v1", "form": "base"})
    repeats = [{"event_name": "v2", "form_name": ""}, {"event_name": "v1", "form_name": "lab"}]
    records = [
        row("p1", redcap_event_name="v1", sex="1", base_complete="2"),
        row("p1", redcap_event_name="v1", redcap_repeat_instrument="lab", redcap_repeat_instance=1, crp="1"),
        row("p1", redcap_event_name="v2", redcap_repeat_instance=1, crp="2"),
        row("p1", redcap_event_name="v2", redcap_repeat_instance=2, crp="3"),
        row("p2", redcap_event_name="v2", redcap_repeat_instance=1, crp="4", sex="1"),
    ]
    declared = {"formEventMapping": mapping, "repeatingFormsEvents": repeats}
    lab = deliver("lab", records, **declared)
    assert keys(lab) == [("p1", "v1", 0, 1), ("p1", "v2", 1, 0), ("p1", "v2", 2, 0), ("p2", "v2", 1, 0)]
    assert lab.decisions["project"] == "longitudinal"
    base = deliver("base", records, **declared)
    assert keys(base) == [("p1", "v1", 0, 0), ("p2", "v2", 1, 0)]
    assert told(base)[0][1:] == (1, "warning")


def test_a_repeated_key_is_refused(deliver):
    with pytest.raises(DeliveryError, match=r"redcap\.base: 1 rows repeat the key"):
        deliver("base", [row("p1", sex="1"), row("p1", sex="2")])


@pytest.mark.parametrize("answer", ["metadata", "exportFieldNames", "records"])
def test_a_missing_answer(deliver, answer):
    with pytest.raises(DeliveryError, match=f"{answer}.json"):
        deliver("base", [row("p1")], **{answer: {"error": "You do not have permissions"}})


def test_an_instrument_that_is_not_there(deliver):
    with pytest.raises(DeliveryError, match='no instrument "bas"; nearest: "base"'):
        deliver("bas", [row("p1")])


def test_the_downloaded_dictionary_serves_as_well(folder, stores, shared_data):
    for name in ("exportFieldNames", "records", "repeatingFormsEvents", "formEventMapping"):
        (folder / f"{name}.json").symlink_to(shared_data / f"redcap/gidamps_synthetic/{name}.json")
    (folder / "data_dictionary.csv").symlink_to(shared_data / "redcap/gidamps_synthetic/data_dictionary.csv")
    by_csv = RedcapExport(location="store+here://").deliver("r", "sampling", None, stores)
    by_json = RedcapExport(location="store+data://redcap/gidamps_synthetic/").deliver(
        "r", "sampling", None, stores
    )
    assert by_csv.data.equals(by_json.data, check_metadata=True)


@pytest.mark.parametrize(
    ("project", "form", "rows", "repeats"),
    [
        ("gidamps", "patient_details", 121, False),
        ("gidamps", "sampling", 197, True),
        ("gidamps", "cucq32", 119, True),
        ("gidamps", "ibd_background_clinician", 104, False),
        ("music", "patient_details", 120, False),
        ("music", "timepoints", 399, False),
        ("music", "saliva_sample", 260, None),  # repeats at three of five events
        ("music", "laboratory_tests_for_disease_activity", 395, True),
    ],
)
def test_public_projects(shared_data, stores, project, form, rows, repeats):
    source = RedcapExport(location=f"store+data://redcap/{project}_synthetic/")
    delivery = source.deliver("redcap", form, None, stores)
    assert delivery.data.num_rows == rows
    repeating = {number > 0 for number in delivery.data["form_instance"].to_pylist()}
    assert repeating == ({True, False} if repeats is None else {repeats})
    assert {event != "" for event in delivery.data["event_name"].to_pylist()} == {project == "music"}
    assert [finding for finding in delivery.findings if finding.severity != "note"] == []


def test_columns_that_no_instrument_has_are_seen(deliver):
    delivery = deliver("base", [row("p1", sex="1", new_field="x", redcap_survey_identifier="y")])
    assert delivery.seen[-1] == "new_field"
    assert "new_field" not in delivery.data.column_names
    assert "redcap_survey_identifier" not in delivery.seen


def test_field_with_the_name_of_a_key_column_stays_out(deliver):
    fields = [*FIELDS, ("event_name", "base", "text", "")]
    words = ("field_name", "form_name", "field_type", "select_choices_or_calculations")
    metadata = [{**dict(zip(words, field, strict=True)), "field_label": ""} for field in fields]
    delivery = deliver("base", [row("p1", sex="1", event_name="x")], metadata=metadata)
    assert delivery.data["event_name"].to_pylist() == [""]
    assert [f.message for f in delivery.findings] == [
        "fields that bear the name of a key column stay out: event_name"
    ]


def test_half_a_surrogate_pair_is_no_text(deliver):
    assert deliver("base", [row("p1", sex="\ud800")]).data["sex"].to_pylist() == ["?"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("records", '[{"id": "p1"', "records.json is no whole JSON"),
        ("records", '{"error": "no rights"}', "records.json holds no rows but one object"),
        ("records", '[["p1"], ["p2"]]', "not shaped as REDCap's"),
        ("records", '[{"id": "p1", "sex": {"of": 1}}]', "not shaped as REDCap's"),
        ("records", '[{"id": "p1"}, {"sex": "1"}]', "1 of the records bear no record id"),
        ("metadata", "[]", "of metadata nothing is there"),
    ],
)
def test_answers_that_cannot_be_used_are_told_in_words(folder, stores, deliver, name, text, says):
    deliver("base", [row("p1", sex="1")])
    (folder / f"{name}.json").write_text(text)
    with pytest.raises(DeliveryError, match=says):
        RedcapExport(location="store+here://").deliver("s", "base", None, stores)
