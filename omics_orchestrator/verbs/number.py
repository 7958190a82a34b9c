"""`number`: text → number in the dictionary's unit. Bounds are checked after harmonising, not here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log10
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from omics_orchestrator.dictionary.ucum import Conversion
from omics_orchestrator.verbs.base import MANTISSA, NULL, NUMBER, Cell, Column, ColumnVerb, Target, literal

SIGN = "(?:<=|>=|[<>≤≥])"
SIGNS = ", ".join(str(ord(sign)) for sign in "<>≤≥")
NUMERIC = ("integer", "decimal", "censored")


class Number(ColumnVerb):
    """Reads a number, with its unit and its comparator, and gives it in the dictionary's unit.

    `{number: crp, unit: mg/dL, censored: true, missing: {999: unknown, no sample: not_done}}`
    A missing word that is a number also matches its other spellings (`999` matches `999.0`).
    """

    version: ClassVar[str] = "2"

    verb: Literal["number"] = "number"
    columns: Column
    """The source column."""
    unit: str | None = None
    """The unit of the source; default: the dictionary's."""
    decimal: Literal[".", ","] = "."
    """The decimal character of the source."""
    censored: bool = False
    """Read `<20`, `>=1800` … as value and comparator; variables of type censored are always read so."""
    after: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Words that may stand before the number and add nothing (`SES-CD 4` is 4)."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type not in NUMERIC:
            yield f"number makes no {target.type}; use it for a variable of type {', '.join(NUMERIC)}"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        said = target.column(self.columns[0])
        text = self.without_words(said)
        censored = self.censored or target.type == "censored"
        number = target.share(read_number(text, self.decimal, signed=censored))
        sign = f"CASE WHEN ord({text}) IN ({SIGNS}) THEN regexp_extract({text}, '^{SIGN}') END"
        comparator = f"replace(replace({sign}, '≤', '<='), '≥', '>=')" if censored else NULL
        conversion = Conversion() if self.unit is None else target.conversion(self.unit)
        value = number
        if (power := shift(conversion)) is not None:
            value = read_number(text, self.decimal, signed=censored, power=power)
        elif conversion != Conversion():
            value = finite(converted(number, conversion))
        if target.type == "integer":
            value = whole(target.share(value))
        return self.read(said, value, comparator=comparator, number=None if censored else number)

    def without_words(self, text: str) -> str:
        """Return SQL: the text without the words that may stand before the number."""
        if not self.after:
            return text
        words = "|".join(re.escape(word) for word in self.after)
        pattern = rf"^(?:{words})[\s:=]*"
        return f"regexp_replace({text}, {literal(pattern)}, '')"


def read_number(text: str, decimal: str = ".", *, signed: bool = False, power: int = 0) -> str:
    """Return SQL: the text as a finite double, NULL where it is none (`inf`, `nan` and `1_000` are none).

    Args:
        text: SQL of a text.
        decimal: the decimal character.
        signed: whether a comparator may stand before the number.
        power: the power of ten by which the number is multiplied; written into its text, so 0.56 gives 5.6 exactly.
    """
    whole_number = _found(text, NUMBER, decimal, signed=signed)
    any_number = finite(f"TRY_CAST({whole_number} AS DOUBLE)")
    plain = f"TRY_CAST({text} AS DOUBLE)"
    if power:
        mantissa = _found(text, MANTISSA, decimal, signed=signed)
        shifted = f"TRY_CAST({mantissa} || 'e{power}' AS DOUBLE)"
        scaled = f"TRY_CAST({whole_number} AS DOUBLE) * CAST(1e{power} AS DOUBLE)"
        any_number = finite(f"coalesce({shifted}, {scaled})")
        plain = f"TRY_CAST({text} || 'e{power}' AS DOUBLE)"
    if decimal != ".":
        return any_number
    return f"CASE WHEN {is_plain(text)} THEN {plain} ELSE {any_number} END"


def is_plain(text: str) -> str:
    """Return SQL: whether DuckDB itself reads a text as every reader of numbers would, or not at all.

    It begins with a digit or a point (so it is no `inf`, no `nan`), has no exponent and none of the `_` that DuckDB
    allows within numbers. That is cheap to see, a match of the whole number is not.
    """
    strange = " OR ".join(f"contains({text}, '{letter}')" for letter in "_eE")
    return f"{text} >= '.' AND {text} < ':' AND strlen({text}) < 300 AND NOT ({strange})"


def _found(text: str, number: str, decimal: str, *, signed: bool) -> str:
    """Return SQL: the part of the text that is the number, with a decimal point; empty where there is none."""
    form = number if decimal == "." else number.replace(r"\.", ",")
    pattern = rf"^{SIGN + '?' if signed else ''}\s*({form})$"
    found = f"regexp_extract({text}, {literal(pattern)}, 1)"
    return found if decimal == "." else f"replace({found}, {literal(decimal)}, '.')"


def shift(conversion: Conversion) -> int | None:
    """Return n where a conversion is × 10^n and nothing else, n not 0."""
    power = round(log10(conversion.factor))
    is_power = power != 0 and conversion.factor == float(f"1e{power}") and not conversion.offset
    return power if is_power else None


def converted(number: str, conversion: Conversion) -> str:
    """Return SQL: a number in another unit; `/ 7` where the factor is one seventh."""
    parts = round(1 / conversion.factor)
    if parts > 1 and 1 / parts == conversion.factor:
        value = f"{number} / {parts}"
    else:
        value = f"{number} * CAST({conversion.factor!r} AS DOUBLE)"
    return f"{value} + CAST({conversion.offset!r} AS DOUBLE)" if conversion.offset else value


def finite(number: str) -> str:
    """Return SQL: a double, NULL where it is infinite."""
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def whole(number: str) -> str:
    """Return SQL: a double as a whole number, NULL where it has a fraction (`9.0` is whole, `9.5` is not)."""
    is_whole = f"{number} % 1 = 0 AND abs({number}) < 9007199254740992"
    return f"CASE WHEN {is_whole} THEN CAST({number} AS BIGINT) END"
