"""A Seurat object as AnnData: which slot goes where. Several assays become the modalities of a MuData.

data, counts         X (data, or counts without it), layers      scale.data   obsm["scale.data"], a data frame
meta.data            obs                                         active.ident obs["active.ident"]
meta.features        var, with highly_variable and its rank      reductions   obsm["X_pca"], varm["pca"]
graphs, neighbors    obsp                                        all others   uns["seurat"]
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_assay import PLACED, Assay, feature_rows, variable_features
from omics_orchestrator.formats.rds_layers import place
from omics_orchestrator.formats.rds_objects import Seurat
from omics_orchestrator.formats.rds_plain import code, is_empty, plain, version
from omics_orchestrator.formats.rds_reductions import add_graphs, add_reductions
from omics_orchestrator.formats.rds_values import attributes, elements, factor, table, text, texts

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

IDENT = "active.ident"
ELSEWHERE = {
    "assays", "meta.data", "active.assay", "active.ident", "graphs", "neighbors", "reductions", "version",
    "project.name", "class",
}  # fmt: skip
"""Slots of a Seurat object that are read one by one."""


def seurat_to_anndata(read: Seurat) -> AnnData | MuData:
    """Return a Seurat object as AnnData, or as MuData where it has several assays.

    Raises:
        FormatError: it has no assay that can be read, or its parts do not fit together.
    """
    if not read.assays:
        raise FormatError("a Seurat object without an assay that is read here")
    obs, kept, uns = _cells(read)
    made = {name: _assay(name, one) for name, one in read.assays.items()}
    if len(made) == 1 and not read.other:
        (only,) = made.values()
        if list(only.obs_names) != read.cells:
            obs = obs.loc[list(only.obs_names)]
        only.obs = obs
        top: Any = only
    else:
        top = joined(made, obs)
    own = dict(top.uns) if len(made) == 1 and not read.other else {}
    add_reductions(read, made, top, uns, kept)
    add_graphs(read, made, top, uns, kept)
    for name, node in read.slots.items():
        if name not in ELSEWHERE and not is_empty(node) and not code(node):
            uns[name] = plain(node)
            kept.append(f"@{name}")
    top.uns["seurat"] = {**own.get("seurat", {}), **uns}
    top.uns["kept"] = [*own.get("kept", []), *kept]
    return top


def _cells(read: Seurat) -> tuple[pd.DataFrame, list[str], dict[str, Any]]:
    """Return the metadata of cells with the active identity, slots kept, and what is kept of them."""
    obs, odd = table(read.slots["meta.data"], "the metadata of cells")
    obs.index.name = None
    uns: dict[str, Any] = {
        "version": version(read.slots.get("version")),
        "project.name": text(read.slots.get("project.name")),
        "active.assay": read.active_assay,
    }
    kept = []
    for name, node in odd.items():
        if not code(node):
            uns.setdefault("meta.data", {})[name] = plain(node)
            kept.append(f"@meta.data${name}")
    ident = read.slots.get(IDENT)
    if ident is not None and not is_empty(ident):
        values = factor(ident, "the active identity")
        names = texts(attributes(ident).get("names"))
        if len(values) != len(obs):
            raise FormatError(f"{len(values)} identities for {len(obs)} cells")
        if names and names != read.cells:
            import pandas as pd

            values = pd.Series(values, index=names).reindex(read.cells).array
        if IDENT in obs:
            uns[IDENT] = values
            kept.append(f"@{IDENT}")
        else:
            obs[IDENT] = values
    if read.other:
        uns["assays"] = {name: plain(elements(read.slots["assays"])[name]) for name in read.other}
        kept += [f"@assays${name}" for name in read.other]
    return obs, kept, uns


def _assay(name: str, read: Assay) -> AnnData:
    """Return one assay; its metadata of cells is left to the whole."""
    import pandas as pd
    from anndata import AnnData

    placed = place(read)
    candidates = sorted(("data", "counts"), key=lambda one: one in placed.lacking)
    x_layer = next((one for one in candidates if one in placed.layers), "")
    layers = {one: values for one, values in placed.layers.items() if one != x_layer}
    made = AnnData(
        placed.layers.get(x_layer),
        obs=pd.DataFrame(index=pd.Index(read.cells, dtype=object)),
        var=_features(read),
        layers=layers,
        obsm=dict(placed.frames),
    )
    facts: dict[str, Any] = {"name": name, "class": read.kind, "key": read.key}
    if placed.parts:
        facts["parts"] = placed.parts
    if placed.part_of_cell:
        facts["part_of_cell"] = pd.Categorical(placed.part_of_cell)
    if placed.filled:
        facts["filled_with_0"] = placed.filled
    if placed.lacking:
        facts["cells_filled_with_0"] = placed.lacking
    if read.outside:
        facts["layers_not_read"] = read.outside
    if (variable := variable_features(read)) and not set(variable) <= set(read.features):
        facts["variable_features"] = variable
    kept = []
    for slot, node in attributes(read.node).items():
        if slot not in PLACED and not is_empty(node) and not code(node):
            facts[slot] = plain(node)
            kept.append(f"@assays${name}@{slot}")
    made.uns.update({"x_layer": x_layer, "seurat": {"assay": facts}, "kept": kept})
    return made


def _features(read: Assay) -> pd.DataFrame:
    """Return the metadata of features, with `highly_variable` and its rank (from 0) where there are such."""
    import pandas as pd

    index = pd.Index(read.features, dtype=object)
    var = pd.DataFrame(index=index)
    if read.feature_frame and read.metadata is not None:
        found, _ = table(read.metadata, "the metadata of features")
        if len(found) == len(index):
            found.index = pd.Index(feature_rows(read), dtype=object)
            var = found.loc[read.features]
    variable = [one for one in variable_features(read) if one in set(read.features)]
    if variable and not {"highly_variable", "highly_variable_rank"} & set(var.columns):
        var["highly_variable"] = index.isin(variable)
        rank = pd.Series(np.arange(len(variable), dtype="f8"), index=variable)
        var["highly_variable_rank"] = rank.reindex(index).to_numpy()
    return var


def joined(made: dict[str, AnnData], obs: pd.DataFrame) -> MuData:
    """Return a MuData of the assays with the metadata of cells on top."""
    import mudata

    with warnings.catch_warnings(), mudata.set_options(pull_on_update=False):
        warnings.simplefilter("ignore")
        whole = mudata.MuData(made)
        missing = [cell for cell in obs.index if cell not in whole.obs_names]
        if missing:
            raise FormatError(f"{len(missing)} cells that no assay has")
        whole.obs = obs.loc[list(whole.obs_names)]
    return whole
