"""SIGKILL of every part of the stack in the middle of a run: nothing half, nothing twice, the next attempt repairs.

Rows of docs/reliability.md. The run is held where it writes its third kind of table: raw tables are new by then,
harmonised ones old. What it must end as was made by a run that nobody disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.faults.conftest import Quiet
from omics_orchestrator_tests.faults.station import Station, eventually

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1200)]
HALT = "harmonised_tiny.visit"


@contextmanager
def halfway(station: Station) -> Iterator[str]:
    """A run of changed sources, held in the middle; the block begins when it waits there."""
    station.start_code()
    station.start_daemon()
    station.change()
    with station.halted(HALT) as somebody:
        run = station.launch()
        somebody()
        yield run


def not_half(quiet: Quiet, held: Mapping[str, str]) -> None:
    """Assert that what is read off one source holds the old or the new rows; what lies below may mix."""
    for name, content in held.items():
        if name.startswith(("raw_", "registry.file_version")):
            assert content in {quiet.before.get(name), quiet.after.get(name)}, name


def whole(station: Station, quiet: Quiet, held: Mapping[str, str]) -> None:
    """Assert that nothing was half at the fault, and that the station comes to what a quiet run makes."""
    not_half(quiet, held)
    settled = eventually(lambda: station.content() == quiet.after)
    found = station.content()
    assert settled, (
        {name for name in found if found[name] != quiet.after[name]},
        station.runs(),
        station.tails(),
    )
    station.settled()
    assert station.content() == quiet.after


def test_a_killed_step_runs_again(station: Station, quiet: Quiet) -> None:
    with halfway(station) as run:
        for worker in station.workers():
            worker.kill()
        assert eventually(lambda: station.runs()[run] == "FAILURE")
    whole(station, quiet, station.content())


def test_a_run_worker_killed_before_its_first_step_runs_again(station: Station, quiet: Quiet) -> None:
    station.start_code()
    station.start_daemon()
    station.change()
    run = station.launch()

    def killed() -> bool:
        for worker in station.workers():  # a sensor's run may be at work beside it
            worker.kill()
        return station.runs()[run] == "FAILURE"

    assert eventually(killed)
    whole(station, quiet, station.content())


def test_a_killed_daemon_disturbs_no_run_and_its_successor_goes_on(station: Station, quiet: Quiet) -> None:
    with halfway(station) as run:
        station.kill("daemon")
        second = station.launch()
    assert eventually(lambda: station.runs()[run] == "SUCCESS")
    assert station.runs()[second] == "QUEUED"
    held = station.content()
    station.start_daemon()
    assert eventually(lambda: station.runs()[second] == "SUCCESS")
    whole(station, quiet, held)


def test_a_killed_code_server_takes_its_runs_with_it_and_they_run_again(
    station: Station, quiet: Quiet
) -> None:
    with halfway(station) as run:
        station.kill("code")
        assert not station.workers()
        station.start_code()
        assert eventually(lambda: station.runs()[run] == "FAILURE")
    whole(station, quiet, station.content())


def test_a_killed_supervisor_takes_postgres_with_it(station: Station, quiet: Quiet) -> None:
    with halfway(station):
        station.supervisor().kill()
        assert eventually(lambda: not station.postmaster_runs(), 30)
    ensure_server(station.settings)  # as `omics dev` does every second
    whole(station, quiet, station.recovered())


def test_postgres_away_for_ten_seconds(station: Station, quiet: Quiet) -> None:
    with halfway(station):
        station.without_postgres(10)
    whole(station, quiet, station.recovered())
