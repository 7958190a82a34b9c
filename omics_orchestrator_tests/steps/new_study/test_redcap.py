"""A study from a REDCap data dictionary: alone, with the records beside it, and what is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.demo.redcap_store import Key, RedcapProject
from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.steps.new_study.layout import Layout
from omics_orchestrator.steps.new_study.redcap import from_dictionary, from_server, of_layout
from omics_orchestrator_tests.steps.test_extract_redcap import entry

HEAD = "Variable / Field Name,Form Name,Field Type,Field Label\n"


def test_records_beside_the_dictionary_tell_ids_and_rows(shared_data, settings):
    folder = shared_data / "redcap" / "redcapr" / "projects" / "clinical-trial-1"
    found = from_dictionary("trial", folder / "dictionary.csv", settings)
    assert found.said == ["records: 500 rows, classic", "redcap.demographics: 12 fields"]
    assert found.pattern == "(?P<number>[0-9]+)"
    assert "500 record ids" in found.pattern_why
    assert found.declared[0] == 'redcap: {kind: redcap_export, location: "store+trial://"}'
    assert found.guesses["participant"].key == ("record_id",)
    assert not found.guesses["visit"].sure


def test_a_dictionary_alone(shared_data, settings):
    found = from_dictionary("isaric", shared_data / "redcap" / "isaric_arc" / "ARC.csv", settings)
    assert len(found.said) == 10
    assert found.columns
    assert found.columns[0].name != "subjid"  # the record id is the key
    assert "no records lie beside the data dictionary" in found.notes
    assert found.join("participant", "redcap.daily") == "one_to_one"
    assert found.unsure_joins


def test_the_api_s_answer(tmp_path, settings):
    fields = [
        {"field_name": "pid", "form_name": "base", "field_type": "text", "field_label": "Id"},
        {"field_name": "sex", "form_name": "base", "field_type": "radio", "field_label": "Sex",
         "select_choices_or_calculations": "1, Male | 2, Female"},
    ]  # fmt: skip
    (tmp_path / "metadata.json").write_text(json.dumps(fields))
    found = from_dictionary("north", tmp_path / "metadata.json", settings)
    assert found.columns
    assert found.columns[0].choices == {"1": "Male", "2": "Female"}


def test_events_and_repeats_tell_which_rows_are_visits(settings):
    columns = [
        Described(form, name)
        for form, name in (("base", "id"), ("clinic", "crp"), ("lab", "hb"), ("drugs", "d"), ("end", "e"))
    ]
    events = {"base": ["b"], "clinic": ["b", "m1"], "lab": ["m1", "b"], "drugs": ["b"], "end": ["z"]}
    layout = Layout(columns, events, ["drugs"], known=True)
    found = of_layout(layout, [], "[0-9]+", "", settings, [])
    assert found.guesses["participant"].table == "redcap.base"
    assert found.guesses["visit"].table == "redcap.clinic"
    assert "redcap.clinic: 1 field, at b, m1" in found.said
    assert "redcap.drugs: 1 field, at b, repeats" in found.said
    assert found.join("visit", "redcap.lab") == "one_to_one"
    assert found.join("visit", "redcap.base") == "one_to_one"
    assert found.join("visit", "redcap.end") == "{cardinality: many_to_one, on: record_id}"
    assert found.join("visit", "redcap.drugs") == ""
    assert found.join("participant", "redcap.drugs") == "{cardinality: one_to_many, on: record_id}"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("d.csv", b"", "the header of a codebook needs"),
        ("d.csv", HEAD.encode(), "names no field"),
        ("d.csv", b"name,label\nsex,Sex\n", "give the file by --file"),
        ("d.csv", HEAD.encode() + "id,base,text,Größe\n".encode("latin-1"), "UTF-8"),
        ("d.json", b'{"error": "no"}', "no answer of REDCap's API"),
        ("d.json", b"[1]", "no answer of REDCap's API"),
    ],
)
def test_what_is_no_data_dictionary(tmp_path, settings, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeliveryError, match=says):
        from_dictionary("north", tmp_path / name, settings)
    with pytest.raises(DeliveryError, match="no file lies there"):
        from_dictionary("north", tmp_path / "gone.csv", settings)


def test_a_form_of_two_arms_has_one_row_per_record(shared_data, settings):
    folder = shared_data / "redcap" / "redcapr" / "projects" / "longitudinal"
    found = from_dictionary("long", folder / "dictionary.csv", settings)
    assert found.guesses["participant"].table == "redcap.demographics"
    assert found.guesses["visit"].table == "redcap.patient_morale_questionnaire"
    assert found.join("visit", "redcap.visit_lab_data") == "one_to_one"


def test_a_project_without_records(shared_data, settings):
    folder = shared_data / "redcap" / "redcapr" / "projects" / "single-column"
    found = from_dictionary("one", folder / "dictionary.csv", settings)
    assert (found.pattern, found.pattern_why[:13]) == ("[0-9]+", "no record yet")


def test_a_server(settings):
    SHARED.forget()
    project = RedcapProject(
        [entry("id", "base"), entry("sex", "base"), entry("crp", "lab"), entry("hb", "lab")]
    )
    project.repeats = [{"form_name": "lab", "custom_form_label": ""}]
    for number in (17, 18):
        project.rows[Key(f"GID-{number}")] = {"sex": "1", "base_complete": "2"}
    with RedcapServer({"TOKEN": project}) as server:
        here = replace(settings, environment={"NORTH_URL": server.url, "NORTH_TOKEN": "TOKEN"})
        found = from_server("north", "NORTH_URL", "NORTH_TOKEN", here)
    assert found.declared == [
        "redcap: {kind: redcap, url: {secret: NORTH_URL}, token: {secret: NORTH_TOKEN}}"
    ]
    assert found.said[0].endswith(": 2 records, classic")
    assert found.said[2] == "redcap.lab: 2 fields, repeats"
    assert found.pattern == "GID-(?P<number>[0-9]+)"
    assert found.guesses["visit"].table == "redcap.lab"
    assert found.columns
    assert [one.name for one in found.columns] == ["sex", "crp", "hb"]


def test_secrets_that_are_not_set_or_no_names(settings):
    with pytest.raises(NotConfigured, match="NORTH_URL"):
        from_server("north", "NORTH_URL", "NORTH_TOKEN", settings)
    token = "7B4E5A0DFC2E4B7A9F1D3C5E7A9B1C3D"
    with pytest.raises(NotConfigured, match="never the secret itself") as told:
        from_server("north", "NORTH_URL", token, settings)
    assert token not in str(told.value)
