"""How long the ticks of sensors and schedules took, and letting a schedule believe that it waits since yesterday."""

from __future__ import annotations

import statistics
import time

from dagster._core.scheduler.instigation import InstigatorState, ScheduleInstigatorData, TickData
from dagster._serdes import deserialize_value, serialize_value

from omics_orchestrator_tests.faults.station import Station

TICKS = "SELECT extract(epoch FROM create_timestamp)::float, tick_body FROM job_ticks ORDER BY id"
DAY = 86_400


def seconds_of(station: Station, name: str) -> list[float]:
    """Return how long each finished tick of a sensor or schedule took, requesting its runs included."""
    found = []
    for began, body in station.query(TICKS, database="dagster"):
        tick = deserialize_value(body, TickData)
        if tick.instigator_name == name and tick.end_timestamp:
            found.append(tick.end_timestamp - began)
    return found


def told(station: Station, name: str) -> str:
    """Return number, median and longest of the ticks of `name`."""
    found = seconds_of(station, name)
    if not found:
        return "no tick"
    return f"{len(found)} ticks, median {statistics.median(found):.1f} s, longest {max(found):.1f} s"


def known(station: Station, name: str) -> bool:
    """Tell whether the daemon has noted a schedule."""
    return any(state.instigator_name == name for _, state in _states(station, "instigators"))


def bring_forward(station: Station, name: str) -> None:
    """Let a schedule (which must have no daemon now) wait since yesterday: it ticks as soon as a daemon starts."""
    for table in ("instigators", "jobs"):
        for number, state in _states(station, table):
            if state.instigator_name == name:
                held = state.instigator_data
                assert isinstance(held, ScheduleInstigatorData)
                earlier = ScheduleInstigatorData(held.cron_schedule, start_timestamp=time.time() - DAY)
                body = serialize_value(state.with_data(earlier))
                column = _column(table)
                station.query(
                    f"UPDATE {table} SET {column} = %s WHERE id = %s", body, number, database="dagster"
                )


def _states(station: Station, table: str) -> list[tuple[int, InstigatorState]]:
    rows = station.query(f"SELECT id, {_column(table)} FROM {table}", database="dagster")
    return [(number, deserialize_value(body, InstigatorState)) for number, body in rows]


def _column(table: str) -> str:
    return "job_body" if table == "jobs" else "instigator_body"
