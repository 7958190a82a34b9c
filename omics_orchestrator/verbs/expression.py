"""Expressions of the mapping language: a small part of SQL, read by sqlglot and written anew for DuckDB.

Only nodes that have an entry here are allowed; nothing of the text reaches the database as it was written.
The caller tells which names exist and what they are; how comparisons stay three-valued stands in
threevalued.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from omics_orchestrator.verbs import threevalued as three
from omics_orchestrator.verbs.base import literal
from omics_orchestrator.verbs.number import read_number
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST = 2000
LONGEST_SQL = 100_000
ALLOWED = (
    "allowed are + - * / %, = <> < <= > >=, and, or, not, in, between, like, is null, is distinct from, "
    "case, coalesce, nullif, least, greatest, round, abs, floor, ceil, ln, exp, sqrt, lower, upper, trim, "
    "length, concat, date_diff, year, month, earliest, latest, number, try_cast"
)
UNITS = ("DAY", "WEEK", "MONTH", "YEAR")
CAST_KINDS: dict[str, Kind] = {"DOUBLE": "number", "DATE": "date", "VARCHAR": "text", "TEXT": "text"}


Lookup: TypeAlias = Callable[[str], Typed]


def names(text: str) -> tuple[str, ...]:
    """Return every name in an expression (dotted as written), each once.

    Raises:
        ExpressionError: when it holds anything that is not allowed.
    """
    found: dict[str, None] = {}

    def note(name: str) -> Typed:
        found[name] = None
        return Typed("?", "any")

    translate(text, note)
    return tuple(found)


def translate(text: str, lookup: Lookup) -> Typed:
    """Return an expression as DuckDB SQL; an error while it is evaluated gives unknown.

    Args:
        text: the expression.
        lookup: name → what it is; raises ExpressionError where there is none.

    Raises:
        ExpressionError: when it holds anything that is not allowed, or compares text with numbers.
    """
    from sqlglot import errors, exp, parse_one  # noqa: PLC0415 - half a second that most commands do not need

    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters")
    if text.rstrip().endswith(";"):  # the parser would drop it
        raise ExpressionError(f"';' is not allowed in an expression; {ALLOWED}")
    try:
        tree = parse_one(text, into=exp.Condition, read="duckdb")
    except (errors.SqlglotError, RecursionError) as error:
        raise ExpressionError(f"this is no expression; {ALLOWED}") from error
    result = _Translator(lookup).visit(cast("exp.Expression", tree))
    return replace(result, sql=f"TRY({result.sql})")


class _Translator:
    """One method per family of nodes; a node without one is refused."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup

    def visit(self, node: exp.Expression) -> Typed:
        rule = NODES.get(type(node).__name__)
        if rule is None:
            word = node.name if type(node).__name__ == "Anonymous" else node.key
            raise ExpressionError(f"{word!r} is not allowed in an expression; {ALLOWED}")
        allowed, method = rule
        extra = [key for key, value in node.args.items() if value and key not in allowed]
        if extra and extra != ["typed"]:
            raise ExpressionError(f"{node.key} with {extra[0]} is not allowed in an expression; {ALLOWED}")
        result = method(self, node)
        if len(result.sql) > LONGEST_SQL:
            raise ExpressionError(
                "the expression is nested too deeply; derive its parts as variables of their own"
            )
        return result

    def take(self, node: exp.Expression | None, *kinds: Kind) -> Typed:
        """Return a part which must be of one of `kinds`."""
        if node is None:
            raise ExpressionError(f"a function lacks an argument; {ALLOWED}")
        part = self.visit(node)
        if kinds and part.kind not in (*kinds, "any"):
            hint = (
                "; write number(…) around a column of text"
                if (part.kind, kinds[0]) == ("text", "number")
                else ""
            )
            raise ExpressionError(
                f"{node.sql('duckdb')} is a {part.kind}, needed is a {' or a '.join(kinds)}{hint}"
            )
        return part

    def column(self, node: exp.Expression) -> Typed:
        parts = [part.name for part in node.parts]  # type: ignore[attr-defined]
        if type(node.this).__name__ != "Identifier":
            raise ExpressionError("a name is needed in place of *")
        return self.lookup(".".join(parts))

    def literal(self, node: exp.Expression) -> Typed:
        if node.is_string:
            return Typed(literal(node.name), "text", word=node.name)
        return Typed(f"CAST({float(node.name)!r} AS DOUBLE)", "number")

    def boolean(self, node: exp.Expression) -> Typed:
        return Typed("true" if node.this else "false", "boolean")

    def null(self, node: exp.Expression) -> Typed:
        return Typed("NULL", "any")

    def paren(self, node: exp.Expression) -> Typed:
        return self.visit(node.this)

    def logic(self, node: exp.Expression) -> Typed:
        left, right = self.take(node.this, "boolean"), self.take(node.expression, "boolean")
        return Typed(f"({left.sql} {node.key.upper()} {right.sql})", "boolean")

    def negate(self, node: exp.Expression) -> Typed:
        return Typed(f"(NOT {self.take(node.this, 'boolean').sql})", "boolean")

    def is_null(self, node: exp.Expression) -> Typed:
        if type(node.expression).__name__ not in {"Null", "Boolean"}:
            raise ExpressionError("after `is` stands null, not null, true or false")
        part = self.visit(node.this)
        shown = part.value or part.earliest
        return Typed(f"({shown} IS {self.visit(node.expression).sql})", "boolean")

    def compare(self, node: exp.Expression) -> Typed:
        sign = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[node.key]
        return self.compared(self.visit(node.this), sign, self.visit(node.expression))

    def compared(self, left: Typed, sign: str, right: Typed) -> Typed:
        left, right = three.same_kind(left, right)
        if left.comparator and not right.comparator:
            return Typed(three.censored(left, sign, right.sql), "boolean")
        if right.comparator and not left.comparator:
            return Typed(three.censored(right, three.MIRROR[sign], left.sql), "boolean")
        if left.bounds or right.bounds:
            return Typed(three.partial_dates(left, sign, right), "boolean")
        return Typed(f"({left.sql} {sign} {right.sql})", "boolean")

    def distinct(self, node: exp.Expression) -> Typed:
        left, right = three.same_kind(self.visit(node.this), self.visit(node.expression))
        word = "IS DISTINCT FROM" if node.key == "nullsafeneq" else "IS NOT DISTINCT FROM"
        return Typed(f"({left.sql} {word} {right.sql})", "boolean")

    def between(self, node: exp.Expression) -> Typed:
        value = self.visit(node.this)
        low = self.compared(value, ">=", self.visit(node.args["low"]))
        high = self.compared(value, "<=", self.visit(node.args["high"]))
        return Typed(f"({low.sql} AND {high.sql})", "boolean")

    def isin(self, node: exp.Expression) -> Typed:
        value = self.visit(node.this)
        tests = [self.compared(value, "=", self.visit(item)).sql for item in node.expressions]
        return Typed(f"({' OR '.join(tests)})", "boolean")

    def like(self, node: exp.Expression) -> Typed:
        text, pattern = self.take(node.this, "text"), self.take(node.expression, "text")
        return Typed(f"({text.sql} {node.key.upper()} {pattern.sql})", "boolean")

    def case(self, node: exp.Expression) -> Typed:
        given = node.this and self.visit(node.this)
        default = node.args.get("default")
        tests, answers = [], []
        for branch in node.args["ifs"]:
            test = self.visit(branch.this)
            tests.append(
                self.compared(given, "=", test).sql if given else self.take(branch.this, "boolean").sql
            )
            answers.append(self.visit(branch.args["true"]))
        return three.chosen(tests, answers, self.visit(default) if default else Typed("NULL", "any"))

    def choose(self, node: exp.Expression) -> Typed:
        default = node.args.get("false")
        answers = [self.visit(node.args["true"])]
        otherwise = self.visit(default) if default else Typed("NULL", "any")
        return three.chosen([self.take(node.this, "boolean").sql], answers, otherwise)

    def arithmetic(self, node: exp.Expression) -> Typed:
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}[node.key]
        left = self.take(node.this, "number", "date")
        if left.kind == "date" and sign in {"+", "-"}:
            days = f"CAST({self.take(node.expression, 'number').sql} AS INTEGER)"
            return Typed(f"({left.sql} {sign} {days})", "date")
        left, right = self.take(node.this, "number"), self.take(node.expression, "number")
        divisor = f"nullif({right.sql}, 0)" if sign in {"/", "%"} else right.sql
        return Typed(f"({left.sql} {sign} {divisor})", "number")

    def minus(self, node: exp.Expression) -> Typed:
        return Typed(f"(- {self.take(node.this, 'number').sql})", "number")

    def numeric(self, node: exp.Expression, *, domain: str = "") -> Typed:
        number = self.take(node.this, "number").sql
        call = f"{node.key}({number})"
        return Typed(f"CASE WHEN {number} {domain} THEN {call} END" if domain else call, "number")

    def rounded(self, node: exp.Expression) -> Typed:
        digits = node.args.get("decimals")
        places = f", CAST({self.take(digits, 'number').sql} AS INTEGER)" if digits else ""
        return Typed(f"round({self.take(node.this, 'number').sql}{places})", "number")

    def textual(self, node: exp.Expression, *, kind: Kind = "text") -> Typed:
        return Typed(f"{node.key}({self.take(node.this, 'text').sql})", kind)

    def concat(self, node: exp.Expression) -> Typed:
        parts = node.expressions or [node.this, node.expression]
        return Typed(f"({' || '.join(self.take(part, 'text').sql for part in parts)})", "text")

    def first(self, node: exp.Expression) -> Typed:
        parts = [self.visit(part) for part in [node.this, *node.expressions]]
        return Typed(
            f"coalesce({', '.join(part.sql for part in parts)})",
            three.common_kind(parts),
            three.common_codes(parts),
        )

    def extreme(self, node: exp.Expression) -> Typed:
        """The least or greatest of several; unknown as soon as one is (DuckDB's own would skip it)."""
        parts = [self.visit(part) for part in [node.this, *node.expressions]]
        listed = ", ".join(part.sql for part in parts)
        known = " AND ".join(f"{part.sql} IS NOT NULL" for part in parts)
        return Typed(f"CASE WHEN {known} THEN {node.key}({listed}) END", three.common_kind(parts))

    def nullif(self, node: exp.Expression) -> Typed:
        left, right = three.same_kind(self.visit(node.this), self.visit(node.expression))
        return Typed(f"nullif({left.sql}, {right.sql})", left.kind, left.codes)

    def cast(self, node: exp.Expression) -> Typed:
        kind = CAST_KINDS.get(node.args["to"].sql("duckdb"))
        if kind is None:
            raise ExpressionError("try_cast gives double, date or text")
        part = self.visit(node.this)
        to = {"number": "DOUBLE", "date": "DATE"}.get(kind, "VARCHAR")
        return Typed(f"TRY_CAST({part.sql} AS {to})", kind)

    def date_part(self, node: exp.Expression) -> Typed:
        date = self.take(node.this, "date")
        part = f"CAST({node.key}({{}}) AS DOUBLE)"
        return Typed(three.agreed(part.format(date.earliest), part.format(date.latest)), "number")

    def date_diff(self, node: exp.Expression) -> Typed:
        unit = node.args["unit"].name.upper()
        if unit not in UNITS:
            raise ExpressionError("date_diff counts 'day', 'week', 'month' or 'year'")
        start, end = self.take(node.expression, "date"), self.take(node.this, "date")
        call = f"CAST(date_diff({literal(unit.lower())}, {{}}, {{}}) AS DOUBLE)"
        return Typed(
            three.agreed(call.format(start.latest, end.earliest), call.format(start.earliest, end.latest)),
            "number",
        )

    def own(self, node: exp.Expression) -> Typed:
        """Functions that SQL does not know: number(text), earliest(date), latest(date)."""
        name, arguments = str(node.this).lower(), node.expressions
        if name not in {"number", "earliest", "latest"} or len(arguments) != 1:
            raise ExpressionError(f"{name!r} is not a function of the mapping language; {ALLOWED}")
        if name == "number":
            return Typed(read_number(self.take(arguments[0], "text").sql), "number")
        date = self.take(arguments[0], "date")
        return Typed(date.earliest if name == "earliest" else date.latest, "date")


Method: TypeAlias = Callable[[_Translator, Any], Typed]
T = _Translator
BINARY = frozenset({"this", "expression"})
UNARY = frozenset({"this"})
MANY = frozenset({"this", "expressions", "ignore_nulls"})
# Node of sqlglot → the arguments that it may bear, and how it is written.
NODES: dict[str, tuple[frozenset[str], Method]] = {
    "Column": (frozenset({"this", "table", "db", "catalog"}), T.column),
    "Literal": (frozenset({"this", "is_string"}), T.literal),
    "Boolean": (UNARY, T.boolean),
    "Null": (frozenset(), T.null),
    "Paren": (UNARY, T.paren),
    **dict.fromkeys(("And", "Or"), (BINARY, T.logic)),
    "Not": (UNARY, T.negate),
    "Is": (BINARY, T.is_null),
    **dict.fromkeys(("EQ", "NEQ", "LT", "LTE", "GT", "GTE"), (BINARY, T.compare)),
    **dict.fromkeys(("NullSafeEQ", "NullSafeNEQ"), (BINARY, T.distinct)),
    "Between": (frozenset({"this", "low", "high"}), T.between),
    "In": (frozenset({"this", "expressions"}), T.isin),
    **dict.fromkeys(("Like", "ILike"), (BINARY, T.like)),
    "Case": (frozenset({"this", "ifs", "default"}), T.case),
    "If": (frozenset({"this", "true", "false"}), T.choose),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Mod"), (BINARY, T.arithmetic)),
    "Neg": (UNARY, T.minus),
    **dict.fromkeys(("Abs", "Floor", "Ceil", "Exp"), (UNARY, T.numeric)),
    "Ln": (UNARY, partial(T.numeric, domain="> 0")),
    "Sqrt": (UNARY, partial(T.numeric, domain=">= 0")),
    "Round": (frozenset({"this", "decimals"}), T.rounded),
    **dict.fromkeys(("Lower", "Upper", "Trim"), (UNARY, T.textual)),
    "Length": (UNARY, partial(T.textual, kind="number")),
    "Concat": (frozenset({"expressions", "safe", "coalesce"}), T.concat),
    "DPipe": (BINARY | {"safe"}, T.concat),
    "Coalesce": (MANY, T.first),
    **dict.fromkeys(("Least", "Greatest"), (MANY, T.extreme)),
    "Nullif": (BINARY, T.nullif),
    "TryCast": (frozenset({"this", "to", "safe"}), T.cast),
    **dict.fromkeys(("Year", "Month"), (UNARY, T.date_part)),
    "DateDiff": (BINARY | {"unit", "date_part_boundary"}, T.date_diff),
    "Anonymous": (frozenset({"this", "expressions"}), T.own),
}
