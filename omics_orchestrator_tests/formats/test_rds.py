"""rds: R objects of real R, small ones made here, every way to be wrong. Values: test_rds_read.py."""

import gzip
from typing import Any

import pytest

pytest.importorskip("rdata")

from omics_orchestrator.formats import Format
from omics_orchestrator.formats import rds_emit as r
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.rds import Rds

CELLS = ["c1", "c2", "c3"]


def sparse(rows: list[str], columns: list[str], *, kind: str = "dgCMatrix", **slots: r.Node) -> r.Node:
    """Return a matrix with one 1 in each column, in row 0."""
    parts = {
        "i": r.whole([0] * len(columns)),
        "p": r.whole(range(len(columns) + 1)),
        "Dim": r.whole([len(rows), len(columns)]),
        "Dimnames": r.Node(r.LIST, [r.texts(rows), r.texts(columns)]),
        "x": r.real([1.0] * len(columns)),
        "factors": r.Node(r.LIST, []),
    }
    return r.s4(kind, "Matrix", {**parts, **slots})


def frame(rows: list[str], columns: dict[str, r.Node]) -> r.Node:
    return r.named_list(columns, **{"row.names": r.texts(rows), "class": r.texts(["data.frame"])})


def factor(codes: list[int], levels: list[str]) -> r.Node:
    return r.whole(codes, levels=r.texts(levels), **{"class": r.texts(["factor"])})


def assay(**slots: r.Node) -> r.Node:
    parts = {
        "counts": sparse(["g1", "g2"], CELLS),
        "data": sparse(["g1", "g2"], CELLS),
        "scale.data": r.real([], dim=r.whole([0, 0])),
        "key": r.texts(["rna_"]),
        "var.features": r.texts(["g2"]),
        "meta.features": frame(["g1", "g2"], {}),
    }
    return r.s4("Assay", "SeuratObject", {**parts, **slots})


def seurat(**slots: r.Node) -> r.Node:
    parts = {
        "assays": r.named_list({"RNA": assay()}),
        "meta.data": frame(CELLS, {"sample": factor([3, 1, r.NA_INTEGER], ["S2", "unused", "S1"])}),
        "active.assay": r.texts(["RNA"]),
        "active.ident": factor([1, 1, 1], ["a"]),
        "version": r.Node(r.LIST, [r.whole([4, 1, 3])], {"class": r.texts(["package_version"])}),
    }
    return r.s4("Seurat", "SeuratObject", {**parts, **slots})


def plain(node: r.Node) -> bytes:
    return b"".join(r.serialised(node))


def tiny() -> tuple[Format, str, bytes]:
    return Rds(sample_column="sample"), "a.rds", gzip.compress(plain(seurat()), mtime=0)


def look(raw: bytes, sample_column: str | None = None) -> Inspection:
    return Rds(sample_column=sample_column).inspect_bytes("a.rds", raw)


def test_the_object_is_described():
    found = look(plain(seurat()), "sample")
    assert (found.verdict, found.problems, found.samples) == ("valid", (), ("S2", "S1"))
    facts: Any = found.facts
    assert (facts["class"], facts["n_cells"], facts["object_version"]) == ("Seurat", 3, "4.1.3")
    assert (facts["serialisation"], facts["written_by_r"], facts["writing"]) == (2, "4.2.2", "xdr")
    assert facts["assays"]["RNA"]["layers"]["counts"] == {"shape": [2, 3], "class": "dgCMatrix", "stored": 3}
    assert facts["metadata_columns"] == ["sample"]
    assert facts["not_representable"] == []
    assert look(plain(seurat())).samples == ()
    assert look(plain(seurat()), "donor").problems == ('the metadata of cells has no column "donor"',)
