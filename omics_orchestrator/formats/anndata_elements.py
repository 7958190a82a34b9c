"""The elements of an AnnData file: frames, columns, sparse matrices; their lengths and encodings.

Works on anything that looks like an h5py group (`attrs`, `in`, `[]`, `shape`): HDF5 and the metadata of Zarr.
Which slots there are: anndata_slots.py; values: anndata_values.py. Source: anndata's "On-disk format" page, 0.1.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.hdf5 import text, texts

VERSIONS: dict[str, tuple[str, ...]] = {
    "anndata": ("0.1.0",),
    "array": ("0.2.0",),
    "awkward-array": ("0.1.0",),
    "bytes": ("0.2.0",),
    "categorical": ("0.2.0",),
    "csc_matrix": ("0.1.0",),
    "csr_matrix": ("0.1.0",),
    "dataframe": ("0.1.0", "0.2.0"),
    "dict": ("0.1.0",),
    "null": ("0.1.0",),
    "nullable-boolean": ("0.1.0",),
    "nullable-integer": ("0.1.0",),
    "nullable-string-array": ("0.1.0",),
    "numeric-scalar": ("0.2.0",),
    "raw": ("0.1.0",),
    "rec-array": ("0.2.0",),
    "string": ("0.2.0",),
    "string-array": ("0.2.0",),
}
"""Encodings that the specification names, with the versions that are known here."""
SPARSE = ("csr_matrix", "csc_matrix")


@dataclass
class Slots:
    """What `read_slots` found.

    Attributes:
        n_obs, n_vars: rows of `obs` and `var`.
        facts: shape, columns, names of entries.
        warnings: what breaks the specification and is read all the same.
        sparse: (place, group, rows, columns, is it csr) of every sparse matrix.
        categoricals: (place, codes, categories).
        names: (place, array with the names of `obs`, `var`, raw `var`).
        nullable: (place, values, mask).
    """

    n_obs: int = 0
    n_vars: int = 0
    facts: dict[str, JsonValue] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sparse: list[tuple[str, Any, int, int, bool]] = field(default_factory=list)
    categoricals: list[tuple[str, Any, Any]] = field(default_factory=list)
    names: list[tuple[str, Any]] = field(default_factory=list)
    nullable: list[tuple[str, Any, Any]] = field(default_factory=list)


def is_array(node: Any) -> bool:
    """Tell an array from a group."""
    return hasattr(node, "shape")


def encoding(node: Any) -> str:
    """Return the encoding that a group or array states, or that its parts show; empty = none."""
    stated = text(node.attrs.get("encoding-type", ""))
    if stated:
        return stated
    if is_array(node):
        return "array"
    if "h5sparse_format" in node.attrs:
        return text(node.attrs["h5sparse_format"]) + "_matrix"
    if "h5sparse_shape" in node.attrs or ("indptr" in node and "indices" in node):
        return "csr_matrix"
    if "codes" in node and "categories" in node:
        return "categorical"
    return "dataframe" if "_index" in node.attrs else ""


def check_version(node: Any, place: str, slots: Slots) -> None:
    """Warn of an encoding, or a version of one, that the specification does not name."""
    kind, version = text(node.attrs.get("encoding-type", "")), text(node.attrs.get("encoding-version", ""))
    if kind and kind not in VERSIONS:
        slots.warnings.append(f"{place}: an encoding that the specification does not name")
    elif kind and version not in VERSIONS[kind]:
        slots.warnings.append(f"{place}: a version of its encoding that is not known here")


def shape(node: Any, place: str, slots: Slots) -> tuple[int, ...] | None:
    """Return the sides of an element, checked inside; None = of an encoding that is not known here."""
    check_version(node, place, slots)
    if is_array(node):
        return tuple(int(side) for side in node.shape or ())
    kind = encoding(node)
    if kind in SPARSE:
        return sparse(node, place, slots, is_csr=kind == "csr_matrix")
    if kind == "dataframe":
        return frame(node, place, slots), len(columns(node))
    if kind == "awkward-array":
        return (int(node.attrs["length"]),)
    if kind == "categorical" or kind.startswith("nullable-"):
        return (column(node, place, slots),)
    if place in ("X", "raw X"):
        raise FormatError(f"{place} is neither an array nor a sparse matrix")
    return None


def sparse(node: Any, place: str, slots: Slots, *, is_csr: bool) -> tuple[int, int]:
    """Check the lengths of a sparse matrix and return its sides (rows, columns)."""
    stated = next((node.attrs[name] for name in ("shape", "h5sparse_shape") if name in node.attrs), None)
    if stated is None or len(stated) != 2 or min(stated) < 0:
        raise FormatError(f"{place}: a sparse matrix without its shape")
    rows, wide = int(stated[0]), int(stated[1])
    for part in ("data", "indices", "indptr"):
        if part not in node or not is_array(node[part]) or len(node[part].shape) != 1:
            raise FormatError(f"{place}: a sparse matrix without a list {part}")
    major = rows if is_csr else wide
    if node["indptr"].shape[0] != major + 1:
        raise FormatError(f"{place}: indptr has {node['indptr'].shape[0]} entries instead of {major + 1}")
    if node["data"].shape != node["indices"].shape:
        raise FormatError(f"{place}: data and indices differ in length")
    slots.sparse.append((place, node, rows, wide, is_csr))
    return rows, wide


def columns(node: Any) -> list[str]:
    """Return the column names of a frame, without the index."""
    if is_array(node):
        return list(node.dtype.names or ())[1:]
    return texts(node.attrs.get("column-order", ()))


def frame(node: Any, place: str, slots: Slots) -> int:
    """Check a frame and return its rows; anndata before 0.7 wrote one as a compound array."""
    if is_array(node):
        if not node.dtype.names or len(node.shape) != 1:
            raise FormatError(f"{place} is no table")
        return int(node.shape[0])
    check_version(node, place, slots)
    index = text(node.attrs.get("_index", "_index"))
    if index not in node:
        raise FormatError(f"{place} has no index")
    names = unmasked(node[index])
    rows = column(node[index], f"the index of {place}", slots)
    if is_array(names) and place in ("obs", "var", "raw var"):
        slots.names.append((place, names))
    for number, name in enumerate(stated := columns(node), 1):
        if name not in node:
            raise FormatError(f"column {number} of {place} is not there")
        if (length := column(node[name], f"column {number} of {place}", slots, node)) != rows:
            raise FormatError(f"column {number} of {place} has {length} rows instead of {rows}")
    if others := set(node) - {*stated, index, "__categories"}:
        slots.warnings.append(f"{place} holds {len(others)} columns that its column-order does not name")
    return rows


def unmasked(node: Any) -> Any:
    """Return the values of a column; text that may be missing is values beside a mask."""
    return node["values"] if not is_array(node) and "values" in node else node


def column(node: Any, place: str, slots: Slots, parent: Any = None) -> int:
    """Check one column and return its rows."""
    check_version(node, place, slots)
    if is_array(node):
        if not node.shape:
            raise FormatError(f"{place} is one value, no column")
        old = parent.get("__categories") if parent is not None else None
        own = text(node.name).rpartition("/")[2]
        if old is not None and not is_array(old) and own in old:
            slots.categoricals.append((place, node, old[own]))
        return int(node.shape[0])
    kind = encoding(node)
    if kind == "categorical":
        return _categorical(node, place, slots)
    if "values" in node and "mask" in node:
        if node["values"].shape != node["mask"].shape:
            raise FormatError(f"{place}: values and mask differ in length")
        slots.nullable.append((place, node["values"], node["mask"]))
        return int(node["values"].shape[0])
    raise FormatError(f"{place} holds no values")


def _categorical(node: Any, place: str, slots: Slots) -> int:
    for part in ("codes", "categories"):
        if part not in node:
            raise FormatError(f"{place}: a categorical without {part}")
    categories = unmasked(node["categories"])
    slots.categoricals.append((place, node["codes"], categories))
    if getattr(node["codes"].dtype, "kind", "i") not in "iu":
        raise FormatError(f"{place}: codes that are no whole numbers")
    return int(node["codes"].shape[0])
