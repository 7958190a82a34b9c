"""The pattern of a study's participant ids from their shape: letters as they are, digits as `[0-9]+`, never an id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

DIGITS, LETTERS = "[0-9]+", "[A-Za-z]+"
MOST = 6  # alternatives of a pattern
SHARED = 2  # ids that must have the same letters for these to be told: those of one may be a name
SPECIAL = re.compile(r"[][\\.^$*+?{}|()]")
PART = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL)


def pattern_of(ids: Collection[str], *, letters: bool = True) -> str:
    """Return a regular expression for all ids; '' = there are none.

    Args:
        ids: the distinct ids, blanks around them taken off.
        letters: whether letters may be told as they are; not where the ids may be names.
    """
    counts = Counter(_shape(one, letters=letters) for one in ids)
    shapes = Counter[str]()
    for one in ids:
        shape = _shape(one, letters=letters)
        told = counts[shape] >= SHARED and any(c.isdigit() for c in one)
        shapes[shape if told else _shape(one, letters=False)] += 1
    if len(shapes) > MOST:
        shapes = Counter(_shape(one, letters=False) for one in ids)
    if len(shapes) > MOST:
        return _signs(ids)
    found = [shape for shape, _ in sorted(shapes.items(), key=lambda pair: (-pair[1], pair[0]))]
    if len(found) == 1 and found[0].count(DIGITS) == 1:
        return found[0].replace(DIGITS, f"(?P<number>{DIGITS})")
    return found[0] if len(found) == 1 else f"({'|'.join(found)})" if found else ""


def _shape(text: str, *, letters: bool) -> str:
    return "".join(_part(part, letters=letters) for part in PART.findall(text))


def _part(part: str, *, letters: bool) -> str:
    if part.isdigit():
        return DIGITS if part.isascii() else ".+"
    if part.isalpha():
        return part if letters else LETTERS if part.isascii() else ".+"
    return SPECIAL.sub(r"\\\g<0>", part)


def _signs(ids: Collection[str]) -> str:
    """Return a pattern that only tells which signs occur."""
    signs = {sign for one in ids for sign in one}
    if any(not sign.isascii() for sign in signs):
        return ".+"
    kept = "".join(
        SPECIAL.sub(r"\\\g<0>", sign) for sign in sorted(signs, reverse=True) if not sign.isalnum()
    )
    return f"[A-Za-z0-9{kept}]+"
