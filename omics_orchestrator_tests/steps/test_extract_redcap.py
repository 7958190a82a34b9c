"""REDCap's API into Postgres: the first pull, an unchanged one, changes, a killed run, another admitted field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.demo.redcap_store import METADATA, Key, RedcapProject
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.result import StepResult, facts_of
from omics_orchestrator.storage.tables import read_table, write_tables
from omics_orchestrator_tests.installation import Installation

STUDY = """\
study: tiny
title: Tiny study
stewards: [tiny@example.org]
participant_id: {{pattern: "P[0-9]+"}}
sources:
  redcap: {{kind: redcap, url: "{url}", token: {{secret: TINY_TOKEN}}, requests_per_second: 1000}}
"""
MAPPING = """\
participant:
  from: redcap.person
  sex: {recode: sex, map: {1: male, 2: female}}
visit:
  from: redcap.visit
  crp: {number: crp, unit: mg/L}
not_mapped:
  logistics: [person_complete, visit_complete]
"""
TABLE = ("raw_tiny", "redcap__visit")


def entry(name: str, form: str, kind: str = "text", **words: str) -> dict[str, str]:
    return dict.fromkeys(METADATA, "") | {"field_name": name, "form_name": form, "field_type": kind, **words}


def made(people: int) -> RedcapProject:
    project = RedcapProject(
        [
            entry("id", "person"),
            entry("sex", "person", "radio", select_choices_or_calculations="1, Male | 2, Female"),
            entry("crp", "visit"),
            entry("albumin", "visit"),
        ],
        repeats=[{"form_name": "visit", "custom_form_label": ""}],
    )
    for number in range(people):
        project.rows[Key(f"P{number}")] = {"sex": "1", "person_complete": "2"}
        for visit in (1, 2):
            cells = {"crp": f"{number}.{visit}", "albumin": "40", "visit_complete": "2"}
            project.rows[Key(f"P{number}", instrument="visit", instance=visit)] = cells
    return project


class Pulls:
    """A study whose source is a project on a server; every pull sees the project as it is."""

    def __init__(self, installation: Installation, server: RedcapServer) -> None:
        self.installation, self.server = installation, server
        self.project = server.tokens["TOKEN"].project
        self.declare(MAPPING)
        environment = {**installation.settings.environment, "TINY_TOKEN": "TOKEN"}
        installation.settings = replace(installation.settings, environment=environment)

    def declare(self, mapping: str) -> None:
        self.installation.declare("tiny", study=STUDY.format(url=self.server.url), mapping=mapping)

    def extract(self, table: str = "visit", run_id: str = "r") -> StepResult:
        SHARED.forget()
        workspace = self.installation.workspace()
        study = workspace.catalogue.studies["tiny"]
        return extract(workspace, study, "redcap", table, run_id=run_id)

    def pull(self, table: str = "visit", run_id: str = "r") -> dict[str, Any]:
        """Extract and store; return the facts, what was written among them."""
        result = self.extract(table, run_id)
        written = write_tables(self.installation.workspace().database, result.writes)
        return {**result.facts, **facts_of(written), "version": result.data_version}

    def stored(self, table: str = "visit") -> pa.Table:
        return read_table(self.installation.workspace().database, "raw_tiny", f"redcap__{table}")

    def cells(self) -> dict[tuple[str, int], str]:
        return {(row["record_id"], row["form_instance"]): row["crp"] for row in self.stored().to_pylist()}

    def fields(self) -> set[str]:
        """Return every field that was ever asked for with records."""
        asked = [one.asked for one in self.server.requests if one.asked.get("content") == "record"]
        return {value for one in asked for word, value in one.items() if word.startswith("fields[")}


@pytest.fixture
def pulls(installation: Installation) -> Iterator[Pulls]:
    with RedcapServer({"TOKEN": made(30)}) as server:
        yield Pulls(installation, server)


def test_only_admitted_fields_are_asked_for_and_an_unchanged_pull_writes_nothing(pulls: Pulls) -> None:
    first = pulls.pull()
    assert (first["rows_inserted"], first["rows_deleted"]) == (60 + 60 - 60 + sides(pulls), 0)
    assert pulls.fields() <= {"id", "crp", "visit_complete"}
    before = pulls.stored()
    second = pulls.pull(run_id="r2")
    assert (second["rows_inserted"], second["rows_updated"], second["rows_deleted"]) == (0, 0, 0)
    assert second["version"] == first["version"]
    assert pulls.stored().equals(before)


def sides(pulls: Pulls) -> int:
    """Return the rows of the side tables."""
    database = pulls.installation.workspace().database
    names = ("fields", "choices", "parse_issues", "withheld")
    return sum(read_table(database, "raw_tiny", f"redcap__visit__{name}").num_rows for name in names)


def test_changes_alone_travel_and_give_what_a_full_pull_gives(pulls: Pulls) -> None:
    pulls.pull()
    pulls.project.edit("P3", "crp", "99", instrument="visit", instance=2)
    pulls.project.edit("P77", "crp", "7", instrument="visit", instance=1)
    pulls.project.rename("P5", "P500")
    pulls.project.delete("P8")
    pulls.server.requests.clear()
    changed = pulls.pull(run_id="r2")
    assert changed["rows_delivered"] == 5  # both visits of P3 and of P500, one of P77
    cells = pulls.cells()
    assert (cells["P3", 2], cells["P77", 1], cells["P500", 1]) == ("99", "7", "5.1")
    assert not {"P5", "P8"} & {record for record, _ in cells}
    asked = [one.asked for one in pulls.server.requests if one.asked.get("content") == "record"]
    named = {value for one in asked for word, value in one.items() if word.startswith("records[")}
    assert named == {"P3", "P77", "P500"}
    runs = {
        row["record_id"]: row["run_id"] for row in pulls.stored().to_pylist() if row["form_instance"] == 2
    }
    assert (runs["P3"], runs["P1"]) == ("r2", "r")
    with RedcapServer({"TOKEN": pulls.project}) as other:  # what a machine that never pulled would get
        fresh = Pulls(pulls.installation, other)
        whole = fresh.extract()
        assert "rows_delivered" not in whole.facts  # another declaration: everything is asked
        assert (
            whole.writes[0]
            .table.drop_columns(["run_id"])
            .sort_by([(name, "ascending") for name in whole.writes[0].key])
            .equals(pulls.stored().drop_columns(["run_id"]))
        )


def test_a_newly_admitted_field_leads_to_one_full_pull_of_its_form(pulls: Pulls) -> None:
    pulls.pull()
    pulls.pull("person")
    pulls.declare(MAPPING.replace("not_mapped", "  albumin: {number: albumin, unit: g/L}\nnot_mapped"))
    assert "rows_delivered" not in pulls.pull()
    assert set(pulls.stored()["albumin"].to_pylist()) == {"40"}
    assert "rows_delivered" in pulls.pull("person")
    assert "rows_delivered" in pulls.pull()


def test_a_field_that_nobody_decided_about_is_drift_and_stays_out(pulls: Pulls) -> None:
    (finding,) = [one for one in pulls.extract().findings if one.check == "drift"]
    assert "'albumin'" in finding.message
    pulls.project.add_field("postcode", "visit")
    (finding,) = [one for one in pulls.extract().findings if one.check == "drift"]
    assert "'postcode'" in finding.message
    assert not {"albumin", "postcode"} & pulls.fields()


def test_a_run_that_ends_before_it_stores_leaves_nothing_and_the_next_repairs(pulls: Pulls) -> None:
    pulls.pull()
    before = pulls.stored()
    pulls.project.edit("P1", "crp", "50", instrument="visit", instance=1)
    pulls.extract()  # pulled, never stored: killed in between
    assert pulls.stored().equals(before)
    pulls.pull()
    assert pulls.cells()["P1", 1] == "50"


def test_a_delivery_that_is_not_whole_leaves_yesterday_s_rows(pulls: Pulls) -> None:
    pulls.pull()
    before = pulls.stored()
    pulls.project.edit("P1", "crp", "50", instrument="visit", instance=1)
    pulls.server.faults.add("html", content="record", times=None)
    with pytest.raises(DeliveryError) as told:
        pulls.pull()
    assert "P1" not in str(told.value)
    assert pulls.stored().equals(before)
    pulls.server.faults.clear()
    pulls.pull()
    assert pulls.cells()["P1", 1] == "50"


def test_the_dictionary_of_the_project_is_kept_by_version(pulls: Pulls) -> None:
    pulls.pull()
    pulls.project.add_field("weight", "person")
    pulls.pull()
    database = pulls.installation.workspace().database
    fields = read_table(database, "raw_tiny", "redcap__visit__fields").to_pylist()
    versions = {row["metadata_hash"] for row in fields}
    assert len(versions) == 2
    assert {row["field_name"] for row in fields} >= {"crp"}
