"""`reduce`: of the repeats of one key the first, last, worst, nearest … How rows are gathered: harmonise/steps.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator

from omics_orchestrator.verbs.base import Cell, Target, Verb
from omics_orchestrator.verbs.date import read_date
from omics_orchestrator.verbs.number import read_number

if TYPE_CHECKING:
    from omics_orchestrator.verbs import AnyVerb

Pick = Literal["first", "last", "min", "max", "mean", "median", "count", "any", "worst", "best", "nearest"]
DAYS = {"day": 1, "week": 7}
WITHIN = re.compile(r"([0-9]+) (day|week)s?")
NUMBERS = ("integer", "decimal", "censored")


def days_of(text: str) -> str:
    """Return a window as it is written when it can be read, such as `14 days`."""
    if not WITHIN.fullmatch(text):
        raise ValueError(f"{text!r} is no window; write `14 days` or `2 weeks`")
    return text


def window(text: str) -> int:
    """Return the days of a window."""
    match = WITHIN.fullmatch(text)
    assert match is not None  # validated when it was read
    return int(match[1]) * DAYS[match[2]]


class Reduce(Verb):
    """Takes one value of the several source rows that a key has; the others are told in the ledger.

    `{reduce: {number: crp, unit: mg/L}, pick: nearest, by: blood_date, to: visit_date, within: 14 days}`. `first`
    and `last` go by the column `by`; `worst` is the greatest number or the last code of the list, `best` the other
    end. Rows without a value, and with `by` rows where it is blank, are not picked.
    """

    argument: ClassVar[str] = "inner"
    verb: Literal["reduce"] = "reduce"
    inner: AnyVerb
    """The column or rule that reads one row."""
    pick: Pick
    """Which value of the rows counts."""
    by: str | None = None
    """The column that orders the rows (first, last) or whose date must be near (nearest)."""
    to: str | None = None
    """The column with the date that `by` must be near to."""
    within: Annotated[str, AfterValidator(days_of)] | None = None
    """How far away the nearest may be, such as `14 days`."""

    def references(self) -> tuple[str, ...]:
        """Return every column reference or pattern that the rule reads."""
        return tuple(dict.fromkeys(filter(None, (*self.inner.references(), self.by, self.to))))

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if self.inner.reads_variables or isinstance(self.inner, Reduce):
            yield f"{self.inner.verb} cannot be reduced; reduce a column or a rule over columns"
            return
        yield from self.inner.complaints(target)
        needed = {"first": ("by",), "last": ("by",), "nearest": ("by", "to")}.get(self.pick, ())
        for name in ("by", "to"):
            if name in needed and getattr(self, name) is None:
                yield f"pick {self.pick} needs {name}; name the column"
            if name not in needed and getattr(self, name) is not None:
                yield f"pick {self.pick} has no use for {name}; it belongs to first, last or nearest"
        if self.within and self.pick != "nearest":
            yield f"pick {self.pick} has no use for within; it belongs to nearest"
        types = {"mean": ("decimal",), "median": ("decimal",), "count": ("integer",), "any": ("boolean",)}
        if target.type not in types.get(self.pick, (target.type,)):
            yield f"pick {self.pick} makes no {target.type}; the variable must be {types[self.pick][0]}"
        if self.pick in {"min", "max"} and target.type not in (*NUMBERS, "date", "partial_date"):
            yield f"pick {self.pick} makes no {target.type}; it takes numbers and dates"
        if self.pick in {"worst", "best"} and not (target.type in NUMBERS or target.codes):
            yield f"pick {self.pick} makes no {target.type}; it takes numbers and codes of a list"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell of one row."""
        return self.inner.cell(target)

    def order(self, target: Target) -> str | None:
        """Return SQL by which rows are ordered, the least first; NULL = the row is not picked. None: by the value."""
        if self.by is None:
            return None
        text = target.column(self.by)
        if self.pick != "nearest":
            number = read_number(text)
            return f"coalesce(printf('%030.9f', {number}), {text})"
        here, there = (read_date(target.column(name), "%Y-%m-%d") for name in (self.to or "", self.by))
        distance = f"abs(date_diff('day', {there}, {here}))"
        near = (
            f"CASE WHEN {distance} <= {window(self.within)} THEN {distance} END" if self.within else distance
        )
        return f"printf('%09d', {near}) || {text}"  # of two that are equally near the earlier
