"""Expressions of the mapping language as Postgres SQL, node by node: only what gives the same as DuckDB, on any row.

Nothing here is left to sqlglot. What has no entry in POSTGRES is refused, with the reason in WITHOUT; the test runs
both tables against real servers. Postgres raises where a double becomes too big or too small; DuckDB gives infinity
or zero. So arithmetic looks first, by powers of two, which change no digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from omics_orchestrator.verbs import threevalued as three
from omics_orchestrator.verbs.base import literal
from omics_orchestrator.verbs.expression import parsed
from omics_orchestrator.verbs.functions import UNITS, Rule
from omics_orchestrator.verbs.nodes import NODES, Lookup, Writer
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

if TYPE_CHECKING:
    from sqlglot import exp

Method: TypeAlias = Callable[[Any, Any], Typed]

SQL_TYPES = {"number": "double precision", "text": "text", "date": "date", "boolean": "boolean"}
SPACES = literal("".join(map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))))
MOST_DIGITS = 15
MOST_DAYS = 10_000  # so that no expression can leave Postgres' calendar, however many days it adds one by one
HALF = "CASE WHEN abs({a} - trunc({a})) >= 0.5 THEN sign({a}) ELSE 0 END"

# Of the doubles a and b. Powers of two are written as Python writes them, exactly.
PLUS = f"""CASE WHEN least(abs(a), abs(b)) < 1 THEN a + b
    WHEN abs(a / 2 + b / 2) < {2.0**1023!r} THEN a + b ELSE (a / 2 + b / 2) * 'Infinity' END"""
TIMES = f"""CASE WHEN least(abs(a), abs(b)) >= 1 THEN
        CASE WHEN abs((a * {2.0**-512!r}) * (b * {2.0**-512!r})) < 1 THEN a * b
            ELSE (a * {2.0**-512!r}) * (b * {2.0**-512!r}) * 'Infinity' END
    WHEN a = 0 OR b = 0 OR greatest(abs(a), abs(b)) >= 1 OR least(abs(a), abs(b)) > {2.0**-500!r} THEN a * b
    WHEN abs((a * {2.0**537!r}) * (b * {2.0**537!r})) > 0.5 THEN a * b
    ELSE sign(a) * sign(b) * 0 END"""
DIVIDED = f"""CASE WHEN abs(b) >= 1 THEN
        CASE WHEN abs(a) >= 1 OR a = 0 OR (abs(a) >= {2.0**-500!r} AND abs(b) <= {2.0**500!r}) THEN a / b
            WHEN abs((a * {2.0**537!r}) / (b * {2.0**-537!r})) > 0.5 THEN a / b ELSE a * 0 END
    WHEN abs(a) >= 1 THEN
        CASE WHEN abs((a * {2.0**-537!r}) / (b * {2.0**537!r})) < {2.0**-50!r} THEN a / b
            ELSE sign(a) * sign(b) * 'Infinity' END
    WHEN abs(b) >= {2.0**-1000!r} THEN a / b
    WHEN abs(a / (b * {2.0**537!r})) < {2.0**487!r} THEN a / b ELSE sign(a) * sign(b) * 'Infinity' END"""
EXP = """CASE WHEN a = 'NaN' THEN a WHEN a > 709.782712893384 THEN 'Infinity'
    WHEN a < -745.1332191019411 THEN 0 ELSE exp(a) END"""
ROUND = f"trunc(a) + {HALF.format(a='a')}"
# × m and / m as DuckDB does it; where × m is infinite the number stays.
ROUND_TO = f"""CASE WHEN abs(a) < 1e290 THEN (trunc(a * m) + {HALF.format(a="(a * m)")}) / m
    WHEN abs(a * {2.0**-60!r} * m) < {2.0**964!r} THEN (a * m) / m ELSE a END"""

DATE_DIFF = {
    "DAY": "{e} - {s}",
    "WEEK": "({e} - {s}) / 7",
    "MONTH": "(extract(year FROM {e}) - extract(year FROM {s})) * 12"
    " + extract(month FROM {e}) - extract(month FROM {s})",
    "YEAR": "extract(year FROM {e}) - extract(year FROM {s})",
}

WITHOUT = {
    "Mod": "Postgres knows the remainder of decimal numbers only, and rounds doubles to 15 digits for it",
    "Lower": "which small letter belongs to a capital one depends on the server's collation",
    "Upper": "which capital letter belongs to a small one depends on the server's collation",
    "ILike": "which letters are the same depends on the server's collation",
    "TryCast": "what Postgres cannot cast is an error there, and it writes and reads numbers otherwise",
}


def translate_postgres(text: str, lookup: Lookup) -> str:
    """Return an expression as Postgres SQL that gives on every row what `translate` gives in DuckDB.

    Args:
        text: the expression.
        lookup: name → what it is, in SQL for Postgres; numbers are doubles.

    Raises:
        ExpressionError: what `translate` refuses too, and every function that has no Postgres text.

    >>> translate_postgres("a is null", lambda name: Typed(name, "boolean"))
    '(a IS NULL)'
    """
    return _Postgres(lookup).visit(parsed(text)).sql


class _Postgres(Writer):
    """The same nodes with the same checks, in the other words."""

    double = SQL_TYPES["number"]

    def rule(self, node: exp.Expression) -> Rule | None:
        """Return which arguments a node may bear and how it is written, None where it is not allowed."""
        known, name = super().rule(node), type(node).__name__
        if known is None:
            return None
        if name in WITHOUT:
            raise without(node.key, WITHOUT[name])
        return (known[0], POSTGRES[name])

    def compared(self, left: Typed, sign: str, right: Typed) -> Typed:
        """Return a comparison; texts are compared byte by byte, as DuckDB does."""
        return super().compared(bytewise(left), sign, bytewise(right))

    def typed(self, node: exp.Expression | None, kind: Kind) -> str:
        """Return a part of one kind as SQL that has its type even where it is NULL or a bare text."""
        return f"CAST({self.take(node, kind).sql} AS {SQL_TYPES[kind]})"


def without(what: str, reason: str) -> ExpressionError:
    """Return the refusal of what has no Postgres text."""
    return ExpressionError(f"{what!r} has no Postgres text ({reason}); leave the expression to DuckDB")


def bytewise(part: Typed) -> Typed:
    """Return a text with the collation of its bytes; all else as it is."""
    return replace(part, sql=f'({part.sql} COLLATE "C")') if part.kind == "text" else part


def _over(template: str, **operands: str) -> Typed:
    """Return a number computed from operands that stand only once in the text; no constant among them is folded."""
    given = ", ".join(f"{sql} AS {name}" for name, sql in operands.items())
    return Typed(f"(SELECT {template} FROM (SELECT {given} OFFSET 0) AS o)", "number")


def _number(writer: _Postgres, node: exp.Expression, *, template: str) -> Typed:
    return _over(template, a=writer.typed(node.this, "number"))


def _call(writer: _Postgres, node: exp.Expression, *, template: str, kind: Kind, to: Kind) -> Typed:
    return Typed(template.format(a=writer.typed(node.this, kind)), to)


def _plus(writer: _Postgres, node: exp.Expression) -> Typed:
    sign = {"Add": "+", "Sub": "-"}[type(node).__name__]
    left = writer.take(node.this, "number", "date")
    if left.kind == "date":
        return Typed(f"({left.sql} {sign} {_days(node.expression)})", "date")
    right = writer.typed(node.expression, "number")
    return _over(PLUS, a=f"CAST({left.sql} AS {writer.double})", b=right if sign == "+" else f"(- {right})")


def _days(node: exp.Expression) -> int:
    """Return written-out days; computed ones could lead out of Postgres' calendar."""
    days = _whole(node)
    if days is None or days > MOST_DAYS:
        reason = f"its calendar is shorter; only a written number of days is safe, at most {MOST_DAYS}"
        raise without("date + days", reason)
    return days


def _whole(node: exp.Expression) -> int | None:
    """Return a whole number that stands in the text, None for everything else."""
    return int(node.name) if node.key == "literal" and not node.is_string and node.name.isdecimal() else None


def _product(writer: _Postgres, node: exp.Expression, *, template: str, divisor: str = "{}") -> Typed:
    left, right = writer.typed(node.this, "number"), writer.typed(node.expression, "number")
    return _over(template, a=left, b=divisor.format(right))


def _rounded(writer: _Postgres, node: exp.Expression) -> Typed:
    number = writer.typed(node.this, "number")
    digits = node.args.get("decimals")
    if digits is None:
        return _over(ROUND, a=number)
    places = _whole(digits)
    if places is None or places > MOST_DIGITS:
        raise without("round", f"digits must be written out there, from 0 to {MOST_DIGITS}")
    return _over(ROUND_TO, a=number, m=f"CAST({10.0**places!r} AS {writer.double})")


def _concat(writer: _Postgres, node: exp.Expression) -> Typed:
    parts = node.expressions or [node.this, node.expression]
    return Typed(f"({' || '.join(writer.typed(part, 'text') for part in parts)})", "text")


def _extreme(writer: _Postgres, node: exp.Expression) -> Typed:
    parts = [bytewise(writer.visit(part)) for part in [node.this, *node.expressions]]
    known = " AND ".join(f"{part.sql} IS NOT NULL" for part in parts)
    chosen = f"{node.key}({', '.join(part.sql for part in parts)})"
    return Typed(f"CASE WHEN {known} THEN {chosen} END", three.common_kind(parts))


def _like(writer: _Postgres, node: exp.Expression) -> Typed:
    found = f"({writer.typed(node.this, 'text')} LIKE {writer.typed(node.expression, 'text')} ESCAPE '')"
    return Typed(f"(NOT {found})" if node.args.get("negate") else found, "boolean")


def _date_part(writer: _Postgres, node: exp.Expression) -> Typed:
    day = writer.take(node.this, "date")
    part = f"CAST(extract({node.key} FROM CAST({{}} AS date)) AS {writer.double})"
    return Typed(three.agreed(part.format(day.earliest), part.format(day.latest)), "number")


def _date_diff(writer: _Postgres, node: exp.Expression) -> Typed:
    unit = node.text("unit").upper()
    if unit not in UNITS:
        raise ExpressionError("date_diff counts 'day', 'week', 'month' or 'year'")
    start, end = writer.take(node.expression, "date"), writer.take(node.this, "date")

    def counted(first: str, last: str) -> str:
        days = DATE_DIFF[unit].format(s=f"CAST({first} AS date)", e=f"CAST({last} AS date)")
        return f"CAST({days} AS {writer.double})"

    return Typed(
        three.agreed(counted(start.latest, end.earliest), counted(start.earliest, end.latest)), "number"
    )


def _own(writer: _Postgres, node: exp.Expression) -> Typed:
    if str(node.this).lower() == "number":
        raise without("number", "a text that is too big a number is an error there")
    return NODES["Anonymous"][1](writer, node)


def _as_in_duckdb(*names: str) -> dict[str, Method]:
    """Return nodes of which the words are the same in both."""
    return {name: NODES[name][1] for name in names}


# Node of sqlglot → how it is written for Postgres.
POSTGRES: dict[str, Method] = {
    **_as_in_duckdb("Column", "Literal", "Boolean", "Null", "Paren", "And", "Or", "Not", "Is"),
    **_as_in_duckdb("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "NullSafeEQ", "NullSafeNEQ", "Between", "In"),
    **_as_in_duckdb("Case", "If", "Coalesce", "Nullif", "Date"),
    "Neg": partial(_call, template="(- {a})", kind="number", to="number"),
    "Add": _plus,
    "Sub": _plus,
    "Mul": partial(_product, template=TIMES),
    "Div": partial(_product, template=DIVIDED, divisor="nullif({}, 0)"),
    "Abs": partial(_call, template="abs({a})", kind="number", to="number"),
    "Floor": partial(_call, template="floor({a})", kind="number", to="number"),
    "Ceil": partial(_call, template="ceil({a})", kind="number", to="number"),
    "Exp": partial(_number, template=EXP),
    "Ln": partial(_number, template="CASE WHEN a > 0 THEN ln(a) END"),
    "Sqrt": partial(_number, template="CASE WHEN a >= 0 THEN sqrt(a) END"),
    "Round": _rounded,
    "Trim": partial(_call, template=f"btrim({{a}}, {SPACES})", kind="text", to="text"),
    "Length": partial(_call, template="CAST(char_length({a}) AS double precision)", kind="text", to="number"),
    "Concat": _concat,
    "DPipe": _concat,
    "Least": _extreme,
    "Greatest": _extreme,
    "Like": _like,
    "Year": _date_part,
    "Month": _date_part,
    "DateDiff": _date_diff,
    "Anonymous": _own,
}
