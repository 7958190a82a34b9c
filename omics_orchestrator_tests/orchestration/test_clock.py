"""What sensors and schedules noted in a time that has not come is dated to now; the rest stays."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from omics_orchestrator.orchestration import clock, daemon

pytestmark = pytest.mark.faults
NOW = 1_800_000_000.0
DAY = 86_400.0


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as made:
        yield made


def noted(
    instance: dg.DagsterInstance, name: str, held: ScheduleInstigatorData | SensorInstigatorData, tick: float
) -> InstigatorState:
    kind = InstigatorType.SENSOR if isinstance(held, SensorInstigatorData) else InstigatorType.SCHEDULE
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="m"), location_name="l")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "r"), name)
    state = instance.add_instigator_state(
        InstigatorState(origin, kind, InstigatorStatus.DECLARED_IN_CODE, held)
    )
    instance.create_tick(
        TickData(
            state.instigator_origin_id, name, kind, TickStatus.SUCCESS, tick, run_ids=[],
            selector_id=state.selector_id, end_timestamp=tick + 1,
        )
    )  # fmt: skip
    return state


def now_of(instance: dg.DagsterInstance, state: InstigatorState) -> tuple[object, float]:
    found = instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
    assert found is not None
    (tick,) = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    return found.instigator_data, tick.timestamp


def test_what_was_noted_in_the_future_is_dated_to_now(instance: dg.DagsterInstance) -> None:
    later = NOW + DAY
    sensor = noted(instance, "sensor", SensorInstigatorData(later, "key", 30, "cursor", later), later)
    schedule = noted(instance, "schedule", ScheduleInstigatorData("* * * * *", NOW - DAY, later), later)
    assert clock.bring_back(instance, NOW) == ["schedule", "sensor"]
    assert now_of(instance, sensor) == (SensorInstigatorData(None, "key", 30, "cursor", None), NOW)
    assert now_of(instance, schedule) == (ScheduleInstigatorData("* * * * *", NOW - DAY, NOW), NOW)
    assert clock.bring_back(instance, NOW) == []


def test_what_lies_behind_stays(instance: dg.DagsterInstance) -> None:
    held = SensorInstigatorData(NOW - 5, "key", 30, "cursor", NOW - 6)
    sensor = noted(instance, "sensor", held, NOW - 6)
    kept = ScheduleInstigatorData("* * * * *", NOW - DAY, NOW + 5)
    schedule = noted(instance, "schedule", kept, NOW - 60)
    assert clock.bring_back(instance, NOW) == []
    assert now_of(instance, sensor) == (held, NOW - 6)
    assert now_of(instance, schedule) == (kept, NOW - 60)


def test_a_clock_set_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[float] = []
    told, offset, real = threading.Event(), [0.0], time.time

    def set_back(seconds: float) -> None:
        heard.append(seconds)
        told.set()

    monkeypatch.setattr(clock, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])
    clock.watch(set_back)
    time.sleep(0.05)
    offset[0] = DAY  # forward: Dagster's matter, nobody is told
    time.sleep(0.1)
    assert not told.is_set()
    offset[0] = 0.0
    assert told.wait(30)
    assert heard[0] == pytest.approx(DAY, abs=30)


def test_a_daemon_looks_after_sleepers_and_begins_anew_when_the_clock_is_set_back(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + DAY
    sensor = noted(instance, "sensor", SensorInstigatorData(later, None, 30, None, later), later)
    heard: list[Callable[[float], None]] = []
    said: list[str] = []
    commands: list[list[str]] = []
    monkeypatch.setattr(dg.DagsterInstance, "get", lambda: nullcontext(instance))
    monkeypatch.setattr(clock, "watch", heard.append)
    monkeypatch.setattr("os.execv", lambda _, command: commands.append(command))
    daemon.mind_the_clock(said.append)
    assert now_of(instance, sensor)[0] == SensorInstigatorData(None, None, 30, None, None)
    assert said == ["the clock was ahead; sensor: due again from now on"]
    heard[0](DAY)
    assert said[1] == "the clock was set back by 86400 s: the daemon begins anew"
    assert commands == [[sys.executable, "-m", "omics_orchestrator.cli", "daemon"]]
