"""Single-cell files as AnnData in memory: equal to what scanpy and anndata read."""

import gzip
import io
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pytest
import scanpy

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import tenx_read
from omics_orchestrator.formats.base import MemoryFile, OpenFile
from omics_orchestrator_tests.formats import test_loom, test_tenx
from omics_orchestrator_tests.formats.onfile import OnFile


def folder(path: Path) -> dict[str, OpenFile]:
    return {one.name: OnFile(one) for one in path.iterdir()}


def made(**changed: bytes) -> dict[str, OpenFile]:
    raws = {
        "matrix": test_tenx.MATRIX,
        "barcodes": test_tenx.BARCODES,
        "features": test_tenx.FEATURES,
        **changed,
    }
    names = {"matrix": "matrix.mtx", "barcodes": "barcodes.tsv", "features": "features.tsv"}
    return {names[part]: MemoryFile(names[part], raw) for part, raw in raws.items() if raw}


def same(ours: Any, theirs: Any) -> None:
    assert ours.shape == theirs.shape
    assert ours.X.format == "csr"
    assert (ours.X != theirs.X).nnz == 0
    assert list(ours.obs_names) == list(theirs.obs_names)


def test_a_made_folder():
    read = tenx_read.read(made())
    assert read.X.toarray().tolist() == [[5, 0, 1], [0, 7, 2]]
    assert read.X.dtype == np.int64
    assert list(read.obs_names) == ["AAACCC-1", "AAACGG-1"]
    assert list(read.var_names) == ["ENSG00000000001", "ENSG00000000002", "CD3"]
    assert list(read.var.gene_symbols) == ["A", "B", "CD3_TotalSeqB"]
    assert list(read.var.feature_types) == ["Gene Expression", "Gene Expression", "Antibody Capture"]
    packed: dict[str, OpenFile] = {
        f"{name}.gz": MemoryFile(f"{name}.gz", gzip.compress(b"".join(file.blocks()), mtime=0))
        for name, file in made().items()
    }
    same(tenx_read.read(packed), read)


def test_real_folders_are_what_scanpy_reads(shared_data):
    tenx = shared_data / "single_cell" / "10x"
    for path in (
        tenx / "3.0.0" / "filtered_feature_bc_matrix",
        tenx / "1.2.0" / "filtered_gene_bc_matrices" / "hg19_chr21",
    ):
        ours, theirs = tenx_read.read(folder(path)), scanpy.read_10x_mtx(path, var_names="gene_ids")
        same(ours, theirs)
        assert list(ours.var_names) == list(theirs.var_names)
        assert list(ours.var.gene_symbols) == list(theirs.var.gene_symbols)


def test_real_h5_are_what_scanpy_reads(shared_data):
    tenx = shared_data / "single_cell" / "10x"
    for path in (
        tenx / "3.0.0/filtered_feature_bc_matrix.h5",
        tenx / "1.2.0/filtered_gene_bc_matrices_h5.h5",
    ):
        ours, theirs = tenx_read.read({path.name: OnFile(path)}), scanpy.read_10x_h5(path)
        same(ours, theirs)
        assert list(ours.var.gene_ids) == list(theirs.var.gene_ids)
        assert list(ours.var.gene_symbols) == list(theirs.var_names)


def test_several_genomes_stand_beside_one_another(shared_data):
    path = shared_data / "single_cell" / "10x" / "1.2.0" / "multiple_genomes.h5"
    ours = tenx_read.read({path.name: OnFile(path)})
    for genome in ("another_genome", "hg19_chr21"):
        theirs = scanpy.read_10x_h5(path, genome=genome)
        part = ours[theirs.obs_names, ours.var.genome == genome]
        same(part, theirs)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"barcodes": b""}, "no barcodes in the set"),
        ({"barcodes": b"A-1\n"}, "1 barcodes and 3 features, but 2 columns and 3 rows"),
        ({"features": b"a\nb\nc\n"}, "a feature without a name"),
        ({"matrix": test_tenx.MATRIX[:-6]}, "3 entries instead of the 4 of line 3: cut off?"),
    ],
)
def test_a_broken_folder_is_refused(changed, problem):
    with pytest.raises(FormatError, match=problem.replace("?", r"\?")):
        tenx_read.read(made(**changed))


def test_no_entry_and_entries_twice():
    empty = b"%%MatrixMarket matrix coordinate integer general\n3 2 0\n"
    assert tenx_read.read(made(matrix=empty)).X.nnz == 0
    twice = b"%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 5\n1 1 1.5\n2 2 0\n"
    read = tenx_read.read(made(matrix=twice)).X
    assert (read.nnz, read[0, 0]) == (1, 6.5)


@pytest.mark.parametrize("name", ["example.h5ad", "pbmc68k_reduced.h5ad"])
def test_h5ad_is_what_anndata_reads(shared_data, name):
    path = shared_data / "single_cell" / "h5ad" / name
    ours, theirs = tenx_read.read_h5ad(OnFile(path)), anndata.read_h5ad(path)
    assert ours.shape == theirs.shape
    assert ours.obs.equals(theirs.obs)
    assert abs(ours.X - theirs.X).max() == 0


def test_a_loom_has_cells_first(shared_data):
    read = tenx_read.read_loom(MemoryFile("a.loom", test_loom.write()))
    assert read.X.toarray().tolist() == [[1, 2, 0], [0, 3, 4]]
    assert (list(read.obs_names), list(read.var_names)) == (["c1", "c2"], ["CD3E", "CD4", "CD8A"])
    assert read.layers["spliced"].shape == (2, 3)
    assert list(read.obs["sample"]) == ["S2", "S1"]
    path = shared_data / "single_cell" / "loom" / "pbmc68k_first200.loom"
    real = tenx_read.read_loom(OnFile(path))
    whole = anndata.read_h5ad(shared_data / "single_cell" / "h5ad" / "pbmc68k_reduced.h5ad")
    with h5py.File(path) as content:
        assert np.array_equal(real.X.toarray(), content["matrix"][:].T)
    assert list(real.obs_names) == list(whole.obs_names[:200])
    assert set(real.var_names) == set(whole.var_names)


def test_what_is_no_such_file_is_refused():
    for read in (tenx_read.read_h5ad, tenx_read.read_loom):
        with pytest.raises(FormatError, match="not an HDF5 file"):
            read(MemoryFile("a", b"PK"))
        with pytest.raises(FormatError, match="cut off, damaged"):
            read(MemoryFile("a", test_loom.write()[:-50]))
    buffer = io.BytesIO(test_tenx.h5())
    assert tenx_read.read({"a.h5": MemoryFile("a.h5", buffer.getvalue())}).shape == (2, 3)
