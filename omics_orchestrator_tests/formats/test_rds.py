"""rds: R objects of real R, small ones made here, every way to be wrong. Values: test_rds_read.py."""

import bz2
import gzip
import lzma
import random
import struct
from typing import Any

import numpy as np
import pytest

from omics_orchestrator.formats import Format, rds_guard, rds_stream
from omics_orchestrator.formats import rds_emit as r
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.rds import Rds
from omics_orchestrator_tests.formats.onfile import OnFile

CELLS = ["c1", "c2", "c3"]


def sparse(rows: list[str], columns: list[str], **slots: r.Node) -> r.Node:
    """Return a matrix with one 1 in each column, in row 0."""
    parts = {
        "i": r.whole([0] * len(columns)),
        "p": r.whole(range(len(columns) + 1)),
        "Dim": r.whole([len(rows), len(columns)]),
        "Dimnames": r.Node(r.LIST, [r.texts(rows), r.texts(columns)]),
        "x": r.real([1.0] * len(columns)),
        "factors": r.Node(r.LIST, []),
    }
    return r.s4("dgCMatrix", "Matrix", {**parts, **slots})


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


def xdr(*integers: int) -> bytes:
    return struct.pack(f">{len(integers)}i", *integers)


HEADER = b"X\n" + xdr(2, 0x40202, 0x20300)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_every_compression_is_read_and_a_cut_or_a_flip_is_seen(compress):
    raw = compress(plain(seurat()))
    assert Rds.sniff("counts", raw[: 64 * 1024])
    whole = look(raw)
    assert whole.verdict == "valid"
    for cut in random.Random(2).sample(range(len(raw)), 25):
        assert look(raw[:cut]).verdict == "invalid", cut
    flips = [flip(raw, at) for at in random.Random(3).sample(range(len(raw) * 8), 60)]
    answers = [look(one) for one in flips]
    if compress is not bytes:
        assert all(one.verdict == "invalid" or one.facts == whole.facts for one in answers)
    assert any(one.verdict == "invalid" for one in answers)


def flip(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_names_do_not_decide_and_workspaces_are_not_claimed():
    raw = plain(seurat())
    assert Rds.sniff("README.txt", raw)
    assert Rds.sniff("a", b"B\n\3\0\0\0\2\2\4\0\0\5\3\0")
    assert Rds.sniff("a", b"A\n2\n262146\n131840\n")
    assert not Rds.sniff("a.rds", b"RDX3\n" + raw)
    assert not Rds.sniff("a.rds", b"A\n2\n3\n4\n")
    assert look(b"RDX3\n" + raw).problems == (
        "an .RData workspace, not one R object: save the object with saveRDS()",
    )
    assert look(raw + b"more").problems == ("4 bytes follow the object: R does not read them",)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (xdr(13, 2**31 - 1), "the object ends early"),
        (xdr(14, -1, 2**30, 0), "the object ends early"),
        (xdr(13, -5), "a vector's length is negative"),
        (xdr(16, 2**31 - 1), "the object ends early"),
        (xdr(16, 1, 13, 4), "a text vector holds something else"),
        (xdr(19, 2**31 - 1), "the object ends early"),
        (xdr(19, 1) * 200, "nested more than 120 deep"),
        (xdr(2 | 0x200) * 200, "nested more than 120 deep"),
        (xdr(19, 30_000) + xdr(254) * 30_000, "more than 20,000 objects"),
        (xdr(2, 254) * 30_000 + xdr(254), "more than 20,000 objects"),
        (xdr(16, 30_000) + xdr(9, 0) * 30_000, "more than 20,000 texts"),
        (xdr(255 | 7 << 8), "a reference to an object that is not there"),
        (xdr(21, 2**30), "the object ends early"),
        (xdr(21, 1, 254, 2**30) + xdr(6, 254) * 200, "nested more than 120 deep"),
        (xdr(21, 1, 254, 30_000) + xdr(6, 254, 243, 0, 243, 0) * 30_000, "more than 20,000 objects"),
        (xdr(7, 0), "cut off, damaged or no R object"),
        (xdr(99), "cut off, damaged or no R object"),
        (xdr(254)[:3], "the object ends early"),
    ],
)
def test_lies_are_refused_before_memory_is_taken(body, problem, monkeypatch):
    monkeypatch.setattr(rds_guard, "MOST_OBJECTS", 20_000)
    monkeypatch.setattr(rds_guard, "MOST_TEXTS", 20_000)
    found = look(HEADER + body)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def compact(*numbers: float) -> bytes:
    """Return 1:n written in short (ALTREP compact_intseq)."""
    name = xdr(1, 9, 14) + b"compact_intseq"
    info = xdr(2) + name + xdr(2, 1, 9, 4) + b"base" + xdr(2, 13, 1, 13, 254)
    return xdr(238) + info + xdr(14, 3) + struct.pack(">3d", *numbers) + xdr(254)


def test_ranges_are_read_up_to_a_limit(monkeypatch):
    assert look(HEADER + compact(5, 1, 1)).facts["length"] == 5
    assert "a range of more than" in look(HEADER + compact(1e15, 1, 1)).problems[0]
    monkeypatch.setattr(rds_guard, "LONGEST", 1000)
    many = HEADER + xdr(19, 9) + compact(500, 1, 1) * 9
    assert "ranges of more than" in look(many).problems[0]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lambda raw: lzma.compress(raw, preset=0)])
def test_a_decompression_bomb_is_refused(compress, monkeypatch):
    monkeypatch.setattr(rds_stream, "BOMB", 16 * 1024 * 1024)
    bomb = compress(HEADER + xdr(14, 2**30) + bytes(20 * 1024 * 1024))
    assert "a decompression bomb?" in look(bomb).problems[0]


def test_large_arrays_are_not_kept_but_checked():
    """1.5 million elements: read in pieces, of their values only the range stays."""
    n = 1_500_000
    big = {"i": r.whole(np.zeros(n)), "x": r.real(np.ones(n)), "p": r.whole([0, n, n, n])}
    good = seurat(assays=r.named_list({"RNA": assay(counts=sparse(["g1", "g2"], CELLS, **big))}))
    found = look(plain(good))
    assert found.verdict == "valid"
    assert found.facts["assays"]["RNA"]["layers"]["counts"]["stored"] == n  # type: ignore[index,call-overload]
    big["i"].value[n // 2] = 2
    bad = seurat(assays=r.named_list({"RNA": assay(counts=sparse(["g1", "g2"], CELLS, **big))}))
    assert look(plain(bad)).problems == ("assay 1, counts: an index of a sparse matrix lies outside of it",)


def counts(**slots: r.Node) -> r.Node:
    return seurat(assays=r.named_list({"RNA": assay(counts=sparse(["g1", "g2"], CELLS, **slots))}))


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (counts(i=r.whole([0, 0, 2])), "assay 1, counts: an index of a sparse matrix lies outside of it"),
        (counts(i=r.whole([0, -1, 0])), "assay 1, counts: an index of a sparse matrix lies outside of it"),
        (counts(p=r.whole([0, 2, 1, 3])), "assay 1, counts: the pointers of a sparse matrix go backwards"),
        (
            counts(p=r.whole([0, 1, 3])),
            "assay 1, counts: the pointers of a sparse matrix do not fit its shape",
        ),
        (counts(x=r.real([1])), "assay 1, counts: 1 values for 3 indices"),
        (counts(Dim=r.whole([-2, 3])), "assay 1, counts is no matrix"),
        (counts(Dim=r.whole([3, 3])), "assay 1, counts: 2 names for 3 rows or columns"),
        (
            seurat(**{"meta.data": frame(CELLS, {"sample": factor([9, 1, 1], ["a"])})}),
            "the metadata of cells, column 1: a factor with codes beyond its 1 levels",
        ),
        (
            seurat(**{"meta.data": frame(CELLS, {"sample": factor([1, 1, 1], ["a", "a"])})}),
            "the metadata of cells, column 1: a factor with a level twice",
        ),
        (seurat(**{"active.ident": factor([1, 1], ["a"])}), "2 identities for 3 cells"),
        (
            seurat(**{"meta.data": frame(["c1", "c2", "x"], {})}),
            "assay 1 has cells that the metadata of cells",
        ),
        (seurat(**{"meta.data": frame(["c1", "c1", "c3"], {})}), "two cells with the same name"),
        (seurat(**{"meta.data": frame(CELLS, {"n": r.whole([1])})}), "the metadata of cells: a column has 1"),
        (seurat(**{"meta.data": r.NULL}), "the metadata of cells is no data frame"),
        (
            seurat(reductions=r.named_list({"pca": r.s4("DimReduc", "SeuratObject", {})})),
            "reduction 1 has no",
        ),
    ],
)
def test_parts_that_do_not_fit_are_said(node, problem):
    found = look(plain(node))
    assert found.facts["class"] == "Seurat"
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_an_object_without_a_class_is_refused():
    nothing = r.Node(r.S4, None, {"assays": r.Node(r.LIST, [])})
    assert look(plain(nothing)).problems == ("an S4 object without a class: the file is damaged",)


def test_code_is_named_and_never_run():
    """A function whose body would write a file, an environment, a pointer, a formula: named by their paths."""
    touch = xdr(6) + xdr(1, 9, 11) + b"file.create" + xdr(2, 16, 1, 9, 9) + b"/tmp/owned"[:9] + xdr(254)
    function = xdr(3 | 0x400) + xdr(253) + xdr(254) + touch
    environment = xdr(4, 0) + xdr(253) + xdr(254) * 3
    pointer = xdr(22) + xdr(254) * 2
    holder = plain(seurat(misc=r.named_list(dict.fromkeys("fepz", r.NULL))))
    marker = b"".join(r.serialised(r.Node(r.LIST, [r.NULL] * 4)))[14:]
    assert holder.count(marker[4:]) == 1
    at = holder.index(marker[4:])
    raw = holder[:at] + xdr(4) + function + environment + pointer + xdr(254) + holder[at + len(marker[4:]) :]
    found = look(raw)
    assert (found.verdict, found.problems) == ("valid", ())
    assert found.facts["not_representable"] == [
        "@misc$f: function",
        "@misc$e: environment",
        "@misc$p: external pointer",
    ]


def test_layers_of_other_classes_are_told():
    """BPCells and HDF5Array keep the values in other files."""
    outside = r.s4("HDF5Matrix", "HDF5Array", {"seed": r.texts(["/data/counts.h5"])})
    found = look(plain(seurat(assays=r.named_list({"RNA": assay(counts=outside)}))))
    assert found.verdict == "warnings"
    assert found.problems[0].startswith("assay 1: 1 of its matrices are of a class that is not read here")
    old = look(plain(r.s4("seurat", "Seurat", {"raw.data": r.NULL})))
    assert old.problems[0].startswith("a Seurat object of version 2")


def test_direct_identifiers_are_found_in_metadata_and_calls():
    people = r.texts(["anna.muster@klinik-nord.de"] * 3)
    found = look(plain(seurat(**{"meta.data": frame(CELLS, {"email": people})})))
    assert found.identifying == ("metadata column email: e-mail addresses",)
    assert "anna" not in str((found.facts, found.problems, found.identifying))


def test_real_files(shared_data):
    verdicts = {}
    for path in sorted(shared_data.rglob("*.rds")):
        found = Rds().inspect(OnFile(path))
        verdicts[path.name, path.parent.parent.name] = found.verdict
        assert Rds.sniff("x", path.read_bytes()[: 64 * 1024])
    assert len(verdicts) >= 13
    assert set(verdicts.values()) == {"valid"}
    folder = shared_data / "single_cell" / "seurat"
    found = Rds(sample_column="groups").inspect(OnFile(folder / "pbmc_small_seurat_v5_split_layers.rds"))
    facts: Any = found.facts
    assert found.samples == ("g2", "g1")
    assert list(facts["assays"]["RNA"]["layers"]) == ["counts.g2", "counts.g1", "data.g2", "data.g1"]
    facts = Rds().inspect(OnFile(folder / "pbmc_small_seurat_v4.rds")).facts
    assert facts["reductions"]["pca"] == {"dimensions": 19, "cells": 80, "assay": "RNA"}
    assert facts["assays"]["RNA"]["variable_features"] == 20
    facts = Rds().inspect(OnFile(folder / "pbmc_small_sce.rds")).facts
    assert (facts["class"], facts["n_cells"], facts["n_features"]) == ("SingleCellExperiment", 80, 230)
