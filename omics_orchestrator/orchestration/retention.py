"""Retention: old runs with their events and logs, and what killed runs left in store and disk, are removed at night.

Dagster deletes no run by itself. What the present stands on is kept: each asset's latest materialisation, and the last
failed attempt at a batch of files, without which it would begin anew. Results of checks outlive their runs.
"""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from omics_orchestrator.orchestration import clients
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.retries import told
from omics_orchestrator.orchestration.schedules import runs_by_itself
from omics_orchestrator.settings import KEEP_RUNS
from omics_orchestrator.steps.leftovers import leftovers
from omics_orchestrator.steps.workspace import Workspace

WHEN = "0 5 * * *"  # after the nightly reading and the scrub
LONGEST = timedelta(days=2)  # no run lives as long: `max_runtime_seconds` of dagster.yaml is a day
MOST = 5000  # runs of one night
PAGE = 200
BATCH = "omics/batch"  # tag of a run that registers a batch
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass
class Removed:
    """What retention removed, or would remove.

    Attributes:
        runs: runs deleted.
        kept: runs older than that, which the present stands on.
        things: kind of leftover → number.
        size: bytes of leftovers.
    """

    runs: int = 0
    kept: int = 0
    things: Counter[str] = field(default_factory=Counter)
    size: int = 0


def remove_old(
    workspace: Workspace, instance: dg.DagsterInstance, now: datetime, *, dry_run: bool = False
) -> Removed:
    """Delete runs older than the settings say, and leftovers older than any living run; with `dry_run` only count.

    Interrupted anywhere, the next call goes on.

    Raises:
        StorageError: our own store does not answer; the runs are deleted by then.
    """
    removed, days = Removed(), workspace.settings.keep_runs_days
    if not dry_run:
        with clients.registered(workspace.database, instance):  # runs of killed clients count as ended
            pass
    if days:
        _remove_runs(instance, now - timedelta(days=days), removed, dry_run=dry_run)
    before = min([now - LONGEST, *_begun(instance)])
    for left in leftovers(workspace, before, now - timedelta(days=days or KEEP_RUNS)):
        removed.things[left.kind] += 1
        removed.size += left.size
        if not dry_run:
            left.remove()
    return removed


def _remove_runs(instance: dg.DagsterInstance, before: datetime, removed: Removed, *, dry_run: bool) -> None:
    needed = _needed(instance)
    for record in list(_old(instance, before)):
        run = record.dagster_run
        if run.run_id in needed or _last_attempt(instance, run):
            removed.kept += 1
            continue
        removed.runs += 1
        if not dry_run:
            instance.compute_log_manager.delete_logs(prefix=[run.run_id])
            instance.delete_run(run.run_id)


def _old(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.RunRecord]:
    """Yield the runs that ended before then, the oldest first."""
    chosen = dg.RunsFilter(statuses=ENDED, updated_before=before)
    cursor = None
    for _ in range(MOST // PAGE):
        page = instance.get_run_records(chosen, limit=PAGE, cursor=cursor, ascending=True)
        yield from page
        if len(page) < PAGE:
            return
        cursor = page[-1].dagster_run.run_id


def _needed(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that hold an asset's latest materialisation."""
    keys = instance.get_asset_keys()
    events = instance.get_latest_materialization_events(keys).values()
    return {event.run_id for event in events if event is not None}


def _begun(instance: dg.DagsterInstance) -> list[datetime]:
    """Return when the runs that have not ended began."""
    records = instance.get_run_records(dg.RunsFilter(statuses=clients.UNFINISHED))
    return [datetime.fromtimestamp(record.start_time, UTC) for record in records if record.start_time]


def _last_attempt(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether a run is the last attempt at its batch and failed."""
    if run.status != dg.DagsterRunStatus.FAILURE or not (batch := run.tags.get(BATCH)):
        return False
    [last] = instance.get_runs(dg.RunsFilter(tags={BATCH: batch}), limit=1)
    return last.run_id == run.run_id


@dg.op(
    description="Deletes old runs with their events and logs, and what killed runs left in store and disk."
)
def remove_what_is_old(context: dg.OpExecutionContext) -> None:
    """Remove, and tell how much it was."""
    with told(context.run, context.retry_number):
        removed = remove_old(current_workspace(), context.instance, datetime.now(UTC))
    context.add_output_metadata(
        {
            "runs deleted": removed.runs,
            "old runs kept": removed.kept,
            **removed.things,
            "bytes": removed.size,
        }
    )


@dg.job(description="Old runs with their events and logs are deleted, and what killed runs left.")
def retention() -> None:
    """Remove what is old."""
    remove_what_is_old()


def nightly_retention() -> dg.ScheduleDefinition:
    """Return the schedule of the retention, in UTC."""
    return runs_by_itself(
        "nightly_retention",
        retention,
        WHEN,
        "Deletes runs that are older than OMICS_KEEP_RUNS_DAYS, and what killed runs left.",
    )
