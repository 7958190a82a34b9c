"""What changed in the dictionary on which day: variables, code lists, drugs, as git keeps them. The files: history.py.

Rows are compared as texts: earlier versions need not be what today's program reads.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omics_orchestrator.dictionary.drugs import DRUGS_FILE
from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.steps.history import days_of

VARIABLES, CODES = "variables.csv", "code_lists.csv"
FILES = [VARIABLES, CODES, DRUGS_FILE]
NOW = "not committed yet"
Rows = dict[str, dict[str, str]]  # name → column → cell


@dataclass(frozen=True)
class Changed:
    """One entry that says something else: its name and each difference as (what, before, after)."""

    name: str
    details: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Day:
    """What changed on a day, against the version before.

    Attributes:
        day: YYYY-MM-DD, or `NOW`.
        first: number of variables with which the history begins; 0 = it began before.
        added, removed: names and labels of variables.
        changed: variables.
        codes: code lists, each code as a difference.
        drugs: drugs that came, went or changed.
    """

    day: str
    first: int = 0
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    changed: tuple[Changed, ...] = ()
    codes: tuple[Changed, ...] = ()
    drugs: tuple[Changed, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether anything changed."""
        return bool(self.first or self.added or self.removed or self.changed or self.codes or self.drugs)


@dataclass(frozen=True)
class Changelog:
    """The days, the latest first; `why_not`: why there are none."""

    days: tuple[Day, ...] = ()
    why_not: str = ""


def changelog(folder: Path) -> Changelog:
    """Return what changed in the dictionary of `folder`; without git, why that is not known."""
    try:
        kept = days_of(folder, FILES)
    except NotConfigured as error:
        return Changelog(why_not=str(error).replace(str(folder), "the data dictionary"))
    now = {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}
    days = [day for day in _days([*kept, (NOW, now)]) if day.says_something]
    return Changelog(tuple(reversed(days)))


def _days(versions: Sequence[tuple[str, Mapping[str, bytes]]]) -> Iterator[Day]:
    before, codes_before, drugs_before = None, {}, {}
    for day, files in versions:
        after = _by_name(files.get(VARIABLES, b""))
        codes = _by_list(files.get(CODES, b""))
        drugs = _by_name(files.get(DRUGS_FILE, b""), "ingredient")
        if before is None:
            yield Day(day, first=len(after))
        else:
            yield Day(
                day,
                added=tuple((name, after[name].get("label", "")) for name in after if name not in before),
                removed=tuple((name, before[name].get("label", "")) for name in before if name not in after),
                changed=tuple(_changed(before, after)),
                codes=tuple(_changed(codes_before, codes)),
                drugs=tuple(_changed(drugs_before, drugs, gone_too=True)) if drugs_before else (),
            )
        before, codes_before, drugs_before = after, codes, drugs


def _changed(before: Rows, after: Rows, *, gone_too: bool = False) -> Iterator[Changed]:
    """Yield the entries that both versions have and that differ; with `gone_too` also those that one of them has."""
    for name in dict.fromkeys([*before, *after]) if gone_too else [one for one in after if one in before]:
        old, new = before.get(name, {}), after.get(name, {})
        if old != new:
            cells = dict.fromkeys([*old, *new])
            told = ((cell, old.get(cell, ""), new.get(cell, "")) for cell in cells)
            yield Changed(name, tuple(one for one in told if one[1] != one[2]))


def _by_name(content: bytes, column: str = "name") -> Rows:
    return {row[column]: row for row in _read(content) if row.get(column)}


def _by_list(content: bytes) -> Rows:
    """Return code list → code → label."""
    lists: Rows = {}
    for row in _read(content):
        lists.setdefault(row.get("code_list", ""), {})[row.get("code", "")] = row.get("label", "")
    return lists


def _read(content: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV, empty cells left out; what is damaged is read as far as it goes."""
    try:
        for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace"), newline="")):
            yield {
                name: cell
                for name, cell in row.items()
                if isinstance(name, str) and isinstance(cell, str) and cell
            }
    except csv.Error:
        return
