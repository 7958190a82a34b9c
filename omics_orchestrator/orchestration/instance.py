"""Dagster's instance of this installation: its home, its storage in Postgres, its environment."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import dagster as dg

from omics_orchestrator.settings import Settings, export
from omics_orchestrator.storage.database import dagster_database_url

STATEMENT_MS = 60_000


def prepare(settings: Settings) -> dict[str, str]:
    """Make the Dagster home (with the chosen dagster.yaml linked into it) and return its environment."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    link, target = settings.dagster_home / "dagster.yaml", settings.dagster_yaml
    if not link.exists() or (link.is_symlink() and Path(link).resolve() != target):
        with suppress(FileNotFoundError):
            link.unlink()
        with suppress(FileExistsError):  # another client was faster
            link.symlink_to(target)
    return settings.for_children(dagster_database_url(settings))


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Return the persistent instance (storage in Postgres, never SQLite).

    Dagster opens a connection for each event that it stores, about two in three seconds of a run. What it does for its
    webserver, holding connections open, does as well for our one process.
    """
    export(prepare(settings))
    instance = dg.DagsterInstance.get()
    instance.optimize_for_webserver(statement_timeout=STATEMENT_MS, pool_recycle=3600, max_overflow=20)
    return instance
