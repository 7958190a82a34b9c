"""One table of measurements, ours against a peer in the same run; each bench module has `rows() -> list[BenchRow]`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BenchRow:
    """One comparison: medians in seconds; `goal` is the highest ratio that is good enough."""

    name: str
    ours_s: float
    peer_s: float
    ratio: float
    goal: float

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.goal


def compare(
    name: str, ours: Callable[[], object], peer: Callable[[], object], goal: float, repeats: int
) -> BenchRow:
    """Run ours and the peer in turn, `repeats` times after one warm-up; the ratio is that of the medians."""
    ours(), peer()
    laps = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    mine, theirs = (statistics.median(column) for column in zip(*laps, strict=True))
    return BenchRow(name, mine, theirs, mine / theirs, goal)


def seconds(run: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def show(rows: Sequence[BenchRow]) -> None:
    """Print the table."""
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'ours s':>8}  {'peer s':>8}  {'ratio':>6}  {'goal':>6}")
    for row in rows:
        numbers = f"{row.ours_s:8.3f}  {row.peer_s:8.3f}  {row.ratio:6.2f}  ≤ {row.goal:4.2f}"
        print(f"{row.name:{width}}  {numbers}  {'met' if row.met else 'MISSED'}")
