"""Matrices of R, dense and sparse (package Matrix), as NumPy arrays and SciPy matrices of the same orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from rdata.parser import RObject, RObjectType

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import Unkept
from omics_orchestrator.formats.rds_values import (
    attributes,
    classes,
    integers,
    length,
    texts,
)

SPARSE = {
    f"{kind}{shape}{storage}Matrix"
    for kind in "dln"
    for shape in "gst"
    for storage in "CRT"
} | {"Graph"}  # fmt: skip
"""d numbers, l TRUE/FALSE, n pattern; g general, s symmetric, t triangular; C by column, R by row, T triplets."""
DENSE = {"dgeMatrix", "lgeMatrix", "ngeMatrix"}


@dataclass(frozen=True)
class Matrix:
    """A matrix before its values are built: checked as far as its values were kept.

    Attributes:
        node: the R object.
        shape: rows, columns.
        rows: row names; empty where it has none.
        columns: column names.
        kind: class (`dgCMatrix`) or `matrix`.
        elements: numbers stored.
    """

    node: RObject
    shape: tuple[int, int]
    rows: list[str]
    columns: list[str]
    kind: str
    elements: int

    @property
    def sparse(self) -> bool:
        """Whether it is stored sparsely."""
        return self.kind in SPARSE


def is_matrix(node: RObject | None) -> bool:
    """Tell whether a node is a matrix that can be read."""
    if node is None:
        return False
    slots = attributes(node)
    named = classes(node)
    if "Dim" in slots:
        return bool(named) and named[0] in SPARSE | DENSE
    return len(integers(slots.get("dim"))) == 2 and isinstance(node.value, (list, np.ndarray, Unkept))


def matrix(node: RObject, what: str) -> Matrix:
    """Return what a matrix is.

    Raises:
        FormatError: its parts do not fit together.
    """
    slots = attributes(node)
    sides = integers(slots.get("Dim", slots.get("dim")))
    if not is_matrix(node) or len(sides) != 2 or min(sides) < 0:
        raise FormatError(f"{what} is no matrix")
    shape = (sides[0], sides[1])
    names = slots.get("Dimnames", slots.get("dimnames"))
    rows, columns = _names(names, shape, what)
    kind = classes(node)[0] if "Dim" in slots else "matrix"
    if kind in SPARSE:
        stored = _check_sparse(slots, shape, kind, what)
    else:
        stored = length(slots["x"]) if "x" in slots else length(node)
        if stored != shape[0] * shape[1]:
            raise FormatError(f"{what}: {stored} values for {shape[0]} rows and {shape[1]} columns")
    return Matrix(node, shape, rows, columns, kind, stored)


def _names(node: RObject | None, shape: tuple[int, int], what: str) -> tuple[list[str], list[str]]:
    """Return row and column names."""
    if node is None or not isinstance(node.value, list) or len(node.value) != 2:
        return [], []
    rows, columns = (texts(names) for names in node.value)
    for names, side in ((rows, shape[0]), (columns, shape[1])):
        if names and len(names) != side:
            raise FormatError(f"{what}: {len(names)} names for {side} rows or columns")
    return rows, columns


def _check_sparse(slots: dict[str, RObject], shape: tuple[int, int], kind: str, what: str) -> int:
    """Check pointers and indices, as R's validObject() does; returns how many elements are stored."""
    by = kind[2] if kind != "Graph" else "C"
    minor, major = {"C": ("i", 1), "R": ("j", 0), "T": ("i", 1)}[by]
    indices = _whole(slots, minor, what)
    stored = len(indices)
    if "x" in slots and length(slots["x"]) != stored:
        raise FormatError(f"{what}: {length(slots['x'])} values for {stored} indices")
    if "x" not in slots and not kind.startswith("n"):
        raise FormatError(f"{what}: a sparse matrix without values")
    _within(indices, shape[1 - major], what)
    if by == "T":
        others = _whole(slots, "j", what)
        _within(others, shape[1], what)
        if len(others) != stored:
            raise FormatError(f"{what}: rows and columns of a sparse matrix differ in number")
        return stored
    kept = _whole(slots, "p", what)
    pointers = np.array([kept.low, kept.high]) if isinstance(kept, Unkept) else np.ma.getdata(kept)
    if len(kept) != shape[major] + 1 or pointers[0] != 0 or pointers[-1] != stored:
        raise FormatError(f"{what}: the pointers of a sparse matrix do not fit its shape")
    if np.any(np.diff(pointers) < 0):
        raise FormatError(f"{what}: the pointers of a sparse matrix go backwards")
    return stored


def _whole(slots: dict[str, RObject], name: str, what: str) -> Any:
    node = slots.get(name)
    if node is None or node.info.type != RObjectType.INT:
        raise FormatError(f"{what}: a sparse matrix without its slot {name}")
    return node.value


def _within(indices: Any, side: int, what: str) -> None:
    """Check that row or column numbers (from 0) lie in the matrix."""
    if not len(indices):
        return
    unkept = isinstance(indices, Unkept)
    low, high = (indices.low, indices.high) if unkept else (indices.min(), indices.max())
    if np.ma.is_masked(indices) or low < 0 or high >= side:
        raise FormatError(f"{what}: an index of a sparse matrix lies outside of it")


def build(read: Matrix, *, transposed: bool = False) -> Any:
    """Return the values: an array, or a SciPy matrix compressed by row (`transposed`) or by column.

    `transposed` turns features × cells into cells × features; a dgCMatrix then needs no copy.
    """
    slots = attributes(read.node)
    if read.sparse:
        return _sparse(read, slots, transposed=transposed)
    node = slots.get("x", read.node)
    if node.info.type == RObjectType.STR:
        values: Any = np.array(node.value, dtype=object)
    else:
        values = np.ma.getdata(node.value)
        if np.ma.is_masked(node.value):
            values = np.ma.filled(node.value.astype("f8"), np.nan)
    dense = values.reshape(read.shape, order="F")
    return np.ascontiguousarray(dense.T) if transposed else dense


def _sparse(read: Matrix, slots: dict[str, RObject], *, transposed: bool) -> Any:
    """Return a sparse matrix; stored zeros stay, symmetric ones are filled up."""
    from scipy import sparse

    by, form = (read.kind[2], read.kind[1]) if read.kind != "Graph" else ("C", "g")
    stored = slots.get("x")
    values = np.ones(read.elements, bool) if stored is None else _filled(stored.value)
    if by == "T":
        ij = (np.ma.getdata(slots["i"].value), np.ma.getdata(slots["j"].value))
        made: Any = sparse.coo_matrix((values, ij), read.shape).tocsc()
    else:
        kind = sparse.csc_matrix if by == "C" else sparse.csr_matrix
        minor = np.ma.getdata(slots["i" if by == "C" else "j"].value)
        made = kind((values, minor, np.ma.getdata(slots["p"].value)), read.shape)
    if form == "s":
        made = made + made.T - sparse.diags_array(made.diagonal(), dtype=made.dtype)
    if form == "t" and texts(slots.get("diag")) == ["U"]:
        made = made + sparse.eye_array(*read.shape, dtype=made.dtype)
    return made.T.tocsr() if transposed else made.tocsc()


def _filled(values: Any) -> Any:
    """Return stored values without mask; NA among TRUE/FALSE makes them numbers."""
    return np.ma.filled(values.astype("f8"), np.nan) if np.ma.is_masked(values) else np.ma.getdata(values)
