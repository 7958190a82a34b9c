"""Which variables a column may be: likeness of the words first, then what types, units and codes make of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.similarity import Similarity, spoken
from omics_orchestrator.dictionary.synonyms import Synonyms
from omics_orchestrator.steps.suggest.codes import Recoding, list_of
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.fit import Fit, Fits
from omics_orchestrator.steps.suggest.meaning import Meaning
from omics_orchestrator.steps.suggest.synonyms import Synonym
from omics_orchestrator.steps.suggest.word_vectors import WordVectors

Scores = npt.NDArray[np.float64]
LOOKED_AT = 40  # variables of which more than the words is compared, for each column
LEAST = 0.2  # a score below it is no suggestion
TAKEN = 0.9  # what is left of a variable that the study's mapping makes already
ELSEWHERE = 0.8  # what is left of a variable of another entity than the rows of the column's table
SHOWN = 5  # words in common that are told
MEANT = 0.5  # what a likeness of meanings is worth beside one of letters; more would hurt (docs/adr/0032)


@dataclass(frozen=True)
class Candidate:
    """A variable that a column may be.

    Attributes:
        variable: its name.
        score: from 0, nothing in common, to about 1.
        why: what speaks for it, in words.
        codes: how the codes would be translated.
    """

    variable: str
    score: float
    why: tuple[str, ...] = ()
    codes: Recoding = field(default_factory=Recoding)


class Ranking:
    """Ranks the variables of a dictionary, which are known by their own words, by synonyms.csv and by other studies.

    Args:
        dictionary: the variables.
        synonyms: what other studies call them.
        taken: variables that this study's mapping makes already.
        entities: table as the mapping writes it → the entities whose rows it gives, as far as it is mapped.
        terms: words that mean the same, of synonyms.csv.
        vectors: vectors of words; None = meanings are not compared.
    """

    def __init__(
        self,
        dictionary: Dictionary,
        synonyms: Sequence[Synonym] = (),
        taken: Collection[str] = (),
        entities: Mapping[str, Collection[str]] | None = None,
        terms: Iterable[Synonyms] = (),
        vectors: WordVectors | None = None,
    ) -> None:
        self.variables = tuple(dictionary.variables.values())
        self._fits, self._taken, self._entities = Fits(dictionary), frozenset(taken), entities or {}
        self._terms = [[spoken(term) for term in row.terms] for row in terms]
        self._synonyms: dict[str, list[Synonym]] = defaultdict(list)
        for synonym in synonyms:
            self._synonyms[synonym.variable].append(synonym)
        self._with_list: dict[str, list[int]] = defaultdict(list)
        for place, one in enumerate(self.variables):
            self._with_list[list_of(one)].append(place)
        known = [(place, words) for place, one in enumerate(self.variables) for words in self._short(one)]
        self._owners = np.array([place for place, _ in known])
        self._each = Similarity([words for _, words in known])
        self._whole = Similarity([self._long(dictionary, one) for one in self.variables])
        own = [f"{one.name} {one.label}" for one in self.variables]
        self._meaning = Meaning([words for _, words in known], own, vectors) if vectors else None

    def of(
        self, columns: Sequence[SourceColumn], top: int = 5, without: Collection[tuple[str, str]] = ()
    ) -> list[list[Candidate]]:
        """Return for each column its best candidates, best first; of equals the first in the dictionary.

        Args:
            columns: what is asked for.
            top: how many at most.
            without: (column reference, variable) that a person rejected.
        """
        alike = self._alike(columns)
        meant = self._meant(columns)
        return [
            self._best(one, np.maximum(row, also), also > row, top, without)
            for one, row, also in zip(columns, alike, meant, strict=True)
        ]

    def _alike(self, columns: Sequence[SourceColumn]) -> Scores:
        """Return how alike the words are: the mean of the likest name and label, and of all words together."""
        short = [_words(one) for one in columns]
        long = [
            f"{words} {' '.join(one.about.choices.values())}"
            for words, one in zip(short, columns, strict=True)
        ]
        return (self._likest(self._each.to(short)) + self._whole.to(long)) / 2

    def _meant(self, columns: Sequence[SourceColumn]) -> Scores:
        """Return what the likeness of meanings of the likest name and label is worth; 0 without vectors."""
        if not self._meaning or not columns:
            return np.zeros((len(columns), len(self.variables)))
        return MEANT * self._likest(self._meaning.to([_words(one) for one in columns]))

    def _likest(self, alike: Scores) -> Scores:
        """Return for each variable the likeness of that of its short texts which is likest."""
        likest = np.zeros((len(alike), len(self.variables)))
        np.maximum.at(likest.T, self._owners, alike.T)
        return likest

    def _best(
        self,
        column: SourceColumn,
        alike: Scores,
        meant: npt.NDArray[np.bool_],
        top: int,
        without: Collection[tuple[str, str]],
    ) -> list[Candidate]:
        if column.identifying:
            return []
        found: list[tuple[float, int, Fit]] = []
        for place in self._looked_at(column, alike):
            variable = self.variables[place]
            fit = self._fits.of(column, variable)
            if fit is None or (column.reference, variable.name) in without:
                continue
            factor = fit.factor * self._expected(column, variable)
            score = float(alike[place]) * factor + fit.bonus
            if score >= LEAST:
                found.append((score, place, fit))
        best = sorted(found, key=lambda one: -one[0])[:top]
        stated = bool(column.about.choices)  # else the codes are cells, which nobody shall see
        return [
            Candidate(
                self.variables[place].name,
                min(round(score, 3), 1.0),
                self._why(column, self.variables[place], fit, meant=bool(meant[place])),
                fit.codes if stated else Recoding(),
            )
            for score, place, fit in best
        ]

    def _expected(self, column: SourceColumn, variable: Variable) -> float:
        """Return what the study's own mapping leaves of a score: made already, or of another entity than its table."""
        factor = TAKEN if variable.name in self._taken else 1.0
        entities = self._entities.get(column.table)
        return factor * (ELSEWHERE if entities and variable.entity not in entities else 1.0)

    def _looked_at(self, column: SourceColumn, alike: Scores) -> list[int]:
        """Return the places of the variables that are looked at: the likest by words, and those of the same codes."""
        coded = [
            place for name in sorted(self._fits.with_codes_of(column)) for place in self._with_list[name]
        ]
        return list(dict.fromkeys([*map(int, np.argsort(-alike, kind="stable")[:LOOKED_AT]), *coded]))

    def _why(
        self, column: SourceColumn, variable: Variable, fit: Fit, *, meant: bool = False
    ) -> tuple[str, ...]:
        """Return what speaks for a pair; `meant`: its meaning does, more than its letters."""
        own = spoken(f"{variable.name} {variable.label} {variable.description}").split()
        theirs = [
            word
            for one in self._synonyms[variable.name]
            for word in spoken(f"{one.column} {one.label}").split()
        ]
        asked = dict.fromkeys(word for word in spoken(_words(column)).split() if len(word) > 1)
        common = [word for word in asked if word in own or word in theirs]
        why = [f"words {', '.join(common[:SHOWN])}"] if common else []
        if studies := self._so_in(column, variable):
            why.append(f"so in {', '.join(studies)}")
        if meant and self._meaning:
            pair = self._meaning.pair(_words(column), self._short(variable))
            why.append(f"means alike: {', '.join(pair)}" if pair else "means alike")
        why += fit.why
        return (*why, "has a rule already") if variable.name in self._taken else tuple(why)

    def _so_in(self, column: SourceColumn, variable: Variable) -> list[str]:
        """Return the studies in which a column of the same name or label was mapped to the variable."""
        name, label = spoken(column.about.name), spoken(column.about.label)
        same = (
            one.study
            for one in self._synonyms[variable.name]
            if spoken(one.column) == name or (label and spoken(one.label) == label)
        )
        return list(dict.fromkeys(same))

    def _short(self, variable: Variable) -> list[str]:
        """Return the texts of which each alone may be like a column's: its own, and one for each synonym."""
        theirs = [f"{one.column} {one.label}" for one in self._synonyms[variable.name]]
        own = (f"{variable.name} {variable.label}", variable.name, variable.label)
        return [*dict.fromkeys([*own, *theirs, *self._reworded(variable)])]

    def _reworded(self, variable: Variable) -> list[str]:
        """Return the label with each of its terms said otherwise, as synonyms.csv has it."""
        said = f" {spoken(variable.label)} "
        return [
            said.replace(f" {term} ", f" {other} ")
            for row in self._terms
            for term in row
            if f" {term} " in said
            for other in row
            if other != term
        ]

    def _long(self, dictionary: Dictionary, variable: Variable) -> str:
        """Return all words of a variable."""
        codes = " ".join(dictionary.code_lists.get(variable.code_list, {}).values())
        own = f"{variable.entity} {variable.name} {variable.label} {variable.description} {codes}"
        return " ".join([own, *self._short(variable)[1:]])


def _words(column: SourceColumn) -> str:
    return f"{column.about.name.removesuffix('___*')} {column.about.label}"
