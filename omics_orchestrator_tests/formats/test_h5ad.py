"""h5ad: real AnnData files, generated ones in today's and in old writing, every way to be wrong."""

import io
from typing import Any

import numpy as np
import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.h5ad import H5ad
from omics_orchestrator_tests.formats.onfile import OnFile

h5py = pytest.importorskip("h5py")


def write(change: Any = None) -> bytes:
    """Return an AnnData file of 3 cells × 2 genes, after `change` had its hands on it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["encoding-version"] = "0.1.0"
        for name, index, columns in (("obs", ["c1", "c2", "c3"], ["sample"]), ("var", ["g1", "g2"], [])):
            frame = file.create_group(name)
            frame.attrs["_index"] = "_index"
            frame.attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype())
            frame["_index"] = index
        column = file["obs"].create_group("sample")
        column["categories"] = ["S2", "unused", "S1"]
        column["codes"] = np.array([2, 0, -1], dtype="i1")
        file["X"] = np.ones((3, 2), dtype="f4")
        if change:
            change(file)
    return buffer.getvalue()


def tiny() -> tuple[Format, str, bytes]:
    return H5ad(sample_column="sample"), "a.h5ad", write()


def look(raw: bytes, sample_column: str | None = "sample") -> Inspection:
    return H5ad(sample_column=sample_column).inspect_bytes("a.h5ad", raw)


def test_shape_and_samples_that_have_cells():
    found = look(write())
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["x"]) == (3, 2, "dense")
    assert found.samples == ("S2", "S1")
    assert look(write(), None).samples == ()


def test_real_files(shared_data):
    folder = shared_data / "single_cell" / "h5ad"
    found = H5ad(sample_column="bulk_labels").inspect(OnFile(folder / "pbmc68k_reduced.h5ad"))
    assert found.verdict == "valid"
    assert (found.facts["n_obs"], found.facts["n_vars"]) == (700, 765)
    assert found.facts["obsm"] == ["X_pca", "X_umap"]
    assert found.facts["raw"] is True
    assert len(found.samples) == 10
    found = H5ad().inspect(OnFile(folder / "example.h5ad"))
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["x"]) == (50, 100, "csr_matrix")
    assert found.facts["layers"] == ["counts", "csc_counts", "dense_X", "dense_counts"]
    other = shared_data / "single_cell" / "10x" / "1.2.0" / "multiple_genomes.h5"
    assert H5ad().inspect(OnFile(other)).problems == ("no X: not an AnnData file",)


def test_what_anndata_writes(tmp_path):
    anndata = pytest.importorskip("anndata")
    import pandas as pd
    from scipy import sparse

    obs = pd.DataFrame({"donor": ["b", "a", "b"], "plain": ["x", "y", "x"]}, index=list("123"))
    obs["donor"] = obs["donor"].astype("category")
    data = anndata.AnnData(sparse.csc_matrix(np.eye(3)), obs=obs)
    data.write_h5ad(tmp_path / "a.h5ad")
    raw = (tmp_path / "a.h5ad").read_bytes()
    assert look(raw, "donor").samples == ("a", "b")
    assert set(look(raw, "plain").samples) == {"x", "y"}
    assert look(raw).facts["x"] == "csc_matrix"


def test_text_that_may_be_missing_is_read():
    """The layout of anndata 0.13, whatever version this machine has."""

    def nullable(file: Any) -> None:
        del file["obs"]["_index"], file["obs"]["sample"]
        for name, texts in (("_index", ["c1", "c2", "c3"]), ("sample", ["S1", "S2", "S1"])):
            group = file["obs"].create_group(name)
            group.attrs["encoding-type"] = "nullable-string-array"
            group["values"], group["mask"] = texts, np.zeros(3, dtype=bool)

    found = look(write(nullable))
    assert (found.verdict, found.facts["n_obs"], found.samples) == ("valid", 3, ("S1", "S2"))


def test_files_of_old_anndata_are_read():
    def compound(file: Any) -> None:
        del file["obs"], file["X"]
        file["obs"] = np.array([(b"c1", b"S1"), (b"c2", b"S2")], dtype=[("index", "S2"), ("sample", "S2")])
        file.create_group("X").attrs["h5sparse_shape"] = (2, 2)

    found = look(write(compound))
    assert (found.verdict, found.facts["n_obs"], found.samples) == ("valid", 2, ("S1", "S2"))

    def old_categories(file: Any) -> None:
        del file["obs/sample"]
        file["obs/sample"] = np.array([1, 0, 1], dtype="i1")
        file["obs"].create_group("__categories")["sample"] = ["S1", "S2"]

    assert look(write(old_categories)).samples == ("S1", "S2")


def remove(name: str) -> Any:
    return lambda file: file.__delitem__(name)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not an HDF5 file"),
        (b"PK\3\4" + b"0" * 100, "not an HDF5 file"),
        (write()[:-100], "cut off, damaged or no AnnData"),
        (write()[:600], "cut off, damaged or no AnnData"),
        (write(remove("X")), "no X: not an AnnData file"),
        (write(remove("obs")), "no obs: not an AnnData file"),
        (write(remove("obs/_index")), "obs has no index"),
        (write(lambda file: (remove("X")(file), file.create_group("X"))), "X is neither an array nor"),
        (
            write(lambda file: (remove("X")(file), file.create_dataset("X", (4, 2), "f4"))),
            "X has the shape (4, 2)",
        ),
        (write(remove("obs/sample/codes")), 'the column "sample" of obs holds no text'),
    ],
)
def test_what_is_wrong_is_said(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_a_column_that_is_not_there_is_named():
    assert look(write(), "donor").problems == ('obs has no column "donor"',)


def test_the_matrix_is_not_loaded(tmp_path):
    """A file that claims a matrix of 80 GB (never written) is inspected all the same."""

    def huge(file: Any) -> None:
        del file["X"], file["obs/sample"]
        file["obs"].attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
        del file["obs/_index"]
        file["obs"].create_dataset("_index", (10_000_000,), dtype="S1", chunks=(1000,))
        file.create_dataset("X", (10_000_000, 2), dtype="f4", chunks=(1000, 2))

    found = look(write(huge), None)
    assert (found.verdict, found.facts["n_obs"]) == ("valid", 10_000_000)
