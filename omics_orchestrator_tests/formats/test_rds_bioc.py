"""Experiments that Bioconductor writes here; skipped where R has no SingleCellExperiment."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omics_orchestrator.formats.rds import Rds
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.real_r import run_r, with_package

pytestmark = pytest.mark.skipif(
    not with_package("SingleCellExperiment"),
    reason="needs Rscript with SingleCellExperiment (r-bioc-singlecellexperiment)",
)

MAKE = r"""
suppressMessages(library(SingleCellExperiment)); at <- function(name) file.path(a[1], paste0(name, ".rds"))
m <- matrix(1:60, 10, 6, dimnames = list(paste0("g", 1:10), paste0("c", 1:6)))
ranges <- GRanges(rep(c("chr1", "chr2"), each = 5), IRanges(1:10 * 100, width = 10), strand = rep(c("+", "-"), 5))
names(ranges) <- rownames(m); ranges$symbol <- letters[1:10]
s <- SingleCellExperiment(list(counts = as(m * 1, "dgCMatrix"), logcounts = log1p(m)), rowRanges = ranges,
  colData = DataFrame(group = factor(rep(c("x", "y"), 3)), n = 1:6), metadata = list(note = "n", fun = mean))
p <- matrix(1:12 / 10, 6, 2); attr(p, "percentVar") <- c(60, 40)
attr(p, "rotation") <- matrix(1:4, 2, 2, dimnames = list(c("g3", "g1"), NULL)); reducedDim(s, "PCA") <- p
reducedDim(s, "LEM") <- LinearEmbeddingMatrix(p * 2, matrix(1:4, 2, 2))
adt <- matrix(1:12, 2, 6, dimnames = list(c("CD3", "CD4"), colnames(m)))
altExp(s, "ADT") <- SummarizedExperiment(list(counts = adt), rowData = DataFrame(clone = c("a", "b")))
mainExpName(s) <- "RNA"; colPair(s, "knn") <- SelfHits(c(1, 2, 3), c(2, 3, 1), nnode = 6, x = c(.1, .2, .3))
colData(s)$nested <- DataFrame(a = 1:6); saveRDS(s, at("sce"))
old <- new("ShallowSimpleListAssays"); old$data <- SimpleList(counts = m)
e <- SummarizedExperiment(list(counts = m), colData = DataFrame(g = 1:6, row.names = colnames(m)))
e@assays <- old; saveRDS(e, at("old")); dimnames(m) <- NULL; saveRDS(SummarizedExperiment(list(m)), at("nameless"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bioc")
    run_r(MAKE, made, packages=["Matrix"])
    return made


def test_a_single_cell_experiment_with_all_its_parts(folder):
    made = read_rds(folder / "sce.rds")
    assert list(made.mod) == ["RNA", "ADT"]
    rna, adt = made.mod["RNA"], made.mod["ADT"]
    assert rna.layers["counts"].toarray().T.tolist() == np.arange(1, 61).reshape(6, 10).T.tolist()
    np.testing.assert_allclose(rna.X, np.log1p(np.arange(1, 61).reshape(6, 10)))
    assert adt.X.tolist() == np.arange(1, 13).reshape(6, 2).tolist()
    assert (list(adt.var["clone"]), list(made.obs.columns)) == (["a", "b"], ["group", "n"])
    assert rna.var.loc["g7", ["seqnames", "start", "end", "strand", "symbol"]].tolist() == [
        "chr2", 700, 709, "+", "g",
    ]  # fmt: skip
    assert rna.obsm["X_PCA"][:, 0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert rna.obsm["X_LEM"][5, 1] == 2.4
    assert rna.varm["PCA"][:3].tolist()[::2] == [[2, 4], [1, 3]]
    assert np.isnan(rna.varm["PCA"]).sum() == 16
    assert rna.obsp["knn"].toarray()[[0, 1, 2], [1, 2, 0]].tolist() == [0.1, 0.2, 0.3]
    kept = rna.uns["experiment"]
    assert kept["reductions"]["PCA"]["percentVar"].tolist() == [60, 40]
    assert (kept["metadata"], list(kept["colData"]["nested"]["a"])) == ({"note": "n"}, [1, 2, 3, 4, 5, 6])
    assert made.uns["not_representable"] == ["@metadata$fun: function"]
    assert {"@colData$nested", "@metadata"} <= set(made.uns["kept"])
    facts: Any = Rds().inspect(OnFile(folder / "sce.rds")).facts
    assert facts["alternative_experiments"]["ADT"]["n_features"] == 2
    assert facts["reductions"] == {"PCA": {"dimensions": 2}, "LEM": {"dimensions": 2}}


def test_assays_of_before_2020_lie_in_an_environment(folder):
    made = read_rds(folder / "old.rds")
    assert made.X.T.tolist() == np.arange(1, 61).reshape(6, 10).T.tolist()
    assert (list(made.obs["g"]), made.uns["not_representable"]) == ([1, 2, 3, 4, 5, 6], [])
    assert Rds().inspect(OnFile(folder / "old.rds")).facts["n_features"] == 10


def test_one_without_names(folder):
    made = read_rds(folder / "nameless.rds")
    assert (made.shape, list(made.obs_names[:2]), made.X[1, 0]) == ((6, 10), ["1", "2"], 11)
