"""Expressions of the mapping language: a small part of SQL, read by sqlglot and written anew for DuckDB.

Only nodes that have an entry in nodes.py are allowed; nothing of the text reaches the database as it was written.
The caller tells which names exist and what they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, cast

from omics_orchestrator.verbs.functions import ALLOWED
from omics_orchestrator.verbs.nodes import TOO_DEEP, Lookup, Source, Writer
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

LONGEST = 2000
DEEPEST_BRACKETS = 20  # the same wherever it is read: the parser's own limit depends on who calls

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
    result = Writer(lookup, source).visit(parsed(text))
    return replace(result, sql=f"TRY({result.sql})")


def parsed(text: str) -> exp.Expression:
    """Return the tree of an expression; which of its nodes are allowed is for the writer to say.

    Raises:
        ExpressionError: when it is no single expression, or bears what the parser would drop: `;` and comments.
    """
    from sqlglot import errors, exp  # noqa: PLC0415 - half a second that most commands do not need
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415

    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters")
    dialect = Dialect.get_or_raise("duckdb")
    try:
        tokens = dialect.tokenize(text)
        _check(tokens)
        trees = dialect.parser().parse_into(exp.Condition, tokens, text)
    except RecursionError as error:
        raise ExpressionError(TOO_DEEP) from error
    except errors.SqlglotError as error:
        raise ExpressionError(f"this is no expression; {ALLOWED}") from error
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionError(f"this is no expression; {ALLOWED}")
    return cast("exp.Expression", trees[0])


def _check(tokens: Sequence[Token]) -> None:
    """Refuse what the parser would drop or could not follow down."""
    depth = 0
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            raise ExpressionError(f"';' is not allowed in an expression; {ALLOWED}")
        if token.comments:
            raise ExpressionError(f"a comment is not allowed in an expression; {ALLOWED}")
        depth += {"L_PAREN": 1, "CASE": 1, "R_PAREN": -1, "END": -1}.get(token.token_type.name, 0)
        if depth > DEEPEST_BRACKETS:
            raise ExpressionError(TOO_DEEP)
