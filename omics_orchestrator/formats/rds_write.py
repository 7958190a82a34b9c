"""AnnData or MuData as a Seurat object with classic `Assay`s, which R reads with SeuratObject 4 and 5.

The layout is the one that rds_seurat.py makes; other AnnData are understood as far as they follow scanpy's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_columns import column, data_frame, dense, matrix, sparse_slots, value
from omics_orchestrator.formats.rds_emit import (
    LIST,
    NULL_SLOT,
    Node,
    logical,
    named_list,
    s4,
    save,
    texts,
    whole,
)
from omics_orchestrator.formats.rds_reduced import EMPTY, key_of, reductions

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

OURS = "SeuratObject"
IDENT, SCALED = "active.ident", "scale.data"
VERSION = (4, 1, 3)  # of SeuratObject, whose classes are written
BACK = ("misc", "tools")  # slots of lists that go back as they came
SAID = {
    "version",
    "project.name",
    "active.assay",
    "reductions",
    "graph_assays",
    "assay",
    *BACK,
}  # are written
OF_READING = {"seurat", "x_layer", "kept", "not_representable"}  # what read_rds() says of itself
RANKS = {"highly_variable", "highly_variable_rank"}


def write_seurat(data: AnnData | MuData, path: Path) -> list[str]:
    """Write a Seurat object (gzipped .rds) that R's readRDS() opens; modalities become assays.

    counts: layer `counts`, or `X` where it is counts (`uns["x_layer"]`, or whole numbers throughout); data: `X`
    otherwise, the counts where there is nothing else. `obsm["scale.data"]` becomes scaled data, `obs` the metadata
    (categories as factors), `obs["active.ident"]` the identities, `highly_variable` the variable features,
    `obsm["X_…"]` with `varm` the reductions, `obsp` the graphs. Names stay as they are.

    Returns:
        What has no place in a Seurat object and was left out (`assay RNA: layers["spliced"]`).

    Raises:
        FormatError: two cells or features with the same name, or a matrix beyond what R can hold.
    """
    own = data.uns.get("seurat", {})
    assays = _assays(data)
    obs, idents = _cells(data)
    left: list[str] = []
    written = {name: _assay(name, part, list(obs.index), left) for name, part in assays.items()}
    reduced, graphs = _of_cells(data, assays, left)
    active = own.get("active.assay")
    slots = {
        **{slot: Node(LIST, []) for slot in ("neighbors", "images", "commands")},
        "assays": named_list(written),
        "meta.data": data_frame(obs),
        "active.assay": texts([active if active in assays else next(iter(assays))]),
        "active.ident": idents,
        "graphs": named_list(graphs),
        "reductions": named_list(reduced),
        "project.name": texts([str(own.get("project.name") or "SeuratProject")]),
        **{slot: _list(own.get(slot)) for slot in BACK},
        "version": _version(),
    }
    left += [f'uns["seurat"]["{slot}"]' for slot in own if slot not in SAID]
    left += [f'uns["{entry}"]' for entry in data.uns if entry not in OF_READING]
    save(s4("Seurat", OURS, slots), path)
    return left


def _assays(data: Any) -> dict[str, Any]:
    """Return the modalities, or an AnnData under the name that its assay had."""
    modalities = getattr(data, "mod", None)
    if modalities is None:
        return {str(data.uns.get("seurat", {}).get("assay", {}).get("name", "RNA")): data}
    if not len(modalities):
        raise FormatError("no modality to write")
    return dict(modalities)


def _version() -> Node:
    return Node(LIST, [whole(VERSION)], {"class": texts(["package_version", "numeric_version"])})


def _list(kept: Any) -> Node:
    """Return what was kept of a slot that holds a list."""
    made = value(kept) if isinstance(kept, dict) and kept else None
    return made if made is not None else Node(LIST, [])


def _cells(data: Any) -> tuple[pd.DataFrame, Node]:
    """Return the metadata of cells and their identities; without any, those of the project."""
    import pandas as pd

    obs = data.obs
    index = [str(one) for one in obs.index]
    if len(set(index)) != len(index):
        raise FormatError("two cells with the same name")
    if IDENT in obs and isinstance(obs[IDENT].dtype, pd.CategoricalDtype):
        ident, obs = obs[IDENT], obs.drop(columns=IDENT)
    else:
        ident = pd.Series(pd.Categorical(["SeuratProject"] * len(index)), index=obs.index)
    made = column(ident)
    obs = obs.set_axis(index)
    return obs, Node(made.kind, made.value, {**made.attributes, "names": texts(index)})


def _check_names(part: AnnData, cells: list[str]) -> None:
    if len(set(part.var_names)) != part.n_vars:
        raise FormatError("two features with the same name")
    if not set(part.obs_names) <= set(cells):
        raise FormatError("a modality has cells that the whole does not have")


def _assay(name: str, part: AnnData, all_cells: list[str], left: list[str]) -> Node:
    """Return a classic Assay; what of it has no place is added to `left`."""
    _check_names(part, all_cells)
    facts = part.uns.get("seurat", {}).get("assay", {})
    features, cells = [str(one) for one in part.var_names], [str(one) for one in part.obs_names]
    counts, log_data = _counts_and_data(part)
    chosen = log_data if log_data is not None else counts
    if chosen is None:
        raise FormatError("neither X nor counts: nothing to write")
    scaled = part.obsm.get(SCALED)
    left += [f'assay {name}: layers["{one}"]' for one in part.layers if one not in {"counts", "data"}]
    variable = _variable(part.var)
    slots = {
        "counts": EMPTY if counts is None else _turned(counts, features, cells),
        "data": _turned(chosen, features, cells),
        SCALED: EMPTY if scaled is None else _scaled(scaled, cells),
        "key": texts([str(facts.get("key") or key_of(name.lower()))]),
        "assay.orig": NULL_SLOT,
        "var.features": texts(variable) if variable else logical([]),
        "meta.features": data_frame(
            part.var.drop(columns=list(RANKS & set(part.var.columns) if variable else []))
        ),
        "misc": _list(facts.get("misc")),
    }
    return s4("Assay", OURS, slots)


def _counts_and_data(part: AnnData) -> tuple[Any, Any]:
    """Return counts and normalised values, cells × features; None where there are none."""
    counts, x = part.layers.get("counts"), part.X
    if counts is not None:
        return counts, part.layers.get("data") if x is None else x
    said = part.uns.get("x_layer")
    is_counts = said == "counts" or (said not in {"data", "logcounts"} and x is not None and _whole(x))
    return (x, part.layers.get("data")) if is_counts else (None, x)


def _whole(x: Any) -> bool:
    values = getattr(x, "data", x) if hasattr(x, "nnz") else np.asarray(x)
    return bool(np.all(values >= 0) and np.all(values == np.floor(values)))


def _turned(values: Any, features: list[str], cells: list[str]) -> Node:
    return matrix(values.T, features, cells)


def _scaled(values: Any, cells: list[str]) -> Node:
    """Return scaled data, features × cells; the columns of the data frame name the features."""
    return dense(np.asarray(values, "f8").T, [str(one) for one in values.columns], cells)


def _variable(var: pd.DataFrame) -> list[str]:
    """Return the variable features, by rank where there is one."""
    if "highly_variable" not in var:
        return []
    chosen = var[var["highly_variable"].astype(bool)]
    if "highly_variable_rank" in chosen:
        chosen = chosen.sort_values("highly_variable_rank", kind="stable")
    return [str(one) for one in chosen.index]


def _of_cells(data: Any, assays: dict[str, Any], left: list[str]) -> tuple[dict[str, Node], dict[str, Node]]:
    """Return reductions and graphs, of the whole and of the modalities."""
    own = data.uns.get("seurat", {})
    first = next(iter(assays))
    places = [(first, data, "")] if data is assays[first] else []
    places = places or [("", data, ""), *((name, part, f'mod["{name}"].') for name, part in assays.items())]
    reduced: dict[str, Node] = {}
    graphs: dict[str, Node] = {}
    for assay, place, prefix in places:
        for name, node in reductions(place, assay or first, own.get("reductions", {}), left, prefix).items():
            reduced.setdefault(name, node)
        cells = [str(one) for one in place.obs_names]
        for name, values in place.obsp.items():
            used = str(own.get("graph_assays", {}).get(name) or assay or first)
            graphs.setdefault(name, _graph(values, cells, used))
    return reduced, graphs


def _graph(values: Any, cells: list[str], assay: str) -> Node:
    from scipy import sparse

    slots = sparse_slots(sparse.csc_matrix(values), cells, cells)
    return s4("Graph", OURS, {"assay.used": texts([assay]), **slots})
