"""Retention on Postgres and a store of files: what is old goes, what the present stands on and what lives stays."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from omics_orchestrator import load
from omics_orchestrator.cli.retention import run_retention
from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.retention import Removed, nightly_retention, remove_old, retention
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Window
from omics_orchestrator.steps.staged import FILES, stage
from omics_orchestrator_tests.installation import MAPPING, Installation

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
MUCH_LATER = NOW + 100 * DAY


@pytest.fixture
def instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    made = open_instance(installation.settings)
    yield made
    made.dispose()


@pytest.fixture
def own(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our own store, and a TMPDIR of the test."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "store").mkdir(exist_ok=True)
    return tmp_path / "store"


def everything(installation: Installation) -> dict[str, str]:
    session = Session(installation.workspace())
    done = session.materialise(session.assets())
    assert done.failed == {}
    return done.ran


def removed(installation: Installation, instance: dg.DagsterInstance, now: datetime) -> Removed:
    return remove_old(installation.workspace(), instance, now)


def aged(path: Path, *, days: float, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = (NOW - days * DAY).timestamp()
    os.utime(path, (then, then))
    return path


def test_old_runs_go_and_what_the_present_stands_on_stays(
    installation: Installation, instance: dg.DagsterInstance, own: Path
) -> None:
    everything(installation)
    installation.declare("tiny", mapping=MAPPING.replace("f: female}", "f: unknown}"))
    everything(installation)
    installation.declare("tiny")
    everything(installation)
    session = Session(installation.workspace())
    ages, checks = session.materialised_at(), session.checks()
    keys = [dg.AssetKey.from_user_string(key) for key in ages]
    facts = {key: one.asset_materialization for key, one in _latest(instance, keys).items()}
    runs = instance.get_runs_count()
    assert removed(installation, instance, NOW + 80 * DAY).runs == 0

    done = removed(installation, instance, MUCH_LATER)
    assert done.runs > 0
    assert done.runs + done.kept == runs
    assert instance.get_runs_count() == done.kept
    after = Session(installation.workspace())
    assert after.stale() == {}
    assert (after.materialised_at(), after.checks()) == (ages, checks)
    assert {key: one.asset_materialization for key, one in _latest(instance, keys).items()} == facts
    for key, event in _latest(instance, keys).items():
        assert instance.get_run_by_id(event.run_id) is not None
        [stored] = instance.fetch_materializations(key, limit=1).records
        assert stored.asset_materialization == facts[key]  # the event itself, not only its summary
    assert load("harmonised/tiny/visit")["crp"].tolist()[:2] == [5.5, 7.0]
    assert everything(installation) == {}
    assert removed(installation, instance, MUCH_LATER).runs == 0


def _latest(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> dict[dg.AssetKey, dg.EventLogEntry]:
    found = instance.get_latest_materialization_events(keys)
    return {key: event for key, event in found.items() if event is not None}


def test_no_event_and_no_log_of_a_deleted_run_is_left(
    installation: Installation, instance: dg.DagsterInstance, own: Path
) -> None:
    everything(installation)
    failing = installation.source / "visits.csv"
    text = failing.read_text()
    failing.unlink()
    Session(installation.workspace()).materialise(["raw/tiny/files/visits"], force=True)
    failing.write_text(text)
    [run] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    logs = aged(Path(instance.storage_directory()) / run.run_id / "compute_logs" / "step.err", days=0)
    everything(installation)
    removed(installation, instance, MUCH_LATER)
    assert instance.get_run_by_id(run.run_id) is None
    assert instance.all_logs(run.run_id) == []
    assert not logs.exists()


def test_the_last_failed_attempt_at_a_batch_stays(
    installation: Installation, instance: dg.DagsterInstance, own: Path
) -> None:
    runs = {
        name: dg.DagsterRun(job_name="j", status=status, tags={"omics/batch": batch, "omics/attempt": number})
        for name, status, batch, number in [
            ("first", dg.DagsterRunStatus.FAILURE, "a", "1"),
            ("last", dg.DagsterRunStatus.FAILURE, "a", "2"),
            ("mended before", dg.DagsterRunStatus.FAILURE, "b", "1"),
            ("mended", dg.DagsterRunStatus.SUCCESS, "b", "2"),
        ]
    }
    for run in runs.values():
        instance.add_run(run)
    removed(installation, instance, MUCH_LATER)
    left = {run.run_id for run in instance.get_runs()}
    assert [name for name, run in runs.items() if run.run_id in left] == ["last"]


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTED", "CANCELING"])
def test_a_run_that_has_not_ended_stays_and_so_does_what_it_may_own(
    installation: Installation, instance: dg.DagsterInstance, own: Path, status: str
) -> None:
    half = aged(own / ".omics_staging" / "0a1b", days=60)
    instance.add_run(dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus[status]))
    assert removed(installation, instance, MUCH_LATER).runs == 0
    assert instance.get_runs_count() == 1
    assert not half.exists()  # it was begun long before the run


def test_what_killed_runs_left_goes_when_no_living_run_can_own_it(
    installation: Installation, instance: dg.DagsterInstance, own: Path, tmp_path: Path
) -> None:
    everything(installation)
    workspace = installation.workspace()
    awaited = stage(
        workspace,
        workspace.catalogue.studies["tiny"],
        "metabolomics",
        FILES,
        Window(NOW - DAY, NOW),
        run_id="r",
    )
    aged(own / awaited, days=5, text=(own / awaited).read_text())
    content = {file for file in (own / "matrix").rglob("*") if file.is_file()}
    old = [
        aged(own / ".omics_staging" / "0a1b", days=3),
        aged(own / "matrix/tiny/metabolomics.zarr/beef/zarr.json", days=3),
        aged(own / "matrix/tiny/other.zarr/beef/c/0", days=3),
        aged(own / "staging/gone/raw/redcap/visit/20260101_20260102_r.json", days=3),
        aged(own / "staging/tiny/raw/files/people/20260101_20260102_r.json", days=3),
        aged(own / f"staging/tiny/{FILES}/metabolomics/{FILES}/20260101_20260102_r.json", days=100),
        aged(tmp_path / "home" / "cache" / "tmpabc", days=3),
        aged(tmp_path / "tmp" / "omics-x1" / "spooled.bam", days=3),
    ]
    then = (NOW - 3 * DAY).timestamp()
    os.utime(tmp_path / "tmp" / "omics-x1", (then, then))
    young = [
        aged(own / ".omics_staging" / "9f", days=1),
        aged(own / "matrix/tiny/other.zarr/cafe/c/0", days=1),
        aged(own / "staging/gone/raw/redcap/visit/20260201_20260202_r.json", days=1),
        aged(tmp_path / "tmp" / "omics-x2" / "spooled.bam", days=1),
        aged(tmp_path / "tmp" / "others" / "file", days=30),
    ]

    dry = remove_old(installation.workspace(), instance, NOW, dry_run=True)
    assert all(path.exists() for path in old)
    done = removed(installation, instance, NOW)
    assert done == dry
    assert done.things == {
        "half-written objects": 1,
        "objects of unfinished matrices": 2,
        "staged deliveries": 3,
        "spooled files": 2,
    }
    assert [path for path in old if path.exists()] == []
    assert [path for path in (*young, own / awaited, *content) if not path.exists()] == []
    assert removed(installation, instance, NOW).things == {}


def test_a_run_of_a_killed_client_counts_as_ended(
    installation: Installation, instance: dg.DagsterInstance, own: Path
) -> None:
    run = dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus.STARTED, tags={"omics/client": "42"})
    instance.add_run(run)
    removed(installation, instance, NOW)
    [left] = instance.get_runs()
    assert left.status == dg.DagsterRunStatus.FAILURE


def test_runs_may_be_kept_for_ever(
    installation: Installation, instance: dg.DagsterInstance, own: Path
) -> None:
    instance.add_run(dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus.SUCCESS))
    installation.settings = replace(installation.settings, keep_runs_days=0)
    assert removed(installation, instance, NOW + 9999 * DAY).runs == 0


def test_the_job_tells_numbers_only(installation: Installation, own: Path) -> None:
    aged(own / ".omics_staging" / "0a1b", days=3)
    open_instance(installation.settings).dispose()
    done = retention.execute_in_process(instance=dg.DagsterInstance.get())
    [event] = [one for one in done.all_events if one.event_type_value == "STEP_OUTPUT"]
    told = event.step_output_data.metadata
    assert {name: one.value for name, one in told.items()} == {
        "runs deleted": 0,
        "old runs kept": 0,
        "half-written objects": 1,
        "bytes": 1,
    }


def test_the_command_tells_what_it_did(
    installation: Installation, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aged(own / ".omics_staging" / "0a1b", days=3)
    run_retention(dry_run=True)
    assert capsys.readouterr().out.splitlines() == [
        "runs older than 90 days: 0 would be deleted",
        "half-written objects: 1 would be deleted",
        "1 byte",
    ]
    run_retention(dry_run=False)
    assert "half-written objects: 1 deleted" in capsys.readouterr().out
    run_retention(dry_run=False)
    assert capsys.readouterr().out == "runs older than 90 days: 0 deleted\n"


def test_it_runs_every_night() -> None:
    schedule = nightly_retention()
    assert (schedule.name, schedule.cron_schedule) == ("nightly_retention", "0 5 * * *")


@pytest.mark.parametrize("said", ["6", "-1", "ninety", "1.5"])
def test_days_that_make_no_sense_are_refused(said: str, tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="OMICS_KEEP_RUNS_DAYS"):
        Settings.from_environment({"OMICS_HOME": str(tmp_path), "OMICS_KEEP_RUNS_DAYS": said})
    assert Settings.from_environment({"OMICS_KEEP_RUNS_DAYS": "7"}).keep_runs_days == 7
