"""Search: which variables a few words mean, best first; search.js beside it does the same in generated pages.

What a word is: dictionary/wording.py. Why not in Postgres: docs/adr/0024-search-in-memory.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import Synonyms, read_synonyms
from omics_orchestrator.dictionary.wording import (
    EMPTY,
    SPELLINGS,
    keyed,
    similarity,
    spoken_words,
    trigrams,
    words,
)
from omics_orchestrator.steps.phrases import (
    CODES,
    DESCRIPTION,
    LABEL,
    NAME,
    STUDY,
    keyed_words,
    phrases,
    weighed,
)
from omics_orchestrator.steps.search_studies import BEGINNING, Places, find_studies, places_of_studies
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Catalogue

FREE_TEXT = {"text", "file"}
ALIKE = 0.3  # least similarity of a word that may be meant
NEARLY = 0.75  # and that as a share of the most alike word's
NEAREST = 3  # so many of them at most


@dataclass(frozen=True)
class Entry:
    """One variable and the words by which it is found."""

    variable: Variable
    name: tuple[str, ...]
    title: frozenset[str]
    """The words of name and label."""
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """What a search found."""

    variables: tuple[Variable, ...]
    """The best first."""
    complete: int
    """How many of them, at the beginning, hold every word that was asked for."""
    read_as: Mapping[str, tuple[str, ...]]
    """Asked word that stands nowhere → the words that look like it; empty where none does."""


@dataclass(frozen=True)
class SearchIndex:
    """All variables, ready to be searched.

    An asked word hits a variable with the greatest `weight × closeness` of that variable's words. The weight says
    where the word stands: 8 in the name, or in the row of synonyms.csv or drugs.csv of a term in name or label; 4 in
    the label; 2 in codes and their labels, or as a term that `also_finds` name or label; 1 in description, domain and
    terminology; ½ in title or name of a study that has the variable, and in its description if no variable holds the
    word. In codes and description a synonym weighs as much as its term. Closeness is 1 for the same word; half of asked
    letters / letters for a longer word that begins with the asked one; where neither is found, half of the share of
    common trigrams, for at most 3 words: those that share 0.3 or more, and 3/4 of what the most alike shares.

    `rarity` of a word is the number of binary digits of ⌊variables / variables that it hits⌋. `fit` is the share of
    the different words of name and label that were asked for. `score` = (sum over asked words, in their order, of
    rarity × hit) × (1 + fit), halved for free text and files.

    Order: the variable of exactly that name; those that hold every word; score; fewer words in name and label; the
    dictionary.
    """

    entries: tuple[Entry, ...]
    spoken: Mapping[str, str]
    """Keyed word → the word as it was first written."""
    places: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Keyed word → number of the entry → weight."""
    trigrams: Mapping[str, frozenset[str]] = field(default_factory=dict)
    studies: tuple[str, ...] = ()
    """Names of the studies that can be found."""
    of_studies: Places = field(default_factory=dict)
    """Keyed word → number of the study → weight."""

    def find_studies(self, text: str) -> tuple[str, ...]:
        """Return the studies that `text` names, or that hold all of its words: search_studies.py."""
        return tuple(
            self.studies[number] for number in find_studies(self.of_studies, len(self.studies), text)
        )

    def find(self, text: str) -> Found:
        """Return the variables that hold any word of `text`; of an empty text all, in the dictionary's order."""
        asked = {keyed(word): word for word in spoken_words(text)}
        if not text.strip():
            return Found(tuple(entry.variable for entry in self.entries), len(self.entries), {})
        read_as: dict[str, tuple[str, ...]] = {}
        sums: dict[int, float] = defaultdict(float)
        held: dict[int, int] = defaultdict(int)
        for word, typed in asked.items():
            hits, alike = self._hits(word)
            if alike is not None:
                read_as[typed] = tuple(self.spoken[one] for one in alike)
            rarity = (len(self.entries) // max(len(hits), 1)).bit_length()
            for number, hit in hits.items():
                sums[number] += rarity * hit
                held[number] += 1
        named = tuple(words(text))

        def place(number: int) -> tuple[bool, bool, float, int, int]:
            entry = self.entries[number]
            fit = len(entry.title & asked.keys()) / max(len(entry.title), 1)
            score = sums[number] * (1 + fit) * (0.5 if entry.variable.type in FREE_TEXT else 1.0)
            return entry.name != named, held[number] < len(asked), -score, len(entry.title), number

        order = sorted(sums, key=place)
        complete = sum(held[number] == len(asked) for number in order)
        return Found(tuple(self.entries[number].variable for number in order), complete, read_as)

    def as_json(self) -> dict[str, object]:
        """Return all that `search.js` needs to give the same answers: ready for `json.dumps`."""
        return {
            "variables": [entry.variable.name for entry in self.entries],
            "names": [list(entry.name) for entry in self.entries],
            "titles": [sorted(entry.title) for entry in self.entries],
            "free_text": [entry.variable.type in FREE_TEXT for entry in self.entries],
            "places": self.places,
            "spoken": {word: self.spoken[word] for word in self.places},
            "empty": sorted(EMPTY),
            "spellings": [(pattern.pattern, instead.replace("\\", "$")) for pattern, instead in SPELLINGS],
            "alike": [ALIKE, NEARLY, NEAREST],
            "studies": list(self.studies),
            "of_studies": self.of_studies,
            "study": [NAME, BEGINNING],
        }

    def _hits(self, word: str) -> tuple[dict[int, float], list[str] | None]:
        """Return entry → hit, and the words that were taken instead where `word` begins none."""
        closeness = {
            known: 1.0 if known == word else len(word) / len(known) / 2
            for known in self.places
            if known.startswith(word) and (len(word) > 1 or known == word)
        }
        alike = None
        if not closeness:
            closeness = self._alike(word)
            alike = list(closeness)
        hits: dict[int, float] = {}
        for known, share in closeness.items():
            for number, weight in self.places[known].items():
                hits[number] = max(hits.get(number, 0.0), weight * share)
        return hits, alike

    def _alike(self, word: str) -> dict[str, float]:
        asked = trigrams(word)
        shares = {known: similarity(asked, theirs) for known, theirs in self.trigrams.items()}
        least = max(ALIKE, NEARLY * max(shares.values(), default=0.0))
        near = sorted((known for known in shares if shares[known] >= least), key=lambda w: (-shares[w], w))
        return {known: shares[known] / 2 for known in near[:NEAREST]}


def index_of(workspace: Workspace) -> SearchIndex:
    """Return the index of this installation's dictionary; unusable rows of synonyms and drugs are for `omics check`."""
    synonyms = read_synonyms(workspace.settings.dictionary, Problems())
    return search_index(workspace.dictionary, synonyms, workspace.catalogue)


def search_index(dictionary: Dictionary, synonyms: Iterable[Synonyms], catalogue: Catalogue) -> SearchIndex:
    """Return the index of all variables; what studies say of themselves finds the variables that they have."""
    spoken: dict[str, str] = {}
    terms = phrases(synonyms, spoken)
    entries = []
    for variable in dictionary.variables.values():
        codes = dictionary.code_lists.get(variable.code_list, {})
        weights: dict[str, float] = {}
        for weight, text in _texts(variable, codes):
            for word, counts in weighed(text, weight, terms, spoken):
                weights[word] = max(weights.get(word, 0.0), counts)
        name = tuple(words(variable.name))
        entries.append(Entry(variable, name, frozenset({*name, *words(variable.label)}), weights))
    known = {word for entry in entries for word in entry.weights}
    of_studies = _of_studies(catalogue, known, spoken)
    found = [
        Entry(one.variable, one.name, one.title, {**of_studies.get(one.variable.name, {}), **one.weights})
        for one in entries
    ]
    places: dict[str, dict[int, float]] = defaultdict(dict)
    for number, entry in enumerate(found):
        for word, weight in entry.weights.items():
            places[word][number] = weight
    return SearchIndex(
        tuple(found),
        spoken,
        dict(places),
        {word: trigrams(word) for word in places},
        tuple(catalogue.studies),
        places_of_studies(catalogue, dictionary, terms, spoken),
    )


def _texts(variable: Variable, codes: Mapping[str, str]) -> Iterator[tuple[float, str]]:
    yield NAME, variable.name
    yield LABEL, variable.label
    for code, label in codes.items():
        yield CODES, code
        yield CODES, label
    for text in (variable.description, variable.domain, *variable.terms):
        yield DESCRIPTION, text


def _of_studies(catalogue: Catalogue, known: set[str], spoken: dict[str, str]) -> dict[str, dict[str, float]]:
    """Return variable → words of the studies that have it."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for study in catalogue.studies.values():
        said = keyed_words(f"{study.study} {study.title}", spoken)
        said += [word for word in keyed_words(study.description, spoken) if word not in known]
        for block in study.mapping.entities.values():
            for name in block.rules:
                found[name] |= dict.fromkeys(said, STUDY)
    return found
