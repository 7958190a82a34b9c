"""The one text of a database's value, whatever driver brings it; which columns are read is sql_read.py's business."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, String, Text, cast, func

from omics_orchestrator.errors import DeliveryError

BYTEA, TIMESTAMP, TIMESTAMPTZ = 17, 1114, 1184  # Postgres's numbers of types
MARKS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    Decimal: Decimal,
    str: str,
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
}


def as_text(value: object) -> str | None:
    """Return the text of one value; None stays None.

    Booleans are true and false, times ISO 8601 (with a zone: in UTC), numbers as exact as they came.

    Raises:
        TypeError: bytes, or a type that has no one text.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=as_text)
    if type(value).__name__ in ("UUID", "timedelta"):
        return str(value)
    raise TypeError(type(value).__name__)


def text_column(name: str, values: Sequence[object]) -> pa.Array:
    """Return one column of a batch as text, null where the database has NULL.

    Raises:
        DeliveryError: its values have no text.
    """
    try:
        return pa.array([as_text(value) for value in values], pa.string())
    except TypeError as error:
        message = (
            f"column '{name}' holds {error}, which is no text: leave it out, or turn it into text in a query"
        )
        raise DeliveryError(message) from None
    except UnicodeEncodeError:
        raise DeliveryError(f"column '{name}' holds text that is no Unicode") from None


def postgres_text(column: ColumnElement[Any], name: str, code: int) -> ColumnElement[Any]:
    """Return the expression that lets Postgres write the value: no number or time passes through Python.

    Raises:
        DeliveryError: the column holds bytes.
    """
    if code == BYTEA:
        message = (
            f"column '{name}' holds bytes, which are no text: leave it out, or turn it into text in a query"
        )
        raise DeliveryError(message)
    written: ColumnElement[Any] = cast(column, Text)
    if code in (TIMESTAMP, TIMESTAMPTZ):
        written = func.regexp_replace(written, " ", "T", type_=String)
    if code == TIMESTAMPTZ:
        written = func.regexp_replace(written, r"\+00$", "+00:00", type_=String)
    return written


def mark_of(value: object) -> str:
    """Return a watermark so that `mark_value` gives it back with its type.

    Raises:
        DeliveryError: it is no number, date, time or text.
    """
    kind = next((kind for kind in MARKS if type(value) is kind), None)
    if kind is None:
        raise DeliveryError("the watermark is no number, date, time or text")
    said = value.isoformat() if isinstance(value, dt.date) else str(value)
    return f"{kind.__name__} {said}"


def mark_value(mark: str) -> Any:
    """Return the watermark that `mark_of` wrote."""
    kind, _, said = mark.partition(" ")
    return next(read for known, read in MARKS.items() if known.__name__ == kind)(said)
