"""Words that mean the same when somebody searches: reading `synonyms.csv`.

No part of `Dictionary`: a mistake here is for `omics check`, and must neither stop a run nor make an asset stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.wording import words

SYNONYMS_FILE = "synonyms.csv"
SYNONYM_HEADER = ("term", "synonyms", "also_finds")


@dataclass(frozen=True)
class Synonyms:
    """One row of `synonyms.csv`."""

    terms: tuple[str, ...]
    """The term and its synonyms: each finds what the others find."""
    also_finds: tuple[str, ...]
    """What a search for one of the terms shows after its own hits; not the other way round."""


def read_synonyms(folder: Path, problems: Problems) -> tuple[Synonyms, ...]:
    """Return the usable rows of `synonyms.csv`, noting every mistake; a dictionary without that file has none.

    Args:
        folder: the data dictionary.
        problems: where mistakes are noted.
    """
    file = folder / SYNONYMS_FILE
    if not file.is_file():
        return ()
    found, seen = [], dict[tuple[str, ...], int]()
    for row in read_csv(file, SYNONYM_HEADER, ("term",), problems):
        mistakes = list(_mistakes(row, seen))
        for message, allowed in mistakes:
            problems.add(file, row.line, row.cells["term"], message, allowed)
        if not mistakes:
            found.append(Synonyms((row.cells["term"], *_listed(row, "synonyms")), _listed(row, "also_finds")))
    return tuple(found)


def _mistakes(row: Row, seen: dict[tuple[str, ...], int]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a row and what would be right; `seen`: words → the line of the first row with them."""
    terms, further = (row.cells["term"], *_listed(row, "synonyms")), _listed(row, "also_finds")
    if len(terms) == 1 and not further:
        yield "the row says nothing: both lists are empty", "another word for it, or what it finds also"
    for spelling in (*terms, *further):
        if not words(spelling):
            message = f"{spelling!r} holds no word that can be searched for"
            yield message, "articles, `of`, `at` and the like are left out"
    for spelling in terms:
        first = seen.setdefault(tuple(words(spelling)), row.line)
        if first != row.line and words(spelling):
            yield f"{spelling!r} stands on line {first} already", "what means the same stands in one row"


def _listed(row: Row, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.cells[column].split(";") if part.strip())
