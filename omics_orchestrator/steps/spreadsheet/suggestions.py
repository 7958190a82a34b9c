"""The sheet `suggestions`: every saved pair of every study as a row, with what helps to decide beside it.

What a changed state becomes is decided in marking.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.steps.spreadsheet.cells import Refused, legible, storable
from omics_orchestrator.steps.spreadsheet.records import Record, Records, read_records
from omics_orchestrator.steps.spreadsheet.sheets import SHOWN, SUGGESTIONS, Sheet
from omics_orchestrator.steps.suggest.saved import Saved
from omics_orchestrator.studies.suggestions import FILE, HEADER, read_suggestions

OF_FILE = Sheet(SUGGESTIONS.name, FILE, HEADER, ("column", "variable"))
LISTED = 6  # pairs of a list in a note

Shown = Mapping[tuple[str, str, str], Saved]


def suggestion_texts(folder: Path, variables: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Return study → the text of its suggestions.csv, and a note on each that has mistakes and is left out."""
    found, notes = {}, []
    for file in sorted((folder / "studies").glob(f"*/{FILE}")):
        study = file.parent.name
        try:
            pairs = read_suggestions(file.parent, variables)
            for cell in (cell for one in pairs for cell in vars(one).values()):
                storable(cell)
            found[study] = file.read_bytes().decode("utf-8-sig")
        except DeclarationError as error:
            notes.append(f"without the suggestions of {study}: {error.problems[0]}")
        except Refused as error:
            notes.append(f"without the suggestions of {study}: a cell of {FILE} {error}")
    return {study: text for study, text in found.items() if read_records(text, OF_FILE).rows}, notes


def all_pairs(texts: Mapping[str, str]) -> Records:
    """Return every pair of every study as the rows of the sheet."""
    rows = {
        (study, *pair): Record({"study": study, **one.cells}, one.text, one.line)
        for study, text in texts.items()
        for pair, one in read_records(text, OF_FILE).rows.items()
    }
    return Records("", rows, "\n")


def shown_beside(records: Records, dictionary: Dictionary, shown: Shown) -> dict[str, list[str]]:
    """Return the columns beside the pairs that help to decide."""
    told = [shown.get((key[0], key[1], key[2]), Saved()) for key in records.rows]
    return {
        f"{SHOWN}column's label": [legible(one.label) for one in told],
        f"{SHOWN}variable's label": [dictionary.variables[key[2]].label for key in records.rows],
        f"{SHOWN}score": [one.score for one in told],
        f"{SHOWN}why": [legible(one.why) for one in told],
        f"{SHOWN}rule": [legible(one.rule) for one in told],
    }


def orphans(folder: Path, before: Collection[str], after: Collection[str]) -> Iterator[str]:
    """Yield a note on each file whose pairs name a variable that will be gone."""
    for file in sorted((folder / "studies").glob(f"*/{FILE}")) if {*before} - {*after} else ():
        try:
            pairs = read_suggestions(file.parent, before)
        except DeclarationError:  # omics dictionary suggest tells it
            continue
        if lost := [f"{one.column} = {one.variable}" for one in pairs if one.variable not in after]:
            names = ", ".join(lost[:LISTED]) + (" …" if len(lost) > LISTED else "")
            yield f"studies/{file.parent.name}/{FILE} names variables that go; take the lines out there: {names}"
