"""A study that lies in a database: SQLite and a real Postgres, tables and a view, and what is refused."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import psycopg2
import pytest

from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.steps.new_study import new_study
from omics_orchestrator.steps.new_study.database import from_database
from omics_orchestrator_tests.installation import Installation

PEOPLE = "create table people (patient_id text primary key, sex text, surname text)"
VISITS = 'create table "Visits" (visit_id integer, patient_id text, seen date, crp real, calprotectin text)'
ROWS = (
    "insert into people values ('GID-7','m','Hall'), ('GID-8','f','Ito')",
    "insert into \"Visits\" values (1,'GID-7','2024-01-01',5,'9'), (2,'GID-7','2024-02-01',6,'9')"
    ", (1,'GID-8','2024-01-01',7,'9')",
)


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "cohort.db"
    connection = sqlite3.connect(place)
    with connection:
        for statement in (PEOPLE, VISITS, *ROWS):
            connection.execute(statement)
    connection.close()
    return place


def test_a_file_of_sqlite_becomes_a_valid_study(installation: Installation, file):
    workspace = installation.workspace()
    origin = from_database("north", f"sqlite:///{file}", None, workspace.settings)
    assert origin.said == ["database.visits: 3 rows, 5 columns", "database.people: 2 rows, 3 columns"]
    draft = new_study(workspace, "north", origin, {}, "a database")
    assert draft.identifiers == ["surname"]
    study = installation.workspace().catalogue.studies["north"]
    assert study.raw_tables().keys() >= {("database", "people"), ("database", "visits")}
    assert study.mapping.entities["participant"].from_ == "database.people"
    assert study.mapping.entities["visit"].key[0] == "patient_id"
    assert study.participant_id.pattern == "GID-(?P<number>[0-9]+)"
    mapping = (installation.dictionary / "studies" / "north" / "mapping.yaml").read_text()
    assert "  # calprotectin: {number: calprotectin}" in mapping  # and not calprotectin_date
    text = (installation.dictionary / "studies" / "north" / "study.yaml").read_text()
    assert '      visits: "Visits"' in text
    assert (
        "  # crp: {number: crp}"
        in (installation.dictionary / "studies" / "north" / "mapping.yaml").read_text()
    )


def test_a_schema_of_postgres_by_a_secret(settings, database):
    connection = psycopg2.connect(database.url)
    with connection, connection.cursor() as cursor:
        for statement in ("create schema reports", "set search_path to reports", PEOPLE, VISITS, *ROWS):
            cursor.execute(statement)
        cursor.execute("comment on column people.sex is 'Sex of the patient'")
        cursor.execute('create view seen as select patient_id, seen from "Visits"')
    connection.close()
    here = replace(settings, environment={"CLINIC_URL": database.url})
    found = from_database("north", "CLINIC_URL", "reports", here)
    assert "  url: {secret: CLINIC_URL}" in found.declared
    assert '  schema: "reports"' in found.declared
    assert {line.split(":")[0] for line in found.said} == {
        "database.people",
        "database.visits",
        "database.seen",
    }
    labels = {one.name: one.label for one in found.columns or ()}
    assert labels["sex"] == "Sex of the patient"
    with pytest.raises(DeliveryError, match="shows no table in schema nothing"):
        from_database("north", "CLINIC_URL", "nothing", here)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://user:geheim@127.0.0.1/clinic", "is a secret"),
        ("no address", "url is an address such as"),
        ("CLINIC_URL", "CLINIC_URL is not set"),
    ],
)
def test_addresses_that_are_refused(settings, url, says):
    with pytest.raises(NotConfigured, match=says) as told:
        from_database("north", url, None, settings)
    assert "geheim" not in str(told.value)


def test_a_file_that_is_not_there(settings, tmp_path):
    with pytest.raises(DeliveryError, match="not there"):
        from_database("north", f"sqlite:///{tmp_path}/gone.db", None, settings)
