"""Reductions, graphs and neighbours of a Seurat object: coordinates in obsm, loadings in varm, pairs in obsp.

Where a MuData has the assay that a reduction came from, it goes there, otherwise to the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_matrix import Matrix, build, is_matrix, matrix
from omics_orchestrator.formats.rds_objects import Reduction, Seurat
from omics_orchestrator.formats.rds_plain import code, is_empty, plain
from omics_orchestrator.formats.rds_values import attributes, elements, text, texts

if TYPE_CHECKING:
    from anndata import AnnData

LOADINGS = {"feature.loadings": "", "feature.loadings.projected": "_projected"}
READ = {"cell.embeddings", "assay.used", "class", *LOADINGS}


def add_reductions(
    read: Seurat, made: dict[str, AnnData], top: Any, uns: dict[str, Any], kept: list[str]
) -> None:
    """Add all reductions; those of other cells than the object's are kept in `uns`."""
    for name, one in read.reductions.items():
        facts: dict[str, Any] = {"assay.used": one.assay}
        place = _place(one.assay, one.cells.rows, made, top)
        if place is None:
            facts["cell.embeddings"] = plain(one.cells.node)
            kept.append(f"@reductions${name}@cell.embeddings")
        else:
            at = _order(one.cells.rows, list(place.obs_names))
            place.obsm[f"X_{name}"] = np.ascontiguousarray(build(one.cells)[at])
        facts["columns"] = np.array(one.cells.columns, dtype=object)
        _loadings(one, made.get(one.assay), facts, kept)
        for slot, node in attributes(one.node).items():
            if slot not in READ and not is_empty(node) and not code(node):
                facts[slot] = plain(node)
                if slot in {"misc", "jackstraw"}:
                    kept.append(f"@reductions${name}@{slot}")
        uns.setdefault("reductions", {})[name] = facts


def _place(assay: str, cells: list[str], made: dict[str, AnnData], top: Any) -> Any:
    """Return the modality or the whole that has exactly these cells."""
    for place in (made.get(assay), top):
        if place is not None and len(cells) == place.n_obs and set(cells) == set(place.obs_names):
            return place
    return None


def _order(names: list[str], wanted: list[str]) -> Any:
    """Return the positions that bring `names` into the wanted order."""
    at = {name: position for position, name in enumerate(names)}
    return np.fromiter((at[name] for name in wanted), "i8", len(wanted))


def _loadings(one: Reduction, place: AnnData | None, facts: dict[str, Any], kept: list[str]) -> None:
    """Add loadings as varm, NaN for features without; `facts` keeps which those are, in their order."""
    for slot, ending in LOADINGS.items():
        node = attributes(one.node).get(slot)
        if node is None or is_empty(node) or not is_matrix(node):
            continue
        read = matrix(node, "loadings")
        known = set(place.var_names) if place is not None else set()
        if place is None or len(read.rows) != read.shape[0] or not known.issuperset(read.rows):
            facts[slot] = plain(node)
            kept.append(f"@reductions${one.name}@{slot}")
            continue
        values = np.full((place.n_vars, read.shape[1]), np.nan)
        values[place.var_names.get_indexer(read.rows)] = build(read)
        place.varm[one.name + ending] = values
        facts[f"features{ending}"] = np.array(read.rows, dtype=object)


def add_graphs(
    read: Seurat, made: dict[str, AnnData], top: Any, uns: dict[str, Any], kept: list[str]
) -> None:
    """Add graphs and neighbours as obsp; those of other cells are kept in `uns`."""
    for name, one in read.graphs.items():
        assay = text(attributes(one.node).get("assay.used"))
        place = _place(assay, one.rows, made, top)
        if place is None or one.shape[0] != one.shape[1] or one.rows != one.columns:
            uns.setdefault("graphs", {})[name] = plain(one.node)
            kept.append(f"@graphs${name}")
            continue
        place.obsp[name] = _pairs(one, list(place.obs_names))
        uns.setdefault("graph_assays", {})[name] = assay
    for name, node in elements(read.slots.get("neighbors")).items():
        facts = plain(node) or {}
        found = _neighbours(node, top)
        if found is not None:
            top.obsp[f"{name}_distances"] = found
            facts = {slot: facts[slot] for slot in facts if slot not in {"nn.idx", "nn.dist", "cell.names"}}
        uns.setdefault("neighbors", {})[name] = facts
        kept.append(f"@neighbors${name}")


def _pairs(one: Matrix, cells: list[str]) -> Any:
    values: Any = build(one)
    values = values.tocsr() if one.sparse else values
    if one.rows == cells:
        return values
    at = _order(one.rows, cells)
    return values[at][:, at]


def _neighbours(node: RObject, top: Any) -> Any:
    """Return the distances of a `Neighbor` object as a sparse matrix; None where its cells are others."""
    from scipy import sparse

    slots = attributes(node)
    cells = texts(slots.get("cell.names"))
    parts = [slots.get("nn.idx"), slots.get("nn.dist")]
    if set(cells) != set(top.obs_names) or len(cells) != top.n_obs or not all(map(is_matrix, parts)):
        return None
    index, distance = (build(matrix(part, "neighbours")) for part in parts if part is not None)
    if index.shape != distance.shape or len(index) != len(cells):
        raise FormatError("neighbours and their distances do not fit")
    if index.size and not 1 <= index.min() <= index.max() <= len(cells):
        return None
    rows = np.repeat(np.arange(len(cells)), index.shape[1])
    found = sparse.coo_matrix(
        (distance.ravel(), (rows, index.ravel().astype("i8") - 1)), (len(cells), len(cells))
    ).tocsr()
    at = _order(cells, list(top.obs_names))
    return found[at][:, at]
