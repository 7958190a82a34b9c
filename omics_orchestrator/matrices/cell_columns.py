"""What files tell of single cells, as columns that can be stored: `file_<name>`, text as categories.

A pseudonymised study's text gets its names replaced; whole numbers, where every one of them is a known id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.formats.feature_table import unique

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "file_"  # what a file tells of a cell is never taken for a harmonised variable
BARCODE = re.compile(r"[ACGTN]+(-[0-9]+)?")
Replace = Callable[[str], str] | None


def plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Return column → plain values, None where there is none."""
    return {str(name): _values(frame[name]) for name in frame.columns.drop_duplicates()}


def of_file(obs: pd.DataFrame, replace: Replace) -> pd.DataFrame:
    """Return the columns of a file under their stored names, names of participants replaced."""
    import pandas as pd

    names = [_said(str(name), replace).replace("/", "_") for name in obs.columns]
    names = [PREFIX + name for name in unique(names)[0]]
    columns = {name: _column(obs.iloc[:, at], replace) for at, name in enumerate(names)}
    return pd.DataFrame(columns, index=obs.index)


def names(cells: Iterable[str], replace: Replace) -> list[str]:
    """Return the cells' own names; bare barcodes hold no name of a person."""
    return [name if BARCODE.fullmatch(name) else _said(name, replace) for name in map(str, cells)]


def stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all parts over all their columns, empty where a part lacks one."""
    import pandas as pd

    apart = [part.astype({name: object for name in part if _is_text(part[name])}) for part in parts]
    return writable(pd.concat(apart, axis=0, join="outer", ignore_index=True))


def writable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that AnnData can write: text as categories; a mixture of kinds is text."""
    import pandas as pd

    columns = {}
    for name in frame.columns:
        column = frame[name].infer_objects()
        if column.dtype == object and _is_yes_no(column.dropna()):
            column = column.astype("boolean")
        elif _is_text(column):
            column = column.map(lambda value: value if pd.isna(value) else str(value)).astype("category")
        columns[str(name).replace("/", "_")] = column
    return pd.DataFrame(columns, index=frame.index)


def digest(frame: pd.DataFrame) -> bytes:
    """Return the digest of index and columns in their order."""
    whole = hashlib.sha256()
    for name, column in [("", frame.index.to_series()), *frame.items()]:
        if _is_text(column):
            told = "\0".join("\1" if value is None else str(value) for value in _values(column)).encode()
        else:
            told = np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan)).tobytes()
        whole.update(hashlib.sha256(repr((name, len(column))).encode() + told).digest())
    return whole.digest()


def _column(column: pd.Series[Any], replace: Replace) -> pd.Series[Any]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
    if replace is None:
        return column
    if _is_text(column):
        return column.astype(object).map(
            {value: _said(str(value), replace) for value in column.dropna().unique()}
        )
    if pd.api.types.is_integer_dtype(column):
        said = {value: replace(str(value)) for value in column.dropna().unique()[:1000]}
        if said and all(new != str(value) for value, new in said.items()):
            return column.astype(object).map(lambda value: value if pd.isna(value) else replace(str(value)))
    return column


def _said(name: str, replace: Replace) -> str:
    return name if replace is None else replace(name)


def _is_yes_no(values: pd.Series[Any]) -> bool:
    return len(values) > 0 and all(isinstance(value, bool | np.bool_) for value in values)


def _is_text(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)) or isinstance(
        column.dtype, pd.CategoricalDtype
    )


def _values(column: pd.Series[Any]) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()
