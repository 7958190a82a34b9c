"""How single values are published: inexact ones as text, codes as an old coding, all else as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import isfinite
from typing import Any

import pyarrow as pa

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.steps.wide import Part, chunked
from omics_orchestrator.studies.datasets import DatasetColumn


class PublishError(OmicsError):
    """A dataset that cannot be published from what is stored; the message holds no value."""


def published(part: Part, column: DatasetColumn, type_: pa.DataType) -> pa.ChunkedArray:
    """Return one column as it is published."""
    values = part.table[column.variable]
    if column.role in {"comparator", "precision"}:
        return part.comparators[column.variable]
    if column.as_text:
        write: Callable[[Any, str | None], str | None] = (
            _date_text if column.declared == "partial_date" else _number_text
        )
        marks = part.comparators[column.variable].to_pylist()
        texts = [write(value, mark) for value, mark in zip(values.to_pylist(), marks, strict=True)]
        return chunked(pa.array(texts, pa.string()))
    if column.codes:
        return _recoded(values, column, type_)
    return values.cast(type_)


def number_text(value: float) -> str:
    """Return a number as people write it: 20 rather than 20.0.

    >>> number_text(20.0), number_text(0.1)
    ('20', '0.1')
    """
    whole = isfinite(value) and value == int(value) and abs(value) < 1e15
    return repr(int(value)) if whole else repr(float(value))


def _number_text(value: float | None, mark: str | None) -> str | None:
    return None if value is None else f"{mark or ''}{number_text(value)}"


def _date_text(value: date | None, mark: str | None) -> str | None:
    length = {"year": 4, "month": 7}.get(mark or "", 10)
    return None if value is None else value.isoformat()[:length]


def _recoded(values: pa.ChunkedArray, column: DatasetColumn, type_: pa.DataType) -> pa.ChunkedArray:
    """Return codes as the dataset publishes them."""
    make = int if column.type == "integer" else str
    told: dict[Any, int | str] = {code: make(old) for code, old in column.codes.items()}
    if column.declared == "boolean":
        told = {word == "yes": old for word, old in told.items()}
    found, recoded = values.to_pylist(), list[Any]()
    try:
        if column.declared == "set":
            recoded = [None if codes is None else [told[code] for code in codes] for codes in found]
        else:
            recoded = [None if code is None else told[code] for code in found]
    except KeyError:
        message = f"{column.variable} holds a code that code_lists.csv no longer has"
        raise PublishError(f"{message}; materialize harmonised first") from None
    return chunked(pa.array(recoded, type_))
