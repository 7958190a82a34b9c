"""Comparing what is not exactly known: censored numbers, partial dates. Syntax belongs to expression.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["text", "number", "boolean", "date", "any"]


class ExpressionError(ValueError):
    """An expression that cannot be used: what is wrong, and what is allowed."""


@dataclass(frozen=True)
class Typed:
    """A piece of SQL and what it is.

    Attributes:
        sql: the value, NULL where it is unknown or not exactly known.
        kind: what it is; `any` fits everything (NULL, and every name while only names are sought).
        codes: the codes it may hold; empty = any text.
        value: of a censored number, the number beside its comparator.
        comparator: of a censored number, SQL of `<`, `<=`, `>`, `>=` or NULL.
        bounds: of a partial date, SQL of the earliest and the latest day.
        word: the text of a literal.
    """

    sql: str
    kind: Kind
    codes: tuple[str, ...] = ()
    value: str = ""
    comparator: str = ""
    bounds: tuple[str, str] | None = None
    word: str | None = None

    @property
    def shown(self) -> str:
        """SQL that is NULL only where there is nothing, not even an inexact value."""
        return self.value or self.earliest

    @property
    def earliest(self) -> str:
        """SQL of the earliest day that a date may be."""
        return self.bounds[0] if self.bounds else self.sql

    @property
    def latest(self) -> str:
        """SQL of the latest day that a date may be."""
        return self.bounds[1] if self.bounds else self.sql


def same_kind(left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Return both sides of a comparison after checking that they can be compared."""
    for one, other in ((left, right), (right, left)):
        if one.sql == "NULL":
            raise ExpressionError("nothing equals null; write `is null` or `is not null`")
        if one.codes and other.word is not None and other.word not in one.codes:
            raise ExpressionError(
                f"{other.word!r} is no code of this variable; its codes: {', '.join(one.codes)}"
            )
    dates = [
        _date_word(side) if {left.kind, right.kind} == {"date", "text"} else side for side in (left, right)
    ]
    common_kind(dates)
    return dates[0], dates[1]


def _date_word(side: Typed) -> Typed:
    """Return a text beside a date as the date that it writes."""
    if side.word is None:
        return side
    try:
        return Typed(f"DATE '{date.fromisoformat(side.word).isoformat()}'", "date")
    except ValueError as error:
        raise ExpressionError("a date is written '2024-01-31'") from error


def common_kind(parts: Sequence[Typed]) -> Kind:
    """Return the one kind that all parts are.

    Raises:
        ExpressionError: when they are of different kinds.
    """
    kinds = sorted({part.kind for part in parts} - {"any"})
    if len(kinds) > 1:
        hint = "; write number(…) around a column of text" if kinds == ["number", "text"] else ""
        raise ExpressionError(f"a {kinds[0]} and a {kinds[1]} do not go together{hint}")
    return kinds[0] if kinds else "any"


def common_codes(parts: Sequence[Typed]) -> tuple[str, ...]:
    """Return the code list that all parts share, or nothing."""
    lists = {part.codes for part in parts if part.word is None and part.kind != "any"}
    return lists.pop() if len(lists) == 1 else ()


def chosen(tests: Sequence[str], answers: Sequence[Typed], default: Typed) -> Typed:
    """Return a CASE in which an unknown test makes the answer unknown, for it might have been true."""
    kind = common_kind([*answers, default])
    steps = " ".join(
        f"WHEN {test} THEN {answer.sql} WHEN ({test}) IS NULL THEN NULL"
        for test, answer in zip(tests, answers, strict=True)
    )
    return Typed(f"CASE {steps} ELSE {default.sql} END", kind, common_codes([*answers, default]))


def agreed(one: str, other: str) -> str:
    """Return SQL: a value that both bounds of a partial date give, else unknown."""
    return one if one == other else f"CASE WHEN {one} = {other} THEN {one} END"


def partial_dates(left: Typed, sign: str, right: Typed) -> str:
    """Return SQL: a comparison of dates of which some are known to the month or year only."""
    if sign in {"=", "<>"}:
        apart = f"{left.latest} < {right.earliest} OR {left.earliest} > {right.latest}"
        exact = f"{left.sql} = {right.sql}"
        answers = ("false", exact) if sign == "=" else ("true", f"NOT ({exact})")
        return f"CASE WHEN {apart} THEN {answers[0]} ELSE {answers[1]} END"
    if sign in {"<", "<="}:
        left, sign, right = right, MIRROR[sign], left
    never = f"{left.latest} {'<=' if sign == '>' else '<'} {right.earliest}"
    return f"CASE WHEN {left.earliest} {sign} {right.latest} THEN true WHEN {never} THEN false END"


MIRROR = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
# What a number with a comparator and the value v says about `it {sign} e`:
# sign → comparator → (how v must stand to e, the answer then).
CENSORED = {
    ">": {">": (">=", True), ">=": (">", True), "<": ("<=", False), "<=": ("<=", False)},
    ">=": {">": (">=", True), ">=": (">=", True), "<": ("<=", False), "<=": ("<", False)},
    "<": {"<": ("<=", True), "<=": ("<", True), ">": (">=", False), ">=": (">=", False)},
    "<=": {"<": ("<=", True), "<=": ("<=", True), ">": (">=", False), ">=": (">", False)},
    "=": {"<": ("<=", False), "<=": ("<", False), ">": (">=", False), ">=": (">", False)},
    "<>": {"<": ("<=", True), "<=": ("<", True), ">": (">=", True), ">=": (">", True)},
}


def censored(number: Typed, sign: str, other: str) -> str:
    """Return SQL: a comparison of a censored number, known only where every number it may be agrees."""
    cases = " ".join(
        f"WHEN {number.comparator} = '{mark}' AND {number.value} {relation} {other} THEN {answer}"
        for mark, (relation, answer) in CENSORED[sign].items()
    )
    return f"CASE WHEN {number.comparator} IS NULL THEN {number.value} {sign} {other} {cases} END"
