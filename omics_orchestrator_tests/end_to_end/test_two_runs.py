"""Two runs of everything at once, launched as people do: content is written once, and a full pool makes a step wait."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import psycopg2
import pytest

from omics_orchestrator.orchestration.pools import DATABASE
from omics_orchestrator_tests.end_to_end.served import Served, within
from omics_orchestrator_tests.end_to_end.test_killed_runs import waiting
from omics_orchestrator_tests.installation import FILES, Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

STARTED, SUCCESS = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS
HELD = {
    "raw_tiny.files__visits": "id, visit, sample, crp",
    "harmonised_tiny.visit": "visit_id, crp",
    "warehouse.visit": "visit_id, crp",
    "registry.file_version": "file_number, version, sha256",
}


@pytest.fixture
def served(installation: Installation) -> Iterator[Served]:
    """A code server and a daemon; everything was made once, then a visit came."""
    made = Served(installation)
    try:
        made.code()
        made.daemon()
        first = made.launch()
        within(180, lambda: made.status(first) == SUCCESS, "the first run ends well")
        (installation.source / "visits.csv").write_text(FILES["visits.csv"] + "P2,2,S9,3\n")
        yield made
    finally:
        made.stop()


def url(served: Served) -> str:
    found = served.installation.settings.database_url
    assert found
    return found


def held(served: Served) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with psycopg2.connect(url(served)) as connection, connection.cursor() as cursor:
        for table, columns in HELD.items():
            cursor.execute(f"select {columns} from {table}")
            found[table] = sorted(cursor.fetchall(), key=repr)
    connection.close()
    return found


def waits(served: Served, run_id: str, word: str) -> bool:
    return any(word in entry.message for entry in served.instance.all_logs(run_id))


def test_two_runs_of_every_asset_leave_what_one_leaves(served: Served) -> None:
    with waiting(url(served), "commit", 0, "raw_tiny.files__visits") as somebody:
        one = served.launch()
        somebody()  # it is about to commit
        two = served.launch()
        within(120, lambda: served.status(two) == STARTED, "the second run starts beside the first")
        within(120, lambda: waits(served, two, "files__visits"), "it comes to the same table")
    for run in (one, two):
        within(180, lambda run=run: served.status(run) == SUCCESS, "both end well")  # type: ignore[misc]
    after = held(served)
    assert {table: len(rows) for table, rows in after.items()} == {
        "raw_tiny.files__visits": 5,
        "harmonised_tiny.visit": 5,
        "warehouse.visit": 5,
        "registry.file_version": 1,
    }
    last = served.launch()
    within(180, lambda: served.status(last) == SUCCESS, "a third run ends well")
    assert held(served) == after


def test_a_step_waits_for_a_place_in_its_pool(served: Served) -> None:
    served.instance.event_log_storage.set_concurrency_slots(DATABASE, 1)
    with waiting(url(served), "commit", 0, "warehouse.visit") as somebody:
        one = served.launch()
        somebody()
        two = served.launch()
        within(
            180,
            lambda: bool(served.instance.event_log_storage.get_concurrency_info(DATABASE).pending_step_count),
            "the second run's step waits",
        )
        info = served.instance.event_log_storage.get_concurrency_info(DATABASE)
        assert (info.slot_count, info.active_slot_count) == (1, 1)
        assert {step.run_id for step in info.claimed_slots} == {one}
    for run in (one, two):
        within(180, lambda run=run: served.status(run) == SUCCESS, "both end well")  # type: ignore[misc]
