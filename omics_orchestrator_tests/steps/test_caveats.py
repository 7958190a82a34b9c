"""Known limitations go where the data go: assets, frames, matrices, exports; and they make nothing stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anndata
import dagster as dg
import pandas as pd
import pytest
from typer.testing import CliRunner

from omics_orchestrator import loaders
from omics_orchestrator.cli import app
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.export import ExportError, export
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.studies import versions
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import published

ALL = Selection()
WIDE = """
caveats:
  - Made for tests.
  - text: Below 5 the laboratory gives no number.
    about: {variables: crp}
    since: 2025-01-01
  - {text: Scanners were not asked for., about: {variables: "ct_*"}}
  - {text: The names are the old ones., about: {dataset: main}}
  - {text: Tubes were renamed once., about: {entity: sample}}
"""
TINY = """
caveats:
  - {text: Two peaks only., about: {assay: metabolomics}}
  - {text: Rounded to years., about: {variables: age}}
"""


def append(made: Installation, study: str, text: str) -> None:
    file = made.dictionary / "studies" / study / "study.yaml"
    file.write_text(file.read_text() + text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Installation]:
    """One installation for all tests of this module: they only read. The caveats came after everything ran."""
    with published(tmp_path_factory.mktemp("caveats"), settings, "caveats") as installation:
        append(installation, "wide", WIDE)
        append(installation, "tiny", TINY)
        yield installation


def descriptions(made: Installation) -> dict[str, str]:
    return {
        spec.key.to_user_string(): spec.description or ""
        for asset in build_definitions(made.workspace()).assets or []
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
    }


def limits(description: str) -> list[str]:
    return [
        line[2:]
        for line in description.partition("**Known limitations**")[2].splitlines()
        if line[:2] == "- "
    ]


def test_a_changed_sentence_changes_the_page_and_makes_nothing_stale(made: Installation) -> None:
    assert Session(made.workspace()).stale() == {}
    file = made.dictionary / "studies/wide/study.yaml"
    before, text = descriptions(made), file.read_text()
    workspace = made.workspace()
    coded = versions.of_all(workspace.catalogue, workspace.dictionary)
    try:
        file.write_text(text.replace("Made for tests.", "Made for these tests."))
        after, workspace = descriptions(made), made.workspace()
        assert after["dataset/wide/main"] == before["dataset/wide/main"].replace(
            "for tests", "for these tests"
        )
        assert after["dataset/wide/main"] != before["dataset/wide/main"]
        assert versions.of_all(workspace.catalogue, workspace.dictionary) == coded
        assert Session(workspace).stale() == {}
        assert not Session(workspace).materialise(Session(workspace).assets()).ran
    finally:
        file.write_text(text)


def test_each_asset_shows_what_is_about_it(made: Installation) -> None:
    told = {key: limits(text) for key, text in descriptions(made).items()}
    crp = "crp: Below 5 the laboratory gives no number. (since 2025-01-01)"
    scans, names = "ct_*: Scanners were not asked for.", "dataset main: The names are the old ones."
    tubes = "rows of sample: Tubes were renamed once."
    assert told["raw/wide/own/people"] == told["harmonised/wide/participant"] == ["Made for tests."]
    assert told["harmonised/wide/visit"] == ["Made for tests.", crp, scans]
    assert told["dataset/wide/main"] == ["Made for tests.", crp, scans, names, tubes]
    assert told["dataset/wide/columns"] == ["Made for tests.", crp, scans]
    assert told["dataset/wide/people"] == ["Made for tests."]
    assert (
        told["files/tiny/metabolomics"]
        == told["matrix/tiny/metabolomics"]
        == ["assay metabolomics: Two peaks only."]
    )
    assert told["raw/tiny/files/visits"] == told["warehouse/visit"] == []


def subjects(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return [(one["study"], one["about"]) for one in frame.attrs["caveats"]]


def test_what_is_loaded_brings_them_along(made: Installation) -> None:
    made.workspace()
    frame = loaders.load("dataset/wide/main")
    assert subjects(frame) == [
        ("wide", ""),
        ("wide", "crp"),
        ("wide", "ct_*"),
        ("wide", "dataset main"),
        ("wide", "rows of sample"),
    ]
    assert frame.attrs["caveats"][1] == {
        "study": "wide",
        "about": "crp",
        "since": "2025-01-01",
        "text": "Below 5 the laboratory gives no number.",
    }
    assert subjects(frame[frame["CRP"].notna()].head(2)) == subjects(frame)  # pandas keeps them
    assert subjects(loaders.load("harmonised/wide/visit", columns=["ct_abdomen"])) == [
        ("wide", ""),
        ("wide", "ct_*"),
    ]
    assert subjects(loaders.load("dataset/wide/main", columns=["CRP"]))[1:] == [
        ("wide", "crp"),
        ("wide", "dataset main"),
        ("wide", "rows of sample"),
    ]
    assert subjects(loaders.load("files/tiny/metabolomics")) == [("tiny", "assay metabolomics")]
    assert subjects(loaders.load("raw/tiny/files/people")) == []


def test_a_table_over_studies_brings_those_of_its_rows(made: Installation) -> None:
    made.workspace()
    both = loaders.load("warehouse/participant", columns=["age"])
    assert sorted(subjects(both)) == [("tiny", "age"), ("wide", "")]
    assert subjects(loaders.load("warehouse/participant", studies=["tiny"])) == [("tiny", "age")]
    assert subjects(loaders.load("warehouse/participant", studies=["tiny"], columns=["sex"])) == []


def test_a_matrix_has_them_as_lines(made: Installation) -> None:
    made.workspace()
    matrix = loaders.load("matrix/tiny/metabolomics")
    assert list(matrix.uns["caveats"]) == ["assay metabolomics: Two peaks only.", "age: Rounded to years."]
    fewer = loaders.load("matrix/tiny/metabolomics", columns=["sex"])
    assert list(fewer.uns["caveats"]) == ["assay metabolomics: Two peaks only."]


def test_a_csv_has_them_in_a_file_beside_it(made: Installation, tmp_path: Path) -> None:
    done = export(made.workspace(), "dataset/wide/people", tmp_path / "people.csv", ALL)
    assert done.notes == tmp_path / "people.csv.notes.md"
    assert "## Known limitations\n\n- Made for tests.\n" in done.notes.read_text()
    assert export(made.workspace(), "raw/tiny/files/people", tmp_path / "raw.csv", ALL).notes is None
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "people.csv",
        "people.csv.notes.md",
        "raw.csv",
    ]


def test_notes_over_several_studies_say_whose_they_are(made: Installation, tmp_path: Path) -> None:
    export(made.workspace(), "warehouse/participant", tmp_path / "all.csv", ALL)
    text = (tmp_path / "all.csv.notes.md").read_text()
    assert "### wide\n\n- Made for tests." in text
    assert "### tiny\n\n- age: Rounded to years." in text


def test_notes_that_are_there_stay_until_force(made: Installation, tmp_path: Path) -> None:
    beside = tmp_path / "out.csv.notes.md"
    beside.write_text("mine")
    with pytest.raises(ExportError, match=r"out\.csv\.notes\.md exists; --force replaces it"):
        export(made.workspace(), "dataset/wide/people", tmp_path / "out.csv", ALL)
    assert [file.name for file in tmp_path.iterdir()] == [beside.name]
    export(made.workspace(), "dataset/wide/people", tmp_path / "out.csv", ALL, force=True)
    assert "Made for tests." in beside.read_text()
    # nothing is known of the raw table: old notes must not lie beside it
    export(made.workspace(), "raw/tiny/files/people", tmp_path / "out.csv", ALL, force=True)
    assert not beside.exists()


def test_parquet_gives_them_to_pandas(made: Installation, tmp_path: Path) -> None:
    export(made.workspace(), "dataset/wide/main", tmp_path / "main.parquet", ALL)
    frame = pd.read_parquet(tmp_path / "main.parquet")
    made.workspace()
    assert frame.attrs["caveats"] == loaders.load("dataset/wide/main").attrs["caveats"]


def test_matrices_keep_them_in_their_own_places(made: Installation, tmp_path: Path) -> None:
    lines = ["assay metabolomics: Two peaks only.", "age: Rounded to years."]
    export(made.workspace(), "matrix/tiny/metabolomics", tmp_path / "out.h5ad", ALL)
    assert list(anndata.read_h5ad(tmp_path / "out.h5ad").uns["caveats"]) == lines
    done = export(made.workspace(), "matrix/tiny/metabolomics", tmp_path / "out.rds", ALL)
    assert not any("caveats" in part for part in done.left_out)
    assert list(read_rds(tmp_path / "out.rds").uns["seurat"]["misc"]["caveats"]) == lines
    assert "Two peaks only." in (tmp_path / "out.rds.notes.md").read_text()


def test_commands_tell_them(made: Installation, tmp_path: Path) -> None:
    made.workspace()
    status = CliRunner().invoke(app, ["status", "--study", "wide"])
    assert "Known limitations\n- Made for tests.\n- crp: Below 5" in status.stdout
    file = tmp_path / "people.csv"
    told = CliRunner().invoke(app, ["export", "dataset/wide/people", str(file)])
    assert f"{file}.notes.md: what is to be known of it" in told.stdout
