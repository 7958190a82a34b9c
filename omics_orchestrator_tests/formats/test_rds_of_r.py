"""Objects that real R writes here: every way of writing, every kind of slot. Skipped where R is not installed."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds import Rds
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.real_r import needs_r, run_r

MAKE = r"""
set.seed(1); folder <- a[1]; at <- function(name) file.path(folder, paste0(name, ".rds"))
counts <- matrix(rpois(60, 1), 10, 6, dimnames = list(paste0("g", 1:10), paste0("c", 1:6)))
o <- CreateSeuratObject(as(counts, "dgCMatrix"), project = "p")
o$int <- c(1L, NA, 3:6); o$ok <- c(TRUE, NA, FALSE, TRUE, TRUE, FALSE); o$x <- c(0.1, NaN, NA, Inf, -Inf, 1e-300)
o$stage <- factor(c("b", NA, "a", "b", "a", "b"), levels = c("b", "a", "unused"), ordered = TRUE)
o$day <- as.Date("2020-02-28") + 0:5; o$time <- as.POSIXct("2020-01-01 12:00:00", tz = "UTC") + c(0, NA, 1:4)
o$text <- c("\u00e4", NA, "b", "", "NA", "\u65e5"); o$seq <- 1:6
latin <- "caf\xe9"; Encoding(latin) <- "latin1"; o$latin <- rep(latin, 6)
o@meta.data$many <- I(as.list(1:6))
f <- compiler::cmpfun(function(x) { for (i in 1:3) x <- x + file.create(tempfile()); x }); f(1)
e <- new.env(); assign("secret", 1, e)
o@misc <- list(fun = f, env = e, formula = y ~ x, call = quote(g(1)), raw = as.raw(0:3), z = 1+2i, none = NULL,
  nested = list(1, list(b = "b", fun = mean)), frame = data.frame(a = 1:2), m = matrix(1:4, 2), v = c(k = 1, l = 2),
  deferred = as.character(1:5), long = 1:200000, version = packageVersion("base"), ordered = sort(c(3, 1, 2)))
o@tools <- list(model = lm(dist ~ speed, cars))
o[["emb"]] <- CreateDimReducObject(matrix(rnorm(12), 6, 2, dimnames = list(paste0("c", 1:6), c("E_1", "E_2"))),
  key = "E_", assay = "RNA")
nn <- new("Neighbor", nn.idx = cbind(1:6, c(2:6, 1)), nn.dist = cbind(rep(0, 6), 1:6), cell.names = paste0("c", 1:6))
o@neighbors <- list(RNA.nn = nn)
o <- SetAssayData(o, slot = "scale.data", new.data = t(scale(t(counts[c(3, 1), ]))))
VariableFeatures(o) <- c("g7", "g2")
saveRDS(o, at("gzip")); saveRDS(o, at("bzip2"), compress = "bzip2"); saveRDS(o, at("xz"), compress = "xz")
saveRDS(o, at("none"), compress = FALSE); saveRDS(o, at("v2"), version = 2); saveRDS(o, at("ascii"), ascii = TRUE)
saveRDS(o, at("ascii2"), ascii = TRUE, version = 2); saveRDS(o, at("hex"), ascii = NA)
writeBin(serialize(o, NULL, xdr = FALSE), at("native"))
d <- CreateSeuratObject(CreateAssayObject(counts = counts)); saveRDS(d, at("plain"))
s <- as(counts, "dgCMatrix"); sym <- Matrix::forceSymmetric(Matrix::crossprod(s))
l <- list(dgC = s, dgT = as(s, "TsparseMatrix"), dgR = as(s, "RsparseMatrix"), lgC = s > 0, ngC = as(s > 0, "nMatrix"),
  dsC = sym, tri = Matrix::triu(sym), dge = as(counts * 1, "dgeMatrix"), plain = counts)
saveRDS(l, at("matrices")); for (n in names(l)) write.csv(as.matrix(l[[n]]) * 1, file.path(folder, paste0(n, ".csv")))
saveRDS(data.frame(a = 1:3), at("frame")); saveRDS(counts, at("matrix")); saveRDS(s, at("dgCMatrix"))
saveRDS(function(x) x, at("function")); saveRDS(NULL, at("NULL")); save(o, file = file.path(folder, "work.RData"))
saveRDS(new("Assay"), at("Assay"))
big <- list(); for (i in 1:300) big <- list(big); saveRDS(big, at("deep"))
cat(sum(counts))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("r")
    run_r(MAKE, made)
    return made


def dense(values: Any) -> Any:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


@needs_r
def test_every_way_of_writing_gives_the_same(folder):
    first = Rds().inspect(OnFile(folder / "gzip.rds")).facts
    for name, compression, writing, version in (
        ("bzip2", "bzip2", "xdr", 3),
        ("xz", "xz", "xdr", 3),
        ("none", "none", "xdr", 3),
        ("v2", "gzip", "xdr", 2),
        ("ascii", "gzip", "ascii", 3),
        ("ascii2", "gzip", "ascii", 2),
        ("hex", "gzip", "ascii", 3),
        ("native", "none", "native", 3),
    ):
        path = folder / f"{name}.rds"
        assert Rds.sniff("x", path.read_bytes()[: 64 * 1024]), name
        found = Rds().inspect(OnFile(path))
        assert found.verdict == "valid", (name, found.problems)
        expected = {**first, "compression": compression, "writing": writing, "serialisation": version}
        if compression == "gzip" and not path.read_bytes().startswith(b"\x1f\x8b"):
            expected["compression"] = "none"  # saveRDS(ascii = TRUE) does not compress
        assert found.facts == expected, name
    first_read = read_rds(folder / "gzip.rds")
    for name in ("bzip2", "xz", "none", "v2", "ascii", "ascii2", "hex", "native"):
        made = read_rds(folder / f"{name}.rds")
        assert made.obs.drop(columns="x").equals(first_read.obs.drop(columns="x")), name
        np.testing.assert_allclose(made.obs["x"], first_read.obs["x"], rtol=1e-14)
        assert (made.X != first_read.X).nnz == 0
        digits = 1e-14 if name.startswith("ascii") else 0  # R writes 15 digits or 16
        np.testing.assert_allclose(made.obsm["X_emb"], first_read.obsm["X_emb"], rtol=digits)


@needs_r
def test_columns_keep_their_kind(folder):
    obs = read_rds(folder / "gzip.rds").obs
    assert list(obs["int"].isna()) == [False, True] + [False] * 4
    assert (str(obs["int"].dtype), str(obs["ok"].dtype), str(obs["seq"].dtype)) == (
        "Int32",
        "boolean",
        "int32",
    )
    np.testing.assert_array_equal(obs["x"], [0.1, np.nan, np.nan, np.inf, -np.inf, 1e-300])
    assert obs["stage"].cat.ordered
    assert list(obs["stage"].cat.categories) == ["b", "a", "unused"]
    assert list(obs["stage"].cat.codes) == [0, -1, 1, 0, 1, 0]
    assert list(obs["day"][:3]) == ["2020-02-28", "2020-02-29", "2020-03-01"]
    assert list(obs["time"][:3]) == ["2020-01-01T12:00:00.000", None, "2020-01-01T12:00:01.000"]
    assert list(obs["text"]) == ["ä", None, "b", "", "NA", "日"]
    assert obs["latin"].iloc[0] == "café"
    assert "many" not in obs


@needs_r
def test_code_is_named_and_all_else_is_kept(folder, tmp_path):
    made = read_rds(folder / "gzip.rds")
    lost = made.uns["not_representable"]
    for path in (
        "@misc$fun: function",
        "@misc$env: environment",
        "@misc$formula: call or formula",
        "@misc$call: call or formula",
        "@misc$nested$2$fun: function",
        "@tools$model$call: call or formula",
    ):
        assert path in lost
    assert Rds().inspect(OnFile(folder / "gzip.rds")).facts["not_representable"] == lost
    misc = made.uns["seurat"]["misc"]
    made_by = Rds().inspect(OnFile(folder / "gzip.rds")).facts["written_by_r"]
    assert "fun" not in misc
    assert list(misc["raw"]) == [0, 1, 2, 3]
    assert (misc["z"], misc["nested"]["2"], misc["version"]) == (1 + 2j, {"b": "b"}, made_by)
    assert list(misc["deferred"]) == list("12345")
    assert (len(misc["long"]), misc["long"][-1]) == (200_000, 200_000)
    assert list(misc["v"]["names"]) == ["k", "l"]
    assert list(misc["ordered"]) == [1, 2, 3]
    assert misc["m"].tolist() == [[1, 3], [2, 4]]
    np.testing.assert_allclose(
        made.uns["seurat"]["tools"]["model"]["coefficients"]["values"], [-17.579095, 3.932409], rtol=1e-6
    )
    assert {"@misc", "@tools", "@meta.data$many", "@neighbors$RNA.nn"} <= set(made.uns["kept"])
    assert made.uns["seurat"]["meta.data"]["many"] == {str(n): n for n in range(1, 7)}
    distances = made.obsp["RNA.nn_distances"]
    assert (distances[0, 1], distances[5, 0], distances.nnz) == (1, 6, 12)
    assert list(made.obsm["scale.data"].columns) == ["g1", "g3"]
    assert list(made.var["highly_variable_rank"].dropna().sort_values().index) == ["g7", "g2"]
    json.dumps(sorted(made.uns["kept"]))


@needs_r
def test_a_dense_assay(folder):
    made = read_rds(folder / "plain.rds")
    assert made.shape == (6, 10)
    assert (dense(made.layers["counts"]) == dense(made.X)).all()


@needs_r
@pytest.mark.parametrize("name", ["dgC", "dgT", "dgR", "lgC", "ngC", "dsC", "tri", "dge", "plain"])
def test_matrices_of_every_class(folder, name):
    import pandas as pd

    from omics_orchestrator.formats.rds_matrix import build, matrix
    from omics_orchestrator.formats.rds_parse import parse
    from omics_orchestrator.formats.rds_values import elements

    node = elements(parse([(folder / "matrices.rds").read_bytes()], keep=True).root)[name]
    expected = pd.read_csv(folder / f"{name}.csv", index_col=0)
    read = matrix(node, "it")
    assert (read.rows or list(expected.index), read.columns) == (list(expected.index), list(expected.columns))
    assert (dense(build(read)) == expected.to_numpy()).all()
    assert (dense(build(read, transposed=True)) == expected.to_numpy().T).all()


@needs_r
def test_other_objects(folder):
    facts: dict[str, Any] = {}
    for name in ("frame", "matrix", "dgCMatrix", "function", "NULL", "matrices", "Assay"):
        found = Rds().inspect(OnFile(folder / f"{name}.rds"))
        assert found.verdict == "valid", (name, found.problems)
        facts[name] = found.facts
        with pytest.raises(FormatError, match="no Seurat object"):
            read_rds(folder / f"{name}.rds")
    assert [facts[name]["class"] for name in facts] == [
        "data.frame", "matrix", "dgCMatrix", "function", "NULL", "list", "Assay",
    ]  # fmt: skip
    assert facts["dgCMatrix"]["shape"]["shape"] == [10, 6]
    assert facts["function"]["not_representable"] == ["@: function"]
    assert not Rds.sniff("work.rds", (folder / "work.RData").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        deep = Rds().inspect(OnFile(folder / "deep.rds"))
    assert deep.problems == ("nested more than 120 deep: no data object of ours",)
