"""Layers of an assay on the axes of AnnData: parts of a Seurat v5 layer joined, smaller ones filled up.

`counts.1` and `counts.2`, of different cells, become `counts`, as Seurat's JoinLayers() does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omics_orchestrator.formats.rds_assay import CLASSIC, Assay, Layer
from omics_orchestrator.formats.rds_matrix import build


@dataclass
class Placed:
    """Layers of an assay, placed.

    Attributes:
        layers: name → cells × features of the assay.
        frames: name → data frame cells × features, for dense layers of only some features (scaled data).
        parts: joined layer → the names of its parts.
        part_of_cell: the ending of the part from which each cell came (`g1`), where all layers agree.
        filled: layer or part → features that it does not have; they are 0 there because R fills them so.
        lacking: layer → cells that no part has; they are 0 there, and the layer is no candidate for `X`.
    """

    layers: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    part_of_cell: list[str] | None = None
    filled: dict[str, list[str]] = field(default_factory=dict)
    lacking: dict[str, list[str]] = field(default_factory=dict)


def place(read: Assay) -> Placed:
    """Place all layers of an assay."""
    placed = Placed()
    agreed: set[tuple[str, ...]] = set()
    for name, members in grouped(read).items():
        layers = {part: read.layers[part] for part in members}
        if len(members) > 1:
            placed.parts[name] = members
            agreed.add(tuple(_part_of_cell(name, layers, read.cells)))
        for part, layer in layers.items():
            if layer.matrix.sparse and (lacking := set(read.features) - set(layer.features)):
                placed.filled[part] = [one for one in read.features if one in lacking]
        if all(layer.matrix.sparse for layer in layers.values()):
            known = {cell for layer in layers.values() for cell in layer.cells}
            if len(known) < len(read.cells):
                placed.lacking[name] = [cell for cell in read.cells if cell not in known]
            placed.layers[name] = _sparse(list(layers.values()), read)
        else:
            _dense(name, list(layers.values()), read, placed)
    if len(agreed) == 1:
        placed.part_of_cell = list(next(iter(agreed)))
    return placed


def grouped(read: Assay) -> dict[str, list[str]]:
    """Return layers, each with its parts: names with the same beginning whose cells do not overlap."""
    groups: dict[str, list[str]] = {}
    for name, layer in read.layers.items():
        groups.setdefault(_base(name, layer, read), []).append(name)
    found: dict[str, list[str]] = {}
    for base, members in groups.items():
        cells = [cell for name in members for cell in read.layers[name].cells]
        if base in read.layers and members != [base] or len(set(cells)) != len(cells):
            found |= {name: [name] for name in members}
        elif len(members) == 1 and len(cells) == len(read.cells):
            found[members[0]] = members
        else:
            found[base] = members
    return found


def _base(name: str, layer: Layer, read: Assay) -> str:
    """Return of which layer this one may be a part."""
    if name in CLASSIC:
        return name
    for base in CLASSIC:
        if name.startswith(base + "."):
            return base
    return name.rpartition(".")[0] or name if len(layer.cells) < len(read.cells) else name


def _part_of_cell(base: str, layers: dict[str, Layer], cells: list[str]) -> list[str]:
    of = {cell: name.removeprefix(base + ".") for name, layer in layers.items() for cell in layer.cells}
    return [of.get(cell, "") for cell in cells]


def _positions(names: Sequence[str], among: list[str]) -> Any:
    """Return where each of `names` stands."""
    at = {name: position for position, name in enumerate(among)}
    return np.fromiter((at[name] for name in names), "i8", len(names))


def _sparse(layers: list[Layer], read: Assay) -> Any:
    """Return cells × features; cells and features that no part has are 0."""
    from scipy import sparse

    shape = (len(read.cells), len(read.features))
    first = layers[0]
    if len(layers) == 1 and first.cells == read.cells and first.features == read.features:
        return build(first.matrix, transposed=True)
    parts = []
    for layer in layers:
        part = build(layer.matrix, transposed=True).tocoo()
        rows, columns = _positions(layer.cells, read.cells), _positions(layer.features, read.features)
        parts.append((part.data, rows[part.row], columns[part.col]))
    values, row, column = (np.concatenate(some) for some in zip(*parts, strict=True))
    return sparse.csr_matrix(sparse.coo_matrix((values, (row, column)), shape))


def _dense(name: str, layers: list[Layer], read: Assay, placed: Placed) -> None:
    """Place a dense layer: whole ones as a layer, others as a data frame with NaN where there is no value."""
    import pandas as pd

    first = layers[0]
    if (
        len(layers) == 1
        and first.cells == read.cells
        and first.features == read.features
        and name != "scale.data"
    ):
        placed.layers[name] = build(first.matrix, transposed=True)
        return
    features = list(dict.fromkeys(one for layer in layers for one in layer.features))
    kinds = {layer.matrix.node.value.dtype for layer in layers if hasattr(layer.matrix.node.value, "dtype")}
    whole = len(layers) == 1 and len(first.cells) == len(read.cells) and len(kinds) == 1
    values = np.full((len(read.cells), len(features)), np.nan, kinds.pop() if whole else "f8")
    for layer in layers:
        part = build(layer.matrix, transposed=True)
        part = part.toarray() if layer.matrix.sparse else part
        values[np.ix_(_positions(layer.cells, read.cells), _positions(layer.features, features))] = part
    placed.frames[name] = pd.DataFrame(
        values, pd.Index(read.cells, dtype=object), pd.Index(features, dtype=object)
    )
