"""From a text to the words by which it is found, and how alike two words are.

Only basic steps: the generated pages do the same in JavaScript, letter by letter. What is looked for, and what counts
how much: steps/search.py.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Words that say nothing about a variable; `not`, `no`, `before` do.
EMPTY = frozenset(
    ["a", "an", "and", "any", "as", "at", "by", "for", "from", "in", "is", "it", "its", "of", "on", "or"]
    + ["that", "the", "to", "was", "were", "with"]
)
WORD = re.compile(r"[^\W_]+")
POSSESSIVE = re.compile(r"['’]s(?![^\W_])")  # Crohn's, physician’s
HYPHENED = re.compile(r"[^\W_]+(?:-[^\W_]+)+")
# British and American spellings, in order; both sides are changed, so what is no English word does no harm.
SPELLINGS = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        ("ae|oe", "e"),  # haemoglobin, diarrhoea
        ("our", "or"),  # behaviour, tumour
        ("([iy])s(?=e|at|ing)", r"\1z"),  # hospitalised, randomisation, analyse
        ("leuco", "leuko"),
        ("sulph", "sulf"),
        ("([tb])re$", r"\1er"),  # centre, fibre
    )
)


def spoken_words(text: str) -> list[str]:
    """Return the words of a text in small letters without accents, those that say nothing left out."""
    plain = POSSESSIVE.sub("", _plain(text))
    return [word for word in WORD.findall(plain) if word not in EMPTY]


def joined_words(text: str) -> list[str]:
    """Return the hyphened words of a text as one word each: `wellbeing` of `well-being`."""
    return [word.replace("-", "") for word in HYPHENED.findall(_plain(text))]


@cache
def keyed(word: str) -> str:
    """Return the form under which a word of `spoken_words` is kept: singular, in one spelling of English."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for pattern, instead in SPELLINGS:
        word = pattern.sub(instead, word)
    return word


def words(text: str) -> list[str]:
    """Return the keyed words of a text, in order."""
    return [keyed(word) for word in spoken_words(text)]


def trigrams(word: str) -> frozenset[str]:
    """Return the sequences of three signs in `word` with two blanks before and one behind, as Postgres has them."""
    padded = f"  {word} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of trigrams that two words have in common, 0 to 1."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def _plain(text: str) -> str:
    """Return a text in small letters, without accents, ligatures and raised signs written out."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if unicodedata.category(letter)[0] != "M").lower()
