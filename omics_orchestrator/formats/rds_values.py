"""What the nodes of a serialised R object mean: attributes, classes, slots, lists, vectors, factors, data frames.

Matrices: rds_matrix.py. Whatever has no meaning of its own here: rds_plain.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import RObject, RObjectType
from rdata.parser._parser import EnvironmentValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import Unkept

if TYPE_CHECKING:
    import pandas as pd

NULL_SLOT = "\x01NULL\x01"  # the symbol that stands for NULL in a slot
NULLS = {RObjectType.NIL, RObjectType.NILVALUE}
NUMBERS = {RObjectType.INT, RObjectType.REAL, RObjectType.LGL, RObjectType.CPLX, RObjectType.RAW}
LISTS = {RObjectType.VEC, RObjectType.EXPR, RObjectType.LIST}


def attributes(node: RObject) -> dict[str, RObject]:
    """Return the attributes of a node, which for an S4 object are its slots and `class`."""
    return {name: value for name, value in pairs(node.attributes) if name}


def pairs(node: RObject | None) -> list[tuple[str, RObject]]:
    """Return the elements of a linked list with their tags; empty text where there is none."""
    found = []
    while node is not None and node.info.type == RObjectType.LIST:
        found.append((symbol(node.tag), node.value[0]))
        node = node.value[1]
    return found


def variable(environment: RObject | None, name: str) -> RObject | None:
    """Return what an environment holds under a name; None where it is no environment or holds no such."""
    held = getattr(environment, "value", None)
    if not isinstance(held, EnvironmentValue):
        return None
    table = held.hash_table.value if held.hash_table.info.type == RObjectType.VEC else []
    found = (value for part in (held.frame, *table) for tag, value in pairs(part) if tag == name)
    return next(found, None)


def symbol(node: RObject | None) -> str:
    """Return the name that a symbol is; empty for anything else."""
    if node is not None and node.info.type == RObjectType.REF:
        node = node.referenced_object
    if node is None or node.info.type != RObjectType.SYM or not isinstance(node.value.value, bytes):
        return ""
    return node.value.value.decode("utf-8", "backslashreplace")


def is_null(node: RObject | None) -> bool:
    """Tell whether a slot or element is NULL, or not there."""
    return node is None or node.info.type in NULLS or symbol(node) == NULL_SLOT


def classes(node: RObject) -> tuple[str, ...]:
    """Return the class attribute; empty for plain vectors and matrices."""
    return tuple(texts(attributes(node).get("class")))


def package(node: RObject) -> str:
    """Return the package that defines the S4 class of an object; empty where none is named."""
    declared = attributes(node).get("class")
    named = texts(attributes(declared).get("package")) if declared else []
    return named[0] if named else ""


def texts(node: RObject | None) -> list[str]:
    """Return a text vector; NA becomes `NA`, anything else no text at all."""
    if node is None or node.info.type != RObjectType.STR:
        return []
    return [text if text is not None else "NA" for text in node.value]


def text(node: RObject | None) -> str:
    """Return the first text of a text vector; empty where there is none."""
    return next(iter(texts(node)), "")


def integers(node: RObject | None) -> list[int]:
    """Return a short vector of whole numbers (`Dim`); NA becomes the smallest one."""
    if node is None or node.info.type not in {RObjectType.INT, RObjectType.REAL} or len(node.value) > 1000:
        return []
    return [int(number) for number in np.ma.getdata(node.value)]


def elements(node: RObject | None) -> dict[str, RObject]:
    """Return the elements of a list by name; those without one, or with one already seen, by position from 1."""
    if node is None or node.info.type not in LISTS:
        return {}
    named: dict[str, RObject] = {}
    if node.info.type == RObjectType.LIST:
        members = pairs(node)
    else:
        names = texts(attributes(node).get("names"))
        names += [""] * (len(node.value) - len(names))
        members = list(zip(names, node.value, strict=False))
    for position, (name, value) in enumerate(members, start=1):
        named[str(position) if not name or name in named else name] = value
    return named


def length(node: RObject) -> int:
    """Return the length of a vector, 0 for what has none."""
    return len(node.value) if isinstance(node.value, (list, np.ndarray, Unkept)) else 0


def row_names(node: RObject) -> list[str] | int:
    """Return the row names of a data frame, or how many rows it has where they are only numbers."""
    stored = attributes(node).get("row.names")
    if stored is None:
        return 0
    if stored.info.type == RObjectType.STR:
        return texts(stored)
    if len(stored.value) == 2 and np.ma.getmaskarray(stored.value)[0]:  # c(NA, -n) is 1:n in short
        return abs(int(stored.value[1]))
    if isinstance(stored.value, Unkept):
        return stored.value.size
    return [str(number) for number in stored.value.tolist()]


def vector(node: RObject, what: str) -> Any:
    """Return an atomic vector as a column.

    Whole and logical numbers with NA become pandas' nullable ones, factors categoricals (order kept), dates and
    times ISO 8601 text (times in UTC), as AnnData's files hold no time; NA in text is None.

    Raises:
        FormatError: a factor whose codes go beyond its levels.
    """
    import pandas as pd

    kinds = classes(node)
    if "factor" in kinds:
        return factor(node, what)
    if node.info.type == RObjectType.STR:
        return np.array(node.value, dtype=object)
    values = node.value
    if isinstance(values, Unkept):
        raise FormatError(f"{what} is too long to be kept")
    if kinds and kinds[0] in {"Date", "POSIXct"}:
        return _moments(values, "D" if kinds[0] == "Date" else "ns")
    mask = np.ma.getmaskarray(values)
    if node.info.type in {RObjectType.INT, RObjectType.LGL} and mask.any():
        plain = np.ma.getdata(values).copy()
        return (pd.arrays.IntegerArray if node.info.type == RObjectType.INT else pd.arrays.BooleanArray)(
            plain, mask
        )
    return np.ma.getdata(values)


def _moments(values: Any, unit: str) -> Any:
    """Return days or seconds since 1970 as ISO 8601 text."""
    numbers = np.ma.filled(values.astype("f8"), np.nan)
    usable = np.isfinite(numbers) & (np.abs(numbers) < (4e6 if unit == "D" else 9e9))
    scale = 1 if unit == "D" else 1_000_000_000
    ticks = np.round(np.where(usable, numbers, 0) * scale).astype("i8").astype(f"M8[{unit}]")
    written = np.datetime_as_string(ticks, unit="D" if unit == "D" else "ms").astype(object)
    written[~usable] = None
    return written


def check_factor(node: RObject, what: str) -> None:
    """Check a factor: whole numbers from 1 to the number of levels or NA, each level once.

    Raises:
        FormatError: it is none.
    """
    levels = texts(attributes(node).get("levels"))
    codes = node.value
    if node.info.type != RObjectType.INT:
        raise FormatError(f"{what}: a factor that is none")
    if len(set(levels)) != len(levels):
        raise FormatError(f"{what}: a factor with a level twice")
    if isinstance(codes, Unkept):
        fits = codes.high <= len(levels)
    else:
        given = np.ma.compressed(codes)
        fits = not len(given) or 1 <= given.min() <= given.max() <= len(levels)
    if not fits:
        raise FormatError(f"{what}: a factor with codes beyond its {len(levels)} levels")


def factor(node: RObject, what: str) -> Any:
    """Return a factor; unused levels and the order of levels stay, NA is no category."""
    import pandas as pd

    check_factor(node, what)
    if isinstance(node.value, Unkept):
        raise FormatError(f"{what} is too long to be kept")
    codes = np.where(np.ma.getmaskarray(node.value), 0, np.ma.getdata(node.value)).astype("i8")
    levels = pd.Index(texts(attributes(node).get("levels")), dtype=object)
    made: Any = pd.Categorical.from_codes
    return made(codes - 1, levels, ordered="ordered" in classes(node))


@dataclass(frozen=True)
class Frame:
    """A data frame or DFrame before it is read: its columns by name and its rows."""

    columns: dict[str, RObject]
    rows: list[str] | int

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return self.rows if isinstance(self.rows, int) else len(self.rows)


def is_frame(node: RObject | None) -> bool:
    """Tell whether a node is a data.frame (tibble, data.table) or Bioconductor's DFrame."""
    return node is not None and bool({"data.frame", "DFrame", "DataFrame"} & set(classes(node)))


def frame(node: RObject | None, what: str) -> Frame:
    """Return columns and rows of a data frame.

    Raises:
        FormatError: no data frame, or a column of another length.
    """
    if node is None or not is_frame(node):
        raise FormatError(f"{what} is no data frame")
    slots = attributes(node)
    if "listData" in slots:
        named = texts(slots.get("rownames"))
        rows: list[str] | int = named or next(iter(integers(slots.get("nrows"))), 0)
        found = Frame(elements(slots["listData"]), rows)
    else:
        found = Frame(elements(node), row_names(node))
    for number, column in enumerate(found.columns.values(), start=1):
        if is_plain(column) and length(column) != found.n_rows:
            raise FormatError(f"{what}: a column has {length(column)} values for {found.n_rows} rows")
        if "factor" in classes(column):
            check_factor(column, f"{what}, column {number}")
    return found


def is_plain(node: RObject) -> bool:
    """Tell whether a node is an atomic vector (no matrix, no list), fit for a column."""
    return node.info.type in NUMBERS | {RObjectType.STR} and "dim" not in attributes(node)


def table(node: RObject | None, what: str) -> tuple[pd.DataFrame, dict[str, RObject]]:
    """Return a data frame with its atomic columns, and the columns that are matrices or lists."""
    import pandas as pd

    read = frame(node, what)
    columns = {
        name: vector(column, f"{what}, column {number}")
        for number, (name, column) in enumerate(read.columns.items(), start=1)
        if is_plain(column)
    }
    index = pd.Index(
        read.rows if isinstance(read.rows, list) else [str(n + 1) for n in range(read.rows)], dtype=object
    )
    odd = {name: column for name, column in read.columns.items() if not is_plain(column)}
    return pd.DataFrame(columns, index=index), odd
