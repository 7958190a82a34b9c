"""`number`: text → number in the dictionary's unit. Bounds are checked after harmonising, not here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from omics_orchestrator.verbs.base import NULL, NUMBER, Cell, Column, ColumnVerb, Target, literal

SIGN = "(?:<=|>=|[<>≤≥])"
NUMERIC = ("integer", "decimal", "censored")


class Number(ColumnVerb):
    """Reads a number, with its unit and its comparator, and gives it in the dictionary's unit.

    `{number: crp, unit: mg/dL, censored: true, missing: {999: unknown, no sample: not_done}}`
    A missing word that is a number also matches its other spellings (`999` matches `999.0`).
    """

    verb: Literal["number"] = "number"
    columns: Column
    """The source column."""
    unit: str | None = None
    """The unit of the source; default: the dictionary's."""
    decimal: Literal[".", ","] = "."
    """The decimal character of the source."""
    censored: bool = False
    """Read `<20`, `>=1800` … as value and comparator; variables of type censored are always read so."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type not in NUMERIC:
            yield f"number makes no {target.type}; use it for a variable of type {', '.join(NUMERIC)}"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        text = target.column(self.columns[0])
        censored = self.censored or target.type == "censored"
        number = read_number(text, self.decimal, signed=censored)
        sign = f"nullif(regexp_extract({text}, '^{SIGN}'), '')"
        comparator = f"replace(replace({sign}, '≤', '<='), '≥', '>=')" if censored else NULL
        factor = self.factor(target)
        value = number if factor == 1 else finite(f"{number} * CAST({factor!r} AS DOUBLE)")
        if target.type == "integer":
            value = whole(value)
        return self.read(text, value, comparator=comparator, number=None if censored else number)

    def factor(self, target: Target) -> float:
        """Return what the number is multiplied with."""
        return 1.0 if self.unit is None else target.factor(self.unit)


def read_number(text: str, decimal: str = ".", *, signed: bool = False) -> str:
    """Return SQL: the text as a finite double, NULL where it is none (`inf`, `nan` and `1_000` are none).

    Args:
        text: SQL of a text.
        decimal: the decimal character.
        signed: whether a comparator may stand before the number.
    """
    number = NUMBER if decimal == "." else NUMBER.replace(r"\.", ",")
    pattern = rf"^{SIGN + '?' if signed else ''}\s*({number})$"
    found = f"regexp_extract({text}, {literal(pattern)}, 1)"
    dotted = found if decimal == "." else f"replace({found}, {literal(decimal)}, '.')"
    return finite(f"TRY_CAST({dotted} AS DOUBLE)")


def finite(number: str) -> str:
    """Return SQL: a double, NULL where it is infinite."""
    return f"nullif(nullif({number}, CAST('inf' AS DOUBLE)), CAST('-inf' AS DOUBLE))"


def whole(number: str) -> str:
    """Return SQL: a double as a whole number, NULL where it has a fraction (`9.0` is whole, `9.5` is not)."""
    is_whole = f"{number} % 1 = 0 AND abs({number}) < 9007199254740992"
    return f"CASE WHEN {is_whole} THEN CAST({number} AS BIGINT) END"
