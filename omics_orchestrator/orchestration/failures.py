"""Failed runs as a notification tells them, read off Dagster's events: our own texts, never those of a library.

A run that is tried again by itself is no failure yet; a run of a terminal told the person who sat there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.logs import KIND
from omics_orchestrator.orchestration import clients
from omics_orchestrator.steps.notify import Failure

SEEN = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
}
LOST = "Lost"  # the kind of a run whose process is gone
CHECKS = "DagsterAssetCheckFailedError"
BY_DAGSTER = {
    CHECKS: "a blocking check failed: omics status --failed shows it",
    "DagsterExecutionInterruptedError": "it was ended from outside",
}


def is_final(run: dg.DagsterRun) -> bool:
    """Tell whether a failed run is to be told: launched by the daemon, and not tried again by itself."""
    return clients.TAG not in run.tags and run.tags.get("dagster/will_retry") != "true"


def failures_of(instance: dg.DagsterInstance, run: dg.DagsterRun, at: float) -> list[Failure]:
    """Return what failed in a run, one entry for each failed step; `at` in seconds since 1970."""
    assets: dict[str, list[dg.AssetKey]] = defaultdict(list)
    done: set[dg.AssetKey] = set()
    again: Counter[str] = Counter()
    failed = []
    for entry in instance.all_logs(run.run_id, of_type=SEEN):
        event = entry.dagster_event
        if event is None:
            continue
        step = event.step_key or ""
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED and event.asset_key:
            assets[step].append(event.asset_key)
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            done.add(event.asset_key)
        elif event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY:
            again[step] += 1
        elif event.is_step_failure:
            failed.append(event)
    when, runs = datetime.fromtimestamp(at, UTC), _runs(run)
    found = []
    for event in failed:
        step = event.step_key or ""
        kind, text = _said(event)
        keys = tuple(key.to_user_string() for key in assets[step])
        study = _study(assets[step][0]) if assets[step] else run.job_name
        found.append(Failure(study, keys, kind, text, runs + again[step], run.run_id, when))
    if found:
        return found
    return _without_step(
        run, [key for keys in assets.values() for key in keys if key not in done], runs, when
    )


def _without_step(run: dg.DagsterRun, unmade: list[dg.AssetKey], runs: int, when: datetime) -> list[Failure]:
    """Return one entry for each study whose assets a run that ended between its steps left unmade."""
    by_study: Mapping[str, list[dg.AssetKey]] = defaultdict(list)
    for key in unmade:
        by_study[_study(key)].append(key)
    text = "the run ended before its assets were made: its process was killed, or it did not start"
    return [
        Failure(study, tuple(key.to_user_string() for key in keys), LOST, text, runs, run.run_id, when)
        for study, keys in (by_study or {run.job_name: []}).items()
    ]


def _said(event: dg.DagsterEvent) -> tuple[str, str]:
    """Return kind and text of a failure: the text only where an error of ours wrote it."""
    told = event.step_failure_data.user_failure_data
    if told is not None and KIND in told.metadata:
        return str(told.metadata[KIND].value), told.description or ""
    error = event.step_failure_data.error
    name = (error.cls_name if error else None) or "failed"
    return name, BY_DAGSTER.get(
        name, "an error of Dagster or of a library; its text is not told, it may hold values"
    )


def _runs(run: dg.DagsterRun) -> int:
    number = run.tags.get("dagster/retry_number", "0")
    return int(number) + 1 if number.isdecimal() else 1


def _study(key: dg.AssetKey) -> str:
    return key.path[1] if key.path[0] != "warehouse" and len(key.path) > 1 else key.path[0]
