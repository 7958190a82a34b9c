"""Deliver: ask a source what changed within a window of days, and stage it for the assets that read the source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from omics_orchestrator.sources.base import Window
from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.staged import FILES, stage
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study


def by_day(study: Study) -> dict[str, tuple[str, ...]]:
    """Return source or assay → the tables (of an assay: `files`) that can be asked what changed within a window.

    Sources that are files are read whole whenever one changed, and so is every table of a pseudonymised study: a
    window would spare nothing there. A source and an assay of one name share it.
    """
    found: dict[str, tuple[str, ...]] = {}
    for source, table in study.raw_tables():
        asked = study.sources[source].by_day()
        if not study.pseudonymise and (asked is None or table in asked):
            found[source] = (*found.get(source, ()), table)
    for assay in study.assays:
        found[assay] = (*found.get(assay, ()), FILES)
    return found


def deliver(workspace: Workspace, study: Study, name: str, window: Window, *, run_id: str) -> StepResult:
    """Find what changed in `window` at a source or assay, and stage it; nothing that is held is touched.

    Raises:
        DeliveryError: the source does not answer, or cannot tell.
        StorageError: our own store cannot be written.
    """
    found = {}
    for table in by_day(study)[name]:
        if table == FILES:
            found[table] = _files(workspace, study, name, window)
        else:
            found[table] = study.sources[name].changed(name, table, window, workspace.stores)
    for table, one in found.items():  # only when every table has answered
        stage(workspace, study, name, table, one, run_id=run_id)
    return StepResult(
        data_version=combined_version(_told(found.items())),
        facts={f"changed_{table}": one.count for table, one in found.items()},
        rows=max(one.count for one in found.values()),
    )


def _files(workspace: Workspace, study: Study, assay: str, window: Window) -> Window:
    """Return the window with the number of objects that the store says were written in it."""
    count = 0
    for _, found in workspace.stores.walk(study.assays[assay].location):
        count += window.begins <= found.modified < window.ends
    return Window(window.begins, window.ends, count=count)


def _told(found: Iterable[tuple[str, Window]]) -> Iterable[str]:
    for table, one in found:
        records = hashlib.sha256("\0".join(one.records).encode()).hexdigest()
        yield f"{table} {one.begins} {one.ends} {one.count} {records}"
