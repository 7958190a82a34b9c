"""How words are put together: lists, quotes, code. What is said about a rule: the modules beside it.

What stands between backticks is code; nothing that others wrote can open or close it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omics_orchestrator.dictionary.missing import MissingReason

MOST = 8
PLAIN = re.compile(r"[\w.+<>=-]+")
SIGNS = {"\n": "a line break", "\t": "a tab", " ": "a blank"}
REASONS: dict[MissingReason, str] = {
    "not_asked": "not asked",
    "not_collected": "not collected",
    "refused": "refused",
    "unknown": "unknown",
    "not_done": "not done",
    "below_limit": "below the limit",
    "above_limit": "above the limit",
    "restricted": "restricted",
    "invalid": "invalid",
    "withheld": "withheld",
    "pending": "pending",
}


@dataclass(frozen=True)
class Told:
    """What is said of a rule: a phrase without capital and full stop, and sentences that may follow it."""

    phrase: str
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the whole as sentences."""
        return " ".join(f"{_capital(one)}." for one in (self.phrase, *self.remarks))

    def within(self) -> str:
        """Return the whole as a part of a longer sentence."""
        return self.phrase + "".join(f" ({small(one)})" for one in self.remarks)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """Return one of our own sentences as it stands after a colon."""
    return text[:1].lower() + text[1:]


def clean(text: str) -> str:
    """Return a text of others on one line, without the sign that opens code."""
    return " ".join(text.replace("`", "'").split())


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{clean(text)}`"


def quoted(text: str) -> str:
    """Return a word of the source in quotes; a sign that nobody would see is named."""
    return SIGNS.get(text) or '"' + clean(text) + '"'


def separator(text: str) -> str:
    """Return a separator with the blanks around it."""
    return SIGNS.get(text) or '"' + text.replace("`", "'").replace("\n", "↵") + '"'


def listed(items: Iterable[str], last: str = "and") -> str:
    """Return `a, b and c`; of a long list the first eight and how many more there are.

    >>> listed("abc"), listed("abcdefghij")
    ('a, b and c', 'a, b, c, d, e, f, g, h and 2 more')
    """
    found = list(items)
    if len(found) > MOST + 1:
        found = [*found[:MOST], f"{len(found) - MOST} more"]
        last = "and"
    return f" {last} ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def pairs(found: Sequence[tuple[str, str]]) -> str:
    """Return `1 → Male, 2 → Female`, of a long list the first eight and how many more there are."""
    told = [f"{_source(old)}\u00a0→ {new}" for old, new in found]
    if len(told) > MOST + 1:
        told = [*told[:MOST], f"and {len(told) - MOST} more"]
    return (", " if all("," not in one for one in told) else "; ").join(told)


def _source(word: str) -> str:
    return word if PLAIN.fullmatch(word) else quoted(word)


def numbered(parts: Sequence[Told]) -> tuple[str, tuple[str, ...]]:
    """Return `(1) …; (2) …` and the remarks that hold for every part, told once."""
    shared = [one for one in parts[0].remarks if all(one in part.remarks for part in parts)]
    alone = [Told(part.phrase, tuple(one for one in part.remarks if one not in shared)) for part in parts]
    told = [f"({number}) {part.within()}" for number, part in enumerate(alone, 1)]
    if len(told) > MOST + 1:
        told = [*told[:MOST], f"and {len(told) - MOST} more"]
    return "; ".join(told), tuple(f"In each of them: {small(one)}" for one in shared)
