"""AnnData or MuData groups (HDF5 or Zarr) as one AnnData in memory: cells × features of one modality.

Only what a matrix keeps is read: X, layers, obs, var, numbers in obsm. Verdicts: h5mu.py, anndata_zarr.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.anndata_elements import SPARSE, encoding, is_array
from omics_orchestrator.formats.hdf5 import texts

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

UNREADABLE = (OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError)


def is_multimodal(root: Any) -> bool:
    """Tell a MuData from an AnnData."""
    return encoding(root) == "MuData" or "mod" in root


def modalities(root: Any) -> list[str]:
    """Return the names of the modalities in the order that the file states, else sorted."""
    names = sorted(root["mod"])
    stated = texts(root["mod"].attrs.get("mod-order", ()))
    return stated if sorted(stated) == names else names


def read_group(root: Any, modality: str | None) -> AnnData:
    """Return a whole AnnData, or of a MuData one modality with what the whole tells of its cells.

    Args:
        root: the open group.
        modality: which; None = the first.

    Returns:
        cells × features as stored. `uns["assays_left_out"]` counts the other modalities. `obs` has the columns of
        the whole, then the modality's own; `obsm` both.

    Raises:
        FormatError: no such modality; what anndata cannot read.
    """
    try:
        if is_multimodal(root):
            return _one_of(root, modality)
        if modality is not None:
            raise FormatError("`modality` is declared, but the file holds one AnnData and no modalities")
        return _slots(root)
    except UNREADABLE as error:
        raise FormatError(f"it is not to be read as AnnData ({type(error).__name__})") from None


def _one_of(root: Any, modality: str | None) -> AnnData:
    names = modalities(root)
    name = modality or next(iter(names), "")
    if name not in names:
        raise FormatError(f"no modality of the declared name among its {len(names)}")
    chosen = _slots(root["mod"][name])
    rows = _rows(root, name, chosen)
    whole = _frame(root["obs"]).iloc[rows].set_axis(chosen.obs_names)
    own = chosen.obs
    chosen.obs = _beside(whole.drop(columns=[f"{name}:{one}" for one in own], errors="ignore"), own)
    for key, values in _numbers(root.get("obsm", {})).items():
        if key not in names:
            chosen.obsm[key] = values[rows]
    chosen.uns["assays_left_out"] = len(names) - 1
    return chosen


def _slots(group: Any) -> AnnData:
    from anndata import AnnData
    from anndata.io import read_elem

    layers = {name: read_elem(group["layers"][name]) for name in group.get("layers", {})}
    x = read_elem(group["X"]) if "X" in group else None
    obs, var = _frame(group["obs"]), _frame(group["var"])
    return AnnData(x, obs=obs, var=var, layers=layers, obsm=_numbers(group.get("obsm", {})))


def _frame(node: Any) -> pd.DataFrame:
    from anndata.io import read_elem

    frame: pd.DataFrame = read_elem(node)
    return frame


def _numbers(group: Any) -> Mapping[str, Any]:
    """Return the arrays and sparse matrices of a group by name."""
    from anndata.io import read_elem

    nodes = {} if is_array(group) else {name: group[name] for name in group}
    return {name: read_elem(node) for name, node in nodes.items() if encoding(node) in ("array", *SPARSE)}


def _rows(root: Any, name: str, chosen: AnnData) -> Any:
    """Return where in the whole each cell of the modality stands: by the map that MuData keeps, else by name."""
    import numpy as np

    if "obsmap" in root and name in root["obsmap"]:
        numbers = np.asarray(root["obsmap"][name][...]).ravel()
        there = np.flatnonzero(numbers)
        rows = np.empty(chosen.n_obs, np.int64)
        if len(there) != len(rows):
            raise FormatError("the map of obs of the modality does not name each of its cells once")
        rows[:] = -1
        rows[numbers[there].astype(np.int64) - 1] = there
    else:
        rows = _frame(root["obs"]).index.get_indexer(chosen.obs_names)
    if (rows < 0).any():
        raise FormatError("the modality has cells that the whole does not have")
    return rows


def _beside(whole: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the whole, then those of the modality that the whole does not have."""
    import pandas as pd

    return pd.concat([whole, own[[name for name in own if name not in whole]]], axis=1)
