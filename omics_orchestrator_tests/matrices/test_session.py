"""Assays of single cells from their files to `load`, through Dagster, in a small installation."""

from __future__ import annotations

import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from omics_orchestrator import load
from omics_orchestrator.matrices.stored import load_matrix
from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.private import read_crosswalk
from omics_orchestrator_tests.installation import STUDY, Installation
from omics_orchestrator_tests.steps import test_pseudonymise

CELLS = """\
  single_cell: {format: tenx, location: "store+tiny://cells/", link: "(?P<sample>[^/]+)/.*"}
  single_cell_r:
    format: rds
    location: "store+tiny://r/"
    sample_column: groups
    link: {in_file: {pattern: "g(?P<number>[0-9])", written: "S{number}"}}
"""
DONORS = """\
assays:
  single_cell: {format: h5ad, location: "store+tiny://cells/", sample_column: donor}
"""


def run(installation: Installation, *, force: bool = False) -> Summary:
    session = Session(installation.workspace())
    return session.materialise(session.assets(), force=force)


def test_cells_of_10x_and_of_r_bear_harmonised_variables(
    installation: Installation, shared_data: Path
) -> None:
    installation.declare("tiny", study=STUDY.format(name="tiny") + CELLS)
    public = shared_data / "single_cell"
    shutil.copytree(public / "10x/3.0.0/filtered_feature_bc_matrix", installation.source / "cells/S1")
    shutil.copytree(
        public / "10x/1.2.0/filtered_gene_bc_matrices/hg19_chr21", installation.source / "cells/S3"
    )
    (installation.source / "r").mkdir()
    shutil.copy(public / "seurat/pbmc_small_seurat_v4.rds", installation.source / "r")
    assert run(installation).failed == {}

    matrix = load("matrix/tiny/single_cell")
    assert isinstance(matrix, anndata.AnnData)
    assert matrix.obs["sample_id"].value_counts().to_dict() == {"S1": 1107, "S3": 12}
    by_sample = matrix.obs.groupby("sample_id", observed=True)["sex"].unique()
    assert {sample: list(sexes) for sample, sexes in by_sample.items()} == {"S1": ["male"], "S3": ["female"]}
    women = load("matrix/tiny/single_cell", where={"sex": "female"}, columns=["sex"])
    assert isinstance(women, anndata.AnnData)
    assert women.n_obs == 12
    assert list(women.obs.columns) == ["sample_id", "participant_id", "sex"]

    seurat = load("matrix/tiny/single_cell_r", columns=["age"])
    assert isinstance(seurat, anndata.AnnData)
    assert seurat.shape == (80, 230)
    assert set(seurat.obs["sample_id"]) == {"S1", "S2"}
    assert set(seurat.obs["age"]) == {40}
    assert list(seurat.obs.columns)[:3] == ["sample_id", "participant_id", "age"]
    assert {"file_groups", "file_nCount_RNA"} <= set(seurat.obs.columns)
    again = run(installation, force=True)
    assert (again.failed, again.touched) == ({}, 0)


def test_cells_of_a_pseudonymised_study_name_nobody(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMICS_PSEUDONYM_KEY", test_pseudonymise.SECRET)
    environment = {**installation.environment(), "OMICS_PSEUDONYM_KEY": test_pseudonymise.SECRET}
    installation.settings = Settings.from_environment(environment)
    test_pseudonymise.declare(installation, study=test_pseudonymise.STUDY + DONORS)
    donors = ["TIN-7001-S1", "7002/TIN-7002", "S3", "TIN-7999-S9"]
    obs = pd.DataFrame(
        {"donor": donors, "who": ["TIN-07001 left", "x", "TIN-7998", "y"], "cluster": list("5510")},
        index=["TIN-7001_ACGT-1", "ACGT-1", "TIN-7999:CCC", "d"],
    )
    made = anndata.AnnData(sparse.csr_matrix(np.eye(4)), obs=obs, var=pd.DataFrame(index=list("ABCD")))
    (installation.source / "cells").mkdir()
    made.write_h5ad(installation.source / "cells" / "TIN-7001.h5ad")
    assert run(installation).failed == {}

    ids = read_crosswalk(installation.workspace().database, "tiny__participants")
    matrix = load_matrix(Stores(installation.settings), "tiny", "single_cell")
    samples = [f"{ids['TIN-7001']}-S1", f"7002/{ids['TIN-7002']}", "S3"]
    assert matrix.obs["sample_id"].tolist()[:3] == samples
    assert matrix.obs["file_who"].tolist()[:2] == [f"{ids['TIN-7001']} left", "x"]
    assert matrix.obs["file_cluster"].tolist() == list("5510")
    assert "TIN-" not in matrix.obs.to_csv()
    assert "TIN-" not in "".join(map(str, matrix.obs["sample_id"].cat.categories))
    again = run(installation, force=True)
    assert (again.failed, again.touched) == ({}, 0)
