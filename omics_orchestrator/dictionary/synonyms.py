"""Words that mean the same when somebody searches: reading `synonyms.csv`. No asset depends on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.wording import words

SYNONYM_HEADER = ("term", "synonyms", "also_finds")


@dataclass(frozen=True)
class Synonyms:
    """One row of `synonyms.csv`."""

    terms: tuple[str, ...]
    """The term and its synonyms: each finds what the others find."""
    also_finds: tuple[str, ...]
    """What a search for one of the terms shows after its own hits; not the other way round."""


def read_synonyms(file: Path, problems: Problems) -> tuple[Synonyms, ...]:
    """Return the rows; a dictionary without that file has none."""
    if not file.is_file():
        return ()
    found, seen = [], dict[tuple[str, ...], int]()
    for row in read_csv(file, SYNONYM_HEADER, ("term",), problems):
        term = row.cells["term"]
        synonyms, further = _listed(row, "synonyms"), _listed(row, "also_finds")
        if not synonyms and not further:
            allowed = "another word for it, or what it finds also"
            problems.add(file, row.line, term, "the row says nothing: both lists are empty", allowed)
        for spelling in (term, *synonyms, *further):
            if not words(spelling):
                message = f"{spelling!r} holds no word that can be searched for"
                problems.add(file, row.line, term, message, "articles, `of`, `at` and the like are left out")
        for spelling in (term, *synonyms):
            first = seen.setdefault(tuple(words(spelling)), row.line)
            if first != row.line and words(spelling):
                message = f"{spelling!r} stands on line {first} already"
                problems.add(file, row.line, term, message, "what means the same stands in one row")
        found.append(Synonyms((term, *synonyms), further))
    return tuple(found)


def _listed(row: Row, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.cells[column].split(";") if part.strip())
