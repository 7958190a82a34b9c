"""Materialise what is stale, wave by wave, in this process; what did not change is neither run nor written again.

A wave runs every asset that has a reason of its own; what their content changes downstream is the next wave's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster import AssetCheckEvaluation

from omics_orchestrator.orchestration import clients, progress
from omics_orchestrator.orchestration.stale import WAREHOUSE, Node, reasons
from omics_orchestrator.storage.database import Database

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
UNENDED = 100  # so many runs in a row may end before their checks do
COUNTED = ("rows_inserted", "rows_updated", "rows_deleted", "touched")


@dataclass
class Outcome:
    """What a call of `materialise` did.

    Attributes:
        ran: asset → why it ran.
        failed: asset → the error that it raised.
        blocked: assets that did not run because something upstream failed.
        touched: rows and objects written over all assets.
    """

    ran: dict[dg.AssetKey, str] = field(default_factory=dict)
    failed: dict[dg.AssetKey, str] = field(default_factory=dict)
    blocked: set[dg.AssetKey] = field(default_factory=set)
    touched: int = 0


@dataclass(frozen=True)
class Line:
    """What materialising needs: the code location, its nodes (upstream first) and where it runs."""

    definitions: dg.Definitions
    nodes: Sequence[Node]
    instance: dg.DagsterInstance
    database: Database


def materialise(
    line: Line,
    selection: Iterable[dg.AssetKey],
    *,
    force: bool = False,
    listener: progress.Listener | None = None,
) -> Outcome:
    """Run the stale assets of `selection` (with `force`: all of them, once) and return what happened."""
    wanted, outcome = set(selection), Outcome()
    if not wanted:
        return outcome
    job = line.definitions.resolve_implicit_global_asset_job_def()
    due: Mapping[dg.AssetKey, str] = dict.fromkeys(wanted, "forced") if force else _due(line, wanted, outcome)
    with clients.registered(line.database, line.instance) as tags, progress.listening(listener):
        while wave := _unblocked(line, due, wanted, outcome):
            run = job.execute_in_process(
                instance=line.instance,
                asset_selection=list(wave),
                raise_on_error=False,
                run_config=QUIET,
                tags=tags,
            )
            _record(run, wave, outcome)
            due = _due(line, wanted, outcome)
    return outcome


def _due(line: Line, wanted: set[dg.AssetKey], outcome: Outcome) -> dict[dg.AssetKey, str]:
    """Return what must run and has not run yet: nothing runs twice, so the waves come to an end."""
    found = reasons(line.instance, line.nodes)
    return {key: why for key, why in found.items() if key in wanted and key not in outcome.ran}


def _unblocked(
    line: Line, due: Mapping[dg.AssetKey, str], wanted: set[dg.AssetKey], outcome: Outcome
) -> dict[dg.AssetKey, str]:
    """Return the next wave; notes what something that failed upstream holds back."""
    stopped = set(outcome.failed) | failed_blocking(line.instance, line.nodes, due)
    for node in line.nodes:  # upstream first: being stopped travels downstream
        if node.key in wanted and node.needed & (stopped | outcome.blocked):
            outcome.blocked.add(node.key)
    ready = {key: why for key, why in due.items() if key not in outcome.blocked}
    waiting = _undecided([node for node in line.nodes if node.key in wanted], set(ready))
    return {key: why for key, why in ready.items() if key not in waiting}


def _undecided(nodes: Iterable[Node], ready: set[dg.AssetKey]) -> set[dg.AssetKey]:
    """Return what must wait: below an asset without a reason of its own that the wave itself may give one.

    Run in the same wave, it would be stale again at the end of it, and nothing runs twice.
    """
    undecided: set[dg.AssetKey] = set()
    for node in nodes:  # upstream first
        if node.parents & undecided or (node.key not in ready and node.parents & ready):
            undecided.add(node.key)
    return undecided


def failed_blocking(
    instance: dg.DagsterInstance, nodes: Iterable[Node], due: Iterable[dg.AssetKey] = ()
) -> set[dg.AssetKey]:
    """Return the assets, those that are due left out, whose blocking check failed when they ran last."""
    waiting = set(due)
    return failed(
        instance, [check for node in nodes if node.key not in waiting for check in node.blocking_checks]
    )


def failed(instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]) -> set[dg.AssetKey]:
    """Return the assets of those checks that ended as errors when they ended last."""
    found = latest_results(instance, checks) if checks else {}
    return {
        key.asset_key
        for key, result in found.items()
        if not result.passed and result.severity == dg.AssetCheckSeverity.ERROR
    }


def latest_results(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, AssetCheckEvaluation]:
    """Return check → how it ended last; checks that never ended are left out.

    A run that failed or was killed had planned its checks: what they told before it still holds.
    """
    storage = instance.event_log_storage
    found = {}
    for key, latest in storage.get_latest_asset_check_execution_by_key(checks).items():
        evaluation = _evaluation(latest.event)
        if evaluation is None:
            before = storage.get_asset_check_execution_history(key, limit=UNENDED)
            evaluation = next((told for record in before if (told := _evaluation(record.event))), None)
        if evaluation:
            found[key] = evaluation
    return found


def _evaluation(entry: dg.EventLogEntry | None) -> AssetCheckEvaluation | None:
    event = entry.dagster_event if entry else None
    if event and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return event.asset_check_evaluation_data
    return None


def _record(run: dg.ExecuteInProcessResult, wave: Mapping[dg.AssetKey, str], outcome: Outcome) -> None:
    finished = set()
    for event in run.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        finished.add(materialization.asset_key)
        for name in COUNTED:
            value = materialization.metadata.get(name)
            outcome.touched += int(str(value.value)) if value else 0
    errors = errors_of(run)
    for key, why in wave.items():
        step = "__".join(key.path)
        if key not in finished and step in errors:
            outcome.failed[key] = errors[step]
        if key in finished or step in errors or key.path[0] != WAREHOUSE:
            outcome.ran[key] = (
                why  # else Dagster skipped it, for one study failed in this run: the next one has it
            )


def errors_of(run: dg.ExecuteInProcessResult) -> dict[str | None, str]:
    """Return step → the error that it raised last."""
    return {event.step_key: _message(event) for event in run.all_events if event.is_step_failure}


def _message(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    metadata = event.step_failure_data.user_failure_data
    return (
        metadata.description
        if metadata and metadata.description
        else (error.message.strip() if error else "failed")
    )
