"""What the UI shows of a published dataset before anything has run."""

from __future__ import annotations

import dagster as dg

from omics_orchestrator.orchestration import describe_datasets
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.describe import LINEAGE
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import add_wide


def test_in_plain_words(installation: Installation) -> None:
    add_wide(installation)
    study = installation.workspace().catalogue.studies["wide"]
    assert describe_datasets.description(study, "main") == (
        "**Wide study**: what the study always published. One row per visit, the participant's variables repeated; "
        "its first sample's variables. What counts time counts to 2025-10-30."
        '\n\n`load("dataset/wide/main")` · `omics export dataset/wide/main main.csv`'
    )
    people = describe_datasets.description(study, "people")
    assert "published dataset `people`. One row per participant. What counts" in people
    assert "It has no reference date." in describe_datasets.description(study, "columns")


def test_columns_with_codes_and_lineage(installation: Installation) -> None:
    add_wide(installation)
    workspace = installation.workspace()
    told = describe_datasets.metadata(workspace.catalogue.studies["wide"], "main", workspace.dictionary)
    columns = {column.name: column for column in told["dagster/column_schema"].columns}
    assert columns["sex"].description == "Sex: F, M, U"
    assert (columns["sampling_abx"].type, columns["CRP"].type) == ("integer", "text")
    assert columns["CRP"].description == "C-reactive protein [mg/L] (`crp`)"
    assert "blood" in columns["sample_type"].description
    (dep,) = told[LINEAGE].deps_by_column["CRP"]
    assert (dep.asset_key.to_user_string(), dep.column_name) == ("harmonised/wide/visit", "crp")


def test_a_dataset_stands_below_what_it_shows(installation: Installation) -> None:
    add_wide(installation)
    specs = {
        spec.key.to_user_string(): spec
        for asset in build_definitions(installation.workspace()).assets or []
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
    }
    above = {dep.asset_key.to_user_string() for dep in specs["dataset/wide/main"].deps}
    assert above == {f"harmonised/wide/{one}" for one in ("participant", "visit", "sample")}
    assert [dep.asset_key.path[-1] for dep in specs["dataset/wide/people"].deps] == ["participant"]
    assert specs["dataset/wide/main"].group_name == "wide"
