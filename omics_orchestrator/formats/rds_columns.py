"""Columns, data frames, matrices and plain values of Python as R nodes. The other way round: rds_values.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_emit import (
    LIST,
    NA_INTEGER,
    NA_REAL,
    NULL,
    Node,
    logical,
    named_list,
    real,
    s4,
    texts,
    whole,
)

if TYPE_CHECKING:
    import pandas as pd


def column(values: pd.Series) -> Node:
    """Return a column: categories as factor, whole numbers as integer while they fit, times as POSIXct in UTC."""
    import pandas as pd

    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _factor(values)
    missing = values.isna().to_numpy()
    if pd.api.types.is_bool_dtype(kind):
        return logical(np.where(missing, NA_INTEGER, values.fillna(False).to_numpy(bool)))
    if pd.api.types.is_integer_dtype(kind):
        filled = values.fillna(0).to_numpy()
        if not len(filled) or (filled.min() > NA_INTEGER and filled.max() < 2**31):
            return whole(np.where(missing, NA_INTEGER, filled.astype("i8")))
        return real(np.where(missing, NA_REAL, filled.astype("f8")))
    if pd.api.types.is_float_dtype(kind):
        return real(values.to_numpy("f8", na_value=np.nan))
    if isinstance(kind, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(kind):
        seconds = pd.to_datetime(values, utc=True).dt.tz_localize(None).to_numpy("M8[ns]").astype("i8") / 1e9
        return real(np.where(missing, NA_REAL, seconds), **_time_attributes())
    return texts([None if gone else str(one) for one, gone in zip(values, missing, strict=True)])


def _time_attributes() -> dict[str, Node]:
    return {"class": texts(["POSIXct", "POSIXt"]), "tzone": texts(["UTC"])}


def _factor(values: pd.Series) -> Node:
    codes = values.cat.codes.to_numpy().astype("i8")
    kinds = ["ordered", "factor"] if values.cat.ordered else ["factor"]
    levels = [str(one) for one in values.cat.categories]
    if len(set(levels)) != len(levels):
        raise FormatError("two categories of a column are the same text")
    return whole(np.where(codes < 0, NA_INTEGER, codes + 1), levels=texts(levels), **{"class": texts(kinds)})


def data_frame(values: pd.DataFrame) -> Node:
    """Return a data frame with the index as row names."""
    names = [str(name) for name in values.columns]
    if len(set(names)) != len(names):
        raise FormatError("two columns with the same name")
    columns = {name: column(values.iloc[:, at]) for at, name in enumerate(names)}
    attributes = {"row.names": texts([str(one) for one in values.index]), "class": texts(["data.frame"])}
    return Node(LIST, list(columns.values()), {"names": texts(list(columns)), **attributes})


def dense(values: Any, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Node:
    """Return a matrix of doubles, or of whole numbers where they are such."""
    array = np.asarray(values)
    attributes = {"dim": whole(array.shape)}
    if len(rows) or len(columns):
        attributes["dimnames"] = _dimnames(rows, columns)
    flat = array.ravel(order="F")
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 4 and array.dtype != np.uint32:
        return whole(flat, **attributes)
    return logical(flat, **attributes) if array.dtype.kind == "b" else real(flat, **attributes)


def _dimnames(rows: Sequence[str], columns: Sequence[str]) -> Node:
    return Node(LIST, [texts(list(one)) if len(one) else NULL for one in (rows, columns)])


def matrix(values: Any, rows: Sequence[str], columns: Sequence[str]) -> Node:
    """Return a matrix as R keeps it: sparse ones as dgCMatrix, others dense."""
    from scipy import sparse

    if not sparse.issparse(values):
        return dense(values, rows, columns)
    return s4("dgCMatrix", "Matrix", sparse_slots(values, rows, columns))


def sparse_slots(values: Any, rows: Sequence[str], columns: Sequence[str]) -> dict[str, Node]:
    """Return the slots of a dgCMatrix: compressed by column, rows in order, none twice.

    Raises:
        FormatError: 2^31 elements or more, which R's class cannot hold.
    """
    made = values.tocsc()
    if made.nnz >= 2**31:
        raise FormatError(f"{made.nnz:,} elements: R's sparse matrices end at 2^31")
    if not made.has_canonical_format:
        made = made.copy() if made is values else made
        made.sum_duplicates()
    return {
        "i": whole(made.indices),
        "p": whole(made.indptr),
        "Dim": whole(made.shape),
        "Dimnames": _dimnames(rows, columns),
        "x": real(made.data),
        "factors": Node(LIST, []),
    }


def value(given: Any) -> Node | None:
    """Return dictionaries, texts, numbers, arrays, frames as R's; None where there is no R object for it."""
    import pandas as pd
    from scipy import sparse

    if given is None:
        return NULL
    if isinstance(given, Mapping):
        made = {str(name): value(one) for name, one in given.items()}
        return named_list({name: one for name, one in made.items() if one is not None})
    if isinstance(given, pd.DataFrame):
        return data_frame(given)
    if sparse.issparse(given):
        return matrix(given, (), ())
    if isinstance(given, np.ndarray) and given.ndim == 2 and given.dtype.kind in "biuf":
        return dense(given)
    if isinstance(given, (str, bool, int, float, np.generic)):
        return column(pd.Series([given.item() if isinstance(given, np.generic) else given]))
    if isinstance(given, (list, tuple, np.ndarray, pd.api.extensions.ExtensionArray, pd.Series)):
        return _vector(given)
    return None


def _vector(given: Any) -> Node | None:
    """Return a vector of numbers or texts; a mixed list as a list."""
    import pandas as pd

    if getattr(given, "ndim", 1) != 1:
        return None
    if isinstance(given, (list, tuple)) and any(isinstance(one, (dict, list, tuple)) for one in given):
        parts = [value(one) for one in given]
        return Node(LIST, [one for one in parts if one is not None])
    return column(pd.Series(given))
