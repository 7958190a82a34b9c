"""Studies as hits of a search: by name, title, assays and description; searchStudies in search.js does the same.

Variables, and how the two are put together: search.py. Stewards are not searched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.dictionary.wording import words
from omics_orchestrator.steps.phrases import CODES, DESCRIPTION, NAME, Phrases, all_words, weighed
from omics_orchestrator.studies import Catalogue, Study
from omics_orchestrator.studies.references import kind_of

Places: TypeAlias = Mapping[str, Mapping[int, float]]
BEGINNING = 3  # letters from which on the beginning of a word counts


def places_of_studies(
    catalogue: Catalogue, dictionary: Dictionary, terms: Phrases, spoken: dict[str, str]
) -> Places:
    """Return keyed word → number of the study → weight: 8 in name or title, 2 in an assay, 1 in the description."""
    places: dict[str, dict[int, float]] = defaultdict(dict)
    for number, study in enumerate(catalogue.studies.values()):
        for weight, text in _texts(study, dictionary):
            for word in _words(text, weight, terms, spoken):
                places[word][number] = max(places[word].get(number, 0.0), weight)
    return dict(places)


def find_studies(places: Places, studies: int, text: str) -> list[int]:
    """Return the numbers of the studies that `text` finds, the best first; of an empty text all.

    A study is found by any word of its name or title, and else where all asked words stand in it. A word counts
    with its weight; the beginning of a word, from 3 letters on, with half of the share of its letters. Order: those
    that hold every word; sum over the asked words; the dictionary.
    """
    if not text.strip():
        return list(range(studies))
    asked = dict.fromkeys(words(text))
    sums: dict[int, float] = defaultdict(float)
    held: dict[int, int] = defaultdict(int)
    named: set[int] = set()
    for word in asked:
        hits: dict[int, float] = {}
        for known, share in _meant(places, word):
            for number, weight in places[known].items():
                hits[number] = max(hits.get(number, 0.0), weight * share)
                if weight == NAME:
                    named.add(number)
        for number, hit in hits.items():
            sums[number] += hit
            held[number] += 1
    found = (number for number in sums if number in named or held[number] == len(asked))
    return sorted(found, key=lambda number: (held[number] < len(asked), -sums[number], number))


def _meant(places: Places, word: str) -> Iterator[tuple[str, float]]:
    """Yield the known words that an asked one may be, with how close they are."""
    for known in places:
        if known == word:
            yield known, 1.0
        elif len(word) >= BEGINNING and known.startswith(word):
            yield known, len(word) / len(known) / 2


def _words(text: str, weight: float, terms: Phrases, spoken: dict[str, str]) -> set[str]:
    """Return the words of a text, with those of the terms in it: of a name none but its own."""
    if weight == NAME:
        return {*all_words(text, spoken)}
    return {word for word, _ in weighed(text, weight, terms, spoken)}


def _texts(study: Study, dictionary: Dictionary) -> Iterator[tuple[float, str]]:
    yield NAME, study.study
    yield NAME, study.title
    for assay in study.assays:
        yield CODES, assay
        kind = kind_of(assay, dictionary)
        if kind is not None:
            yield CODES, dictionary.assays[kind].label
    yield DESCRIPTION, study.description
