"""BIOM: the tables of the format's authors equal what their library reads; what breaks the specification."""

import shutil

import biom  # type: ignore[import-untyped]
import h5py
import numpy as np
import pytest

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.biom import Biom
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.tool_tables import BIOM

FILES = (
    "min_sparse_otu_table",
    "rich_sparse_otu_table",
    "min_sparse_otu_table_hdf5",
    "rich_sparse_otu_table_hdf5",
    "rich_sparse_otu_table_hdf5_group_metadata",
)


@pytest.mark.parametrize("name", FILES)
def test_the_matrix_is_what_the_library_reads(name, shared_data):
    file = shared_data / f"microbiome/biom/{name}.biom"
    expected = biom.load_table(str(file))
    found = Biom().inspect(OnFile(file))
    data = Biom().read(OnFile(file))
    assert found.verdict == ("warnings" if "group" in name else "valid"), found.problems
    assert np.array_equal(data.x, expected.matrix_data.toarray().T)
    assert list(data.sample_ids) == list(found.samples) == list(expected.ids())
    assert list(data.feature_ids) == list(expected.ids(axis="observation"))
    assert (found.facts["samples"], found.facts["features"], found.facts["nonzero"]) == (6, 5, 15)
    if "taxonomy" in data.features:
        ranks = expected.metadata(axis="observation")
        assert data.features["taxonomy"] == ["; ".join(one["taxonomy"]) for one in ranks]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"[0, 0, 5]", b"[0, 2, 5]", "record 1: an entry lies outside"),
        (b"[0, 0, 5]", b"[0, 0, -5]", "record 1: an entry is below zero"),
        (b"[0, 0, 5]", b"[0, 0, 5.5]", "record 1: not the numbers"),
        (b"[0, 0, 5]", b"[0, 0, NaN]", "no JSON"),
        (b"[0, 0, 5]", b"[1, 1, 5]", "two entries stand for the same cell"),
        (b'"id": "B"', b'"id": "A"', "1 observation ids repeat"),
        (b'"id": "S2"', b'"id": ""', "sample 2 has no id"),
        (b'"shape": [2, 2]', b'"shape": [2, 3]', "the shape is not that"),
        (b'"date"', b'"dote"', "the required entry date"),
        (b'"sparse"', b'"thick"', "neither sparse nor dense"),
        (b'"int"', b'"unicode"', "are no numbers"),
        (b'"data": [', b'"data": [' + b"[" * 100_000, "no JSON"),
    ],
)
def test_json_against_the_specification_is_refused(old, new, problem):
    found = Biom().inspect_bytes("a.biom", BIOM.replace(old, new, 1))
    assert found.verdict == "invalid"
    assert problem in found.problems[0].lower() or problem in found.problems[0]


def test_a_dense_table_is_read_alike():
    dense = BIOM.replace(b'"sparse"', b'"dense"').replace(b"[[0, 0, 5], [1, 1, 7]]", b"[[5, 0], [0, 7]]")
    assert np.array_equal(Biom().read(MemoryFile("a", dense)).x, Biom().read(MemoryFile("a", BIOM)).x)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("observation/matrix/indices", 77, "outside the table|by observations"),
        ("observation/matrix/indptr", 9, "do not fit"),
        ("observation/matrix/data", -1.0, "by observations|below zero"),
        ("sample/ids", b"Sample2", "1 sample ids repeat"),
    ],
)
def test_hdf5_against_the_specification_is_refused(place, value, problem, shared_data, tmp_path):
    file = tmp_path / "a.biom"
    shutil.copyfile(shared_data / "microbiome/biom/min_sparse_otu_table_hdf5.biom", file)
    with h5py.File(file, "r+") as content:
        content[place][0] = value
    found = Biom().inspect(OnFile(file))
    assert found.verdict == "invalid"
    assert any(part in found.problems[0] for part in problem.split("|")), found.problems


@pytest.mark.parametrize("axis", ["observation", "sample"])
def test_metadata_of_another_length_are_told(axis, shared_data, tmp_path):
    file = tmp_path / "a.biom"
    file.write_bytes((shared_data / "microbiome/biom/rich_sparse_otu_table_hdf5.biom").read_bytes())
    with h5py.File(file, "r+") as content:
        content[f"{axis}/metadata"].create_dataset("short", data=[1.0, 2.0])
    found = Biom().inspect(OnFile(file))
    assert found.problems == (f"1 metadata of the {axis}s do not hold one value per {axis}",)


def test_an_hdf5_file_cut_off_is_refused(shared_data):
    raw = (shared_data / "microbiome/biom/rich_sparse_otu_table_hdf5.biom").read_bytes()
    for cut in (100, 3000, len(raw) // 2, len(raw) - 1):
        assert Biom().inspect_bytes("a.biom", raw[:cut]).verdict == "invalid"
