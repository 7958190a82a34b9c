"""The functions that an expression may call, each written for DuckDB so that it stays three-valued.

Operators, names and constants are read in expression.py, which also decides that nothing else is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from omics_orchestrator.verbs import threevalued as three
from omics_orchestrator.verbs.base import literal
from omics_orchestrator.verbs.number import read_number
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

if TYPE_CHECKING:
    from sqlglot import exp

ALLOWED = (
    "allowed are + - * / %, = <> < <= > >=, and, or, not, in, between, like, is null, is distinct from, "
    "case, coalesce, nullif, least, greatest, round, abs, floor, ceil, ln, exp, sqrt, lower, upper, trim, "
    "length, concat, date_diff, year, month, earliest, latest, number, code, date, text, try_cast"
)
UNITS = ("DAY", "WEEK", "MONTH", "YEAR")
CAST_KINDS: dict[str, Kind] = {"DOUBLE": "number", "DATE": "date", "VARCHAR": "text", "TEXT": "text"}
UNARY = frozenset({"this"})
BINARY = frozenset({"this", "expression"})
MANY = frozenset({"this", "expressions", "ignore_nulls"})


class Translator(Protocol):
    """What a function may ask of the reader of expressions."""

    def visit(self, node: exp.Expression | None) -> Typed:
        """Return a part as SQL."""

    def take(self, node: exp.Expression | None, *kinds: Kind) -> Typed:
        """Return a part which must be of one of `kinds`."""

    def read(self, how: str, node: exp.Expression) -> Typed | None:
        """Return what `how(column)` reads of a source column, None where the argument is none."""


Rule: TypeAlias = tuple[frozenset[str], Callable[[Any, Any], Typed]]


def _minus(translator: Translator, node: exp.Expression) -> Typed:
    return Typed(f"(- {translator.take(node.this, 'number').sql})", "number")


def _numeric(translator: Translator, node: exp.Expression, *, domain: str = "") -> Typed:
    number = translator.take(node.this, "number").sql
    call = f"{node.key}({number})"
    return Typed(f"CASE WHEN {number} {domain} THEN {call} END" if domain else call, "number")


def _rounded(translator: Translator, node: exp.Expression) -> Typed:
    digits = node.args.get("decimals")
    places = f", CAST({translator.take(digits, 'number').sql} AS INTEGER)" if digits else ""
    return Typed(f"round({translator.take(node.this, 'number').sql}{places})", "number")


def _textual(translator: Translator, node: exp.Expression, *, kind: Kind = "text") -> Typed:
    return Typed(f"{node.key}({translator.take(node.this, 'text').sql})", kind)


def _concat(translator: Translator, node: exp.Expression) -> Typed:
    parts = node.expressions or [node.this, node.expression]
    return Typed(f"({' || '.join(translator.take(part, 'text').sql for part in parts)})", "text")


def _first(translator: Translator, node: exp.Expression) -> Typed:
    """The first that is there; where that one is not exactly known the answer is unknown, not the next one."""
    parts = [translator.visit(part) for part in [node.this, *node.expressions]]
    found = f"coalesce({', '.join(part.sql for part in parts)})"
    if any(part.shown != part.sql for part in parts):
        cases = " ".join(f"WHEN {part.shown} IS NOT NULL THEN {part.sql}" for part in parts)
        found = f"CASE {cases} END"
    return Typed(found, three.common_kind(parts), three.common_codes(parts))


def _extreme(translator: Translator, node: exp.Expression) -> Typed:
    """The least or greatest of several; unknown as soon as one is (DuckDB's own would skip it)."""
    parts = [translator.visit(part) for part in [node.this, *node.expressions]]
    listed = ", ".join(part.sql for part in parts)
    known = " AND ".join(f"{part.sql} IS NOT NULL" for part in parts)
    return Typed(f"CASE WHEN {known} THEN {node.key}({listed}) END", three.common_kind(parts))


def _nullif(translator: Translator, node: exp.Expression) -> Typed:
    left, right = three.same_kind(translator.visit(node.this), translator.visit(node.expression))
    return Typed(f"nullif({left.sql}, {right.sql})", left.kind, left.codes)


def _cast(translator: Translator, node: exp.Expression) -> Typed:
    kind = CAST_KINDS.get(node.args["to"].sql("duckdb"))
    if kind is None:
        raise ExpressionError("try_cast gives double, date or text")
    part = translator.visit(node.this)
    to = {"number": "DOUBLE", "date": "DATE"}.get(kind, "VARCHAR")
    return Typed(f"TRY_CAST({part.sql} AS {to})", kind)


def _date_part(translator: Translator, node: exp.Expression) -> Typed:
    date = translator.take(node.this, "date")
    part = f"CAST({node.key}({{}}) AS DOUBLE)"
    return Typed(three.agreed(part.format(date.earliest), part.format(date.latest)), "number")


def _date_diff(translator: Translator, node: exp.Expression) -> Typed:
    unit = node.text("unit").upper()
    if unit not in UNITS:
        raise ExpressionError("date_diff counts 'day', 'week', 'month' or 'year'")
    start, end = translator.take(node.expression, "date"), translator.take(node.this, "date")
    call = f"CAST(date_diff({literal(unit.lower())}, {{}}, {{}}) AS DOUBLE)"
    return Typed(
        three.agreed(call.format(start.latest, end.earliest), call.format(start.earliest, end.latest)),
        "number",
    )


def _own(translator: Translator, node: exp.Expression) -> Typed:
    """Functions that SQL does not know: number(text), text(…), code(…), earliest(date), latest(date)."""
    name, arguments = str(node.this).lower(), node.expressions
    if name not in {"number", "text", "code", "earliest", "latest"} or len(arguments) != 1:
        raise ExpressionError(f"{name!r} is not a function of the mapping language; {ALLOWED}")
    if (found := translator.read(name, arguments[0])) is not None:
        return found
    if name in {"text", "code"}:
        return translator.take(arguments[0], "text")
    if name == "number":
        return Typed(read_number(translator.take(arguments[0], "text").sql), "number")
    date = translator.take(arguments[0], "date")
    return Typed(date.earliest if name == "earliest" else date.latest, "date")


def _date(translator: Translator, node: exp.Expression) -> Typed:
    """`date(column)`: a source column read as a date; a date variable stays what it is."""
    found = translator.read("date", node.this) if node.this is not None else None
    return found or translator.take(node.this, "date")


# Node of sqlglot → the arguments that it may bear, and how it is written.
FUNCTIONS: dict[str, Rule] = {
    "Neg": (UNARY, _minus),
    **dict.fromkeys(("Abs", "Floor", "Ceil", "Exp"), (UNARY, _numeric)),
    "Ln": (UNARY, partial(_numeric, domain="> 0")),
    "Sqrt": (UNARY, partial(_numeric, domain=">= 0")),
    "Round": (frozenset({"this", "decimals"}), _rounded),
    **dict.fromkeys(("Lower", "Upper", "Trim"), (UNARY, _textual)),
    "Length": (UNARY, partial(_textual, kind="number")),
    "Concat": (frozenset({"expressions", "safe", "coalesce"}), _concat),
    "DPipe": (BINARY | {"safe"}, _concat),
    "Coalesce": (MANY, _first),
    **dict.fromkeys(("Least", "Greatest"), (MANY, _extreme)),
    "Nullif": (BINARY, _nullif),
    "TryCast": (frozenset({"this", "to", "safe"}), _cast),
    **dict.fromkeys(("Year", "Month"), (UNARY, _date_part)),
    "Date": (UNARY, _date),
    "DateDiff": (BINARY | {"unit", "date_part_boundary"}, _date_diff),
    "Anonymous": (frozenset({"this", "expressions"}), _own),
}
