"""The assays of a Seurat object, whatever their class: layers, cells, features, metadata of features.

Classes `Assay` (SeuratObject 3 and 4; SCTAssay and ChromatinAssay extend it) and `Assay5` (5). Layers that a v5
object holds in parts (counts.1, counts.2) are described here and joined in rds_layers.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import Unkept
from omics_orchestrator.formats.rds_matrix import Matrix, is_matrix, matrix
from omics_orchestrator.formats.rds_values import (
    Frame,
    attributes,
    classes,
    elements,
    frame,
    is_frame,
    is_null,
    row_names,
    text,
    texts,
)

CLASSIC = ("counts", "data", "scale.data")
PLACED = {
    "layers",
    "cells",
    "features",
    "meta.data",
    "meta.features",
    "var.features",
    "class",
    "key",
    *CLASSIC,
}
"""Slots that have a place of their own; any other is kept as it is."""


@dataclass(frozen=True)
class Layer:
    """A matrix features × cells of an assay; `cells` and `features` name its columns and rows, in order."""

    matrix: Matrix
    features: list[str]
    cells: list[str]


@dataclass(frozen=True)
class Assay:
    """An assay: names in the order of the object, its layers, and what of it cannot be read.

    Attributes:
        kind: its class.
        key: prefix of its features in Seurat's calls (`rna_`).
        features: of the assay; a layer may hold fewer.
        cells: of the assay.
        layers: name → matrix, in order.
        outside: layers whose values lie in other files or in another package's classes.
        variable: variable features in their order, where the class holds them so.
        metadata: the data frame of features, None where there is none.
        node: the object itself.
    """

    kind: str
    key: str
    features: list[str]
    cells: list[str]
    layers: dict[str, Layer]
    outside: list[str]
    variable: list[str]
    metadata: RObject | None
    node: RObject = field(repr=False)

    @property
    def feature_frame(self) -> Frame | None:
        """Columns of the metadata of features."""
        return frame(self.metadata, "the metadata of features") if is_frame(self.metadata) else None


def is_assay(node: RObject) -> bool:
    """Tell whether an element of `assays` can be read as an assay."""
    slots = attributes(node)
    return "layers" in slots or {"counts", "data"} <= set(slots)


def assay(node: RObject, number: int) -> Assay:
    """Return the assay with position `number` (from 1).

    Raises:
        FormatError: its parts do not fit together.
    """
    slots = attributes(node)
    read = _assay5(slots, node, number) if "layers" in slots else _classic(slots, node, number)
    for names, what in ((read.features, "features"), (read.cells, "cells")):
        if len(set(names)) != len(names):
            raise FormatError(f"assay {number}: {what} with the same name")
    if read.feature_frame and read.feature_frame.n_rows not in {0, len(read.features)}:
        raise FormatError(f"assay {number}: the metadata of features has another number of rows")
    return read


def _classic(slots: dict[str, RObject], node: RObject, number: int) -> Assay:
    """Read slots `counts`, `data`, `scale.data`; an empty one is a matrix of 0 × 0."""
    found: dict[str, Layer] = {}
    outside = []
    for name in CLASSIC:
        stored = slots.get(name)
        if is_null(stored) or stored is None:
            continue
        if not is_matrix(stored):
            outside.append(name)
            continue
        values = matrix(stored, f"assay {number}, {name}")
        if values.shape != (0, 0) and values.shape[0]:
            found[name] = Layer(values, *_named(values, f"assay {number}, {name}"))
    main = found.get("data", found.get("counts"))
    features, cells = (main.features, main.cells) if main else ([], [])
    for name, layer in found.items():
        _subset(layer, features, cells, f"assay {number}, {name}")
    return Assay(
        (classes(node) or ("",))[0],
        text(slots.get("key")),
        features,
        cells,
        found,
        outside,
        texts(slots.get("var.features")),
        slots.get("meta.features"),
        node,
    )


def _named(values: Matrix, what: str) -> tuple[list[str], list[str]]:
    """Return names of rows and columns; a matrix of an Assay has both."""
    if len(values.rows) != values.shape[0] or len(values.columns) != values.shape[1]:
        raise FormatError(f"{what}: features or cells without names")
    return values.rows, values.columns


def _subset(layer: Layer, features: list[str], cells: list[str], what: str) -> None:
    if not set(layer.features) <= set(features) or not set(layer.cells) <= set(cells):
        raise FormatError(f"{what}: features or cells that the assay does not have")


def _assay5(slots: dict[str, RObject], node: RObject, number: int) -> Assay:
    """Read slot `layers`; its matrices bear no names, the maps `cells` and `features` say which are in which."""
    features, of_layer = _log_map(slots.get("features"), f"assay {number}, map of features")
    cells, cells_of_layer = _log_map(slots.get("cells"), f"assay {number}, map of cells")
    found: dict[str, Layer] = {}
    outside = []
    for position, (name, stored) in enumerate(elements(slots["layers"]).items(), start=1):
        what = f"assay {number}, layer {position}"
        if not is_matrix(stored):
            outside.append(name)
            continue
        values = matrix(stored, what)
        layer = Layer(values, of_layer.get(name, features), cells_of_layer.get(name, cells))
        if (len(layer.features), len(layer.cells)) != values.shape:
            raise FormatError(f"{what}: its shape {values.shape} does not fit the maps of cells and features")
        found[name] = layer
    kind = (classes(node) or ("",))[0]
    key = text(slots.get("key"))
    return Assay(kind, key, features, cells, found, outside, [], slots.get("meta.data"), node)


def _log_map(node: RObject | None, what: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return all names of a LogMap (a logical matrix, names × layers), and those of each layer."""
    if node is None or not is_matrix(node):
        raise FormatError(f"{what} is missing")
    values = matrix(node, what)
    if len(values.rows) != values.shape[0]:
        raise FormatError(f"{what} has no names")
    if isinstance(node.value, Unkept) or len(values.columns) != values.shape[1]:
        return values.rows, {}
    has = np.ma.getdata(node.value).reshape(values.shape, order="F")
    names = np.array(values.rows, dtype=object)
    return values.rows, {
        name: names[column.astype(bool)].tolist() for name, column in zip(values.columns, has.T, strict=True)
    }


def variable_features(read: Assay) -> list[str]:
    """Return the variable features in their order, from the slot or, in v5, from the metadata of features.

    SeuratObject ≥ 5.0 writes columns `var.features` and `var.features.rank`; FindVariableFeatures writes
    `vf_<method>_<layer>_variable` and `…_rank`, used where there is exactly one such pair.
    """
    if read.variable or not read.feature_frame:
        return read.variable
    columns = read.feature_frame.columns
    ranks = [name for name in columns if name == "var.features.rank"]
    ranks = ranks or [name for name in columns if name.startswith("vf_") and name.endswith("_rank")]
    if len(ranks) != 1 or not isinstance(columns[ranks[0]].value, np.ndarray):
        return []
    values = np.ma.filled(columns[ranks[0]].value.astype("f8"), np.nan)
    order = [int(at) for at in np.argsort(values, kind="stable") if values[at] > 0]
    return [read.features[at] for at in order]


def feature_rows(read: Assay) -> list[str]:
    """Return the row names of the metadata of features; the features where it has none."""
    rows = row_names(read.metadata) if read.metadata is not None else 0
    return rows if isinstance(rows, list) and set(rows) == set(read.features) else read.features
