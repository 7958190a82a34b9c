"""Staged deliveries: what changed in a window of days, laid down until raw and files assets have applied it.

One small object of our own store per table or assay: the window and, of a REDCap project, the records; never a cell.
It is forgotten after the commit of what applied it: killed in between, it is applied once more, to the same end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from omics_orchestrator.sources.base import Window
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

FOLDER = "staging"
FILES = "files"  # stands in the place of a table where an assay is meant


def stage(workspace: Workspace, study: Study, source: str, table: str, window: Window, *, run_id: str) -> str:
    """Lay down one window of one table (or of an assay's files) and return its key; the same run and window are one."""
    days = f"{window.begins:%Y%m%d}_{window.ends:%Y%m%d}"
    key = f"{_folder(study, source, table)}/{days}_{run_id}.json"
    said = {"begins": window.begins.isoformat(), "ends": window.ends.isoformat(), "records": window.records}
    workspace.stores.own.put(key, json.dumps(said).encode())
    return key


def waiting(workspace: Workspace, study: Study, source: str, table: str) -> dict[str, Window]:
    """Return key → window of what is not applied yet, the oldest staged first by name."""
    store = workspace.stores.own
    found = {}
    for one in store.list(_folder(study, source, table)):
        said = json.loads(store.get(one.key))
        begins, ends = (datetime.fromisoformat(said[word]) for word in ("begins", "ends"))
        found[one.key] = Window(begins, ends, tuple(said["records"]), len(said["records"]))
    return found


def waits(workspace: Workspace, study: Study, source: str, table: str) -> bool:
    """Tell whether anything is staged."""
    return next(iter(workspace.stores.own.list(_folder(study, source, table))), None) is not None


def forget(workspace: Workspace, keys: Iterable[str]) -> None:
    """Remove what is applied and committed."""
    for key in keys:
        workspace.stores.own.delete(key)


def place_of(key: str) -> tuple[str, str, str]:
    """Return study, source (or assay) and table of a staged delivery."""
    _, study, _, name, table, _ = key.split("/")
    return study, name, table


def _folder(study: Study, source: str, table: str) -> str:
    return f"{FOLDER}/{study.study}/{FILES if table == FILES else 'raw'}/{source}/{table}"
