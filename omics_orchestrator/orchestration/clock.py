"""A clock that was set back: moments that Dagster noted and that are yet to come would let sensors and schedules sleep.

Dagster measures intervals between ticks by the wall clock, and by nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dagster as dg
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorTick,
    ScheduleInstigatorData,
    SensorInstigatorData,
)

SLACK = 60.0  # seconds: what time servers mend in passing
LOOK_SECONDS = 5.0


def bring_back(instance: dg.DagsterInstance, now: float) -> list[str]:
    """Date to `now` what sensors and schedules noted later than that; return their names.

    Args:
        instance: Dagster's instance; no daemon may be at work on it.
        now: seconds since 1970.
    """
    found = []
    for state in instance.all_instigator_state():
        later = _later_ticks(instance, state, now)
        for tick in later:
            ended = min(tick.end_timestamp, now) if tick.end_timestamp else None
            earlier = tick.tick_data._replace(timestamp=now, end_timestamp=ended)
            instance.update_tick(InstigatorTick(tick.tick_id, earlier))
        dated = _dated(state.instigator_data, now)
        if dated:
            instance.update_instigator_state(state.with_data(dated))
        if later or dated:
            found.append(state.instigator_name)
    return sorted(found)


def watch(set_back: Callable[[float], None]) -> None:
    """Look at the clock from now on, in a thread; `set_back` hears by how many seconds it was set back."""

    def look() -> None:
        ahead = time.time() - time.monotonic()
        while True:
            time.sleep(LOOK_SECONDS)
            before, ahead = ahead, time.time() - time.monotonic()
            if before - ahead > SLACK:
                set_back(before - ahead)

    threading.Thread(target=look, name="clock", daemon=True).start()


def _later_ticks(instance: dg.DagsterInstance, state: InstigatorState, now: float) -> list[InstigatorTick]:
    after = now + SLACK
    return list(instance.get_ticks(state.instigator_origin_id, state.selector_id, after=after))


def _dated(
    held: ScheduleInstigatorData | SensorInstigatorData | None, now: float
) -> ScheduleInstigatorData | SensorInstigatorData | None:
    """Return the state with no moment yet to come (a sensor is due then); None = as it was."""
    if isinstance(held, ScheduleInstigatorData):
        moments = held.start_timestamp, held.last_iteration_timestamp
        start, last = (now if _is_later(moment, now) else moment for moment in moments)
        return (
            held._replace(start_timestamp=start, last_iteration_timestamp=last)
            if (start, last) != moments
            else None
        )
    if isinstance(held, SensorInstigatorData):
        noted = held.last_tick_timestamp, held.last_tick_start_timestamp, held.last_tick_success_timestamp
        if any(_is_later(moment, now) for moment in noted):
            return held._replace(
                last_tick_timestamp=None, last_tick_start_timestamp=None, last_tick_success_timestamp=None
            )
    return None


def _is_later(moment: float | None, now: float) -> bool:
    return moment is not None and moment > now + SLACK
