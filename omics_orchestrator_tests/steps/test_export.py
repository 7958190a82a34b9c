"""`omics export`: what a file says, and what is never done to one that is there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from omics_orchestrator.cli import app
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps import export as exporting
from omics_orchestrator.steps.export import ExportError, export
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator_tests.publishing import published

ALL = Selection()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Workspace]:
    """The workspace of one installation for all tests of this module: they only read."""
    with published(tmp_path_factory.mktemp("export"), settings, "export") as made:
        yield made.workspace()


def cells(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_dataset_as_csv(workspace: Workspace, tmp_path: Path) -> None:
    done = export(workspace, "dataset/wide/main", tmp_path / "out.csv", ALL)
    assert (done.rows, done.columns) == (5, 12)
    found = cells(tmp_path / "out.csv")
    first = found[0]
    assert list(first)[:3] == ["study_id", "visit_id", "sample_id"]
    assert (first["CRP"], first["sampling_abx"], first["sex"]) == ("<5", "1", "M")
    assert (first["ct_abdomen"], first["sampling_date"]) == ("yes", "2025-01-02")
    assert [row["ct_abdomen"] for row in found] == ["yes", "no", "", "yes", "yes"]
    assert [row["CRP"] for row in found] == ["<5", "7.5", "", "20", "3"]


def test_a_harmonised_table_as_csv_has_its_comparators(workspace: Workspace, tmp_path: Path) -> None:
    asked = Selection(columns=["crp"])
    export(workspace, "harmonised/wide/visit", tmp_path / "out.csv", asked)
    found = [(row["crp"], row["crp_comparator"]) for row in cells(tmp_path / "out.csv")]
    assert found == [("5", "<"), ("7.5", ""), ("", ""), ("20", ""), ("3", "")]


def test_parquet_keeps_the_types(workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, "dataset/wide/columns", tmp_path / "out.parquet", ALL)
    schema = parquet.read_table(tmp_path / "out.parquet").schema
    assert schema.field("sampling_abx").type == pa.bool_()
    assert schema.field("crp").type == pa.float64()
    assert schema.field("sampling_date").type == pa.date32()


def test_studies_and_columns_are_chosen(workspace: Workspace, tmp_path: Path) -> None:
    asked = Selection(columns=["sex"], studies=["wide"])
    done = export(workspace, "warehouse/participant", tmp_path / "out.csv", asked)
    assert done.rows == 3
    assert list(cells(tmp_path / "out.csv")[0]) == ["study", "participant_id", "sex"]


def test_files_and_raw_cells_are_tables_too(workspace: Workspace, tmp_path: Path) -> None:
    assert export(workspace, "files/tiny/metabolomics", tmp_path / "files.csv", ALL).rows == 4
    export(workspace, "files/tiny", tmp_path / "some.csv", Selection(columns=["sample_id", "verdict"]))
    assert list(cells(tmp_path / "some.csv")[0]) == ["sample_id", "verdict"]
    assert export(workspace, "raw/tiny/files/people", tmp_path / "raw.csv", ALL).rows == 3


@pytest.mark.parametrize(
    ("key", "asked", "error", "message"),
    [
        ("dataset/wide/mian", ALL, UnknownKey, 'nearest: "dataset/wide/main"'),
        ("dataset/wide", ALL, UnknownKey, 'below it: "dataset/wide/columns"'),
        ("dataset/wide/main", Selection(columns=["crp"]), UnknownKey, 'no column "crp"'),
        ("warehouse/visit", Selection(studies=["wid"]), UnknownKey, 'no study "wid"; nearest: "wide"'),
        ("files/tiny", Selection(columns=["nothing"]), UnknownKey, 'no column "nothing"'),
        ("files/none", ALL, UnknownKey, 'no asset "files/none"'),
        ("matrix/tiny/metabolomics", ALL, ExportError, "allowed: .h5ad, .rds"),
    ],
)
def test_what_is_not_there_leaves_no_file(
    workspace: Workspace, tmp_path: Path, key: str, asked: Selection, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        export(workspace, key, tmp_path / "out.csv", asked)
    assert list(tmp_path.iterdir()) == []


def test_a_matrix_as_h5ad_and_as_seurat_object(workspace: Workspace, tmp_path: Path) -> None:
    import anndata

    from omics_orchestrator.formats.rds_read import read_rds

    done = export(workspace, "matrix/tiny/metabolomics", tmp_path / "out.h5ad", Selection(columns=["sex"]))
    back = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert (done.rows, done.columns) == back.shape == (4, 2)
    assert list(back.obs["sex"]) == ["male", "male", "female", "male"]
    export(workspace, "matrix/tiny/metabolomics", tmp_path / "out.rds", ALL)
    seurat = read_rds(tmp_path / "out.rds")
    assert list(seurat.obs_names) == list(back.obs_names)
    with pytest.raises(UnknownKey, match="below it"):
        export(workspace, "matrix/tiny", tmp_path / "none.h5ad", ALL)


def test_a_file_that_is_there_stays(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine")
    with pytest.raises(ExportError, match="exists; --force replaces it"):
        export(workspace, "dataset/wide/main", file, ALL)
    assert file.read_text() == "mine"
    export(workspace, "dataset/wide/main", file, ALL, force=True)
    assert len(cells(file)) == 5


def test_a_file_is_replaced_whole_or_not_at_all(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine")

    def full(table: pa.Table, part: Path) -> None:
        part.write_text("half of")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_write_csv", full)
    with pytest.raises(OSError, match="No space"):
        export(workspace, "dataset/wide/main", file, ALL, force=True)
    assert file.read_text() == "mine"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.csv.gz"])
def test_the_suffix_says_how(workspace: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"allowed: \.csv, \.parquet"):
        export(workspace, "dataset/wide/main", tmp_path / name, ALL)


def test_a_folder_that_is_not_there(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        export(workspace, "dataset/wide/main", tmp_path / "no" / "out.csv", ALL)


def test_every_type_has_its_text(tmp_path: Path) -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    table = pa.table(
        {
            "set": pa.array([["a", "b"], [], None], pa.list_(pa.string())),
            "flags": pa.array([[True, False], None, None], pa.list_(pa.bool_())),
            "number": pa.array([1e-7, 1e300, float("nan")], pa.float64()),
            "whole": pa.array([-3.0, 0.1, None], pa.float64()),
            "text": pa.array(['é "q", a\nb', "=1+1", None]),
            "when": pa.array([moment, None, None], pa.timestamp("us", "UTC")),
            "day": pa.array([date(1, 1, 1), None, None], pa.date32()),
        }
    )
    exporting._write_csv(table, tmp_path / "out.csv")
    first, second, third = cells(tmp_path / "out.csv")
    assert first == {
        "set": "a;b", "flags": "yes;no", "number": "1e-07", "whole": "-3", "text": 'é "q", a\nb',
        "when": "2025-01-02T03:04:05+00:00", "day": "0001-01-01",
    }  # fmt: skip
    assert (second["set"], second["number"], second["whole"], second["text"]) == ("", "1e+300", "0.1", "=1+1")
    assert third == dict.fromkeys(first, "") | {"number": "nan"}


def test_the_command_tells_size_and_place_and_no_value(workspace: Workspace, tmp_path: Path) -> None:
    del workspace  # filled by the fixture
    file = tmp_path / "out.csv"
    result = CliRunner().invoke(app, ["export", "dataset/wide/main", str(file), "--columns", "CRP, sex"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{file}: 5 rows × 4 columns of dataset/wide/main",
        f"{file}.notes.md: what is to be known of it",
    ]
    again = CliRunner().invoke(app, ["export", "dataset/wide/main", str(file)])
    assert isinstance(again.exception, ExportError)
    assert CliRunner().invoke(app, ["export", "dataset/wide/main", str(file), "--force"]).exit_code == 0
