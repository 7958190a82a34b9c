"""Columns of a REDCap server: asked for its dictionary, and when it is away, what is stored with its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.demo.redcap_store import Key, RedcapProject
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.suggest import suggest
from omics_orchestrator.steps.suggest.codebook import read_codebook
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import write_tables
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_extract_redcap import STUDY, entry

NORTH = """\
study: north
title: North
stewards: [north@example.org]
participant_id: {pattern: "P[0-9]+"}
sources:
  files: {kind: delimited, location: "store+tiny://north.csv"}
"""
MAPPING = """\
visit:
  from: redcap.visit
  crp: {number: befund, unit: mg/L}
  sampling_ifx: {ticked: drugs, option: 1}
  comment: {recode: seltsam, map: {1: x}}
"""


@pytest.fixture
def server() -> Iterator[RedcapServer]:
    project = RedcapProject(
        [
            entry("id", "visit", field_label="Record"),
            entry("befund", "visit", field_label="Entzündung <b>heute</b>"),
            entry("drugs", "visit", "checkbox", select_choices_or_calculations="1, Infliximab | -1000, None"),
            entry("seltsam", "visit", "radio", select_choices_or_calculations="1, Male | 2, Female"),
            entry(
                "alb",
                "visit",
                field_label="Albumin (g/L)",
                text_validation_type_or_show_slider_number="number",
            ),
            entry("mail", "visit", text_validation_type_or_show_slider_number="email"),
        ]
    )
    project.rows[Key("P1")] = {"befund": "7777", "drugs": "1", "alb": "8888", "visit_complete": "2"}
    with RedcapServer({"TOKEN": project}) as running:
        yield running


@pytest.fixture
def study(installation: Installation, server: RedcapServer) -> Installation:
    SHARED.forget()
    installation.declare("tiny", study=STUDY.format(url=server.url), mapping=MAPPING)
    environment = {**installation.settings.environment, "TINY_TOKEN": "TOKEN"}
    installation.settings = replace(installation.settings, environment=environment)
    return installation


def pulled(study: Installation) -> Workspace:
    workspace = study.workspace()
    declared = workspace.catalogue.studies["tiny"]
    result = extract(workspace, declared, "redcap", "visit", run_id="r1")
    write_tables(workspace.database, result.writes)
    return workspace


def test_the_dictionary_of_a_server(study: Installation) -> None:
    found = suggest(study.workspace(), "tiny")
    ((column, ranked),) = found.ranked
    assert (column.reference, column.unit, column.about.kind) == ("redcap.visit.alb", "g/L", "number")
    assert ranked[0].variable == "albumin"
    assert [one.about.name for one in found.identifying] == ["mail"]
    assert "8888" not in repr(found)
    whole = suggest(study.workspace(), "tiny", everything=True)
    assert [column.about.name for column, _ in whole.ranked] == [
        "befund",
        "drugs___*",
        "drugs___1",
        "drugs____1000",
        "seltsam",
        "alb",
    ]


def test_what_is_stored_stands_in_for_a_server_that_is_away(
    study: Installation, server: RedcapServer
) -> None:
    workspace = pulled(study)
    SHARED.forget()
    server.stop()
    found = suggest(workspace, "tiny", everything=True)
    labels = {column.about.name: column.about.label for column, _ in found.ranked}
    assert labels["befund"] == "Entzündung heute"
    assert labels["drugs___1"].endswith(": Infliximab")
    assert labels["drugs____1000"].endswith(": None")
    options = {column.about.name: column.about.option for column, _ in found.ranked}
    assert options["drugs____1000"] == "-1000"
    (sex,) = (ranked[0] for column, ranked in found.ranked if column.about.name == "seltsam")
    assert (sex.variable, dict(sex.codes.map)) == ("sex", {"1": "male", "2": "female"})
    assert "columns that are stored here" in found.notes[0]


def test_labels_of_other_studies_come_from_what_is_stored(study: Installation, server: RedcapServer) -> None:
    (study.source / "north.csv").write_text("id,visit,w1\nP1,1,5\n")
    file = study.folder / "codes.csv"
    file.write_text("name,label\nw1,Entzündung heute\n")
    study.declare("north", study=NORTH, mapping="not_mapped: {}\n")
    book = read_codebook(file)
    before = suggest(study.workspace(), "north", wanted=["w1"], codebook=book)
    assert [ranked[0].variable for _, ranked in before.ranked if ranked] != ["crp"]
    workspace = pulled(study)
    server.stop()
    ((_, ranked),) = suggest(workspace, "north", wanted=["w1"], codebook=book).ranked
    assert ranked[0].variable == "crp"
    assert "so in tiny" in ranked[0].why
