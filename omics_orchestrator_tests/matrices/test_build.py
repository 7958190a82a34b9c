"""What a matrix holds, on made and on public tables; what is counted; what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError, FormatError
from omics_orchestrator.matrices.build import build_matrix, load_matrix
from omics_orchestrator.registry.register import Circumstances, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator_tests.matrices.conftest import COLUMNS, Bench

folder_only = pytest.mark.parametrize("bench", ["folder"], indirect=True)
TABLE = "feature,S1,S2\nalpha,1,2\nbeta,,4.5\n"


@folder_only
def test_an_unchanged_second_build_writes_nothing(bench: Bench) -> None:
    first = bench.build(TABLE)
    second = bench.build()
    assert (second.written_objects, second.data_version) == (0, first.data_version)
    assert (first.key, first.shape) == ("matrix/demo/counts.zarr/", (2, 2))


@folder_only
@pytest.mark.parametrize(
    "other",
    [
        "feature,S1,S2\nalpha,1,2\nbeta,0,4.5\n",
        "feature,S1,S3\nalpha,1,2\nbeta,,4.5\n",
        "feature,S1,S2\nalpha,1,2\ngamma,,4.5\n",
        "feature,S2,S1\nalpha,1,2\nbeta,,4.5\n",
    ],
)
def test_any_other_content_is_another_version(bench: Bench, other: str) -> None:
    assert bench.build(TABLE).data_version != bench.build(other).data_version


@folder_only
@pytest.mark.parametrize(
    ("number", "kind"), [("16777216", "float32"), ("16777217", "float64"), ("0.1", "float64")]
)
def test_numbers_are_kept_exactly(bench: Bench, number: str, kind: str) -> None:
    bench.build(f"feature,S1,S2\nalpha,{number},\n")
    matrix = load_matrix(bench.stores, "demo", "counts")
    assert matrix.X.dtype == kind
    assert matrix.X[0, 0] == float(number)
    assert np.isnan(matrix.X[1, 0])


@folder_only
def test_unknown_samples_are_counted_and_kept(bench: Bench) -> None:
    built = bench.build(TABLE, known=["S2", "S9"])
    [finding] = built.findings
    assert (finding.check, finding.count, finding.severity) == ("samples_known", 1, "warning")
    assert "S1" not in finding.message
    assert built.shape == (2, 2)
    assert bench.build(known=["S1", "S2"]).findings == ()


@folder_only
def test_repeated_features_are_counted_and_numbered(bench: Bench) -> None:
    built = bench.build("feature,S1\nalpha,1\nalpha,2\nbeta,3\n")
    assert [(one.check, one.count, one.severity) for one in built.findings] == [
        ("features_unique", 1, "note")
    ]
    matrix = load_matrix(bench.stores, "demo", "counts")
    assert list(matrix.var_names) == ["alpha", "alpha#2", "beta"]
    assert list(matrix.var["feature"]) == ["alpha", "alpha", "beta"]


@folder_only
def test_a_shape_other_than_registered_blocks(bench: Bench) -> None:
    bench.build(TABLE)
    with bench.database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("update registry.file_version set facts = facts || '{\"samples\": 3}'")
    [finding] = bench.build_registered().findings
    assert (finding.check, finding.severity) == ("shape", "error")
    assert finding.message == "2 × 2 built, 3 × 2 registered"


@folder_only
def test_without_a_usable_file_no_matrix_is_built(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="the registry holds 0"):
        bench.build_registered()
    with pytest.raises(DeliveryError, match="registry file 1 is invalid"):
        bench.build("feature,S1\nalpha,high\n")
    assert bench.held() == []


@folder_only
def test_names_that_become_one_sample_are_refused(bench: Bench) -> None:
    link = {"in_file": {"pattern": "[a-z]?(?P<sample>S[0-9])"}}
    with pytest.raises(FormatError, match="1 names inside"):
        bench.build("feature,S1,aS1\nalpha,1,2\n", assay={**COLUMNS, "link": link})


PUBLIC: dict[str, dict[str, Any]] = {
    "hmp2/metabolomics_peaks.csv": {
        "samples": "columns",
        "feature_columns": ["HMDB...Representative.ID.", "Metabolite"],
    },
    "hmp2/mgx_species_relab.tsv": {"samples": "rows"},
    "risk/taxa_counts.tsv": {"samples": "columns"},
    "prism/metabolomics_peaks.csv": {
        "samples": "columns",
        "link": {"in_file": {"pattern": "P(?P<number>[0-9]+)", "written": "PRISM.{number}"}},
    },
}
SHAPES = [(135, 507), (391, 151), (214, 401), (102, 900)]


@pytest.mark.parametrize(("file", "shape"), list(zip(PUBLIC, SHAPES, strict=True)))
def test_public_tables(
    database: Database, tmp_path: Path, shared_data: Path, file: str, shape: tuple[int, int]
) -> None:
    demo = shared_data / "demo"
    stores = Stores(
        Settings.from_environment({"OMICS_HOME": str(tmp_path), "OMICS_STORE_PUBLIC_URL": demo.as_uri()})
    )
    declared = {"format": "feature_table", "location": f"store+public://{file}", **PUBLIC[file]}
    assay = Assay.model_validate(declared)
    names: dict[str, Any] = {"study": "public", "assay_name": "table", "assay": assay}
    samples = harmonised_samples(demo / file, declared)
    registered = register(database, stores, circumstances=Circumstances(samples), **names)
    assert (registered.rows["linked"], registered.findings) == (1, ())
    built = build_matrix(database, stores, known_samples=samples, **names)
    assert built.shape == shape
    assert "samples_known" not in {finding.check for finding in built.findings}
    assert build_matrix(database, stores, known_samples=samples, **names).written_objects == 0

    matrix = load_matrix(stores, "public", "table")
    assert matrix.obs_names.is_unique
    assert matrix.var_names.is_unique
    assert set(matrix.obs_names) == set(samples["sample_id"].to_pylist())
    expected = pd.read_csv(
        demo / file, sep=None, engine="python", index_col=0, dtype=str, na_values=["", "NA"]
    )
    if "feature_columns" in declared:
        assert [finding.count for finding in built.findings] == [41]
        expected = expected.drop(columns="Metabolite")
    numbers = expected.astype(float).to_numpy()
    numbers = numbers.T if declared["samples"] == "columns" else numbers
    assert np.array_equal(np.asarray(matrix.X, float), numbers, equal_nan=True)


def harmonised_samples(file: Path, declared: dict[str, Any]) -> pa.Table:
    """Return what the harmonised sample table would hold, read off the file by pandas."""
    table = pd.read_csv(file, sep=None, engine="python", index_col=0, dtype=str)
    names = list(
        table.index if declared["samples"] == "rows" else table.columns.drop("Metabolite", errors="ignore")
    )
    ids = [name.replace("P", "PRISM.") for name in names] if "link" in declared else names
    return pa.table({"participant_id": ids, "sample_id": ids})
