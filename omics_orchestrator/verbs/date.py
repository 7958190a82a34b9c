"""`date`: text → date by declared formats. Arithmetic with dates is written in derive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from omics_orchestrator.verbs.base import NULL, Cell, Column, ColumnVerb, Target, literal

SEPARATORS = frozenset("-/.:,")
FIRST_YEAR = 1000  # a year of fewer than four digits was not written by %Y
DIRECTIVES = frozenset("YymdbBjHIMSfpz%")


def _known_directives(form: str) -> str:
    unknown = [found for found in re.findall(r"%(.?)", form) if found not in DIRECTIVES]
    if unknown or "%" not in form:
        raise ValueError(
            f"{form!r} is not a date format; allowed are %Y %y %m %d %b %B %j %H %I %M %S %f %p %z"
        )
    if not {"%Y", "%y"} & set(re.findall("%.", form)):
        raise ValueError(f"{form!r} has no year (%Y or %y)")
    return form


DateFormat = Annotated[str, AfterValidator(_known_directives)]
Precision = Literal["year", "month"]


class Date(ColumnVerb):
    """Reads a date in one of the declared formats; the first that fits wins.

    `{date: COLLECTION_DATE, formats: ["%m/%d/%y"]}`. For a variable of type partial_date a format may lack
    the day or the month, and `partial` says which written dates mean less than they show: `partial: {"01-01":
    year}`. Such a value is the first day of its month or year, marked `month` or `year` in the table of
    comparators.
    """

    version: ClassVar[str] = "3"

    verb: Literal["date"] = "date"
    columns: Column
    """The source column."""
    formats: Annotated[tuple[DateFormat, ...], Field(min_length=1)] = ("%Y-%m-%d",)
    """strptime formats, tried in order."""
    partial: dict[Annotated[str, Field(pattern=r"^[0-1][0-9]-[0-3][0-9]$|^[0-3][0-9]$")], Precision] = {}
    """`MM-DD` or `DD` → what alone is known of a date that ends so."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type not in {"date", "partial_date"}:
            yield f"date makes no {target.type}; use it for a variable of type date or partial_date"
        elif target.type == "date" and (self.partial or any(precision(form) for form in self.formats)):
            yield "a variable of type date needs full dates; declare it as partial_date in variables.csv"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        text = target.column(self.columns[0])
        dates: list[str] = []
        for form in self.formats:  # a later format is tried where no earlier one fits
            lacking = " AND ".join(f"({earlier}) IS NULL" for earlier in dates)
            dates.append(read_date(text, form, target.share, only=lacking or "true"))
        value = dates[0] if len(dates) == 1 else f"coalesce({', '.join(dates)})"
        known = [precision(form) for form in self.formats]
        if not self.partial and not any(known):
            return self.read(text, value)
        marks = [
            literal(mark) if mark else self.written(found) for mark, found in zip(known, dates, strict=True)
        ]
        cases = [f"WHEN {found} IS NOT NULL THEN {mark}" for found, mark in zip(dates, marks, strict=True)]
        mark = f"CASE {' '.join(cases)} END"
        first_day = f"CAST(date_trunc(coalesce({mark}, 'day'), {value}) AS DATE)"
        return self.read(text, first_day, comparator=mark)

    def written(self, found: str) -> str:
        """Return SQL: the precision that `partial` gives to a full date."""
        longest_first = sorted(self.partial.items(), key=lambda item: -len(item[0]))
        cases = [
            f"WHEN strftime({found}, {literal('%m-%d')}) LIKE {literal('%' + ending)} THEN {literal(known)}"
            for ending, known in longest_first
        ]
        return f"CASE {' '.join(cases)} END" if cases else NULL


def precision(form: str) -> Precision | None:
    """Return what a format knows when it does not know the day."""
    found = set(re.findall("%.", form))
    if found & {"%d", "%j"}:
        return None
    return "month" if found & {"%m", "%b", "%B"} else "year"


def read_date(
    text: str, form: str, share: Callable[[str], str] = lambda sql: sql, *, only: str = "true"
) -> str:
    """Return SQL: the text as a date, NULL where it does not fit the format.

    DuckDB alone would read `1/2/24` by `%Y` as the year 24, and words (`infinity`, `epoch`) by any format; and
    `%b` knows the ninth month as `Sep` only, which the British write `Sept`.

    Args:
        text: SQL of a text.
        form: a strptime format.
        share: see `Target`.
        only: SQL: where the format is tried at all.
    """
    if "%b" in form:
        text = f"regexp_replace({text}, '(?i)\\bsept\\b', 'Sep')"
    marks = sorted(set(re.sub("%.", "", form)) & SEPARATORS)
    fits = [only, *(f"contains({text}, '{mark}')" for mark in marks)]  # to try what cannot fit takes long
    if set(marks) <= {"-"}:  # `-infinity` has a `-`
        fits.append(f"regexp_matches({text}, '[0-9]')")
    cases = f"WHEN {' AND '.join(fits)} THEN CAST(try_strptime({text}, {literal(form)}) AS DATE)"
    if form == "%Y-%m-%d":
        usual = f"{only} AND {text} LIKE '____-__-__' AND {text} >= '0' AND {text} < ':'"
        cases = f"WHEN {usual} THEN TRY_CAST({text} AS DATE) {cases}"
    found = share(f"CASE {cases} END")
    return f"CASE WHEN {found} >= DATE '{FIRST_YEAR}-01-01' THEN {found} END"
