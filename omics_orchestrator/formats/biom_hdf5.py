"""BIOM version 2: an HDF5 file (https://biom-format.org/documentation/format_versions/biom-2.1.html)."""

from __future__ import annotations

from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.biom_parts import BiomParts, as_text
from omics_orchestrator.formats.matrix_table import Found

ATTRIBUTES = ("id", "type", "format-url", "format-version", "generated-by", "creation-date", "shape", "nnz")
MOST = 100  # kinds of metadata that are kept


def read(file: OpenFile, found: Found) -> BiomParts:
    """Read the parts of a table."""
    with hdf5.opened(file, "BIOM table") as content:
        if lacking := [name for name in ATTRIBUTES if name not in content.attrs]:
            raise FormatError(f"the required attribute {lacking[0]} is missing")
        version = [int(part) for part in content.attrs["format-version"]]
        found.facts["version"] = ".".join(map(str, version))
        found.facts["matrix"] = "sparse"
        rows, samples = (int(side) for side in content.attrs["shape"])
        ids = {axis: _ids(content, axis) for axis in ("observation", "sample")}
        if (len(ids["observation"]), len(ids["sample"])) != (rows, samples):
            raise FormatError("the shape is not that of the lists of observations and samples")
        row, column, values = _matrix(content["observation/matrix"], rows)
        stated, other = int(content.attrs["nnz"]), _matrix(content["sample/matrix"], samples)
        if not len(values) == stated == len(other[2]):
            raise FormatError("nnz and the two copies of the matrix do not hold as many values")
        if not _same((row, column, values), (other[1], other[0], other[2])):
            raise FormatError("the matrix by observations is not the matrix by samples")
        for axis, length in (("observation", rows), ("sample", samples)):
            if short := _short(content.get(f"{axis}/metadata"), length):
                found.warnings.append(f"{short} metadata of the {axis}s do not hold one value per {axis}")
        return BiomParts(
            hdf5.text(content.attrs["type"]),
            (rows, samples),
            ids["observation"],
            ids["sample"],
            row,
            column,
            values,
            _metadata(content.get("observation/metadata"), rows),
        )


def _ids(content: Any, axis: str) -> list[str]:
    ids = content[f"{axis}/ids"]
    if not hdf5.is_written(ids):
        raise FormatError(f"the list of {axis} ids claims values that were never written")
    return [hdf5.text(one) for piece in hdf5.pieces(ids) for one in piece]


def _matrix(group: Any, length: int) -> tuple[Any, Any, Any]:
    """Return major index, minor index and value of every entry of a compressed matrix."""
    import numpy as np

    if not all(hdf5.is_written(group[name]) for name in ("indptr", "indices", "data")):
        raise FormatError("the matrix claims values that were never written")
    starts = group["indptr"][()].astype(np.int64)
    minor, values = group["indices"][()].astype(np.int64), group["data"][()].astype(np.float64)
    whole = len(starts) == length + 1 and starts[0] == 0 and bool((np.diff(starts) >= 0).all())
    if not whole or starts[-1] != len(values) or len(minor) != len(values):
        raise FormatError("indptr, indices and data of the matrix do not fit")
    return np.repeat(np.arange(length), np.diff(starts)), minor, values


def _same(left: tuple[Any, Any, Any], right: tuple[Any, Any, Any]) -> bool:
    import numpy as np

    orders = [np.lexsort(entries[1::-1]) for entries in (left, right)]
    return all(
        np.array_equal(a[orders[0]], b[orders[1]], equal_nan=True)
        for a, b in zip(
            (left[0], left[1], left[2].astype(float)),
            (right[0], right[1], right[2].astype(float)),
            strict=True,
        )
    )


def _short(group: Any, length: int) -> int:
    """Return how many metadata do not have one row per id."""
    shapes = [getattr(group[name], "shape", None) for name in list(group or ())[:MOST]]
    return sum(not shape or shape[0] != length for shape in shapes)


def _metadata(group: Any, rows: int) -> dict[str, list[str]]:
    """Return the metadata of the observations by name, as texts."""
    found: dict[str, list[str]] = {}
    for name in list(group or ())[:MOST]:
        column = group[name]
        if hasattr(column, "shape") and column.shape and column.shape[0] == rows and hdf5.is_written(column):
            cells = [one.tolist() if hasattr(one, "tolist") else one for one in column[()]]
            found[name] = [as_text(_texts(cell)) for cell in cells]
    return found


def _texts(cell: Any) -> Any:
    if isinstance(cell, list):
        return [hdf5.text(one) for one in cell if one not in (b"", "")]
    return hdf5.text(cell)
