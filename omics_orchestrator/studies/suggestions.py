"""suggestions.csv: what became of the variables that were suggested for a study's columns. Which are: steps/suggest/.

A column that a rule reads needs no line here. No run and no `omics check` reads the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal, cast, get_args

from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_csv import read_csv

FILE = "suggestions.csv"
HEADER = ("column", "variable", "state", "by", "on")
State = Literal["proposed", "approved", "rejected"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Suggestion:
    """What became of one pair.

    Attributes:
        column: as the mapping writes it in full, `<source>.<table>.<column>`.
        variable: of the dictionary.
        state: proposed (by the program), approved or rejected (by a person).
        by: who said so.
        on: the day, as YYYY-MM-DD.
    """

    column: str
    variable: str
    state: State
    by: str = ""
    on: str = ""


def read_suggestions(folder: Path, variables: Iterable[str]) -> list[Suggestion]:
    """Return the lines of a study's suggestions.csv in their order; none where there is no file.

    Raises:
        DeclarationError: naming every mistake: an unknown state or variable, nobody or no day, a pair twice.
    """
    file, problems = folder / FILE, Problems()
    if not file.exists():
        return []
    found: dict[tuple[str, str], Suggestion] = {}
    known = frozenset(variables)
    for row in read_csv(file, HEADER, ("column", "variable", "state"), problems):
        cells = row.cells
        pair = cells["column"], cells["variable"]
        if pair in found:
            problems.add(file, row.line, cells["column"], "the column and the variable are given twice")
        for _, message, allowed in mistakes(cells, known):
            problems.add(file, row.line, cells["column"], message, allowed)
        state = cast("State", cells["state"])  # told above where it is none
        found[pair] = Suggestion(*pair, state, cells["by"], cells["on"])
    problems.raise_if_any()
    return list(found.values())


def mistakes(cells: Mapping[str, str], variables: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong in one line: the column of the file, the mistake, what would be right."""
    if cells["variable"] not in variables:
        message = f"{cells['variable']!r} is no variable of the dictionary"
        yield "variable", message, suggest(cells["variable"], variables)
    if cells["state"] not in STATES:
        yield "state", f"{cells['state']!r} is not a state", suggest(cells["state"], STATES)
    elif cells["state"] != "proposed" and not (cells["by"] and cells["on"]):
        message = f"it is {cells['state']}, but not by whom or on which day"
        yield "by" if cells["on"] else "on", message, "both `by` and `on` are filled in"
    if cells["on"] and not _is_day(cells["on"]):
        yield "on", f"{cells['on']!r} is no day", "it is written YYYY-MM-DD"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def write_suggestions(folder: Path, suggestions: Iterable[Suggestion]) -> Path:
    """Replace a study's suggestions.csv in one step, lines in the order of columns, and return it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    lines = sorted({(one.column, one.variable): one for one in suggestions}.items())
    writer.writerows([getattr(one, name) for name in HEADER] for _, one in lines)
    file = folder / FILE
    with NamedTemporaryFile("w", dir=folder, prefix=".", delete=False, encoding="utf-8", newline="") as draft:
        draft.write(text.getvalue())
    place = Path(draft.name)
    place.chmod(file.stat().st_mode if file.exists() else 0o644)
    place.replace(file)
    return file


def marked(known: Iterable[Suggestion], changes: Mapping[tuple[str, str], Suggestion]) -> list[Suggestion]:
    """Return the lines with the changes in them; a proposal never takes the place of what a person said."""
    lines = {(one.column, one.variable): one for one in known}
    for pair, change in changes.items():
        if change.state != "proposed" or pair not in lines:
            lines[pair] = change
    return list(lines.values())
