"""The nodes that an expression may hold, each written as SQL for DuckDB; functions stand in functions.py.

How a text becomes nodes: expression.py. How comparisons stay three-valued: threevalued.py. Postgres: postgres.py.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias

from omics_orchestrator.verbs import threevalued as three
from omics_orchestrator.verbs.base import literal
from omics_orchestrator.verbs.functions import ALLOWED, BINARY, FUNCTIONS, UNARY, Rule
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST_SQL = 100_000
DEEPEST = 150
TOO_DEEP = "the expression is nested too deeply; derive its parts as variables of their own"

Lookup: TypeAlias = Callable[[str], Typed]
Source: TypeAlias = Callable[[str, str], "Typed | None"]  # how it is read (number, code, date, text), column


class Writer:
    """One method per family of nodes; a node without one is refused."""

    double = "DOUBLE"

    def __init__(self, lookup: Lookup, source: Source = lambda how, name: None) -> None:
        self.lookup = lookup
        self.source = source
        self.depth = 0

    def rule(self, node: exp.Expression) -> Rule | None:
        """Return which arguments a node may bear and how it is written, None where it is not allowed."""
        return NODES.get(type(node).__name__)

    def read(self, how: str, node: exp.Expression) -> Typed | None:
        """Return what `how(column)` reads of a source column, None where the argument is none."""
        return self.source(how, dotted(node)) if type(node).__name__ == "Column" else None

    def visit(self, node: exp.Expression | None) -> Typed:
        """Return a part as SQL, if its node is allowed."""
        if node is None:
            raise ExpressionError(f"a function lacks an argument; {ALLOWED}")
        rule = self.rule(node)
        if rule is None:
            word = node.name if type(node).__name__ == "Anonymous" else node.key
            raise ExpressionError(f"{word!r} is not allowed in an expression; {ALLOWED}")
        allowed, method = rule
        extra = [key for key, value in node.args.items() if value and key not in allowed]
        if extra and extra != ["typed"]:
            raise ExpressionError(f"{node.key} with {extra[0]} is not allowed in an expression; {ALLOWED}")
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(TOO_DEEP)
        result = method(self, node)
        self.depth -= 1
        if len(result.sql) > LONGEST_SQL:
            raise ExpressionError(TOO_DEEP)
        return result

    def take(self, node: exp.Expression | None, *kinds: Kind) -> Typed:
        """Return a part which must be of one of `kinds`."""
        part = self.visit(node)
        if node is not None and kinds and part.kind not in (*kinds, "any"):
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
        """A name: what the caller says that it is."""
        if type(node.this).__name__ != "Identifier":
            raise ExpressionError("a name is needed in place of *")
        return self.lookup(dotted(node))

    def literal(self, node: exp.Expression) -> Typed:
        """A text or a number."""
        if node.is_string:
            return Typed(literal(node.name), "text", word=node.name)
        if not isfinite(number := float(node.name)):
            raise ExpressionError("a number in an expression has at most 308 digits")
        return Typed(f"CAST({number!r} AS {self.double})", "number")

    def boolean(self, node: exp.Expression) -> Typed:
        """`true` or `false`."""
        return Typed("true" if node.this else "false", "boolean")

    def null(self, node: exp.Expression) -> Typed:
        """`null`, which fits everything."""
        return Typed("NULL", "any")

    def paren(self, node: exp.Expression) -> Typed:
        """Parentheses: SQL is written with its own."""
        return self.visit(node.this)

    def logic(self, node: exp.Expression) -> Typed:
        """`and`, `or`: three-valued in SQL itself."""
        left, right = self.take(node.this, "boolean"), self.take(node.expression, "boolean")
        return Typed(f"({left.sql} {node.key.upper()} {right.sql})", "boolean")

    def negate(self, node: exp.Expression) -> Typed:
        """`not`."""
        return Typed(f"(NOT {self.take(node.this, 'boolean').sql})", "boolean")

    def is_null(self, node: exp.Expression) -> Typed:
        """`is null`, `is true`: a censored number and a partial date are there, though not exactly known."""
        if type(node.expression).__name__ not in {"Null", "Boolean"}:
            raise ExpressionError("after `is` stands null, not null, true or false")
        truth = type(node.expression).__name__ == "Boolean"
        part = self.take(node.this, "boolean") if truth else self.visit(node.this)
        return Typed(f"({part.shown} IS {self.visit(node.expression).sql})", "boolean")

    def compare(self, node: exp.Expression) -> Typed:
        """`=`, `<` and the like."""
        sign = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[node.key]
        return self.compared(self.visit(node.this), sign, self.visit(node.expression))

    def compared(self, left: Typed, sign: str, right: Typed) -> Typed:
        """Return a comparison, unknown where what is not exactly known could go both ways."""
        left, right = three.same_kind(left, right)
        if left.comparator and not right.comparator:
            return Typed(three.censored(left, sign, right.sql), "boolean")
        if right.comparator and not left.comparator:
            return Typed(three.censored(right, three.MIRROR[sign], left.sql), "boolean")
        if left.bounds or right.bounds:
            return Typed(three.partial_dates(left, sign, right), "boolean")
        return Typed(f"({left.sql} {sign} {right.sql})", "boolean")

    def distinct(self, node: exp.Expression) -> Typed:
        """`is distinct from`."""
        left, right = self.visit(node.this), self.visit(node.expression)
        sign = "<>" if node.key == "nullsafeneq" else "="
        compared = self.compared(left, sign, right).sql
        absent = f"({left.shown} IS NULL) {sign} ({right.shown} IS NULL)"
        missing = f"{left.shown} IS NULL OR {right.shown} IS NULL"
        return Typed(f"CASE WHEN {missing} THEN {absent} ELSE {compared} END", "boolean")

    def between(self, node: exp.Expression) -> Typed:
        """`between`: both comparisons."""
        value = self.visit(node.this)
        low = self.compared(value, ">=", self.visit(node.args["low"]))
        high = self.compared(value, "<=", self.visit(node.args["high"]))
        return Typed(f"({low.sql} AND {high.sql})", "boolean")

    def isin(self, node: exp.Expression) -> Typed:
        """`in (…)`: a comparison with each."""
        if not node.expressions:
            raise ExpressionError("after `in` stands a list, such as in ('cd', 'uc')")
        value = self.visit(node.this)
        tests = [self.compared(value, "=", self.visit(item)).sql for item in node.expressions]
        return Typed(f"({' OR '.join(tests)})", "boolean")

    def like(self, node: exp.Expression) -> Typed:
        """`like`, `not like`."""
        text, pattern = self.take(node.this, "text"), self.take(node.expression, "text")
        found = f"({text.sql} {node.key.upper()} {pattern.sql})"
        return Typed(f"(NOT {found})" if node.args.get("negate") else found, "boolean")

    def case(self, node: exp.Expression) -> Typed:
        """`case`, with and without a value to compare."""
        given = node.this and self.visit(node.this)
        default = node.args.get("default")
        tests, answers = [], []
        for branch in node.args["ifs"]:
            tests.append(
                self.compared(given, "=", self.visit(branch.this)).sql
                if given
                else self.take(branch.this, "boolean").sql
            )
            answers.append(self.visit(branch.args["true"]))
        return three.chosen(tests, answers, self.visit(default) if default else Typed("NULL", "any"))

    def choose(self, node: exp.Expression) -> Typed:
        """`if(question, then, else)`."""
        default = node.args.get("false")
        answers = [self.visit(node.args["true"])]
        otherwise = self.visit(default) if default else Typed("NULL", "any")
        return three.chosen([self.take(node.this, "boolean").sql], answers, otherwise)

    def arithmetic(self, node: exp.Expression) -> Typed:
        """`+ - * / %` of numbers, and days added to a date; a division by zero is unknown."""
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}[node.key]
        left = self.take(node.this, "number", "date")
        if left.kind == "date" and sign in {"+", "-"}:
            days = f"CAST({self.take(node.expression, 'number').sql} AS INTEGER)"
            return Typed(f"({left.sql} {sign} {days})", "date")
        if left.kind == "date":
            raise ExpressionError(
                f"a date knows + and - only, not {sign}; date_diff counts between two dates"
            )
        right = self.take(node.expression, "number")
        divisor = f"nullif({right.sql}, 0)" if sign in {"/", "%"} else right.sql
        return Typed(f"({left.sql} {sign} {divisor})", "number")


def dotted(column: exp.Expression) -> str:
    """Return a name as it was written, with its dots."""
    return ".".join(part.name for part in column.parts)  # type: ignore[attr-defined]


W = Writer
# Node of sqlglot → the arguments that it may bear, and how it is written.
NODES: dict[str, Rule] = {
    "Column": (frozenset({"this", "table", "db", "catalog"}), W.column),
    "Literal": (frozenset({"this", "is_string"}), W.literal),
    "Boolean": (UNARY, W.boolean),
    "Null": (frozenset(), W.null),
    "Paren": (UNARY, W.paren),
    **dict.fromkeys(("And", "Or"), (BINARY, W.logic)),
    "Not": (UNARY, W.negate),
    "Is": (BINARY, W.is_null),
    **dict.fromkeys(("EQ", "NEQ", "LT", "LTE", "GT", "GTE"), (BINARY, W.compare)),
    **dict.fromkeys(("NullSafeEQ", "NullSafeNEQ"), (BINARY, W.distinct)),
    "Between": (frozenset({"this", "low", "high"}), W.between),
    "In": (frozenset({"this", "expressions"}), W.isin),
    **dict.fromkeys(("Like", "ILike"), (BINARY | {"negate"}, W.like)),
    "Case": (frozenset({"this", "ifs", "default"}), W.case),
    "If": (frozenset({"this", "true", "false"}), W.choose),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Mod"), (BINARY, W.arithmetic)),
    **FUNCTIONS,
}
