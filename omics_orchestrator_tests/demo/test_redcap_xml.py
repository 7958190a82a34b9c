"""A project as CDISC ODM is read whole: fields, events, repeats, groups, files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from omics_orchestrator.demo.redcap_store import RedcapProject
from omics_orchestrator.demo.redcap_xml import read_xml


def read(shared_data: Path, name: str) -> RedcapProject:
    return read_xml(shared_data / "redcap/redcapr/projects" / name / "project.xml")


@pytest.mark.parametrize(
    "name", ["vignette-repeating", "longitudinal", "repeating-instruments", "checkboxes-1", "dag"]
)
def test_fields_are_those_of_the_dictionary(shared_data: Path, name: str) -> None:
    folder = shared_data / "redcap/redcapr/projects" / name
    with (folder / "dictionary.csv").open(encoding="utf-8-sig", newline="") as file:
        known = [(row[0], row[1], row[3]) for row in list(csv.reader(file))[1:]]
    found = read(shared_data, name).metadata
    assert [(one["field_name"], one["form_name"], one["field_type"]) for one in found] == known


def test_events_of_a_longitudinal_project(shared_data: Path) -> None:
    project = read(shared_data, "longitudinal")
    assert project.longitudinal
    events = {str(one["unique_event_name"]) for one in project.events}
    assert {key.event for key in project.rows} <= events
    assert {str(one["unique_event_name"]) for one in project.mapping} <= events


def test_repeats_have_instances_from_one_on(shared_data: Path) -> None:
    project = read(shared_data, "repeating-instruments")
    assert project.repeats
    assert all(bool(key.instrument) == (key.instance > 0) for key in project.rows)
    assert {key.instrument for key in project.rows} - {""} <= {one["form_name"] for one in project.repeats}


def test_groups_have_unique_names(shared_data: Path) -> None:
    project = read(shared_data, "dag")
    assert set(project.groups.values()) <= set(project.dags)
    assert project.groups


def test_files_keep_name_type_and_bytes(shared_data: Path) -> None:
    project = read(shared_data, "simple")
    assert len(project.files) == 5
    assert all(title and kind and content for title, kind, content in project.files.values())
    for key, name in project.files:
        assert project.rows[key][name]


def test_an_xml_that_is_no_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project.xml").write_text("<ODM xmlns='http://www.cdisc.org/ns/odm/v1.3'/>")
    with pytest.raises(ValueError, match="Study"):
        read_xml(tmp_path / "project.xml")
