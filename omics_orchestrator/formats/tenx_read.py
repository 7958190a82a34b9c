"""Single-cell files become an AnnData in memory: 10x (folder or .h5), h5ad, loom. Verdicts: the formats' own modules.

Every reader refuses what its format finds invalid while reading; pickles are never opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5, tenx_h5, tenx_mtx
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.tenx import part_of
from omics_orchestrator.formats.tenx_text import GENES
from omics_orchestrator.formats.text import Lines

if TYPE_CHECKING:
    import anndata


def read(files: Mapping[str, OpenFile]) -> anndata.AnnData:
    """Return one 10x file set as an AnnData.

    Args:
        files: path → file of the set: the three text files, or one .h5.

    Returns:
        cells × features: `X` csr of int64 (float64 where the file says `real`) without stored zeros, entries that
        are there twice added; `obs_names` barcodes; `var_names` feature ids as written (repeats stay); `var` with
        `gene_ids`, `gene_symbols`, `feature_types`, and `genome` where the file tells it. Several genomes of
        Cell Ranger 2 stand beside one another; cells that one lacks have zeros there.

    Raises:
        FormatError: a part is missing or broken, or the parts do not fit.
    """
    if len(files) == 1 and hdf5.is_hdf5(next(iter((only := next(iter(files.values()))).blocks()), b"")):
        return _read_h5(only)
    parts = {part_of(path): file for path, file in files.items()}
    for part in ("matrix", "barcodes", "features"):
        if part not in parts:
            raise FormatError(f"no {part} in the set")
    barcodes = [row[0] for row in _rows(parts["barcodes"])]
    rows = _rows(parts["features"])
    if any(len(row) < 2 for row in rows):
        raise FormatError("a feature without a name")
    columns = {"gene_ids": [row[0] for row in rows], "gene_symbols": [row[1] for row in rows]}
    columns["feature_types"] = [row[2] if len(row) > 2 else GENES for row in rows]
    return _anndata(_entries(parts["matrix"], len(barcodes), len(rows)), barcodes, columns)


def read_h5ad(file: OpenFile) -> anndata.AnnData:
    """Return a .h5ad as anndata reads it: cells × genes, all slots, `X` as stored.

    Raises:
        FormatError: no HDF5, damaged, it holds a pickle or leads to another file.
    """
    import anndata

    with hdf5.opened(file, "AnnData"):
        return anndata.read_h5ad(file.path())


def read_loom(file: OpenFile) -> anndata.AnnData:
    """Return a .loom, whose rows are genes, as cells × genes.

    `X` is csr of the stored kind; `layers` csr; `obs` and `var` have the attributes that are one value per cell or
    gene; names come from `CellID`, `obs_names` or a number, and `Accession`, `Gene`, `var_names` or a number.

    Raises:
        FormatError: no HDF5, damaged, it holds a pickle, no matrix.
    """
    import anndata
    import pandas as pd

    with hdf5.opened(file, "loom") as content:
        obs, var = (_attributes(content[part]) for part in ("col_attrs", "row_attrs"))
        rows, columns = content["matrix"].shape
        cells, genes = (
            _name(obs, ("CellID", "obs_names"), columns),
            _name(var, ("Accession", "Gene", "var_names"), rows),
        )
        layers = {name: _cells_first(layer) for name, layer in content.get("layers", {}).items()}
        return anndata.AnnData(
            _cells_first(content["matrix"]), obs=pd.DataFrame(obs, index=cells), var=pd.DataFrame(var, index=genes),
            layers=layers,
        )  # fmt: skip


def _rows(file: OpenFile) -> list[list[str]]:
    return [line.decode("utf-8").split("\t") for batch in Lines(file.blocks()) for line in batch]


def _entries(file: OpenFile, cells: int, genes: int) -> Any:
    """Return the matrix as csr, cells × genes."""
    import numpy as np
    from scipy import sparse

    text = tenx_mtx.MatrixText(file.blocks())
    batches = list(text)
    assert text.header is not None
    if (text.header.columns, text.header.rows) != (cells, genes):
        raise FormatError(f"{cells} barcodes and {genes} features, but {text.header.columns} columns and "
                          f"{text.header.rows} rows")  # fmt: skip
    kind = np.int64 if text.header.field == "integer" else np.float64
    at = [np.concatenate([np.empty(0, np.int64), *(batch[part] for batch in batches)]) for part in (0, 1)]
    values = np.concatenate([np.empty(0, kind), *(batch.values for batch in batches)])
    return sparse.csr_matrix((values, (at[1], at[0])), shape=(cells, genes))


def _anndata(matrix: Any, barcodes: list[str], columns: Mapping[str, list[str]]) -> anndata.AnnData:
    import anndata
    import pandas as pd

    matrix.eliminate_zeros()
    matrix.sort_indices()
    obs, var = pd.DataFrame(index=barcodes), pd.DataFrame(dict(columns), index=list(columns["gene_ids"]))
    return anndata.AnnData(matrix, obs=obs, var=var)


def _read_h5(file: OpenFile) -> anndata.AnnData:
    import numpy as np
    from scipy import sparse

    columns: dict[str, list[str]] = {"gene_ids": [], "gene_symbols": [], "feature_types": [], "genome": []}
    parts, names = [], []
    with hdf5.opened(file, "10x matrix") as content:
        for genome, group in tenx_h5.matrices(content):
            rows, cells = (int(side) for side in group["shape"][:])
            kept = (group["data"][:].astype(np.int64), group["indices"][:], group["indptr"][:])
            parts.append(sparse.csr_matrix(kept, shape=(cells, rows)))
            parts[-1].sum_duplicates()
            names.append([hdf5.text(name) for name in group["barcodes"][:]])
            told = {
                name: [hdf5.text(one) for one in part[:]] for name, part in tenx_h5.features(group).items()
            }
            columns["gene_ids"] += told["id"]
            columns["gene_symbols"] += told.get("name", told["id"])
            columns["feature_types"] += told.get("feature_type", [GENES] * rows)
            columns["genome"] += told.get("genome", [genome] * rows)
    barcodes = list(dict.fromkeys(name for one in names for name in one))
    if len(parts) == 1:
        return _anndata(parts[0], names[0], columns)
    place = {name: at for at, name in enumerate(barcodes)}
    beside = [
        sparse.csr_matrix((np.ones(len(one), np.int64), ([place[n] for n in one], range(len(one)))),
                          shape=(len(barcodes), len(one))) @ part
        for one, part in zip(names, parts, strict=True)
    ]  # fmt: skip
    return _anndata(sparse.hstack(beside, format="csr"), barcodes, columns)


def _attributes(group: Any) -> dict[str, Any]:
    """Return name → values of the attributes with one value per row or column."""
    found = {}
    for name, values in group.items():
        if values.ndim == 1:
            found[name] = [hdf5.text(one) for one in values[:]] if values.dtype.kind in "OS" else values[:]
    return found


def _name(attributes: Mapping[str, Any], names: tuple[str, ...], count: int) -> list[str]:
    """Return the names of cells or genes: the first of `names` that is there, or numbers."""
    told = next((attributes[name] for name in names if name in attributes), range(count))
    return [str(one) for one in told]


def _cells_first(matrix: Any) -> Any:
    """Return a genes × cells dataset as csr, cells × genes, read in pieces."""
    from scipy import sparse

    step = max(hdf5.PIECE // max(matrix.shape[1], 1), 1)
    rows = [sparse.csr_matrix(matrix[top : top + step]) for top in range(0, matrix.shape[0], step)]
    whole = sparse.vstack(rows, format="csr") if rows else sparse.csr_matrix(matrix.shape, dtype=matrix.dtype)
    return whole.T.tocsr()
