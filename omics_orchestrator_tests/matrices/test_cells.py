"""Single-cell file sets become one matrix: 10x, h5ad, loom, objects of R; made and public ones."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path
from typing import Any, Literal

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import zarr
from scipy import sparse

from omics_orchestrator.errors import DeliveryError, FormatError
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator.formats.rds_write import write_seurat
from omics_orchestrator.formats.tenx_read import read, read_h5ad, read_loom
from omics_orchestrator.matrices import cell_columns, registered
from omics_orchestrator.matrices.build import load_matrix
from omics_orchestrator_tests.matrices.conftest import Bench

pytestmark = pytest.mark.parametrize("bench", ["folder"], indirect=True)
CELLS = Path("single_cell")
ZARR = {"format": "anndata_zarr", "location": "store+lab://", "link": r"(?P<sample>[^/.]+)\.zarr/.*"}
TENX = {"format": "tenx", "location": "store+lab://sc/", "link": r"(?P<sample>[^/]+)/.*"}
MTX = b"%%MatrixMarket matrix coordinate integer general\n%\n"


def put_tenx(bench: Bench, sample: str, genes: str, cells: list[list[int]], barcodes: str) -> Path:
    """Write a 10x folder; `cells` are rows of counts, `genes` and `barcodes` one letter each."""
    folder = bench.folder / "sc" / sample
    folder.mkdir(parents=True)
    entries = [
        f"{gene + 1} {cell + 1} {count}\n"
        for cell, row in enumerate(cells)
        for gene, count in enumerate(row)
        if count
    ]
    size = f"{len(genes)} {len(cells)} {len(entries)}\n"
    (folder / "matrix.mtx.gz").write_bytes(gzip.compress(MTX + (size + "".join(entries)).encode()))
    (folder / "barcodes.tsv.gz").write_bytes(gzip.compress("".join(f"{b}-1\n" for b in barcodes).encode()))
    rows = "".join(f"ENSG0000000000{ord(g) % 10}\t{g}\tGene Expression\n" for g in genes)
    (folder / "features.tsv.gz").write_bytes(gzip.compress(rows.encode()))
    return folder


def matrix_of(bench: Bench) -> anndata.AnnData:
    return load_matrix(bench.stores, "demo", "counts")


def dense(matrix: Any) -> np.ndarray[Any, Any]:
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)


def test_folders_of_10x_are_stacked_by_their_links(bench: Bench) -> None:
    put_tenx(bench, "S1", "AB", [[1, 0], [2, 3]], "CG")
    put_tenx(bench, "S2", "BC", [[4, 5]], "C")
    built = bench.build(assay=TENX, known=["S1"])
    assert (built.shape, built.samples) == ((3, 3), 2)
    assert [(one.check, one.count) for one in built.findings] == [("samples_known", 1)]
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S1:C-1", "S1:G-1", "S2:C-1"]
    assert list(matrix.obs["sample_id"]) == ["S1", "S1", "S2"]
    assert list(matrix.var["gene_symbols"]) == ["A", "B", "C"]
    assert sparse.issparse(matrix.X)
    assert matrix.X.dtype == np.float32
    assert dense(matrix.X).tolist() == [[1, 0, 0], [2, 3, 0], [0, 4, 5]]
    again = bench.build(assay=TENX)
    assert (again.written_objects, again.data_version) == (0, built.data_version)


def test_any_other_content_is_another_version(bench: Bench) -> None:
    folder = put_tenx(bench, "S1", "AB", [[1, 0], [2, 3]], "CG")
    versions = {bench.build(assay=TENX).data_version}
    for cells, barcodes in (([[1, 0], [2, 4]], "CG"), ([[1, 0], [2, 4]], "CT")):
        shutil.rmtree(folder)
        put_tenx(bench, "S1", "AB", cells, barcodes)
        versions.add(bench.build(assay=TENX).data_version)
    folder.rename(folder.with_name("S2"))
    versions.add(bench.build(assay=TENX).data_version)
    assert len(versions) == 4


def test_what_cannot_be_used_is_left_out_and_told(bench: Bench) -> None:
    put_tenx(bench, "S1", "AB", [[1, 0], [2, 3]], "CG")
    (put_tenx(bench, "S2", "AB", [[1, 1]], "C") / "features.tsv.gz").unlink()
    shutil.move(put_tenx(bench, "S3", "AB", [[1, 1]], "C") / "matrix.mtx.gz", bench.folder / "sc")
    for name in ("barcodes", "features"):
        shutil.move(bench.folder / f"sc/S3/{name}.tsv.gz", bench.folder / "sc")
    built = bench.build(assay=TENX)
    assert built.shape == (2, 2)
    whys = {finding.message.partition(" is ")[2].partition(":")[0] for finding in built.findings}
    assert whys == {"invalid", "linked to no sample"}
    assert {finding.check for finding in built.findings} == {"files_usable"}
    shutil.rmtree(bench.folder / "sc/S1")
    bench.register(TENX)
    with pytest.raises(DeliveryError, match="no matrix is built: .* missing"):
        bench.build_registered(assay=TENX)


def test_a_file_that_changed_since_is_not_read(bench: Bench) -> None:
    folder = put_tenx(bench, "S1", "AB", [[1, 0], [2, 3]], "CG")
    bench.register(TENX)
    shutil.rmtree(folder)
    put_tenx(bench, "S1", "AB", [[1, 0], [2, 4]], "CG")
    with pytest.raises(DeliveryError, match="registry file . changed since"):
        bench.build_registered(assay=TENX)


def put_h5ad(bench: Bench, name: str, made: anndata.AnnData) -> None:
    path = bench.folder / name
    made.write_h5ad(path)


def made_cells(
    names: list[str], genes: list[str], obs: dict[str, Any], *, loadings: int = 2
) -> anndata.AnnData:
    x = np.arange(len(names) * len(genes), dtype=float).reshape(len(names), len(genes))
    made = anndata.AnnData(
        sparse.csr_matrix(x), obs=pd.DataFrame(obs, index=names), var=pd.DataFrame(index=genes)
    )
    made.obsm["X_pca"] = np.ones((len(names), loadings))
    made.layers["counts"] = made.X.copy()
    made.raw = made
    return made


def test_cells_of_many_samples_are_told_apart_by_a_column(bench: Bench) -> None:
    obs = {"donor": pd.Categorical(["S1", "S2", None]), "n": [1, 2, 3], "good": [True, False, True]}
    put_h5ad(bench, "a.h5ad", made_cells(["c1", "c2", "c3"], ["A", "B"], obs))
    put_h5ad(
        bench, "b.h5ad", made_cells(["c1", "c2"], ["B", "C"], {"donor": ["S1", "S3"], "kind": ["T", "B"]})
    )
    assay = {"format": "h5ad", "location": "store+lab://*.h5ad", "sample_column": "donor"}
    built = bench.build(assay=assay)
    assert (built.shape, built.samples) == ((5, 3), 3)
    assert [(one.check, one.count) for one in built.findings] == [("samples_known", 1), ("samples_unique", 1)]
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S1:c1", "S2:c2", "c3", "S1:c1#2", "S3:c2"]
    assert matrix.obs["sample_id"].tolist()[:2] == ["S1", "S2"]
    assert pd.isna(matrix.obs["sample_id"].iloc[2])
    assert list(matrix.obs.columns) == ["sample_id", "file_donor", "file_n", "file_good", "file_kind"]
    assert matrix.obs["file_n"].tolist()[:3] == [1, 2, 3]
    assert matrix.obs["file_good"].tolist()[:3] == [True, False, True]
    assert matrix.obs["file_kind"].tolist()[3:] == ["T", "B"]
    assert dense(matrix.layers["counts"]).tolist() == dense(matrix.X).tolist()
    assert dense(matrix.X)[3].tolist() == [0, 0, 1]
    assert matrix.obsm["X_pca"].shape == (5, 2)
    assert matrix.raw is None
    assert bench.build(assay=assay).written_objects == 0


def test_embeddings_of_other_width_are_left_out(bench: Bench) -> None:
    put_h5ad(bench, "S1.h5ad", made_cells(["c1"], ["A"], {"n": [1]}))
    put_h5ad(bench, "S2.h5ad", made_cells(["c1"], ["A"], {"n": ["many"]}, loadings=3))
    assay = {"format": "h5ad", "location": "store+lab://*.h5ad", "link": r"(?P<sample>.+)\.h5ad"}
    bench.build(assay=assay)
    matrix = matrix_of(bench)
    assert list(matrix.obsm) == []
    assert matrix.obs["file_n"].tolist() == ["1", "many"]  # numbers and words: text


PUBLIC: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    "tenx": ("10x/3.0.0/filtered_feature_bc_matrix.h5", {}, (1107, 507)),
    "tenx two genomes": ("10x/1.2.0/multiple_genomes.h5", {}, (12, 686)),
    "h5ad": ("h5ad/pbmc68k_reduced.h5ad", {}, (700, 765)),
    "h5ad small": ("h5ad/example.h5ad", {}, (50, 100)),
    "h5mu": ("h5mu/v0.3.10/mdata_axis0.h5mu", {}, (100, 30)),
    "h5mu older": ("h5mu/v0.2.4/mdata_axis0.h5mu", {}, (100, 30)),
    "h5mu shared genes": ("h5mu/v0.3.10/mdata_axis1.h5mu", {}, (100, 30)),
    "loom": ("loom/pbmc68k_first200.loom", {}, (200, 765)),
    "rds": ("seurat/pbmc_small_seurat_v4.rds", {"sample_column": "groups"}, (80, 230)),
    "rds five": ("seurat/pbmc_small_seurat_v5_assay5.rds", {}, (80, 230)),
    "rds split": ("seurat/pbmc_small_seurat_v5_split_layers.rds", {}, (80, 230)),
    "rds two assays": ("seurat/pbmc_small_two_assays_v4.rds", {}, (80, 230)),
    "rds sce": ("seurat/pbmc_small_sce.rds", {}, (80, 230)),
}


@pytest.mark.parametrize("kind", sorted(PUBLIC))
def test_public_single_cells(bench: Bench, shared_data: Path, kind: str) -> None:
    key, options, shape = PUBLIC[kind]
    file = shared_data / CELLS / key
    shutil.copy(file, bench.folder)
    word = kind.partition(" ")[0]
    assay = {
        "format": word,
        "location": f"store+lab://{file.name}",
        "link": r"(?P<sample>[^.]+)\..*",
        **options,
    }
    if options:
        del assay["link"]
    built = bench.build(assay=assay)
    matrix = matrix_of(bench)
    assert "shape" not in {finding.check for finding in built.findings}
    assert matrix.shape == built.shape == shape
    assert matrix.obs_names.is_unique
    assert matrix.var_names.is_unique
    assert bench.build(assay=assay).written_objects == 0
    original = {"tenx": read, "h5ad": read_h5ad, "loom": read_loom}.get(word)
    if original:
        opened = MemoryFile(file.name, file.read_bytes())
        expected = original({file.name: opened} if word == "tenx" else opened)  # type: ignore[operator]
        assert np.array_equal(dense(matrix.X), dense(expected.X))
        assert [name.partition(":")[2] for name in matrix.obs_names] == list(expected.obs_names)


@pytest.mark.parametrize("modality", ["mod1", "mod2"])
def test_a_modality_is_that_which_mudata_reads(bench: Bench, shared_data: Path, modality: str) -> None:
    for name in ("v0.2.4/mdata_axis0", "v0.3.10/mdata_axis0", "v0.3.10/mdata_axis1"):
        file = shared_data / CELLS / f"h5mu/{name}.h5mu"
        shutil.copy(file, bench.folder / "S1.h5mu")
        link = r"(?P<sample>[^.]+)\..*"
        assay = {"format": "h5mu", "location": "store+lab://*.h5mu", "modality": modality, "link": link}
        built = bench.build(assay=assay)
        matrix, whole = matrix_of(bench), mudata.read_h5mu(file)
        expected = whole.mod[modality]
        assert np.array_equal(dense(matrix.X), dense(expected.X))
        assert list(matrix.obs_names) == [f"S1:{name}" for name in expected.obs_names]
        assert list(matrix.var_names) == list(expected.var_names)
        assert list(matrix.obs["file_arange"]) == list(whole.obs["arange"][expected.obs_names])
        assert list(matrix.var.columns) == list(expected.var.columns)
        assert ("files_usable", 1) in [(one.check, one.count) for one in built.findings]
        assert "1 assay beside the main one left out" in " ".join(one.message for one in built.findings)


@pytest.mark.parametrize("modality", ["mod1", "mod2"])
def test_a_modality_of_a_zarr_store_is_that_which_mudata_reads(
    bench: Bench, shared_data: Path, tmp_path: Path, modality: str
) -> None:
    for name in ("mdata_axis0", "mdata_axis1"):
        with zipfile.ZipFile(shared_data / CELLS / f"h5mu/v0.3.10/{name}.zarr.zip") as packed:
            packed.extractall(tmp_path / name)
        shutil.rmtree(bench.folder / "S1.zarr", ignore_errors=True)
        shutil.copytree(tmp_path / name, bench.folder / "S1.zarr")
        built = bench.build(assay={**ZARR, "modality": modality})
        matrix, expected = matrix_of(bench), mudata.read_zarr(tmp_path / name).mod[modality]
        assert built.shape == expected.shape
        assert np.array_equal(dense(matrix.X), dense(expected.X))
        assert list(matrix.obs_names) == [f"S1:{name}" for name in expected.obs_names]
        assert list(matrix.var_names) == list(expected.var_names)
        assert bench.build(assay={**ZARR, "modality": modality}).written_objects == 0


@pytest.mark.parametrize("version", [2, 3])
def test_stores_of_zarr_are_stacked(
    bench: Bench, version: Literal[2, 3], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stores with other genes; what is held in memory of their files is bounded."""
    monkeypatch.setattr(registered, "IN_MEMORY", 2000)
    for name, genes in (("S1", ["A", "B"]), ("S2", ["B", "C"])):
        made = made_cells(["c1", "c2"], genes, {"kind": pd.Categorical(["T", "B"]), "donor": [name, "S9"]})
        group = zarr.open_group(bench.folder / f"{name}.zarr", mode="w", zarr_format=version)
        anndata.io.write_elem(group, "/", made)
    built = bench.build(assay=ZARR)
    matrix = matrix_of(bench)
    assert (built.shape, built.samples, built.findings) == ((4, 3), 2, ())
    assert list(matrix.obs_names) == ["S1:c1", "S1:c2", "S2:c1", "S2:c2"]
    assert dense(matrix.X).tolist() == [[0, 1, 0], [2, 3, 0], [0, 0, 1], [0, 2, 3]]
    assert dense(matrix.layers["counts"]).tolist() == dense(matrix.X).tolist()
    assert matrix.obs["file_kind"].tolist() == ["T", "B", "T", "B"]
    assert bench.build(assay=ZARR).written_objects == 0
    left = write_seurat(matrix, bench.folder.parent / "out.rds")
    again = read_rds(bench.folder.parent / "out.rds")
    assert (left, list(again.obs_names)) == ([], list(matrix.obs_names))
    assert dense(again.layers["counts"]).tolist() == dense(matrix.X).tolist()
    by_column = {"format": "anndata_zarr", "location": "store+lab://", "sample_column": "donor"}
    for assay in (
        {**ZARR, "sample_column": "donor"},
        by_column,
    ):  # without a link the names inside are the samples
        built = bench.build(assay=assay)
        assert list(matrix_of(bench).obs_names) == ["S1:c1", "S9:c2", "S2:c1", "S9:c2#2"]
        assert "files_usable" not in [one.check for one in built.findings]
    chunk = next((bench.folder / "S2.zarr" / "X" / "indices").glob("0" if version == 2 else "c/0"))
    chunk.write_bytes(chunk.read_bytes()[:-2])
    built = bench.build(assay=ZARR)
    assert (built.shape, [one.check for one in built.findings]) == ((2, 2), ["files_usable"])


def test_cells_of_a_modality_bear_the_samples_of_the_whole(bench: Bench) -> None:
    rna = made_cells(["c1", "c2", "c3"], ["A", "B"], {"n": [1, 2, 3]})
    protein = made_cells(["c3", "c1"], ["P"], {"kind": ["T", "B"]})
    with mudata.set_options(pull_on_update=False):
        whole = mudata.MuData({"rna": rna, "protein": protein})
        whole.obs["donor"] = pd.Series({"c1": "S1", "c2": "S2", "c3": "S3"})
        whole.obsm["X_joint"] = np.arange(6.0).reshape(3, 2)
        whole.write_h5mu(bench.folder / "a.h5mu")
    joint = {name: list(row) for name, row in zip(whole.obs_names, whole.obsm["X_joint"], strict=True)}
    assay = {"format": "h5mu", "location": "store+lab://*.h5mu", "sample_column": "donor"}
    bench.build(assay=assay)
    assert list(matrix_of(bench).obs_names) == ["S1:c1", "S2:c2", "S3:c3"]
    bench.build(assay={**assay, "modality": "protein"})
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S3:c3", "S1:c1"]
    assert list(matrix.obs.columns) == ["sample_id", "file_donor", "file_kind"]
    assert matrix.obs["file_kind"].tolist() == ["T", "B"]
    assert matrix.obsm["X_joint"].tolist() == [joint["c3"], joint["c1"]]
    assert dense(matrix.layers["counts"]).tolist() == [[0], [1]]
    bench.register({**assay, "modality": "nothing"})
    with pytest.raises(FormatError, match="no modality of the declared name among its 2"):
        bench.build_registered(assay={**assay, "modality": "nothing"})


def test_numbers_of_seurat_are_those_that_r_wrote(bench: Bench, shared_data: Path) -> None:
    folder = shared_data / CELLS / "seurat"
    shutil.copy(folder / "pbmc_small_seurat_v4.rds", bench.folder)
    bench.build(assay={"format": "rds", "location": "store+lab://*.rds", "sample_column": "groups"})
    matrix = matrix_of(bench)
    expected = pd.read_csv(folder / "expected_pbmc_small_counts.csv", index_col=0)
    counts = pd.DataFrame(dense(matrix.layers["counts"]).T, matrix.var_names, matrix.obs_names)
    counts.columns = [name.partition(":")[2] for name in counts.columns]
    assert (counts.loc[expected.index, expected.columns].to_numpy() == expected.to_numpy()).all()
    meta = pd.read_csv(folder / "expected_pbmc_small_meta.csv", index_col=0)
    assert list(matrix.obs["sample_id"]) == list(meta["groups"])
    assert np.allclose(matrix.obs["file_nCount_RNA"], meta["nCount_RNA"])
    assert set(matrix.obsm) >= {"X_pca", "X_tsne"}


def test_the_only_set_that_is_no_matrix_is_refused(bench: Bench, shared_data: Path) -> None:
    shutil.copy(shared_data / CELLS / "h5ad/example.h5ad", bench.folder / "S1.h5ad")
    assay = {"format": "h5ad", "location": "store+lab://*.h5ad", "link": r"(?P<sample>.+)\.h5ad"}
    bench.register(assay)
    with pytest.raises(FormatError, match="no column"):
        bench.build_registered(assay={**assay, "sample_column": "nothing"})


def test_text_of_pseudonymised_studies_is_replaced(bench: Bench) -> None:
    del bench
    known = {"P1": "X7", "17": "X8"}

    def replace(text: str) -> str:
        for name, pseudonym in known.items():
            text = text.replace(name, pseudonym)
        return text

    obs = pd.DataFrame(
        {"who": pd.Categorical(["P1 left", "other"]), "number": [17, 17], "P1/n": [17, 18], "x": [0.5, 17.0]}
    )
    made = cell_columns.of_file(obs, replace)
    assert list(made.columns) == ["file_who", "file_number", "file_X7_n", "file_x"]
    assert made["file_who"].tolist() == ["X7 left", "other"]
    assert made["file_number"].tolist() == ["X8", "X8"]
    assert made["file_X7_n"].tolist() == [17, 18]
    assert cell_columns.names(["ACGT-1", "P1_ACGT-1"], replace) == ["ACGT-1", "X7_ACGT-1"]
