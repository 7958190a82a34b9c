"""GI-DAMPs and MUSIC from their REDCap files to the published datasets, in a real database."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest

from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.orchestration import current
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.export import export
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator.storage.tables import read_table
from omics_orchestrator.studies.datasets import columns_of

REFERENCE = WORKING_COPY.parent / "shared" / "reference" / "ibd" / "canonical_variables.csv"
DATASETS = {
    ("gidamps", "sampling"): (229, "visit_id"),
    ("music", "main"): (386, "visit_id"),
    ("gidamps", "demographics"): (98, ""),
    ("music", "demographics"): (118, ""),
}
every_dataset = pytest.mark.parametrize(("study", "name"), DATASETS)


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings, shared_data: Path
) -> Iterator[Workspace]:
    """The two studies, published once for all tests of this module."""
    server, home = ensure_server(settings), tmp_path_factory.mktemp("published")
    own = replace(
        settings,
        home=home,
        store_url=(home / "store").as_uri(),
        source_stores={"redcap": (shared_data / "redcap").as_uri()},
        database_url=server.url("published"),
        dagster_database_url=server.url("published_dagster"),
    )
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {
            "OMICS_HOME": own.home,
            "OMICS_STORE_URL": own.store_url,
            "OMICS_STORE_REDCAP_URL": own.source_stores["redcap"],
            "OMICS_DATABASE_URL": own.database_url,
            "OMICS_DAGSTER_DATABASE_URL": own.dagster_database_url,
        }.items():
            patch.setenv(variable, str(value))
        current.forget()
        made = Workspace(own)
        assert not materialise(made).failed
        yield made
    current.forget()


def materialise(workspace: Workspace):
    session = Session(workspace)
    wanted = [f"{layer}/{one}" for layer in ("raw", "harmonised", "dataset") for one in ("gidamps", "music")]
    return session.materialise(session.assets(wanted))


def published_names(study: str) -> set[str]:
    with REFERENCE.open(encoding="utf-8") as file:
        names = {row["name"] for row in csv.DictReader(file) if study in row["studies"].split(";")}
    return {name.replace("_not_meeting_other_criteria", "_not_meeting_criteria") for name in names}


@every_dataset
def test_the_published_names_and_no_other(workspace: Workspace, study: str, name: str) -> None:
    number, key = DATASETS[study, name]
    found = read_table(workspace.database, f"dataset_{study}", name).column_names
    listed = [column for column in found if column != key]
    assert len(listed) == len(set(listed)) == number
    published = published_names(study)
    assert set(listed) <= published
    if key:
        assert set(listed) == published


@every_dataset
def test_schema_and_rows_are_those_of_the_declaration(workspace: Workspace, study: str, name: str) -> None:
    declared = workspace.catalogue.studies[study]
    columns = columns_of(declared.datasets[name], declared.mapping, workspace.dictionary)
    table = read_table(workspace.database, f"dataset_{study}", name)
    assert [(field.name, field.type) for field in table.schema] == [
        (column.name, arrow_type(column.type)) for column in columns
    ]
    entity = declared.datasets[name].entity
    assert table.num_rows == read_table(workspace.database, f"harmonised_{study}", entity).num_rows > 100


@every_dataset
def test_every_missing_value_has_a_reason(workspace: Workspace, study: str, name: str) -> None:
    table = read_table(workspace.database, f"dataset_{study}", name)
    why = read_table(workspace.database, f"dataset_{study}", f"{name}__missing")
    for column in why.column_names:
        assert pc.all(pc.xor(pc.is_null(table[column]), pc.is_null(why[column]))).as_py() or (
            why[column].equals(table[column])  # a key
        ), column


def test_durations_count_to_the_reference_date(workspace: Workspace) -> None:
    table = read_table(workspace.database, "dataset_gidamps", "demographics").to_pylist()
    counted = [row for row in table if row["diagnosis_duration_in_days"] is not None]
    assert counted
    day = workspace.catalogue.studies["gidamps"].datasets["demographics"].reference_date
    assert day is not None
    for row in counted:  # what counts is known to the day
        assert len(row["date_of_diagnosis"]) == len("2025-10-30")
        year = int(row["date_of_diagnosis"][:4])
        assert abs(row["diagnosis_duration_in_days"] / 365.25 - (day.year - year)) < 1


def test_no_plain_number_stands_for_an_inexact_one(workspace: Workspace) -> None:
    for study, name in (("gidamps", "sampling"), ("music", "main")):
        marks = read_table(workspace.database, f"harmonised_{study}", "visit__comparators").to_pylist()
        table = read_table(workspace.database, f"dataset_{study}", name).to_pylist()
        rows = {(row["study_id"], row["visit_id"]): row for row in table}
        signs = [one for one in marks if one["comparator"] in {"<", ">", "<=", ">="}]
        assert signs
        for one in signs:
            if one["variable"] in table[0]:
                value = rows[one["participant_id"], one["visit_id"]][one["variable"]]
                assert value.startswith(one["comparator"])


def test_a_second_run_has_nothing_to_do(workspace: Workspace) -> None:
    current.forget()
    summary = materialise(Workspace(workspace.settings))
    assert (summary.ran, summary.touched) == ({}, 0)


@every_dataset
def test_the_export_says_the_same(workspace: Workspace, tmp_path: Path, study: str, name: str) -> None:
    file = tmp_path / "out.csv"
    export(workspace, f"dataset/{study}/{name}", file, Selection())
    table = read_table(workspace.database, f"dataset_{study}", name)
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    assert header == table.column_names
    assert len(rows) == table.num_rows
    for number, column in enumerate(header):
        assert sum(row[number] == "" for row in rows) == table[column].null_count, column
    if name == "sampling":
        assert {row[header.index("ct_abdomen")] for row in rows} <= {"1", "0", ""}
