"""The nightly schedule: who is due when, through changes of the clock, outages, new studies; runs lie in Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import dagster as dg
import pytest

from omics_orchestrator.orchestration import schedules
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.schedules import nightly
from omics_orchestrator_tests.installation import STUDY, Installation

QUARTER = timedelta(minutes=15)


class Nights:
    """The schedule of an installation and a daemon's part: it keeps the runs that were asked for."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.instance = open_instance(installation.settings)
        self._schedule: dg.ScheduleDefinition | None = None

    def declare(self, name: str, nightly: str | None, timezone: str = "UTC") -> None:
        """Declare a study that is read then; None = never."""
        line = f'schedule: {{nightly: "{nightly}", timezone: {timezone}}}\n' if nightly else ""
        text = STUDY.format(name=name)
        begin, end = text.index("schedule:"), text.index("participant_id:")
        self.installation.declare(name, study=text[:begin] + line + text[end:])
        self._schedule = None

    def asked(self, moment: datetime) -> list[dg.RunRequest]:
        """Return what a tick asks for; nothing is kept."""
        if self._schedule is None:
            (self._schedule,) = nightly(self.installation.workspace().catalogue.studies.values())
        with dg.build_schedule_context(instance=self.instance, scheduled_execution_time=moment) as context:
            found = list(cast(Iterable[Any], self._schedule(context)))
        return [one for one in found if isinstance(one, dg.RunRequest)]

    def tick(self, moment: datetime) -> list[str]:
        """Ask and keep the runs as the daemon does; return their keys."""
        asked = self.asked(moment)
        for request in asked:
            tags = {**request.tags, "dagster/run_key": str(request.run_key)}
            self.instance.add_run(dg.DagsterRun(job_name="nightly", tags=tags))
        return [str(request.run_key) for request in asked]

    def between(self, begin: datetime, end: datetime) -> list[tuple[datetime, str]]:
        """Tick every quarter of an hour and return when what was asked for."""
        found, moment = [], begin
        while moment < end:
            found += [(moment, key) for key in self.tick(moment)]
            moment += QUARTER
        return found


@pytest.fixture
def nights(installation: Installation) -> Iterator[Nights]:
    """An installation whose study `tiny` is not scheduled: tests declare their own."""
    made = Nights(installation)
    made.declare("tiny", None)
    yield made
    made.instance.dispose()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_study_is_asked_for_once_when_its_local_time_has_come(nights: Nights) -> None:
    nights.declare("kolkata", "01:30", "Asia/Kolkata")  # 20:00 UTC of the day before
    nights.tick(at("2026-06-01 19:45"))  # what was missed before
    assert nights.between(at("2026-06-01 20:00"), at("2026-06-02 20:00")) == [
        (at("2026-06-01 20:00"), "nightly/kolkata/2026-06-02")
    ]
    (request,) = nights.asked(at("2026-06-02 20:00"))
    assert request.asset_selection == [
        dg.AssetKey(["raw", "kolkata", "files", "people"]),
        dg.AssetKey(["raw", "kolkata", "files", "visits"]),
        dg.AssetKey(["files", "kolkata", "metabolomics"]),
    ]


def test_a_time_between_two_ticks_is_met_by_the_next_one(nights: Nights) -> None:
    nights.declare("odd", "01:37")
    nights.tick(at("2026-06-01 01:30"))
    assert nights.between(at("2026-06-01 01:30"), at("2026-06-01 03:00")) == [
        (at("2026-06-01 01:45"), "nightly/odd/2026-06-01")
    ]


@pytest.mark.parametrize(
    ("zone", "local", "day", "utc"),
    [
        ("Europe/London", "01:30", "2026-03-29", "01:30"),  # the clock jumps from 01:00 to 02:00
        ("Europe/London", "01:30", "2026-10-25", "00:30"),  # 01:30 comes twice
        ("America/New_York", "02:30", "2026-03-08", "07:30"),  # from 02:00 to 03:00
        ("America/New_York", "01:30", "2026-11-01", "05:30"),  # twice
        ("Asia/Kolkata", "05:30", "2026-03-29", "00:00"),  # never changes, half an hour off
    ],
)
def test_one_run_a_date_in_a_night_when_the_clock_changes(
    nights: Nights, zone: str, local: str, day: str, utc: str
) -> None:
    nights.declare("one", local, zone)
    begin = at(f"{day} 00:00") - timedelta(hours=6)
    nights.tick(begin)
    found = nights.between(begin + QUARTER, begin + timedelta(hours=18))
    assert found == [(at(f"{day} {utc}"), f"nightly/one/{day}")]
    assert nights.tick(begin + timedelta(hours=27)) == []
    assert len(nights.tick(begin + timedelta(hours=37))) == 1


def test_an_outage_is_caught_up_with_once(nights: Nights) -> None:
    nights.declare("one", "01:30")
    nights.tick(at("2026-06-01 01:30"))
    assert nights.tick(at("2026-06-11 09:15")) == ["nightly/one/2026-06-11"]
    assert nights.between(at("2026-06-11 09:30"), at("2026-06-12 01:45")) == [
        (at("2026-06-12 01:30"), "nightly/one/2026-06-12")
    ]


def test_a_study_that_is_added_is_read_at_the_next_tick_and_then_nightly(nights: Nights) -> None:
    nights.declare("first", "01:30")
    assert nights.tick(at("2026-06-01 01:30")) == ["nightly/first/2026-06-01"]
    nights.declare("second", "01:30")
    assert nights.tick(at("2026-06-01 10:00")) == ["nightly/second/2026-06-01"]
    assert nights.tick(at("2026-06-02 01:30")) == ["nightly/first/2026-06-02", "nightly/second/2026-06-02"]


def test_a_tick_that_is_repeated_asks_only_for_what_has_no_run(nights: Nights) -> None:
    nights.declare("first", "01:30")
    nights.declare("second", "01:30")
    asked = nights.asked(at("2026-06-01 01:30"))
    assert nights.asked(at("2026-06-01 01:30")) == asked  # asking alone changes nothing
    nights.instance.add_run(
        dg.DagsterRun(job_name="nightly", tags={"dagster/run_key": str(asked[0].run_key)})
    )
    assert nights.asked(at("2026-06-01 01:30")) == asked[1:]


def test_more_than_the_cap_are_spread_over_ticks(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "CAP", 2)
    for number in range(5):
        nights.declare(f"s{number}", f"01:{50 - number}")
    found = nights.between(at("2026-06-01 02:00"), at("2026-06-01 03:00"))
    assert [key.split("/")[1] for _, key in found] == ["s4", "s3", "s2", "s1", "s0"]  # the first due first
    assert [(moment - at("2026-06-01 02:00")) // QUARTER for moment, _ in found] == [0, 0, 1, 1, 2]


def test_fifty_studies_of_one_night_are_asked_for_in_one_tick(nights: Nights) -> None:
    for number in range(50):
        nights.declare(f"s{number:02}", "01:30")
    assert len(nights.tick(at("2026-06-01 01:30"))) == 50
    assert nights.tick(at("2026-06-01 01:45")) == []


def test_no_schedule_no_request(nights: Nights) -> None:
    assert nightly(nights.installation.workspace().catalogue.studies.values()) == []
    nights.declare("other", "01:30")
    assert nights.tick(at("2026-06-01 01:30")) == ["nightly/other/2026-06-01"]
    definitions = build_definitions(nights.installation.workspace())
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def("nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("*/15 * * * *", "UTC")
    read = repository.get_job(schedule.job_name).asset_layer.executable_asset_keys
    assert {key.path[1] for key in read} == {"other"}
