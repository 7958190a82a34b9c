"""Words that mean the same when somebody searches: those of `synonyms.csv`, and those of drugs and their classes.

No part of `Dictionary`: a mistake here is for `omics check`, and must neither stop a run nor make an asset stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omics_orchestrator.dictionary.drugs import Drug, Drugs, read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.wording import words

SYNONYMS_FILE = "synonyms.csv"
SYNONYM_HEADER = ("term", "synonyms", "also_finds")


Place = tuple[Path, int]


@dataclass(frozen=True)
class Synonyms:
    """One row of `synonyms.csv`, or a drug or class of drugs."""

    terms: tuple[str, ...]
    """The term and its synonyms: each finds what the others find."""
    also_finds: tuple[str, ...]
    """What a search for one of the terms shows after its own hits; not the other way round."""


def read_synonyms(folder: Path, problems: Problems) -> tuple[Synonyms, ...]:
    """Return the usable rows, noting every mistake; a dictionary without those files has none.

    Args:
        folder: the data dictionary.
        problems: where mistakes are noted, of drugs too.
    """
    found, seen = [], dict[tuple[str, ...], Place]()
    drugs = _of_drugs(read_drugs(folder, problems))
    for place, row in (*_of_file(folder / SYNONYMS_FILE, problems), *drugs):
        mistakes = list(_mistakes(place, row, seen))
        for message, allowed in mistakes:
            problems.add(*place, row.terms[0], message, allowed)
        if not mistakes:
            found.append(row)
    return tuple(found)


def _of_file(file: Path, problems: Problems) -> Iterator[tuple[Place, Synonyms]]:
    for row in read_csv(file, SYNONYM_HEADER, ("term",), problems) if file.is_file() else ():
        made = Synonyms((row.cells["term"], *_listed(row, "synonyms")), _listed(row, "also_finds"))
        if len(made.terms) == 1 and not made.also_finds:
            allowed = "another word for it, or what it finds also"
            problems.add(file, row.line, made.terms[0], "the row says nothing: both lists are empty", allowed)
        else:
            yield (file, row.line), made


def _of_drugs(drugs: Drugs) -> Iterator[tuple[Place, Synonyms]]:
    """Yield a class, which also finds what it holds; and a drug, which finds its class where no variable is its own."""
    for one in drugs.classes.values():
        if one.synonyms or drugs.below(one.name):
            yield drugs.places[one.name], Synonyms((one.name, *one.synonyms), drugs.below(one.name))
    for drug in drugs.drugs.values():
        yield drugs.places[drug.name], Synonyms((drug.name, *drug.synonyms), _instead(drug, drugs))


def _instead(drug: Drug, drugs: Drugs) -> tuple[str, ...]:
    """Return the words of the class, or group, of a drug that has no variable of its own."""
    above = (drugs.classes[name] for name in drugs.groups(drug.drug_class))
    one = next((one for one in above if one.variables), None)
    return () if one is None or any(not told.code for told in drug.variables) else (one.name, *one.synonyms)


def _mistakes(place: Place, row: Synonyms, seen: dict[tuple[str, ...], Place]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a row and what would be right; `seen`: words → where they stand first."""
    for spelling in (*row.terms, *row.also_finds):
        if not words(spelling):
            message = f"{spelling!r} holds no word that can be searched for"
            yield message, "articles, `of`, `at` and the like are left out"
    for spelling in row.terms:
        file, line = first = seen.setdefault(tuple(words(spelling)), place)
        if first != place and words(spelling):
            where = f"on line {line}" if file == place[0] else f"in {file.name}:{line}"
            yield f"{spelling!r} stands {where} already", "what means the same stands in one row"


def _listed(row: Row, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.cells[column].split(";") if part.strip())
