"""A SingleCellExperiment or SummarizedExperiment as AnnData; alternative experiments become modalities of a MuData.

assays     X (logcounts, or the first), layers      colData      obs      rowData, rowRanges   var
reducedDims    obsm["X_PCA"], varm["PCA"]    colPairs   obsp      metadata and the rest  uns["experiment"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_internal import add_pairs, add_reduced, columns
from omics_orchestrator.formats.rds_matrix import build
from omics_orchestrator.formats.rds_objects import Experiment
from omics_orchestrator.formats.rds_plain import code, is_empty, plain, version
from omics_orchestrator.formats.rds_values import attributes, elements, factor, frame, is_frame, table

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

READ = {
    "assays",
    "colData",
    "elementMetadata",
    "NAMES",
    "class",
    "int_colData",
    "int_elementMetadata",
    "rowRanges",
}


def experiment_to_anndata(read: Experiment) -> AnnData | MuData:
    """Return an experiment as AnnData, or as MuData where it has alternative ones.

    Raises:
        FormatError: its parts do not fit together.
    """
    main = _anndata(read)
    if not read.others:
        return main
    from omics_orchestrator.formats.rds_seurat import joined

    obs, main.obs = main.obs, main.obs[[]]
    parts = {read.main or "main": main}
    for name, other in read.others.items():
        part = _anndata(other)
        if part.n_obs != main.n_obs:
            raise FormatError("an alternative experiment with another number of cells")
        part.obs_names = main.obs_names
        parts[f"{name}_alternative" if name in parts else name] = part
    whole = joined(parts, obs)
    whole.uns["kept"] = list(main.uns["kept"])
    return whole


def _anndata(read: Experiment) -> AnnData:
    """Return one experiment."""
    import pandas as pd
    from anndata import AnnData

    kept: list[str] = []
    uns: dict[str, Any] = {}
    values = {name: build(one, transposed=True) for name, one in read.assays.items()}
    x_layer = "logcounts" if "logcounts" in values else next(iter(values), "")
    n_features = next((one.shape[0] for one in read.assays.values()), len(read.features))
    features = read.features or [str(n + 1) for n in range(n_features)]
    made = AnnData(
        values.get(x_layer),
        obs=_columns(read.columns, read.samples, "@colData", uns, kept),
        var=_rows(read, features, uns, kept),
        layers={name: one for name, one in values.items() if name != x_layer},
        obsm={f"X_{name}": np.ascontiguousarray(build(one)) for name, one in read.reductions.items()},
    )
    if read.outside:
        uns["assays_not_read"] = read.outside
    internal = read.slots.get("int_colData")
    add_reduced(internal, made, uns, kept)
    add_pairs(internal, made, uns, kept)
    _rest(read, uns, kept)
    made.obs_names = pd.Index(read.samples, dtype=object)
    made.uns.update({"x_layer": x_layer, "experiment": uns, "kept": kept})
    return made


def _columns(
    node: RObject | None, index: list[str], slot: str, uns: dict[str, Any], kept: list[str]
) -> pd.DataFrame:
    """Return metadata with the given index; columns that are lists or matrices go to `uns`."""
    import pandas as pd

    rows = pd.Index(index, dtype=object)
    if node is None:
        return pd.DataFrame(index=rows)
    found, odd = table(node, "metadata")
    for name, column in odd.items():
        if not code(column):
            uns.setdefault(slot[1:], {})[name] = plain(column)
            kept.append(f"{slot}${name}")
    return found.set_axis(rows)


def _rows(read: Experiment, features: list[str], uns: dict[str, Any], kept: list[str]) -> pd.DataFrame:
    """Return the metadata of features: of their ranges, then their own."""
    import pandas as pd

    parts = [_ranges(read.slots.get("rowRanges"), features)]
    parts += [_columns(node, features, "@rowData", uns, kept) for node in read.rows]
    found = [part for part in parts if part is not None]
    bound = pd.concat([pd.DataFrame(index=pd.Index(features, dtype=object)), *found], axis=1)
    return bound.loc[:, ~bound.columns.duplicated()]


def _ranges(node: RObject | None, features: list[str]) -> pd.DataFrame | None:
    """Return where features lie (1-based, both ends in), of one range each; None for lists of ranges."""
    import pandas as pd

    slots = attributes(node) if node is not None else {}
    if not {"seqnames", "ranges", "strand"} <= set(slots):
        return None
    ranges = attributes(slots["ranges"])
    start, width = (np.ma.getdata(ranges[name].value) for name in ("start", "width"))
    if len(start) != len(features):
        return None
    columns = {
        "seqnames": _runs(slots["seqnames"]),
        "start": start,
        "end": start + width - 1,
        "strand": _runs(slots["strand"]),
    }
    return pd.DataFrame(columns, index=pd.Index(features, dtype=object))


def _runs(node: RObject) -> Any:
    """Return a run-length encoded factor (Rle) in full."""
    slots = attributes(node)
    return factor(slots["values"], "ranges").repeat(np.ma.getdata(slots["lengths"].value))


def _rest(read: Experiment, uns: dict[str, Any], kept: list[str]) -> None:
    """Keep all other slots, and what of the internal ones has no place."""
    for slot, node in read.slots.items():
        if slot in READ or is_empty(node) or code(node):
            continue
        if slot == "int_metadata":
            uns["version"] = version(elements(node).get("version"))
            continue
        uns[slot] = plain(node)
        kept.append(f"@{slot}")
    for slot, placed in (
        ("int_colData", {"reducedDims", "altExps", "colPairs"}),
        ("int_elementMetadata", set[str]()),
    ):
        for name, column in columns(read.slots.get(slot)).items():
            if name not in placed and not _hollow(column) and not code(column):
                uns.setdefault(slot, {})[name] = plain(column)
                kept.append(f"@{slot}${name}")


def _hollow(node: RObject) -> bool:
    """Tell whether a column of pairs holds none (a data frame without columns)."""
    return is_empty(node) or (is_frame(node) and not frame(node, "pairs").columns)
