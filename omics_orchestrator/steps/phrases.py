"""From texts to weighed words: each text's own, and those of the terms of synonyms and drugs that stand in it.

What a word is: dictionary/wording.py; what the weights mean: search.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omics_orchestrator.dictionary.synonyms import Synonyms
from omics_orchestrator.dictionary.wording import joined_words, keyed, spoken_words, words

NAME, LABEL, CODES, DESCRIPTION, STUDY = 8.0, 4.0, 2.0, 1.0, 0.5  # powers of 2: sums are exact everywhere


@dataclass(frozen=True)
class Phrase:
    """A term of `synonyms.csv`, or a name of a drug from `drugs.csv`, as it may stand in a text."""

    words: tuple[str, ...]
    means: frozenset[str]
    """All words of the terms of its row."""
    is_term: bool
    """Whether it means the same; otherwise the row's terms find it also."""


Phrases = dict[str, list[Phrase]]


def keyed_words(text: str, spoken: dict[str, str]) -> list[str]:
    """Return the keyed words of a text, keeping how each was first written."""
    found = []
    for word in spoken_words(text):
        found.append(keyed(word))
        spoken.setdefault(found[-1], word)
    return found


def all_words(text: str, spoken: dict[str, str]) -> list[str]:
    """Return the keyed words of a text, and its hyphened words as one."""
    return keyed_words(text, spoken) + keyed_words(" ".join(joined_words(text)), spoken)


def weighed(
    text: str, weight: float, phrases: Phrases, spoken: dict[str, str]
) -> Iterator[tuple[str, float]]:
    """Yield the words of a text and those of the terms in it, with what they count."""
    for word in all_words(text, spoken):
        yield word, weight
    found = words(text)
    own, wider = (NAME, CODES) if weight >= LABEL else (weight, weight)
    for place, first in enumerate(found):
        for phrase in phrases.get(first, ()):
            if tuple(found[place : place + len(phrase.words)]) == phrase.words:
                for word in phrase.means:
                    yield word, own if phrase.is_term else wider


def phrases(synonyms: Iterable[Synonyms], spoken: dict[str, str]) -> Phrases:
    """Return first word → the phrases of `synonyms.csv` and `drugs.csv` that begin with it."""
    found: Phrases = defaultdict(list)
    for row in synonyms:
        meant = {word for term in row.terms for word in all_words(term, spoken)}
        for terms, counts in ((row.terms, True), (row.also_finds, False)):
            for phrase in (tuple(words(term)) for term in terms):
                found[phrase[0]].append(Phrase(phrase, frozenset(meant), counts))
    return found
