"""Any R object as dictionaries, numbers, texts and arrays, and what of it can not be so: functions and their like.

Used for the slots that have no place in AnnData. Code of R is named, never run, never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rdata.parser import RObject, RObjectType

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import Unkept
from omics_orchestrator.formats.rds_matrix import build, is_matrix, matrix
from omics_orchestrator.formats.rds_values import (
    LISTS,
    NULL_SLOT,
    NUMBERS,
    attributes,
    classes,
    elements,
    is_frame,
    is_null,
    symbol,
    table,
    texts,
    vector,
)

CODE = {
    RObjectType.CLO: "function",
    RObjectType.SPECIAL: "function",
    RObjectType.BUILTIN: "function",
    RObjectType.BCODE: "byte code",
    RObjectType.ENV: "environment",
    RObjectType.GLOBALENV: "environment",
    RObjectType.BASEENV: "environment",
    RObjectType.EMPTYENV: "environment",
    RObjectType.NAMESPACE: "environment",
    RObjectType.LANG: "call or formula",
    RObjectType.PROM: "promise",
    RObjectType.DOT: "promise",
    RObjectType.EXTPTR: "external pointer",
    RObjectType.WEAKREF: "weak reference",
    RObjectType.ALTREP: "vector of a foreign class",
}
"""Kinds of node that hold code or a place in the memory of some R process."""
ASSAYS_OF_OLD = "@assays@.xData: environment"  # read all the same (rds_objects.py)
MOST_NAMED = 200  # paths that are listed; beyond, only how many


def code(node: RObject) -> str:
    """Return what a node is that cannot be represented; empty for all others."""
    if node.info.type == RObjectType.REF and node.referenced_object is not None:
        node = node.referenced_object
    return CODE.get(node.info.type, "")


def not_representable(node: RObject) -> list[str]:
    """Return paths (`@tools$model@fit: function`) of all that has no representation outside R."""
    found = [one for one in _lost(node, "") if one != ASSAYS_OF_OLD]
    more = [f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return found[:MOST_NAMED] + more


def _lost(node: RObject, path: str) -> Iterator[str]:
    if what := code(node):
        yield f"{path or '@'}: {what}"
        return
    for name, value in attributes(node).items():
        yield from _lost(value, f"{path}@{name}")
    if node.info.type in LISTS:
        for name, value in elements(node).items():
            yield from _lost(value, f"{path}${name}")


def is_empty(node: RObject | None) -> bool:
    """Tell whether a slot holds nothing: NULL, a vector, list or matrix of length 0, an object of such slots."""
    if node is None or is_null(node):
        return True
    if node.info.type == RObjectType.S4:
        return all(is_empty(value) for name, value in attributes(node).items() if name != "class")
    return not code(node) and isinstance(node.value, (list, np.ndarray)) and not len(node.value)


def plain(node: RObject) -> Any:
    """Return a node as what AnnData keeps in `uns`.

    NULL is None; a vector of length 1 a number or text; longer ones arrays; named ones and lists dictionaries;
    S4 objects dictionaries of their slots with `class`. What cannot be represented is left out, or `None`.
    """
    if is_null(node) or code(node):
        return None
    named = classes(node)
    if is_frame(node):
        return _frame(node)
    if is_matrix(node) and "LogMap" not in named:
        return _matrix(node)
    if {"numeric_version", "package_version"} & set(named):
        return version(node)
    if node.info.type == RObjectType.S4:
        return {"class": ".".join(named), **_slots(node)}
    if node.info.type in LISTS:
        return {name: plain(value) for name, value in elements(node).items() if not code(value)}
    if name := symbol(node):
        return name if name != NULL_SLOT else None
    return _vector(node)


def _slots(node: RObject) -> dict[str, Any]:
    return {
        name: plain(value) for name, value in attributes(node).items() if name != "class" and not code(value)
    }


def _vector(node: RObject) -> Any:
    """Return an atomic vector, with its names where it has some."""
    import pandas as pd

    if node.info.type not in NUMBERS | {RObjectType.STR}:
        return None
    values = vector(node, "a vector")
    names = texts(attributes(node).get("names"))
    if names and len(names) == len(values):
        return {"names": np.array(names, dtype=object), "values": _array(values)}
    if len(values) == 1 and not isinstance(values, pd.Categorical):
        single = values[0]
        return None if single is None or single is pd.NA else getattr(single, "item", lambda: single)()
    return _array(values)


def _array(values: Any) -> Any:
    """Return text with gaps as categories: AnnData's files hold no gaps in arrays of text."""
    import pandas as pd

    if isinstance(values, np.ndarray) and values.dtype == object and any(one is None for one in values):
        return pd.Categorical(values)
    return values


def _matrix(node: RObject) -> Any:
    """Return a matrix; with row or column names, a dictionary."""
    try:
        read = matrix(node, "a matrix")
    except FormatError:
        return None
    if isinstance(node.value, Unkept):
        return None
    values = build(read)
    if not read.rows and not read.columns:
        return values
    return {
        "rows": np.array(read.rows, dtype=object),
        "columns": np.array(read.columns, dtype=object),
        "values": values,
    }


def _frame(node: RObject) -> Any:
    """Return a data frame; with columns that are lists or matrices, a dictionary."""
    read, odd = table(node, "a data frame")
    if not odd:
        return read
    return {"columns": read, **{name: plain(column) for name, column in odd.items() if not code(column)}}


def version(node: RObject | None) -> str:
    """Return a package version (a list of vectors of whole numbers) as text; empty where there is none."""
    if node is None or not isinstance(node.value, list) or not node.value:
        return ""
    numbers = getattr(node.value[0], "value", None)
    return ".".join(str(number) for number in numbers) if isinstance(numbers, np.ndarray) else ""
