"""A write that is cut off is never seen, over a folder and over S3; nothing of an earlier content stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.matrices.stored import list_matrices, load_matrix, matrix_key
from omics_orchestrator_tests.matrices.conftest import Bench

FIRST = "feature,S1,S2\nalpha,1,2\nbeta,,4.5\n"
SECOND = "feature,S1,S2,S3\nalpha,10,20,30\n"
CUT_OFF = """
import os, signal, sys
from omics_orchestrator.matrices.build import build_matrix
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay
left, home, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
write = FolderStore._write
def dying(self, key, data, publish):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, key, data, publish)
FolderStore._write = dying
environment = {"OMICS_HOME": home + "/home", "OMICS_STORE_LAB_URL": "file://" + home + "/lab"}
assay = Assay.model_validate({"format": "feature_table", "samples": "columns", "location": "store+lab://table.csv"})
build_matrix(Database(url), Stores(Settings.from_environment(environment)), study="demo", assay_name="counts",
             assay=assay, known_samples=None)
"""


def killed_while_building(bench: Bench, tmp_path: Path, writes: int) -> None:
    done = subprocess.run([sys.executable, "-c", CUT_OFF, str(writes), str(tmp_path), bench.database.url])
    assert done.returncode == -signal.SIGKILL


def test_what_is_loaded_is_what_was_built(bench: Bench) -> None:
    built = bench.build(FIRST)
    matrix = load_matrix(bench.stores, "demo", "counts")
    assert np.array_equal(matrix.X, [[1, np.nan], [2, 4.5]], equal_nan=True)
    assert (list(matrix.obs_names), matrix.obs_names.name) == (["S1", "S2"], "sample_id")
    assert list(matrix.var_names) == ["alpha", "beta"]
    assert matrix.obs.shape == (2, 0)
    assert built.written_objects == len(bench.held())
    assert list_matrices(bench.stores) == [("demo", "counts")]


def test_it_is_a_zarr_v3_group(bench: Bench) -> None:
    bench.build(FIRST)
    [root] = [key for key in bench.held() if key.count("/") == 4 and key.endswith("zarr.json")]
    assert b'"zarr_format": 3' in bench.stores.own.get(root)


def test_new_content_leaves_nothing_of_the_old(bench: Bench) -> None:
    bench.build(FIRST)
    old = set(bench.held())
    built = bench.build(SECOND)
    new = set(bench.held())
    assert old & new == {matrix_key("demo", "counts") + "matrix.json"}
    assert built.written_objects == len(new)
    assert load_matrix(bench.stores, "demo", "counts").shape == (3, 1)


def test_a_lost_object_is_written_again(bench: Bench) -> None:
    bench.build(FIRST)
    [chunk] = [key for key in bench.held() if "/X/c/" in key]
    bench.stores.own.delete(chunk)
    assert bench.build().written_objects
    assert not np.isnan(load_matrix(bench.stores, "demo", "counts").X).all()


def test_an_unknown_matrix_names_the_nearest(bench: Bench) -> None:
    bench.build(FIRST)
    with pytest.raises(UnknownKey, match='nearest: "matrix/demo/counts"'):
        load_matrix(bench.stores, "demo", "count")


@pytest.mark.parametrize("bench", ["folder"], indirect=True)
@pytest.mark.parametrize("writes", [16])
def test_a_killed_first_write_is_no_matrix(bench: Bench, tmp_path: Path, writes: int) -> None:
    bench.build(FIRST)
    for key in bench.held():
        bench.stores.own.delete(key)
    killed_while_building(bench, tmp_path, writes)
    assert len(bench.held()) == writes
    with pytest.raises(UnknownKey):
        load_matrix(bench.stores, "demo", "counts")
    assert list_matrices(bench.stores) == []
    assert bench.build().written_objects == len(bench.held())


@pytest.mark.parametrize("bench", ["folder"], indirect=True)
def test_a_killed_second_write_leaves_the_first(bench: Bench, tmp_path: Path) -> None:
    bench.build(FIRST)
    whole = len(bench.held())
    (bench.folder / "table.csv").write_text(SECOND)
    with pytest.raises(Exception, match="changed since"):  # registered is still the first table
        bench.build_registered()
    bench.build(SECOND)
    (bench.folder / "table.csv").write_text(FIRST)
    bench.register()
    killed_while_building(bench, tmp_path, 5)
    assert len(bench.held()) > whole - 5
    assert load_matrix(bench.stores, "demo", "counts").shape == (3, 1)
    bench.build()
    assert load_matrix(bench.stores, "demo", "counts").shape == (2, 2)
    assert len(bench.held()) == whole
