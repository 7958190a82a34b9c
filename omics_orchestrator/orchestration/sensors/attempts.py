"""When a batch may be tried: how often it was, whether a run of it is under way, and the back-off after three failures.

Pure: no clock, no database; what was tried comes in as `Attempt`s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

AT_ONCE = 3  # attempts that follow one another at the pace of the sensor
BACK_OFF = (
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(days=1),
)  # after the third, the fourth, each further


@dataclass(frozen=True)
class Attempt:
    """One run of a batch. `number`: from 1; `ended`: None = it is queued or running."""

    number: int
    ended: datetime | None


@dataclass(frozen=True)
class Standing:
    """What may be done with a batch.

    Attributes:
        made: attempts so far; runs that were deleted count as long as a later one of the batch is left.
        under_way: whether one is queued or running.
        next_at: when the next one may begin; None = at once.
    """

    made: int = 0
    under_way: bool = False
    next_at: datetime | None = None

    def may_begin(self, now: datetime) -> bool:
        """Tell whether an attempt may begin now."""
        return not self.under_way and (self.next_at is None or self.next_at <= now)


def standing(attempts: Iterable[Attempt]) -> Standing:
    """Return where a batch stands.

    A batch that is still asked for was not mended by any run of it, however those ended: each counts.
    """
    known = sorted(attempts, key=lambda one: one.number)
    if not known:
        return Standing()
    made, last = known[-1].number, max((one.ended for one in known if one.ended), default=None)
    if any(one.ended is None for one in known):
        return Standing(made, under_way=True)
    if made < AT_ONCE or last is None:
        return Standing(made)
    return Standing(made, next_at=last + BACK_OFF[min(made - AT_ONCE, len(BACK_OFF) - 1)])
