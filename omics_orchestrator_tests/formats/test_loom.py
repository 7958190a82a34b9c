"""loom: a real file, made ones of both versions, every side that does not fit."""

import io
from typing import Any

import h5py
import numpy as np
import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.loom import Loom
from omics_orchestrator_tests.formats.hdf5_changes import put, remove
from omics_orchestrator_tests.formats.onfile import OnFile


def write(change: Any = None) -> bytes:
    """Return a loom file of 3 genes × 2 cells, after `change` had its hands on it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in ("layers", "row_attrs", "col_attrs", "row_graphs", "col_graphs", "attrs"):
            file.create_group(name)
        file["attrs/LOOM_SPEC_VERSION"] = "3.0.0"
        file["matrix"] = np.array([[1, 0], [2, 3], [0, 4]], "f4")
        file["layers/spliced"] = np.ones((3, 2), "i4")
        file["row_attrs/Gene"], file["row_attrs/pair"] = ["CD3E", "CD4", "CD8A"], np.ones((3, 2))
        file["col_attrs/CellID"], file["col_attrs/sample"] = ["c1", "c2"], ["S2", "S1"]
        near = file["col_graphs"].create_group("near")
        near["a"], near["b"], near["w"] = [0, 1], [1, 0], [0.5, 0.5]
        if change:
            change(file)
    return buffer.getvalue()


def tiny() -> tuple[Format, str, bytes]:
    return Loom(sample_column="sample"), "a.loom", write()


def look(raw: bytes, sample_column: str | None = None) -> Inspection:
    return Loom(sample_column=sample_column).inspect_bytes("a.loom", raw)


def test_what_is_told():
    found = look(write(), "sample")
    assert (found.verdict, found.samples) == ("valid", ("S2", "S1"))
    facts = found.facts
    assert (facts["n_obs"], facts["n_vars"], facts["entries"]) == (2, 3, 4)
    assert (facts["median_counts_per_cell"], facts["gene_ids"]) == (5.0, "symbol")
    assert facts["layers"] == ["spliced"]


def test_a_real_file_is_what_the_library_reads(shared_data):
    path = shared_data / "single_cell" / "loom" / "pbmc68k_first200.loom"
    found = Loom(sample_column="bulk_labels").inspect(OnFile(path))
    with h5py.File(path) as content:
        matrix = content["matrix"][:]
        labels = [one.decode() for one in content["col_attrs/bulk_labels"][:]]
    assert found.verdict == "valid"
    assert (found.facts["n_vars"], found.facts["n_obs"]) == matrix.shape
    assert found.facts["entries"] == np.count_nonzero(matrix)
    assert found.samples == tuple(dict.fromkeys(labels))
    assert Loom.sniff("renamed.h5", path.read_bytes()[:65536])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (remove("matrix"), "no matrix: not a loom file"),
        (put("matrix", np.ones(3)), "no matrix: not a loom file"),
        (put("matrix", np.array([[b"a"] * 2] * 3)), "the matrix holds no numbers"),
        (put("layers/spliced", np.ones((2, 3))), "layers entry 1 has the shape (2, 3)"),
        (put("row_attrs/Gene", ["a", "b"]), "row_attrs entry 1 has the shape (2,)"),
        (put("col_attrs/sample", ["a"] * 3), "col_attrs entry 2 has the shape (3,)"),
        (put("col_graphs/near/w", [1.0]), "col_graphs entry 1: not the three lists a, b and w of one length"),
        (remove("col_graphs/near/a"), "col_graphs entry 1: not the three lists"),
        (put("col_graphs/near/a", [0, 2]), "col_graphs entry 1: a node outside of the matrix"),
    ],
)
def test_what_is_wrong_is_said(change, problem):
    found = look(write(change))
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (remove("row_graphs"), "no group row_graphs"),
        (remove("attrs"), "no version of the loom specification that is known here"),
        (remove("row_attrs/Gene"), "no attribute with the names of genes"),
        (put("col_attrs/CellID", ["c1", "c1"]), "1 names of cells repeat earlier ones"),
        (
            put("matrix", np.array([[1, np.nan], [2, 3], [0, 4]])),
            "the matrix: 1 values are no finite numbers",
        ),
    ],
)
def test_what_is_odd_is_a_warning(change, problem):
    found = look(write(change))
    assert (found.verdict, found.problems) == ("warnings", (problem,))


@pytest.mark.parametrize("group", ["attrs", "row_attrs", "col_attrs"])
def test_a_list_of_endless_length_in_the_place_of_a_group_is_not_searched(group):
    def change(file: Any) -> None:
        del file[group]
        file.create_dataset(group, (2**40,), "f4", chunks=(1,))

    assert look(write(change)).verdict == "warnings"
    assert look(write(change), "sample").verdict == ("invalid" if group == "col_attrs" else "warnings")


def test_the_older_version_states_itself_elsewhere():
    def old(file: Any) -> None:
        del file["attrs"]
        file.attrs["LOOM_SPEC_VERSION"] = "2.0.1"

    found = look(write(old))
    assert (found.verdict, found.facts["loom_version"]) == ("valid", "2.0.1")


def test_a_sample_column_that_is_not_there_is_named():
    assert look(write(), "donor").problems == ('no column attribute "donor" with one value per cell',)


def test_pieces_of_the_matrix_give_the_same(monkeypatch):
    whole = look(write())
    monkeypatch.setattr("omics_orchestrator.formats.hdf5.PIECE", 2)
    assert look(write()) == whole
    chunked = write(lambda file: (file.__delitem__("matrix"), file.create_dataset(
        "matrix", data=np.array([[1, 0], [2, 3], [0, 4]], "f4"), chunks=(2, 1))))  # fmt: skip
    monkeypatch.setattr("omics_orchestrator.formats.hdf5.PIECE", 0)
    assert look(chunked) == whole
