"""h5mu: real files of two versions of mudata, made ones, maps and masks that lead nowhere."""

import io
from typing import Any

import h5py
import mudata
import numpy as np
import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.h5mu import H5mu
from omics_orchestrator_tests.formats.hdf5_changes import put, remove
from omics_orchestrator_tests.formats.onfile import OnFile


def _frame(group: Any, name: str, index: list[str]) -> None:
    frame = group.create_group(name)
    frame.attrs["_index"] = "_index"
    frame.attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
    frame["_index"] = index


def write(change: Any = None) -> bytes:
    """Return a MuData file of 3 cells, of which `rna` has 3 and `atac` 2, after `change` had its hands on it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        file.attrs.update({"encoding-type": "MuData", "encoding-version": "0.1.0", "axis": 0})
        _frame(file, "obs", ["c1", "c2", "c3"])
        _frame(file, "var", ["g1", "g2", "p1"])
        file["obs/sample"] = ["S2", "S1", "S2"]
        file["obs"].attrs["column-order"] = ["sample"]
        for name, cells, genes, there, place in (
            ("rna", ["c1", "c2", "c3"], ["g1", "g2"], [1, 1, 1], [1, 2, 3]),
            ("atac", ["c1", "c3"], ["p1"], [1, 0, 1], [1, 0, 2]),
        ):
            group = file.create_group(f"mod/{name}")
            group.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
            _frame(group, "obs", cells)
            _frame(group, "var", genes)
            group["X"] = np.ones((len(cells), len(genes)))
            file[f"obsm/{name}"] = np.array(there, bool)
            file[f"obsmap/{name}"] = np.array(place, "u4")
        file["mod"].attrs["mod-order"] = ["rna", "atac"]
        if change:
            change(file)
    raw = bytearray(buffer.getvalue())
    raw[:30] = b"MuData (format-version=0.1.0;c"
    return bytes(raw)


def tiny() -> tuple[Format, str, bytes]:
    return H5mu(sample_column="sample"), "a.h5mu", write()


def look(raw: bytes, sample_column: str | None = None) -> Inspection:
    return H5mu(sample_column=sample_column).inspect_bytes("a.h5mu", raw)


def test_what_is_told():
    found = look(write(), "sample")
    assert (found.verdict, found.samples) == ("valid", ("S2", "S1"))
    modalities = found.facts["modalities"]
    assert isinstance(modalities, dict)
    assert list(modalities) == ["atac", "rna"]


@pytest.mark.parametrize("name", ["v0.2.4/mdata_axis0", "v0.3.10/mdata_axis0", "v0.3.10/mdata_axis1"])
def test_real_files_are_what_mudata_reads(shared_data, name):
    path = shared_data / "single_cell" / "h5mu" / f"{name}.h5mu"
    found = H5mu().inspect(OnFile(path))
    read = mudata.read_h5mu(path)
    assert found.verdict == "valid"
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["axis"]) == (*read.shape, read.axis)
    modalities: Any = found.facts["modalities"]
    assert set(modalities) == set(read.mod)
    for one, inner in read.mod.items():
        assert (modalities[one]["n_obs"], modalities[one]["n_vars"]) == inner.shape
        assert modalities[one]["raw"] == (inner.raw is not None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (remove("mod"), "no mod: not a MuData file"),
        (lambda file: (remove("mod")(file), file.create_group("mod")), "no modality: not a MuData file"),
        (remove("mod/rna/obs"), "modality 2: no obs: not an AnnData file"),
        (put("mod/rna/X", np.ones((2, 2))), "modality 2: X has the shape (2, 2)"),
        (put("obsm/rna", np.ones(2, bool)), "the mask of obs of modality 2 has 2 entries instead of 3"),
        (put("obsm/atac", np.ones(3, bool)), "the mask of obs of modality 1 names 3 of its 2"),
        (put("obsmap/atac", np.array([1, 0, 3], "u4")), "the map of obs of modality 1 leads outside of it"),
        (put("obsmap/atac", np.array([1, 0, 0], "u4")), "the map of obs of modality 1 names 1 of its 2"),
    ],
)
def test_what_is_wrong_is_said(change, problem):
    found = look(write(change))
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_what_is_odd_is_a_warning():
    found = look(write(lambda file: file["mod"].attrs.__setitem__("mod-order", ["rna"])))
    assert found.problems == ("mod-order does not name the modalities that are there",)
    found = look(write(put("mod/rna/obs/_index", ["a", "a", "b"])))
    assert found.problems == ("modality 2: 1 names of obs repeat earlier ones",)


@pytest.mark.parametrize(
    ("slot", "problems"),
    [("obsm", ("obsm is no group",)), ("varmap", ("varmap is no group",)), ("obs/__categories", ())],
)
def test_a_list_of_endless_length_in_the_place_of_a_group_is_not_searched(slot, problems):
    def change(file: Any) -> None:
        file.pop(slot, None)
        file.create_dataset(slot, (2**40,), "f4", chunks=(1,))

    assert look(write(change)).problems == problems
