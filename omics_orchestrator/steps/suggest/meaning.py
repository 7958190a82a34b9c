"""How alike texts are in meaning: cosine of the means of their words' vectors, the rarer a word the more it weighs.

Where the vectors come from: word_vectors.py. What a likeness is worth beside that of letters: ranking.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from omics_orchestrator.dictionary.similarity import spoken
from omics_orchestrator.steps.suggest.word_vectors import Vector, WordVectors

Scores = npt.NDArray[np.float64]
COMMON = 0.1  # a word that this share of the variables have weighs half of one that none has
ALIKE = 0.4  # cosine from which two words are told


class Meaning:
    """Documents to which queries are compared.

    Args:
        documents: what is compared.
        usual: texts by which a word is rare or common.
        vectors: the words' vectors; read when the first queries come, in one pass.
    """

    def __init__(self, documents: Sequence[str], usual: Sequence[str], vectors: WordVectors) -> None:
        self._documents = [_words(text) for text in documents]
        self._vectors = vectors
        self._usual = Counter(word for text in usual for word in _words(text))
        self._total = max(len(usual), 1)

    def to(self, queries: Sequence[str]) -> Scores:
        """Return the likeness (0 to 1) of each query to each document; words without a vector lessen it.

        Raises:
            NotConfigured: the file of vectors cannot be used.
        """
        asked = [_words(text) for text in queries]
        known = self._known({word for words in [*self._documents, *asked] for word in words})
        documents, covered = self._means(self._documents, known)
        same = documents.mean(axis=0)
        same /= np.linalg.norm(same) or 1.0  # what all texts here have in common tells none from another
        mine, shares = self._means(asked, known)
        likeness = _apart(mine, same) @ _apart(documents, same).T
        return np.clip(likeness * shares[:, None] * covered, 0.0, 1.0)

    def pair(self, query: str, texts: Sequence[str]) -> tuple[str, str] | None:
        """Return a word of a query and another one of some texts that are alike, rare words first; None = none are."""
        asked, others = _words(query), tuple(dict.fromkeys(word for text in texts for word in _words(text)))
        known = self._known({*asked, *others})
        pairs = [
            (float(known[one] @ known[other]), one, other)
            for one in asked
            for other in others
            if one != other and one in known and other in known
        ]
        weighed = [
            (likeness * self._weight(one) * self._weight(other), one, other)
            for likeness, one, other in pairs
            if likeness >= ALIKE
        ]
        return max(weighed, key=lambda found: found[0])[1:] if weighed else None

    def _known(self, words: set[str]) -> dict[str, Vector]:
        found = self._vectors.of(words)
        return {word: found[word] for word in words if word in found}

    def _means(
        self, texts: Sequence[tuple[str, ...]], known: Mapping[str, Vector]
    ) -> tuple[Scores, npt.NDArray[np.float64]]:
        """Return for each text the mean of its words, of length 1 (0 = none is known), and how much of it is known."""
        means = np.zeros((len(texts), len(next(iter(known.values()), ()))))
        shares = np.zeros(len(texts))
        for place, words in enumerate(texts):
            weights = {word: self._weight(word) for word in words}
            for word in words:
                if word in known:
                    means[place] += weights[word] * known[word]
                    shares[place] += weights[word] ** 2
            shares[place] /= sum(weight**2 for weight in weights.values()) or 1.0
        return _unit(means), np.sqrt(shares)

    def _weight(self, word: str) -> float:
        return COMMON / (COMMON + self._usual[word] / self._total)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spoken(text).split()))


def _unit(rows: Scores) -> Scores:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Scores = rows / np.where(lengths > 0, lengths, 1.0)
    return unit


def _apart(rows: Scores, direction: npt.NDArray[np.float64]) -> Scores:
    """Return the rows without their part in a direction, of length 1."""
    return _unit(rows - np.outer(rows @ direction, direction))
