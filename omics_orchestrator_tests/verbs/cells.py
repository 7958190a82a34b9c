"""Runs one rule over rows of texts in a bare DuckDB: what the verbs' tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import TypeAdapter

from omics_orchestrator.verbs import AnyVerb, Target, Verb, normalise
from omics_orchestrator.verbs.base import identifier

CONNECTION = duckdb.connect(config={"threads": 1})  # opening one costs more than any of these queries
ADAPTER: TypeAdapter[Verb] = TypeAdapter(AnyVerb)


def rule(raw: Any, missing: dict[str, str] | None = None) -> Any:
    """Return the rule that YAML would give."""
    return ADAPTER.validate_python(normalise(raw, missing))


@dataclass(frozen=True)
class Result:
    """One cell as it comes out."""

    value: Any
    reason: str | None
    comparator: str | None
    flaw: str | None
    code: str | None


def cells(
    verb: Verb, kind: str, *rows: Any, columns: tuple[str, ...] = ("a", "b", "c"), **options: Any
) -> list[Result]:
    """Return the cells that `verb` makes; a row is one text, or a tuple of texts for columns a, b, c."""
    listed = [row if isinstance(row, tuple) else (row,) for row in rows]
    table = pa.table(
        {
            name: pa.array([(*row, *[None] * 3)[i] for row in listed], pa.string())
            for i, name in enumerate(columns)
        }
    )
    target = Target("x", kind, column=lambda name: f"nullif({identifier(name)}, '')", **options)
    cell = verb.cell(target).alone()
    asked = ", ".join((cell.value, cell.reason, cell.comparator, cell.flaw, cell.code))
    CONNECTION.register("t", table)
    return [Result(*found) for found in CONNECTION.execute(f"SELECT {asked} FROM t").fetchall()]


def values(verb: Verb, kind: str, *rows: Any, **options: Any) -> list[Any]:
    """Return the values alone."""
    return [cell.value for cell in cells(verb, kind, *rows, **options)]
