"""Publishing on a small installation: what stands in the dataset, why something is missing, when it runs again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.publish import publish
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.wide_values import PublishError
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator.storage.tables import drop_table, read_table, table_state
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import MAPPING, STUDY, add_wide

KEY = ["visit_id", "participant_id"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Installation]:
    """One installation for the tests of this module that only read."""
    server = ensure_server(settings)
    made = Installation(
        tmp_path_factory.mktemp("publish"),
        settings,
        database_url=server.url("publish"),
        dagster_url=server.url("publish_dagster"),
    )
    add_wide(made)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        session = Session(made.workspace())
        summary = session.materialise(session.assets())
        assert not summary.failed
        yield made


@pytest.fixture(scope="module")
def workspace(filled: Installation) -> Workspace:
    return filled.workspace()


def dataset(workspace: Workspace, name: str) -> pa.Table:
    return read_table(workspace.database, "dataset_wide", name)


def rows(workspace: Workspace, name: str) -> dict[str, dict[str, Any]]:
    """Return `<participant>/<visit>` → row."""
    found = dataset(workspace, name).to_pylist()
    return {f"{row.get('study_id') or row['participant_id']}/{row['visit_id']}": row for row in found}


def again(workspace: Workspace, name: str) -> StepResult:
    study = workspace.catalogue.studies["wide"]
    entities = ("participant", "visit", "sample")
    tables = {one: read_table(workspace.database, "harmonised_wide", one) for one in entities}
    return publish(workspace, study, name, tables)


def findings(result: StepResult, check: str) -> list[tuple[str, int]]:
    return [(one.severity, one.count) for one in result.findings if one.check == check]


def test_columns_and_types_are_those_of_the_declaration(workspace: Workspace) -> None:
    schema = dataset(workspace, "main").schema
    assert schema.names[:3] == ["study_id", "visit_id", "sample_id"]
    renamed = {"CRP": "crp"}
    order = [
        name for name in workspace.dictionary.variables if name in {renamed.get(n, n) for n in schema.names}
    ]
    assert [renamed.get(name, name) for name in schema.names[3:]] == [
        one for one in order if one != "visit_id"
    ]
    assert {field.name: str(field.type) for field in schema} == {
        "study_id": "string",
        "visit_id": "string",
        "sample_id": "string",
        "study_group": "string",
        "sex": "string",
        "date_of_diagnosis": "string",
        "diagnosis_duration_in_days": "int64",
        "sampling_date": "date32[day]",
        "CRP": "string",
        "ct_abdomen": "bool",
        "sampling_abx": "int64",
        "sample_type": "string",
    }


def test_no_row_at_all_gives_the_same_schema(workspace: Workspace) -> None:
    study = workspace.catalogue.studies["wide"]
    entities = ("participant", "visit", "sample")
    tables = {one: read_table(workspace.database, "harmonised_wide", one).slice(0, 0) for one in entities}
    for name in study.datasets:
        empty = publish(workspace, study, name, tables).writes
        for write, stored in zip(empty, (name, f"{name}__missing"), strict=True):
            assert write.table.num_rows == 0
            assert write.table.schema.equals(dataset(workspace, stored).schema)


def test_one_row_per_visit_with_its_participant(workspace: Workspace) -> None:
    found = rows(workspace, "main")
    assert sorted(found) == ["W1/1", "W1/2", "W2/1", "W3/1", "W9/1"]
    assert [row["sex"] for row in found.values()] == ["M", "M", None, "F", None]
    assert found["W1/1"]["sampling_date"] == date(2025, 1, 2)


def test_inexact_values_are_text(workspace: Workspace) -> None:
    found = rows(workspace, "main")
    assert [row["CRP"] for row in found.values()] == ["<5", "7.5", None, "20", "3"]
    assert [row["date_of_diagnosis"] for row in found.values()] == ["2014", "2014", "2020-05-17", None, None]


def test_inexact_values_as_columns(workspace: Workspace) -> None:
    found = rows(workspace, "columns")
    assert [(row["crp"], row["crp_comparator"]) for row in found.values()][:3] == [
        (5.0, "<"), (7.5, None), (None, None),
    ]  # fmt: skip
    row = found["W1/1"]
    assert (row["date_of_diagnosis"], row["date_of_diagnosis_precision"]) == (date(2014, 1, 1), "year")


def test_codes_are_published_as_they_were(workspace: Workspace) -> None:
    found = rows(workspace, "main")
    assert [row["sampling_abx"] for row in found.values()] == [1, 0, 1, None, 0]
    assert found["W1/1"]["ct_abdomen"] is True


def test_the_reference_date_is_each_datasets_own(workspace: Workspace) -> None:
    main = rows(workspace, "main")
    assert main["W2/1"]["diagnosis_duration_in_days"] == (date(2025, 10, 30) - date(2020, 5, 17)).days
    assert main["W1/1"]["diagnosis_duration_in_days"] is None  # only the year is known
    people = {row["participant_id"]: row for row in dataset(workspace, "people").to_pylist()}
    assert people["W2"]["diagnosis_duration_in_days"] == (date(2025, 10, 31) - date(2020, 5, 17)).days


def test_the_first_sample_of_a_visit_is_the_one_with_the_smallest_number(workspace: Workspace) -> None:
    found = rows(workspace, "main")
    assert [row["sample_id"] for row in found.values()] == ["T9", "T11", None, None, None]
    assert found["W1/1"]["sample_type"] == "blood"


def test_every_missing_value_has_its_reason(workspace: Workspace) -> None:
    main, why = dataset(workspace, "main"), dataset(workspace, "main__missing")
    assert why.column_names == main.column_names
    for name in main.column_names[2:]:
        values, reasons = main[name].to_pylist(), why[name].to_pylist()
        assert [value is None for value in values] == [reason is not None for reason in reasons], name
    told = {row["study_id"] + row["visit_id"]: row for row in why.to_pylist()}
    assert told["W21"]["CRP"] == "not_done"
    assert told["W21"]["sex"] == "refused"
    assert told["W11"]["study_group"] == "not_asked"
    assert told["W11"]["diagnosis_duration_in_days"] == "unknown"
    assert told["W91"]["sex"] == "not_collected"
    assert told["W21"]["sample_id"] == "not_collected"


def test_a_rule_that_waits_for_a_date_stays_pending_without_one(workspace: Workspace) -> None:
    table = dataset(workspace, "columns")
    assert table["diagnosis_duration_in_days"].null_count == table.num_rows
    why = dataset(workspace, "columns__missing")["diagnosis_duration_in_days"].to_pylist()
    assert why == ["pending", "pending", "pending", "pending", "not_collected"]


def test_what_is_not_shown_is_counted(workspace: Workspace) -> None:
    result = again(workspace, "main")
    assert findings(result, "samples") == [("note", 1), ("warning", 1)]
    assert findings(result, "rows") == [("warning", 1)]
    assert findings(result, "schema") == []


def test_nothing_of_a_participant_is_told(workspace: Workspace) -> None:
    result = again(workspace, "main")
    told = json.dumps([str(result.findings), dict(result.facts)])
    assert not [value for value in ("W1", "W9", "T10", "7.5", "2014") if value in told]
    facts = dict(result.facts)
    assert len(str(facts.pop("dictionary_version"))) == 12
    assert facts == {"row": "one visit", "columns": 12, "reference_date": "2025-10-30"}


def test_the_same_content_has_the_same_version(workspace: Workspace) -> None:
    assert again(workspace, "main").data_version == again(workspace, "main").data_version
    assert again(workspace, "main").data_version != again(workspace, "columns").data_version


def test_a_harmonised_table_of_before_is_refused(workspace: Workspace) -> None:
    study = workspace.catalogue.studies["wide"]
    entities = ("participant", "visit", "sample")
    tables = {one: read_table(workspace.database, "harmonised_wide", one) for one in entities}
    tables["visit"] = tables["visit"].drop_columns(["crp"])
    with pytest.raises(PublishError, match="harmonised/wide/visit lacks crp; materialize it first"):
        publish(workspace, study, "main", tables)


def test_a_code_that_left_the_list_is_never_dropped(workspace: Workspace) -> None:
    study = workspace.catalogue.studies["wide"]
    entities = ("participant", "visit", "sample")
    tables = {one: read_table(workspace.database, "harmonised_wide", one) for one in entities}
    people = tables["participant"]
    index = people.column_names.index("sex")
    tables["participant"] = people.set_column(index, "sex", pa.array(["male", "diverse", None]))
    with pytest.raises(PublishError, match=r"^sex holds a code that code_lists.csv no longer has"):
        publish(workspace, study, "main", tables)


def test_what_changed_since_the_last_time_is_told(installation: Installation) -> None:
    add_wide(installation)
    run(installation)
    study = STUDY.replace("leave_out: [age_at_diagnosis]", "leave_out: [ct_abdomen]")
    installation.declare("wide", study=study.replace("{yes: 1, no: 0}", "{yes: Y, no: N}"), mapping=MAPPING)
    workspace = installation.workspace()
    told = [one.message for one in again(workspace, "main").findings if one.check == "schema"]
    assert told == [
        "1 column new since the last time: age_at_diagnosis",
        "1 column gone since the last time: ct_abdomen",
        "1 column of another type since the last time: sampling_abx",
    ]


def run(installation: Installation) -> set[str]:
    """Materialise what is stale and return the keys that ran."""
    session = Session(installation.workspace())
    summary = session.materialise(session.assets())
    assert not summary.failed
    return set(summary.ran)


def test_only_what_a_change_concerns_runs_again(installation: Installation) -> None:
    add_wide(installation)
    assert {"dataset/wide/main", "dataset/wide/columns", "dataset/wide/people"} <= run(installation)
    assert run(installation) == set()
    installation.declare("wide", study=STUDY.replace("2025-10-31", "2025-11-30"), mapping=MAPPING)
    assert run(installation) == {"dataset/wide/people"}
    installation.declare(
        "wide",
        study=STUDY.replace("2025-10-31", "2025-11-30"),
        mapping=MAPPING.replace("crp: {number: crp, unit: mg/L,", "crp: {number: crp, unit: mg/dL,"),
    )
    ran = run(installation)
    assert {"harmonised/wide/visit", "dataset/wide/main", "dataset/wide/columns"} <= ran
    assert "dataset/wide/people" not in ran


def test_tables_are_written_only_where_they_differ(installation: Installation) -> None:
    add_wide(installation)
    run(installation)
    workspace = installation.workspace()
    before = table_state(workspace.database, "dataset_wide", "main")
    drop_table(workspace.database, "dataset_wide", "people")
    session = Session(workspace)
    session.materialise([key for key in session.assets() if key.startswith("dataset/")], force=True)
    assert table_state(workspace.database, "dataset_wide", "main") == before
    assert table_state(workspace.database, "dataset_wide", "people") is not None
