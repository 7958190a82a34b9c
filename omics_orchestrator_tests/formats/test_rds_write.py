"""AnnData as Seurat objects: there and back, and in real R where it is installed."""

import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.rds import Rds
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator.formats.rds_write import write_seurat
from omics_orchestrator_tests.formats.real_r import needs_r, run_r


def read(path: Path) -> Any:
    return read_rds(path)


def dense(values: Any) -> Any:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


def example() -> Any:
    """Return an AnnData with one of everything."""
    random = np.random.default_rng(1)
    counts = sparse.random_array((6, 5), density=0.5, rng=random, format="csr")
    counts.data = np.ceil(counts.data * 9)
    counts = sparse.csr_matrix(counts)
    obs = pd.DataFrame(
        {
            "stage": pd.Categorical(
                ["late", None, "early", "late", "early", "late"], ["early", "late"], ordered=True
            ),
            "unused": pd.Categorical(["b"] * 6, ["a", "b"]),
            "n": np.arange(6, dtype="i4"),
            "maybe": pd.array([1, None, 3, 4, 5, -6], dtype="Int32"),
            "yes": [True, False] * 3,
            "perhaps": pd.array([True, None, False] * 2, dtype="boolean"),
            "x": [0.1, np.nan, -np.inf, 1e300, 5e-324, 0],
            "text": ["ä", None, "β 1", "", "NA", "日本"],
            "active.ident": pd.Categorical(list("ABABAB")),
        },
        index=[f"cell-{n}" for n in range(6)],
    )
    var = pd.DataFrame({"mean": random.random(5)}, index=["G1", "G-2", "É3", "4", "g.5"])
    var["highly_variable"] = [True, False, True, False, True]
    var["highly_variable_rank"] = [2, np.nan, 0, np.nan, 1]
    made = anndata.AnnData(counts.log1p(), obs, var, layers={"counts": counts})
    made.obsm["X_pca"] = random.random((6, 3))
    made.obsm["scale.data"] = pd.DataFrame(random.random((6, 2)), obs.index, ["É3", "G1"])
    made.varm["pca"] = np.where(np.array([1, 0, 1, 0, 1])[:, None] == 1, random.random((5, 3)), np.nan)
    made.obsp["RNA_snn"] = sparse.csr_matrix(sparse.random_array((6, 6), density=0.4, rng=random))
    made.uns["seurat"] = {
        "project.name": "Täst",
        "reductions": {"pca": {"stdev": np.array([3.0, 2, 1]), "features": ["É3", "g.5", "G1"]}},
        "misc": {"note": "hello", "numbers": np.array([1.5, 2]), "inner": {"flag": True}},
    }
    return made


def test_everything_comes_back(tmp_path):
    given_, path = example(), tmp_path / "a.rds"
    assert write_seurat(given_, path) == []
    assert list(tmp_path.iterdir()) == [path]
    got = read(path)
    assert (got.X != given_.X).nnz == 0
    assert (got.layers["counts"] != given_.layers["counts"]).nnz == 0
    expected = given_.obs.copy()
    expected["text"] = expected["text"].astype(object).where(expected["text"].notna(), None)
    pd.testing.assert_frame_equal(got.obs, expected)
    pd.testing.assert_frame_equal(got.var, given_.var)
    for name in ("X_pca", "scale.data"):
        np.testing.assert_array_equal(got.obsm[name], given_.obsm[name])
    assert list(got.obsm["scale.data"].columns) == ["É3", "G1"]
    np.testing.assert_array_equal(got.varm["pca"], given_.varm["pca"])
    assert (got.obsp["RNA_snn"] != given_.obsp["RNA_snn"]).nnz == 0
    kept = got.uns["seurat"]
    assert list(kept["reductions"]["pca"]["features"]) == ["É3", "g.5", "G1"]
    assert list(kept["reductions"]["pca"]["stdev"]) == [3, 2, 1]
    assert (kept["project.name"], kept["misc"]["note"], kept["misc"]["inner"]) == (
        "Täst",
        "hello",
        {"flag": True},
    )
    raw = path.read_bytes()
    write_seurat(got, path)
    again = read(path)
    pd.testing.assert_frame_equal(again.obs, got.obs)
    assert Rds().inspect(MemoryFile("a.rds", raw)).verdict == "valid"


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


@st.composite
def experiments(draw: st.DrawFn) -> Any:
    n_cells, n_features = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    cells = draw(st.lists(names, min_size=n_cells, max_size=n_cells, unique=True))
    features = draw(st.lists(names, min_size=n_features, max_size=n_features, unique=True))
    numbers = st.floats(allow_nan=False, width=64)
    size = n_cells * n_features
    values = np.array(draw(st.lists(numbers, min_size=size, max_size=size))).reshape(n_cells, n_features)
    counts = np.array(draw(st.lists(st.integers(0, 2**31), min_size=size, max_size=size)), "f8")
    obs = pd.DataFrame(index=pd.Index(cells, dtype=object))
    levels = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=n_cells, max_size=n_cells))
    obs["factor"] = pd.Categorical.from_codes(codes, pd.Index(levels), ordered=draw(st.booleans()))
    whole = st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))
    obs["whole"] = pd.array(draw(st.lists(whole, min_size=n_cells, max_size=n_cells)), dtype="Int32")
    obs["text"] = pd.Series(
        draw(st.lists(st.none() | names, min_size=n_cells, max_size=n_cells)), index=obs.index, dtype=object
    )
    kind = draw(st.sampled_from([np.asarray, sparse.csr_matrix, sparse.csc_matrix]))
    made = anndata.AnnData(
        kind(values), obs, pd.DataFrame(index=pd.Index(features, dtype=object)),
        layers={"counts": kind(counts.reshape(n_cells, n_features))},
    )  # fmt: skip
    made.obsm["X_umap"] = values[:, :1].copy()
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(experiments())
def test_any_experiment_comes_back(tmp_path, given_):
    path = tmp_path / "a.rds"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_seurat(given_, path)
        got = read(path)
    np.testing.assert_array_equal(dense(got.X), dense(given_.X))
    np.testing.assert_array_equal(dense(got.layers["counts"]), dense(given_.layers["counts"]))
    assert list(got.obs_names) == list(given_.obs_names)
    assert list(got.var_names) == list(given_.var_names)
    assert list(got.obs["factor"].cat.categories) == list(given_.obs["factor"].cat.categories)
    assert list(got.obs["factor"].cat.codes) == list(given_.obs["factor"].cat.codes)
    assert got.obs["factor"].cat.ordered == given_.obs["factor"].cat.ordered
    assert list(got.obs["whole"].astype("Int32").fillna(0)) == list(given_.obs["whole"].fillna(0))
    assert [x if isinstance(x, str) else None for x in got.obs["text"]] == list(given_.obs["text"])
    np.testing.assert_array_equal(got.obsm["X_umap"], given_.obsm["X_umap"])
    assert Rds().inspect_bytes("a.rds", path.read_bytes()).verdict == "valid"


def test_an_anndata_of_scanpy(tmp_path):
    counts = sparse.csr_matrix(np.array([[1, 0], [2, 3.0]]))
    given_ = anndata.AnnData(counts.copy())
    given_.varm["PCs"] = np.ones((2, 2))
    given_.obsm["X_pca"] = np.ones((2, 2))
    given_.uns["pca"] = {"variance": np.array([4.0, 1])}
    given_.layers["spliced"] = counts
    given_.obsm["labels"] = pd.DataFrame({"a": ["x", "y"]}, index=given_.obs_names)
    assert write_seurat(given_, tmp_path / "a.rds") == [
        'assay RNA: layers["spliced"]',
        'obsm["labels"]',
        'uns["pca"]',
    ]
    got = read(tmp_path / "a.rds")
    assert (got.layers["counts"] != counts).nnz == 0
    assert (counts != got.X).nnz == 0
    assert list(got.uns["seurat"]["reductions"]["pca"]["stdev"]) == [2, 1]
    given_.X = counts * 0.5
    write_seurat(given_, tmp_path / "a.rds")
    assert "counts" not in read(tmp_path / "a.rds").layers


def test_several_modalities_come_back(shared_data, tmp_path):
    made = read(shared_data / "single_cell" / "seurat" / "pbmc_small_two_assays_v4.rds")
    left = write_seurat(made, tmp_path / "a.rds")
    assert left == ['uns["seurat"]["reductions"]["pca"]["jackstraw"]', 'uns["seurat"]["commands"]']
    again = read(tmp_path / "a.rds")
    pd.testing.assert_frame_equal(again.obs, made.obs)
    for name in ("RNA", "SUB"):
        assert (again.mod[name].X != made.mod[name].X).nnz == 0
        pd.testing.assert_frame_equal(again.mod[name].var, made.mod[name].var)
    np.testing.assert_array_equal(again.mod["RNA"].obsm["X_pca"], made.mod["RNA"].obsm["X_pca"])
    assert (again.mod["RNA"].obsp["RNA_snn"] != made.mod["RNA"].obsp["RNA_snn"]).nnz == 0


def test_what_r_cannot_hold_is_refused(tmp_path):
    twice = anndata.AnnData(np.ones((2, 2)), pd.DataFrame(index=["a", "a"]))
    with pytest.raises(FormatError, match="two cells with the same name"):
        write_seurat(twice, tmp_path / "a.rds")
    with pytest.raises(FormatError, match="nothing to write"):
        write_seurat(anndata.AnnData(shape=(2, 2)), tmp_path / "a.rds")
    assert list(tmp_path.iterdir()) == []


@needs_r
def test_real_r_validates_it_and_finds_the_same_values(shared_data, tmp_path):
    """Slot for slot against the object that R wrote, and one with gaps, odd names and letters beyond ASCII."""
    folder = shared_data / "single_cell" / "seurat"
    names = ["seurat_v4", "two_assays_v4", "seurat_v5_split_layers", "sce"]
    for name in names:
        write_seurat(read(folder / f"pbmc_small_{name}.rds"), tmp_path / f"{name}.rds")
    run_r(
        """
        o <- readRDS(a[1]); e <- readRDS(a[5])
        for (s in setdiff(slotNames("Assay"), "misc"))
          stopifnot(isTRUE(all.equal(slot(o[["RNA"]], s), slot(e[["RNA"]], s), tolerance = 0)))
        for (s in c("meta.data", "active.assay", "active.ident", "graphs", "project.name"))
          stopifnot(identical(slot(o, s), slot(e, s)))
        for (r in c("pca", "tsne")) for (s in setdiff(slotNames("DimReduc"), "jackstraw"))
          stopifnot(identical(slot(o[[r]], s), slot(e[[r]], s)))
        stopifnot(identical(VariableFeatures(o), VariableFeatures(e)), ncol(subset(o, cells = Cells(o)[1:9])) == 9)
        stopifnot(identical(FetchData(o, c("PC_1", "MS4A1", "groups")), FetchData(e, c("PC_1", "MS4A1", "groups"))))
        counts <- as.matrix(read.csv(a[6], row.names = 1, check.names = FALSE))
        for (file in a[1:4]) {
          o <- readRDS(file); stopifnot(validObject(o, complete = TRUE))
          stopifnot(identical(as.matrix(GetAssayData(o, slot = "counts", assay = "RNA")) == counts, counts == counts))
        }
        """,
        *(tmp_path / f"{name}.rds" for name in names),
        folder / "pbmc_small_seurat_v4.rds",
        folder / "expected_pbmc_small_counts.csv",
    )


@needs_r
def test_real_r_sees_gaps_and_levels(tmp_path):
    write_seurat(example(), tmp_path / "a.rds")
    run_r(
        """
        o <- readRDS(a[1]); stopifnot(validObject(o, complete = TRUE)); m <- o[[]]
        stopifnot(is.ordered(m$stage), identical(levels(m$stage), c("early", "late")), is.na(m$stage[2]))
        stopifnot(identical(levels(m$unused), c("a", "b")), is.integer(m$n), identical(m$maybe[2], NA_integer_))
        stopifnot(is.logical(m$perhaps), is.na(m$perhaps[2]), is.na(m$text[2]))
        stopifnot(m$text[1] == "\\u00e4", m$text[5] == "NA", identical(m$x[5], 5e-324), identical(m$x[3], -Inf))
        variable <- c("\\u00c93", "g.5", "G1")
        stopifnot(identical(VariableFeatures(o), variable), identical(rownames(Loadings(o[["pca"]])), variable))
        stopifnot(identical(levels(Idents(o)), c("A", "B")))
        stopifnot(identical(Stdev(o, "pca"), c(3, 2, 1)), Misc(o)$inner$flag, identical(Misc(o)$numbers, c(1.5, 2)))
        """,
        tmp_path / "a.rds",
    )
