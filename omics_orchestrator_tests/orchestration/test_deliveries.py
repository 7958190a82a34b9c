"""Deliveries beside the line: windows of days in one run, staged, applied once; what is stale stays told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.deliveries import DAYS
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import MAPPING, Installation
from omics_orchestrator_tests.orchestration.test_materialise import ALL

DELIVERY = dg.AssetKey(["delivery", "tiny", "metabolomics"])
FILES = "files/tiny/metabolomics"
TODAY = datetime.now(UTC).date()
LAST_WEEK = TODAY - timedelta(days=6)


def theirs(session: Session) -> set[str]:
    """Return the assets of the line that Dagster calls stale."""
    instance = dg.DagsterInstance.get()
    graph = session._line.definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {key for key in ALL if resolver.get_status(dg.AssetKey.from_user_string(key)) != StaleStatus.FRESH}


@pytest.fixture
def ran(installation: Installation) -> Installation:
    session = Session(installation.workspace())
    assert session.materialise(session.assets()).failed == {}
    return installation


def test_a_delivery_is_daily_in_one_run_and_has_no_edge(installation: Installation) -> None:
    graph = build_definitions(installation.workspace()).resolve_asset_graph()
    node = graph.get(DELIVERY)
    assert node.partitions_def == DAYS
    assert node.backfill_policy == dg.BackfillPolicy.single_run()
    assert not node.parent_keys
    assert not node.child_keys
    assert DAYS.get_last_partition_key() == datetime.now(UTC).date().isoformat()


def test_many_days_are_one_run_that_the_line_applies_once(ran: Installation) -> None:
    session, instance = Session(ran.workspace()), dg.DagsterInstance.get()
    before = instance.get_runs_count()
    assert session.deliver("tiny", "metabolomics", LAST_WEEK, TODAY) is None
    assert instance.get_runs_count() == before + 1
    days = instance.get_materialized_partitions(DELIVERY)
    assert days == {(LAST_WEEK + timedelta(days=shift)).isoformat() for shift in range(7)}
    assert session.stale() == {FILES: "source changed"}
    assert session.deliver("tiny", "metabolomics", LAST_WEEK, TODAY) is None  # once more changes nothing
    done = session.materialise(session.assets())
    assert done.ran == {FILES: "source changed"}  # the content is equal: nothing follows
    assert session.stale() == {}
    assert session.materialise(session.assets()).ran == {}


def test_a_run_of_everything_names_no_day_and_asks_no_delivery(installation: Installation) -> None:
    job = Session(installation.workspace())._line.definitions.resolve_implicit_global_asset_job_def()
    run = job.execute_in_process(instance=dg.DagsterInstance.get(), raise_on_error=False)
    assert run.success
    made = {event.asset_key for event in run.get_asset_materialization_events()}
    assert made == {dg.AssetKey.from_user_string(key) for key in ALL}


def test_a_day_without_files_is_staged_too(ran: Installation) -> None:
    session = Session(ran.workspace())
    assert session.deliver("tiny", "metabolomics", date(2020, 1, 1), date(2020, 1, 1)) is None
    assert session.materialise(session.assets()).ran == {FILES: "source changed"}
    assert session.stale() == {}


def test_a_failed_delivery_tells_why_and_stages_nothing(ran: Installation, tmp_path: Path) -> None:
    session = Session(ran.workspace())
    staging = tmp_path / "store" / "staging"
    staging.write_text("a file lies where the folder should be")
    failed = session.deliver("tiny", "metabolomics", LAST_WEEK, TODAY)
    assert failed
    assert "peaks" not in failed
    staging.unlink()
    assert session.stale() == {}


def test_stale_means_what_dagster_means_beside_a_delivery(ran: Installation) -> None:
    session = Session(ran.workspace())
    assert session.deliver("tiny", "metabolomics", LAST_WEEK, TODAY) is None
    assert theirs(session) == set()  # Dagster looks into no store: a delivery makes nothing stale there
    session.materialise(session.assets())
    assert theirs(session) == set(session.stale()) == set()
    assert session.deliver("tiny", "metabolomics", TODAY, TODAY) is None  # newer than all of the line
    session.materialise(session.assets())
    ran.declare("tiny", mapping=MAPPING.replace("{m: male, f: female}", "{m: male, f: unknown}"))
    changed = Session(ran.workspace())
    assert theirs(changed) == set(changed.stale()) == {"harmonised/tiny/participant"}
    changed.materialise(changed.assets(["harmonised/tiny/participant"]))
    assert theirs(changed) == set(changed.stale())
    assert "warehouse/participant" in changed.stale()
    (ran.source / "peaks.csv").write_text("id,S1,S2,S3,S4\nf1,1,2,3,9\nf2,5,,7,8\n")
    done = changed.materialise(changed.assets())
    assert {FILES, "matrix/tiny/metabolomics"} <= set(done.ran)
    assert theirs(changed) == set(changed.stale()) == set()


def test_freshness_follows_the_declared_schedule(installation: Installation) -> None:
    text = (installation.dictionary / "studies" / "tiny" / "study.yaml").read_text()
    installation.declare(
        "other",
        study=text.replace("study: tiny", "study: other").replace("London}", "London, fresh_within: 3d}"),
    )
    none = text.replace("study: tiny", "study: never")
    installation.declare("never", study=none[: none.index("schedule")] + none[none.index("participant_id") :])
    graph = build_definitions(installation.workspace()).resolve_asset_graph()

    def policy(*path: str) -> dg.FreshnessPolicy | None:
        return graph.get(dg.AssetKey(path)).freshness_policy

    def hours(number: int) -> dg.FreshnessPolicy:
        window = timedelta(hours=number)
        return dg.FreshnessPolicy.time_window(fail_window=window, warn_window=window - timedelta(hours=1))

    for path in (("raw", "{}", "files", "people"), ("files", "{}", "metabolomics")):
        assert policy(*(part.format("tiny") for part in path)) == hours(30)
        assert policy(*(part.format("other") for part in path)) == hours(72)
        assert policy(*(part.format("never") for part in path)) is None
    assert policy("harmonised", "tiny", "visit") is None
