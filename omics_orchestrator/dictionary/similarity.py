"""How alike short texts are: cosine of tf-idf weighted runs of 2 to 4 characters within words.

What is compared with what, and what a likeness is worth, is decided in steps/suggest/.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

SHORTEST, LONGEST = 2, 4  # characters of a run
SEAMS = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"
)  # within a word: camelCase, letters beside digits


@lru_cache(maxsize=100_000)
def spoken(text: str) -> str:
    """Return a text as small words without accents: `Mont_CD.loc2`, `montCDLoc2` → `mont cd loc 2`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    apart = SEAMS.sub(" ", plain)
    return " ".join(re.findall(r"[^\W_]+", apart.lower()))


class Similarity:
    """Documents to which queries are compared; the rarer a run of characters among them, the more it weighs."""

    def __init__(self, documents: Sequence[str]) -> None:
        grams = [_grams(text) for text in documents]
        self._places = {
            gram: place for place, gram in enumerate(dict.fromkeys(g for one in grams for g in one))
        }
        within = Counter(gram for one in grams for gram in one)
        share = np.array([within[gram] for gram in self._places], float)
        self._weights: npt.NDArray[np.float64] = np.log((1 + len(grams)) / (1 + share)) + 1
        self._documents = self._matrix(grams).T.tocsr()

    def to(self, queries: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the likeness (0 to 1) of each query to each document."""
        found: npt.NDArray[np.float64] = (
            self._matrix([_grams(text) for text in queries]) @ self._documents
        ).toarray()
        return found

    def _matrix(self, texts: Iterable[Counter[str]]) -> sparse.csr_matrix:
        """Return a row of length 1 for each text; runs that no document has count in its length too."""
        from scipy import sparse  # noqa: PLC0415 - heavy

        places: list[int] = []
        weights: list[float] = []
        ends = [0]
        unknown = float(self._weights.max(initial=1.0))
        for counts in texts:
            known = [(self._places[gram], count) for gram, count in counts.items() if gram in self._places]
            own = [(1 + np.log(count)) * self._weights[place] for place, count in known]
            strange = (len(counts) - len(known)) * unknown**2
            length = float(np.sqrt(sum(weight**2 for weight in own) + strange)) or 1.0
            places += [place for place, _ in known]
            weights += [weight / length for weight in own]
            ends.append(len(places))
        return sparse.csr_matrix((weights, places, ends), shape=(len(ends) - 1, len(self._places)))


def _grams(text: str) -> Counter[str]:
    """Return how often each run of characters stands in a text; words are padded, so their ends count."""
    counts: Counter[str] = Counter()
    for word in spoken(text).split():
        counts.update(_of_word(word))
    return counts


@lru_cache(maxsize=100_000)
def _of_word(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(
        padded[start : start + length]
        for length in range(SHORTEST, LONGEST + 1)
        for start in range(len(padded) - length + 1)
    )
