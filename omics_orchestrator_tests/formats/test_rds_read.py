"""Objects of R as AnnData: values equal what real R wrote to CSV; every class of the shared data."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_read import read_rds

SEURAT = [
    "pbmc_small_seurat_v4.rds",
    "pbmc_small_seurat_v4_uncompressed.rds",
    "pbmc_small_seurat_v5_assay5.rds",
    "pbmc_small_seurat_v5_split_layers.rds",
    "pbmc_small_two_assays_v4.rds",
    "pbmc_small_sce.rds",
]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "single_cell" / "seurat"


@pytest.fixture(scope="module")
def read(folder: Path) -> Any:
    """Return a file by name, read once."""
    known: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in known:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                known[name] = read_rds(folder / name)
        return known[name]

    return get


def main(made: Any) -> Any:
    """Return the assay RNA."""
    return made.mod["RNA"] if hasattr(made, "mod") else made


def dense(values: Any) -> Any:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


@pytest.mark.parametrize("name", SEURAT)
def test_counts_equal_what_r_wrote(read, folder, name):
    expected = pd.read_csv(folder / "expected_pbmc_small_counts.csv", index_col=0)
    made = main(read(name))
    counts = made.layers["counts"]
    assert sparse.issparse(counts)
    got = pd.DataFrame(dense(counts).T, made.var_names, made.obs_names)
    assert (list(got.index), list(got.columns)) == (list(expected.index), list(expected.columns))
    assert (got.to_numpy() == expected.to_numpy()).all()


@pytest.mark.parametrize("name", SEURAT)
def test_metadata_equals_what_r_wrote(read, folder, name):
    expected = pd.read_csv(folder / "expected_pbmc_small_meta.csv", index_col=0, dtype=str)
    obs = read(name).obs
    assert list(obs.index) == list(expected.index)
    for column in expected:
        got = obs[column]
        as_text = got.astype("int64").astype(str) if column == "nCount_RNA" else got.astype(str)
        assert list(as_text) == list(expected[column]), column
    assert obs["nFeature_RNA"].dtype == np.int32
    assert obs["nCount_RNA"].dtype == np.float64
    assert isinstance(obs["RNA_snn_res.1"].dtype, pd.CategoricalDtype)
    assert list(obs["RNA_snn_res.1"].cat.categories) == ["0", "1", "2"]
    assert not obs["RNA_snn_res.1"].cat.ordered
    assert obs["groups"].dtype == object


@pytest.mark.parametrize("name", SEURAT)
def test_data_is_log_normalised_counts(read, folder, name):
    """pbmc_small was made by NormalizeData(): log1p(count × 10000 / sum of the cell's counts)."""
    counts = pd.read_csv(folder / "expected_pbmc_small_counts.csv", index_col=0).to_numpy().T
    made = main(read(name))
    assert made.uns["x_layer"] == ("logcounts" if "sce" in name else "data")
    expected = np.log1p(counts * 10000 / counts.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(dense(made.X), expected, rtol=1e-6)


def test_parts_of_a_v5_layer_are_joined(read):
    made, whole = read("pbmc_small_seurat_v5_split_layers.rds"), read("pbmc_small_seurat_v5_assay5.rds")
    assert (made.X != whole.X).nnz == 0
    assert made.X.nnz == whole.X.nnz == 4456
    facts = made.uns["seurat"]["assay"]
    assert facts["parts"] == {"counts": ["counts.g2", "counts.g1"], "data": ["data.g2", "data.g1"]}
    assert list(facts["part_of_cell"]) == list(made.obs["groups"])
    assert facts["class"] == "Assay5"


def test_reductions_graphs_and_variable_features(read):
    made = read("pbmc_small_seurat_v4.rds")
    assert made.obsm["X_pca"].shape == (80, 19)
    assert made.obsm["X_tsne"].shape == (80, 2)
    np.testing.assert_allclose(made.obsm["X_pca"][0, 0], -0.77403708, rtol=1e-7)
    pca = made.uns["seurat"]["reductions"]["pca"]
    assert (pca["key"], pca["assay.used"], pca["columns"][0], len(pca["stdev"])) == ("PC_", "RNA", "PC_1", 19)
    np.testing.assert_allclose(pca["stdev"][0], 2.78687823, rtol=1e-8)
    variable = made.var["highly_variable_rank"].dropna().sort_values().index
    assert list(variable[:5]) == ["PPBP", "IGLL5", "VDAC3", "CD1C", "AKR1C3"]
    assert (len(variable), made.var["highly_variable"].sum()) == (20, 20)
    assert list(pca["features"]) == list(variable)
    loadings = made.varm["pca"][made.var_names.get_indexer(variable)]
    np.testing.assert_allclose(loadings[:2, 0], [0.33832535, -0.03504289], rtol=1e-6)
    assert np.isnan(made.varm["pca"]).all(axis=1).sum() == 210
    scaled = made.obsm["scale.data"]
    assert scaled.shape == (80, 20)
    np.testing.assert_allclose(scaled.loc["ATGCCAGAACGACT", "IGLL5"], -0.19349515, rtol=1e-6)
    graph = made.obsp["RNA_snn"]
    assert (graph.shape, graph.nnz) == ((80, 80), 6328)
    np.testing.assert_allclose(graph.diagonal(), 1)
    np.testing.assert_allclose(graph[:4, 0].toarray().ravel(), [1, 2 / 3, 0.57894737, 5 / 7], rtol=1e-6)
    assert list(made.obs["active.ident"].cat.categories) == ["0", "1", "2"]


def test_slots_without_a_place_are_kept_and_listed(read):
    made = read("pbmc_small_seurat_v4.rds")
    kept = made.uns["seurat"]
    assert kept["commands"]["NormalizeData.RNA"]["params"]["scale.factor"] == 10000
    assert kept["commands"]["NormalizeData.RNA"]["time.stamp"].startswith("2018-08-27T")
    assert made.uns["kept"] == ["@reductions$pca@jackstraw", "@commands"]
    assert made.uns["not_representable"] == []
    assert (kept["version"], kept["project.name"]) == ("4.0.0", "SeuratProject")


def test_several_assays_are_modalities(read, folder):
    made = read("pbmc_small_two_assays_v4.rds")
    assert list(made.mod) == ["RNA", "SUB"]
    expected = pd.read_csv(folder / "expected_pbmc_small_counts.csv", index_col=0)
    sub = made.mod["SUB"]
    assert (expected.loc[list(sub.var_names)].to_numpy() == dense(sub.layers["counts"]).T).all()
    assert "X_pca" in made.mod["RNA"].obsm
    assert list(made.obs.columns[-2:]) == ["nFeature_SUB", "active.ident"]


def test_a_summarized_experiment(shared_data):
    folder = shared_data / "expression" / "airway"
    made = read_rds(folder / "airway_top2000_se.rds")
    expected = pd.read_csv(folder / "airway_rawcounts.csv", index_col=0)
    assert (made.shape, made.uns["x_layer"], made.X.dtype) == ((8, 2000), "counts", np.int32)
    assert (expected.loc[list(made.var_names), list(made.obs_names)].to_numpy() == made.X.T).all()
    metadata = pd.read_csv(folder / "airway_metadata.csv", index_col=0)
    assert list(made.obs["dex"]) == list(metadata.loc[list(made.obs_names), "dex"])


@pytest.mark.parametrize("name", SEURAT)
def test_it_can_be_written_as_h5ad_or_h5mu(read, tmp_path, name):
    import anndata
    import mudata

    made = read(name)
    kind = "h5mu" if hasattr(made, "mod") else "h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.copy().write(tmp_path / f"a.{kind}")
        again = (mudata.read_h5mu if kind == "h5mu" else anndata.read_h5ad)(tmp_path / f"a.{kind}")
    assert (dense(main(again).X) == dense(main(made).X)).all()


def test_other_objects_are_refused_by_name(shared_data):
    path = shared_data / "redcap" / "redcapr" / "projects" / "survey" / "expected" / "default.rds"
    with pytest.raises(FormatError, match=r"it holds .*, no Seurat object"):
        read_rds(path)
