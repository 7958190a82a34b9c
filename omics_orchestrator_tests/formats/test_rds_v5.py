"""Assays of class Assay5 made here, as no R of Debian writes them: parts that lack features, scaled data, columns."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse as sp

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import rds_emit as r
from omics_orchestrator.formats.rds import Rds
from omics_orchestrator.formats.rds_columns import dense, matrix
from omics_orchestrator.formats.rds_read import read_rds
from omics_orchestrator_tests.formats.test_rds import factor, frame, plain, seurat

CELLS, FEATURES = ["c1", "c2", "c3"], ["g1", "g2", "g3"]


def log_map(names: list[str], layers: dict[str, list[str]]) -> r.Node:
    has = np.array([[name in members for members in layers.values()] for name in names]).reshape(
        len(names), -1
    )
    dimnames = r.Node(r.LIST, [r.texts(names), r.texts(list(layers))])
    attributes = {"dim": r.whole(has.shape), "dimnames": dimnames}
    return r.logical(has.ravel(order="F"), **attributes, **{"class": r.texts(["LogMap"])})


def assay5(layers: dict[str, tuple[Any, list[str], list[str]]], **slots: r.Node) -> r.Node:
    """Return an Assay5; layers by name: values (features × cells), features, cells."""
    parts = {
        "layers": r.named_list({name: matrix(values, (), ()) for name, (values, _, _) in layers.items()}),
        "cells": log_map(CELLS, {name: cells for name, (_, _, cells) in layers.items()}),
        "features": log_map(FEATURES, {name: features for name, (_, features, _) in layers.items()}),
        "default": r.whole([1]),
        "meta.data": frame(FEATURES, {}),
        "key": r.texts(["rna_"]),
    }
    return r.s4("Assay5", "SeuratObject", {**parts, **slots})


def read(tmp_path: Path, **assays: r.Node) -> Any:
    (tmp_path / "a.rds").write_bytes(plain(seurat(assays=r.named_list(assays))))
    assert Rds().inspect_bytes("a.rds", plain(seurat(assays=r.named_list(assays)))).verdict == "valid"
    return read_rds(tmp_path / "a.rds")


def numbers(*rows: list[float]) -> Any:
    return sp.csc_matrix(np.array(rows, "f8"))


def test_parts_that_lack_features_are_joined_and_what_is_filled_is_said(tmp_path):
    made = read(
        tmp_path,
        RNA=assay5(
            {
                "counts.a": (numbers([1, 2], [3, 4]), ["g1", "g3"], ["c1", "c3"]),
                "counts.b": (numbers([5], [6]), ["g2", "g3"], ["c2"]),
                "data.a": (numbers([1, 2], [3, 4]), ["g1", "g3"], ["c1", "c3"]),
                "scale.data": (np.array([[0.5, -1, 2]]), ["g3"], CELLS),
                "spliced": (numbers([9, 9, 9], [0, 0, 1], [1, 0, 0]), FEATURES, CELLS),
            }
        ),
    )
    assert made.X.toarray().tolist() == [[1, 0, 3], [0, 5, 6], [2, 0, 4]]
    assert made.uns["x_layer"] == "counts"
    assert made.layers["data"].toarray().tolist() == [[1, 0, 3], [0, 0, 0], [2, 0, 4]]
    assert made.layers["spliced"].toarray().tolist() == [[9, 0, 1], [9, 0, 0], [9, 1, 0]]
    assert made.obsm["scale.data"]["g3"].tolist() == [0.5, -1, 2]
    facts = made.uns["seurat"]["assay"]
    assert facts["parts"] == {"counts": ["counts.a", "counts.b"]}
    assert list(facts["part_of_cell"]) == ["a", "b", "a"]
    assert facts["cells_filled_with_0"] == {"data": ["c2"]}
    assert facts["filled_with_0"] == {"counts.a": ["g2"], "counts.b": ["g1"], "data.a": ["g2"]}


def test_layers_that_overlap_stay_apart(tmp_path):
    whole = numbers([1, 2, 3], [4, 5, 6], [7, 8, 9])
    made = read(
        tmp_path, RNA=assay5({"counts.1": (whole, FEATURES, CELLS), "counts.2": (2 * whole, FEATURES, CELLS)})
    )
    assert made.X is None
    assert (made.layers["counts.2"] != 2 * made.layers["counts.1"]).nnz == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"var.features": r.texts(["g1", None, "g3"]), "var.features.rank": r.whole([2, r.NA_INTEGER, 1])},
        {"vf_vst_counts_variable": r.logical([1, 0, 1]), "vf_vst_counts_rank": r.whole([2, r.NA_INTEGER, 1])},
    ],
)
def test_variable_features_stand_in_the_metadata(tmp_path, columns):
    layers: Any = {"counts": (numbers([1, 0, 0], [0, 1, 0], [0, 0, 1]), FEATURES, CELLS)}
    made = read(tmp_path, RNA=assay5(layers, **{"meta.data": frame(FEATURES, columns)}))
    assert made.var["highly_variable"].tolist() == [True, False, True]
    assert made.var["highly_variable_rank"].tolist()[::2] == [1, 0]
    assert set(columns) <= set(made.var.columns)


def test_several_assays_of_both_classes(tmp_path):
    counts = (numbers([1, 0], [0, 1], [0, 0]), FEATURES, ["c1", "c3"])
    made = read(
        tmp_path, RNA=assay5({"counts": (numbers([1, 0, 0]), ["g2"], CELLS)}), ADT=assay5({"counts": counts})
    )
    assert made.mod["RNA"].X.toarray().tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert list(made.mod["ADT"].X.toarray()[2]) == [0, 1, 0]
    assert list(made.obs["active.ident"]) == ["a"] * 3


def test_maps_that_do_not_fit_are_refused():
    layers: Any = {"counts": (numbers([1, 0]), ["g1"], CELLS)}
    found = Rds().inspect_bytes("a.rds", plain(seurat(assays=r.named_list({"RNA": assay5(layers)}))))
    assert found.problems == (
        "assay 1, layer 1: its shape (1, 2) does not fit the maps of cells and features",
    )


EXAMPLE = plain(
    seurat(
        assays=r.named_list(
            {"RNA": assay5({"counts": (numbers([1, 0, 0], [0, 1, 0], [0, 0, 1]), FEATURES, CELLS)})}
        ),
        reductions=r.named_list(
            {
                "pca": r.s4(
                    "DimReduc",
                    "SeuratObject",
                    {
                        "cell.embeddings": dense(np.ones((3, 2)), CELLS, ["P_1", "P_2"]),
                        "feature.loadings": dense(np.ones((2, 2)), ["g3", "g1"], ["P_1", "P_2"]),
                        "assay.used": r.texts(["RNA"]),
                        "stdev": r.real([2, 1]),
                    },
                )
            }
        ),
        misc=r.named_list({"kept": factor([1, 2], ["a", "b"]), "frame": frame(["r"], {"x": r.real([1])})}),
    )
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(14, len(EXAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_damage_is_answered_never_a_crash(tmp_path, changes):
    """Whatever byte is changed, an inspection answers, and reading raises nothing but FormatError."""
    raw = bytearray(EXAMPLE)
    for at, byte in changes:
        raw[at] = byte
    assert Rds().inspect_bytes("a.rds", bytes(raw)).verdict in {"valid", "warnings", "invalid"}
    (tmp_path / "a.rds").write_bytes(raw)
    with suppress(FormatError):
        assert read_rds(tmp_path / "a.rds").n_obs <= 3
