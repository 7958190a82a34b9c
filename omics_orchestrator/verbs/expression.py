"""Expressions of the mapping language: a small part of SQL, read by sqlglot and written anew for DuckDB.

Only nodes that have an entry here are allowed; nothing of the text reaches the database as it was written.
The caller tells which names exist and what they are; how comparisons stay three-valued stands in
threevalued.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast

from omics_orchestrator.verbs import threevalued as three
from omics_orchestrator.verbs.base import literal
from omics_orchestrator.verbs.functions import ALLOWED, BINARY, FUNCTIONS, UNARY, Rule
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST = 2000
LONGEST_SQL = 100_000


Lookup: TypeAlias = Callable[[str], Typed]
Source: TypeAlias = Callable[[str, str], "Typed | None"]  # how it is read (number, code, date, text), column

QUOTED = re.compile(r"'(?:[^']|'')*'")
OF_COLUMN = re.compile(
    r"\b(number|code|date|text)\s*\(\s*(?:\"([^\"]+)\"|([A-Za-z_][A-Za-z0-9_.]*))\s*\)", re.IGNORECASE
)


def source_calls(text: str) -> tuple[tuple[str, str], ...]:
    """Return (how, name) of every `number(x)`, `code(x)`, `date(x)`, `text(x)`, without loading the SQL parser.

    The name is a source column where the entity has no variable of that name.

    >>> source_calls("number(crp_text) > 5 and text(a) = 'code(b)'")
    (('number', 'crp_text'), ('text', 'a'))
    """
    found = OF_COLUMN.findall(QUOTED.sub("''", text))
    return tuple(dict.fromkeys((how.lower(), quoted or plain) for how, quoted, plain in found))


@cache
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


def translate(text: str, lookup: Lookup, source: Source = lambda how, name: None) -> Typed:
    """Return an expression as DuckDB SQL; an error while it is evaluated gives unknown.

    Args:
        text: the expression.
        lookup: name → what it is; raises ExpressionError where there is none.
        source: how, column → what `how(column)` reads of the source, None where that is no source column.

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
    result = _Translator(lookup, source).visit(cast("exp.Expression", tree))
    return replace(result, sql=f"TRY({result.sql})")


class _Translator:
    """One method per family of nodes; a node without one is refused."""

    def __init__(self, lookup: Lookup, source: Source) -> None:
        self.lookup = lookup
        self.source = source

    def read(self, how: str, node: exp.Expression) -> Typed | None:
        """Return what `how(column)` reads of a source column, None where the argument is none."""
        return self.source(how, dotted(node)) if type(node).__name__ == "Column" else None

    def visit(self, node: exp.Expression | None) -> Typed:
        if node is None:
            raise ExpressionError(f"a function lacks an argument; {ALLOWED}")
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
        if type(node.this).__name__ != "Identifier":
            raise ExpressionError("a name is needed in place of *")
        return self.lookup(dotted(node))

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
        if not node.expressions:
            raise ExpressionError("after `in` stands a list, such as in ('cd', 'uc')")
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
            tests.append(
                self.compared(given, "=", self.visit(branch.this)).sql
                if given
                else self.take(branch.this, "boolean").sql
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


T = _Translator
# Node of sqlglot → the arguments that it may bear, and how it is written.
NODES: dict[str, Rule] = {
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
    **FUNCTIONS,
}
