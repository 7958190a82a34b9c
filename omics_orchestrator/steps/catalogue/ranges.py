"""Ranges of numbers and years: round limits, both ends open: neither the least nor the greatest value is told."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

ABOUT = 8  # ranges between the ends
END = 0.05  # share of the values that lie at least in each open end
WIDE, WIDEST = (
    30,
    1e5,
)  # how often the greatest holds the least (both without the ends) where limits grow by 2, 2.5, 2: 1, 2, 5, 10
THOUSANDS = 10_000  # from here on groups of three digits are set apart; years are not
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Ranges:
    """`limits[n - 1] <= value < limits[n]` is range n; the first and the last have one limit only."""

    limits: tuple[float, ...]
    whole: bool
    """Whether values are whole numbers."""

    def places(self, values: Numbers) -> NDArray[np.int64]:
        """Return the number of each value's range."""
        return np.searchsorted(np.array(self.limits), values, side="right").astype(np.int64)

    def labels(
        self,
        lowest: float | None = None,
        highest: float | None = None,
        ends: tuple[str, str] = ("or less", "or more"),
    ) -> list[str]:
        """Return what the ranges are called; declared bounds spare an `or less` beyond them."""
        below, beyond = ends
        first, last = self.limits[0], self.limits[-1]
        if not self.whole:
            inner = [f"{_text(a)} to {_text(b)}" for a, b in zip(self.limits, self.limits[1:], strict=False)]
            return [f"under {_text(first)}", *inner, f"{_text(last)} {beyond}"]
        inner = [_span(a, b - 1) for a, b in zip(self.limits, self.limits[1:], strict=False)]
        low = _text(first - 1) if lowest == first - 1 else f"{_text(first - 1)} {below}"
        return [low, *inner, _text(last) if highest == last else f"{_text(last)} {beyond}"]


def ranges_of(values: Numbers, least: int, *, whole: bool) -> Ranges:
    """Return round ranges for values.

    Args:
        values: at least one.
        least: so many values lie at least in each open end, where they are not all the same.
        whole: whether they are whole numbers.
    """
    ordered = np.sort(values)
    outside = min(max(least, ceil(END * len(ordered))), len(ordered))
    low, high = float(ordered[outside - 1]), float(ordered[-outside])
    low, high = min(low, high), max(low, high)
    if low > 0 and WIDE <= high / low <= WIDEST:
        return Ranges(_growing(low, high), whole)
    step = round_step((high - low) / ABOUT or abs(low) / ABOUT or 1.0, whole=whole)
    first, last = floor(low / step) + 1, floor(high / step)
    return Ranges(tuple(_multiple(number, step) for number in range(first, max(first, last) + 1)), whole)


def round_step(width: float, *, whole: bool) -> float:
    """Return the least of 1, 2, 5, 10, 20 … (0.1, 0.2 …) that is not below `width`; of whole numbers at least 1."""
    if whole and width <= 1:
        return 1.0
    power = floor(log10(width))
    found = next(part * 10.0**power for part in (1, 2, 5, 10) if part * 10.0**power >= width * (1 - 1e-9))
    return float(f"{found:.0e}")


def _growing(low: float, high: float) -> tuple[float, ...]:
    """Return 1, 2, 5, 10, 20 … above `low`, up to `high`."""
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    limits = (float(f"{part}e{power}") for power in powers for part in (1, 2, 5))
    return tuple(limit for limit in limits if low < limit <= high)


def _multiple(number: int, step: float) -> float:
    """Return a multiple as it is written: 0.3, not 0.30000000000000004."""
    return float(f"{number * step:.12g}")


def _span(low: float, high: float) -> str:
    if low == high:
        return _text(low)
    return f"{_text(low)}–{_text(high)}" if low >= 0 else f"{_text(low)} to {_text(high)}"


def _text(number: float) -> str:
    text = f"{number:,.12g}" if abs(number) >= THOUSANDS else f"{number:.12g}"
    return text.replace("-", "−")
