"""A launched run whose process is killed is found, failed and run again, also when its code server died with it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import dagster as dg
import pytest

from omics_orchestrator.orchestration.watched import GONE
from omics_orchestrator_tests.end_to_end.served import Served, children, within
from omics_orchestrator_tests.end_to_end.test_killed_runs import waiting
from omics_orchestrator_tests.installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

STARTED, FAILURE, SUCCESS = (
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.SUCCESS,
)


@pytest.fixture
def served(installation: Installation) -> Iterator[Served]:
    made = Served(installation)
    yield made
    made.stop()


def retry_of(served: Served, run_id: str) -> dg.DagsterRun | None:
    return next((run for run in served.runs() if run.parent_run_id == run_id), None)


def ends_green(served: Served, run_id: str) -> None:
    """Assert that the run failed and that the run that follows it ends well."""
    within(120, lambda: served.status(run_id) == FAILURE, "the killed run is reported as failed")
    within(60, lambda: retry_of(served, run_id) is not None, "it is asked for again")
    again = retry_of(served, run_id)
    assert again is not None
    within(180, lambda: served.status(again.run_id) == SUCCESS, "the run after it ends well")


def once_green(served: Served) -> str:
    """Start the daemon, have one run end well; return the address of the database."""
    served.daemon()
    url = served.installation.settings.database_url
    assert url
    first = served.launch()
    within(180, lambda: served.status(first) == SUCCESS, "the first run ends well")
    return url


@pytest.mark.parametrize("with_its_server", [False, True])
def test_killed_worker_of_a_launched_run(served: Served, with_its_server: bool) -> None:
    code = served.code()
    url = once_green(served)
    (served.installation.source / "visits.csv").write_text("id,visit,sample,crp\nP1,1,S1,6.5\nP2,1,S3,9\n")
    with waiting(url, "commit", 0, "raw_tiny.files__visits") as somebody:
        run_id = served.launch()
        somebody()
        assert served.status(run_id) == STARTED
        worker = served.worker(run_id)
        if with_its_server:  # nobody is left to see that the worker died
            below = children(code)
            code.kill()
            for one in below:
                one.kill()
            code.wait()
            served.code()
        else:
            worker.send_signal(signal.SIGKILL)
        within(120, lambda: served.status(run_id) == FAILURE, "the killed run is reported as failed")
    ends_green(served, run_id)
    told = [entry.message for entry in served.instance.all_logs(run_id)]
    assert any(GONE in message for message in told) == with_its_server


def test_a_run_that_is_slow_is_left_alone(served: Served) -> None:
    served.code()
    url = once_green(served)
    (served.installation.source / "visits.csv").write_text("id,visit,sample,crp\nP1,1,S1,6.5\n")
    with waiting(url, "commit", 0, "raw_tiny.files__visits") as somebody:
        run_id = served.launch()
        somebody()
        within(90, lambda: served.log("daemon").count(f"Checking run {run_id}") >= 4, "the monitoring looks")
        assert served.status(run_id) == STARTED
    within(120, lambda: served.status(run_id) == SUCCESS, "the slow run ends well")
    assert retry_of(served, run_id) is None
