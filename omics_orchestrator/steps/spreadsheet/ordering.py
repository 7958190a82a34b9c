"""The order of rows after changes on two sides: who alone moved rows has the order, new rows keep their neighbour."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

Key = tuple[str, ...]


def merged_order(base: Sequence[Key], here: Sequence[Key], mine: Sequence[Key]) -> list[Key] | None:
    """Return all keys of both sides in one order; None where both moved rows, and differently."""
    common = set(base) & set(here) & set(mine)
    of_base, of_here, of_mine = ([key for key in keys if key in common] for keys in (base, here, mine))
    if of_mine == of_base:
        return _with(here, mine)
    if of_here in (of_base, of_mine):
        return _with(mine, here)
    return None


def _with(order: Sequence[Key], other: Sequence[Key]) -> list[Key]:
    """Return `order` with what only `other` has, each behind the row that it follows there."""
    known = set(order)
    behind: dict[Key | None, list[Key]] = {}
    last: Key | None = None
    for key in other:
        if key in known:
            last = key
        else:
            behind.setdefault(last, []).append(key)
    found = list(behind.get(None, ()))
    for key in order:
        found += [key, *behind.get(key, ())]
    return found


def moved(before: Sequence[Key], after: Sequence[Key]) -> int:
    """Return how many rows at least were moved: those outside the longest run that kept its order."""
    place = {key: number for number, key in enumerate(before)}
    ends: list[int] = []
    for key in after:
        number = place[key]
        at = bisect_left(ends, number)
        ends[at : at + 1] = [number]
    return len(after) - len(ends)
