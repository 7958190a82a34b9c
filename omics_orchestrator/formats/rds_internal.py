"""The internal columns of a SingleCellExperiment: what comes with reduced dimensions, and pairs of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_matrix import build, is_matrix, matrix
from omics_orchestrator.formats.rds_plain import code, is_empty, plain
from omics_orchestrator.formats.rds_values import NUMBERS, attributes, frame, integers, is_frame

if TYPE_CHECKING:
    from anndata import AnnData

LOADINGS = {"rotation", "featureLoadings"}  # scater's runPCA; LinearEmbeddingMatrix
OWN = {"dim", "dimnames", "class", "sampleFactors", "names", "NAMES"}


def columns(node: RObject | None) -> dict[str, RObject]:
    """Return the columns of an internal data frame; none where there is none."""
    return frame(node, "internal metadata").columns if node is not None and is_frame(node) else {}


def add_reduced(node: RObject | None, made: AnnData, uns: dict[str, Any], kept: list[str]) -> None:
    """Add loadings as varm (NaN for features without) and keep what else is said of reduced dimensions.

    Args:
        node: `int_colData`.
        made: the experiment, which has the coordinates.
        uns: where the rest is kept.
        kept: paths of what is kept there.
    """
    for name, one in columns(columns(node).get("reducedDims")).items():
        for slot, value in attributes(one).items():
            if slot in OWN or is_empty(value) or code(value):
                continue
            if slot in LOADINGS and _loadings(name, value, made):
                continue
            uns.setdefault("reductions", {}).setdefault(name, {})[slot] = plain(value)
            kept.append(f"@int_colData$reducedDims${name}@{slot}")


def _loadings(name: str, node: RObject, made: AnnData) -> bool:
    """Add loadings whose features are those of the experiment; tell whether they were."""
    if not is_matrix(node):
        return False
    read = matrix(node, "loadings")
    if not read.rows or not set(read.rows) <= set(made.var_names):
        return False
    values = np.full((made.n_vars, read.shape[1]), np.nan)
    values[made.var_names.get_indexer(read.rows)] = build(read)
    made.varm[name] = values
    return True


def add_pairs(node: RObject | None, made: AnnData, uns: dict[str, Any], kept: list[str]) -> None:
    """Add pairs of cells (`colPairs`) as obsp: their first column of numbers, 1 where they have none."""
    for name, one in columns(columns(node).get("colPairs")).items():
        found = _pairs(attributes(one).get("hits", one), made.n_obs)
        if found is not None:
            made.obsp[name] = found
        elif not code(one):
            uns.setdefault("colPairs", {})[name] = plain(one)
            kept.append(f"@int_colData$colPairs${name}")


def _pairs(hits: RObject, n_cells: int) -> Any:
    """Return pairs as a sparse matrix; None where two of them are the same, which it could not hold."""
    from scipy import sparse

    slots = attributes(hits)
    if not {"from", "to"} <= set(slots) or integers(slots.get("nLnode")) != [n_cells]:
        return None
    rows, others = (np.ma.getdata(slots[name].value) - 1 for name in ("from", "to"))
    if len(rows) != len(others):
        raise FormatError("pairs of cells of which one is missing")
    if len(rows) and not 0 <= min(rows.min(), others.min()) <= max(rows.max(), others.max()) < n_cells:
        raise FormatError("pairs of cells that are not there")
    if len(np.unique(rows.astype("i8") * n_cells + others)) != len(rows):
        return None
    said = [one.value for one in columns(slots.get("elementMetadata")).values() if one.info.type in NUMBERS]
    values = np.ma.filled(said[0].astype("f8"), np.nan) if said else np.ones(len(rows))
    return sparse.csr_matrix(sparse.coo_matrix((values, (rows, others)), (n_cells, n_cells)))
