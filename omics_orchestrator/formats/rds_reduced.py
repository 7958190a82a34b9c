"""Coordinates of cells in `obsm` as the reductions (`DimReduc`) of a Seurat object, with loadings from `varm`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from omics_orchestrator.formats.rds_columns import dense, value
from omics_orchestrator.formats.rds_emit import LIST, Node, logical, real, s4, texts, whole

OURS = "SeuratObject"
EMPTY = real([], dim=whole([0, 0]))
"""A matrix of no rows and columns, which stands for none."""
SCANPY = {"pca": "PCs"}  # where scanpy keeps loadings in varm


def key_of(name: str) -> str:
    """Return a key as Seurat wants it: letters and digits, then one `_`."""
    return (re.sub(r"[^0-9A-Za-z]", "", name) or "x") + "_"


def reductions(
    place: Any, assay: str, known: dict[str, Any], left: list[str], prefix: str
) -> dict[str, Node]:
    """Return the reductions of an AnnData or MuData; what is no matrix of coordinates is added to `left`."""
    made = {}
    for entry, values in place.obsm.items():
        is_membership = values.dtype == bool if isinstance(values, np.ndarray) else False
        if entry == "scale.data" or is_membership:  # a MuData says in obsm which modality has which cell
            continue
        array = np.asarray(values) if hasattr(values, "shape") and not hasattr(values, "columns") else None
        if array is None or array.ndim != 2 or array.dtype.kind not in "iuf" or not array.shape[1]:
            left.append(f'{prefix}obsm["{entry}"]')
            continue
        name = entry.removeprefix("X_")
        if "jackstraw" in known.get(name, {}):
            left.append(f'uns["seurat"]["reductions"]["{name}"]["jackstraw"]')
        made[name] = _reduction(name, array, place, assay, known.get(name, {}))
    return made


def _reduction(name: str, array: Any, place: Any, assay: str, facts: dict[str, Any]) -> Node:
    cells = [str(one) for one in place.obs_names]
    key = str(facts.get("key") or key_of(name))
    columns = [str(one) for one in facts.get("columns", ())]
    if len(columns) != array.shape[1]:
        columns = [f"{key}{n + 1}" for n in range(array.shape[1])]
    stdev = facts.get("stdev", _scanpy_stdev(name, place))
    slots = {
        "cell.embeddings": dense(array.astype("f8"), cells, columns),
        "feature.loadings": _loadings(place, (name, SCANPY.get(name, "")), facts.get("features"), columns),
        "feature.loadings.projected": _loadings(
            place, (f"{name}_projected",), facts.get("features_projected"), columns
        ),
        "assay.used": texts([str(facts.get("assay.used") or assay)]),
        "global": logical([bool(facts.get("global", False))]),
        "stdev": real(np.atleast_1d(np.asarray(stdev, "f8"))),
        "key": texts([key]),
        "jackstraw": _jackstraw(),
        "misc": _misc(facts.get("misc")),
    }
    return s4("DimReduc", OURS, slots)


def _scanpy_stdev(name: str, place: Any) -> Any:
    """Return standard deviations from the variances that scanpy keeps with a PCA."""
    variance = place.uns.get(name, {}).get("variance", ()) if name == "pca" else ()
    return np.sqrt(np.asarray(variance, "f8"))


def _loadings(place: Any, entries: tuple[str, ...], features: Any, columns: list[str]) -> Node:
    """Return loadings of the features that have some, in the order in which they were."""
    varm = getattr(place, "varm", {})
    values = next((np.asarray(varm[entry]) for entry in entries if entry in varm), None)
    if values is None or values.ndim != 2:
        return EMPTY
    names = np.array([str(one) for one in place.var_names], dtype=object)
    if features is not None and len(features):
        at = place.var_names.get_indexer([str(one) for one in features])
        at = at[at >= 0]
    else:
        at = np.flatnonzero(~np.isnan(values).all(axis=1))
    shown = columns if len(columns) == values.shape[1] else ()
    return dense(values[at].astype("f8"), list(names[at]), shown)


def _jackstraw() -> Node:
    slots = ("empirical.p.values", "fake.reduction.scores", "empirical.p.values.full", "overall.p.values")
    return s4("JackStrawData", OURS, dict.fromkeys(slots, EMPTY))


def _misc(kept: Any) -> Node:
    made = value(kept) if isinstance(kept, dict) and kept else None
    return made if made is not None else Node(LIST, [])
