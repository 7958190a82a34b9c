"""Counts as they may stand on a page: rounded, small ones not told. Which cells of a distribution: distribution.py.

The rules and why they hold: docs/adr/0028-counts-on-pages.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEAST = 5  # no smaller count is ever written
COUNT = re.compile(r"(?<=: )[0-9]+$")  # where the reason of a status ends in a count


@dataclass(frozen=True)
class Coarse:
    """How counts are told.

    Attributes:
        least: the smallest count that is told; all others are rounded to multiples of it.
    """

    least: int = LEAST

    def __post_init__(self) -> None:
        if self.least < LEAST:
            raise ValueError(f"counts below {LEAST} are never told")

    def stricter(self) -> Coarse:
        """Return the rule for what could help to recognise a person."""
        return Coarse(2 * self.least)

    def rounded(self, number: int) -> int | None:
        """Return the nearest multiple of `least` (half upwards); None = too small to be told."""
        if number < self.least:
            return None
        return (2 * number + self.least) // (2 * self.least) * self.least

    @property
    def few(self) -> str:
        """What stands in the place of a small count."""
        return f"fewer than {self.least}"

    def told(self, number: int) -> str:
        """Return a count of things that are no answers of people (rows, files): `none` may be said of them."""
        rounded = self.rounded(number)
        if rounded is None:
            return self.few if number else "none"
        return f"about {rounded:,}"

    def percent(self, part: int, whole: int) -> int:
        """Return the share in per cent of rounded counts; 0 and 100 only where it is nothing and all."""
        if part in {0, whole}:
            return 100 if part else 0
        share = (self.rounded(part) or 0) / max(self.rounded(whole) or 0, 1)
        return min(max(round(100 * share), 1), 99)

    def share(self, part: int, whole: int) -> str:
        """Return how many of the rows have a value, in words from which no small count can be computed."""
        if whole < 4 * self.least:
            return "too few rows"
        if part == 0:
            return "no values"
        if part == whole:
            return "100 %"
        if part < self.least:
            return self.few
        return "nearly all" if whole - part < self.least else f"{self.percent(part, whole)} %"

    def reason(self, why: str) -> str:
        """Return the reason of a status with its counts made coarse: `codes that no rule names: fewer than 5`."""
        parts = (COUNT.sub(lambda found: self.told(int(found[0])), part) for part in why.split(" · "))
        return " · ".join(parts)
