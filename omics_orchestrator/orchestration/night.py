"""Last night in short: runs since the sources were due last, what failed for good, whether the daemon lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from omics_orchestrator.orchestration import daemon
from omics_orchestrator.orchestration.failures import failures_of, is_final
from omics_orchestrator.orchestration.schedules import last_due
from omics_orchestrator.steps.notify import Failure
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import Holder
from omics_orchestrator.studies import Study

MOST_RUNS = 2000
LISTED = 8  # failures told one by one
ALIVE_SECONDS = 120.0  # since the last heartbeat
Status = dg.DagsterRunStatus
WAITING = {Status.QUEUED, Status.NOT_STARTED}
RUNNING = {Status.STARTING, Status.STARTED, Status.CANCELING}


@dataclass(frozen=True)
class Night:
    """What became of the runs since `since`.

    Attributes:
        since: when the first study was due last; a day ago where none has a time.
        green: runs that ended well.
        failed: runs that failed for good.
        again: runs that failed and were run again.
        running: runs now.
        waiting: runs in the queue.
        failures: the newest failures, each of which was not mended since.
        daemon: the process that is the daemon; None = none.
        beats: whether Dagster's daemon told within two minutes that it lives.
    """

    since: datetime
    green: int
    failed: int
    again: int
    running: int
    waiting: int
    failures: tuple[Failure, ...]
    daemon: Holder | None
    beats: bool


def night(instance: dg.DagsterInstance, database: Database, studies: Iterable[Study], now: datetime) -> Night:
    """Return what happened since the studies were due last; reads one list of runs."""
    due = [last_due(study.schedule, now)[0] for study in studies if study.schedule]
    since = min(due, default=now - timedelta(days=1))
    records = instance.get_run_records(dg.RunsFilter(created_after=since), limit=MOST_RUNS)
    states = Counter(record.dagster_run.status for record in records)
    failed = [record for record in records if record.dagster_run.status == Status.FAILURE]
    final = [record for record in failed if is_final(record.dagster_run)]
    return Night(
        since=since,
        green=states[Status.SUCCESS],
        failed=len(final),
        again=sum(record.dagster_run.tags.get("dagster/will_retry") == "true" for record in failed),
        running=sum(states[state] for state in RUNNING),
        waiting=sum(states[state] for state in WAITING),
        failures=tuple(_standing(instance, final)),
        daemon=daemon.current(database),
        beats=_beats(instance, now),
    )


def _standing(instance: dg.DagsterInstance, final: Iterable[dg.RunRecord]) -> list[Failure]:
    """Return the newest failures whose assets were not made since; of the same trouble the last."""
    found: dict[str, Failure] = {}
    for record in final:  # the newest first
        if len(found) >= LISTED:
            break
        at = record.end_time or record.update_timestamp.timestamp()
        for failure in failures_of(instance, record.dagster_run, at):
            if not _mended(instance, failure):
                found.setdefault(failure.identity(), failure)
    return list(found.values())


def _mended(instance: dg.DagsterInstance, failure: Failure) -> bool:
    keys = [dg.AssetKey.from_user_string(key) for key in failure.assets]
    found = instance.get_latest_materialization_events(keys) if keys else {}  # those that were ever made
    made = [event.timestamp for event in found.values() if event is not None]
    return bool(keys) and len(made) == len(keys) and min(made) > failure.at.timestamp()


def _beats(instance: dg.DagsterInstance, now: datetime) -> bool:
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    return bool(beats) and now.timestamp() - max(beats) < ALIVE_SECONDS
