"""What runs and who hears of it: the daemon's lock, runs whose process is gone, pools, notifications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.doctor.line import Line
from omics_orchestrator.steps.notify import Failure, channels_of, configured
from omics_orchestrator.steps.notify.channels import digest_of
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.presence import CLIENT, DAEMON, WORKER, holder

THERE = "SELECT to_regclass('runs') IS NOT NULL AND to_regclass('concurrency_limits') IS NOT NULL"
STARTED = """
    SELECT r.run_id, (SELECT value FROM run_tags AS t WHERE t.run_id = r.run_id AND t.key = 'omics/client')
    FROM runs AS r WHERE r.status = 'STARTED' ORDER BY 1
"""
POOLS = """
    SELECT l.concurrency_key, l."limit", count(s.run_id)
    FROM concurrency_limits AS l LEFT JOIN concurrency_slots AS s USING (concurrency_key)
    GROUP BY 1, 2 ORDER BY 1
"""


def operation(workspace: Workspace) -> Iterator[Line]:
    """Look at the daemon's lock, at runs without a process, and at pools."""
    database = workspace.database
    if (found := holder(database, DAEMON)) is not None:
        yield Line("ok", "daemon", f"{found.name} holds its lock since {found.since:%Y-%m-%d %H:%M}")
    url = dagster_database_url(workspace.settings)
    with Database(url).transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(THERE)
        if not (cursor.fetchone() or (False,))[0]:
            return
        cursor.execute(STARTED)
        started = cursor.fetchall()
        cursor.execute(POOLS)
        pools = cursor.fetchall()
    names = [(CLIENT, client) if client else (WORKER, run) for run, client in started]
    if gone := sum(holder(database, *name) is None for name in names):
        told = f"{counted(gone, 'run')} without a process"
        yield Line(
            "warn", "runs", told, "a daemon fails them within a minute, omics materialize those of a terminal"
        )
    elif names:
        yield Line("ok", "runs", f"{counted(len(names), 'run')} now, each with its process")
    for name, limit, taken in pools:
        yield Line("ok", "pool", f"{name}: {taken} of {limit} places taken")


def notifications(workspace: Workspace, *, send: bool) -> Iterator[Line]:
    """Look at who is told of failed runs; with `send` each channel gets a message now."""
    settings = workspace.settings
    if not configured(settings):
        yield Line("ok", "notify", "nobody is told of failed runs: no OMICS_NOTIFY_… is set")
        return
    try:
        channels = channels_of(settings, workspace.catalogue.studies.values())
    except OmicsError as error:
        yield Line("fail", "notify", str(error), "correct that setting")
        return
    for channel in channels:
        if not send:
            yield Line("ok", "notify", f"{channel.words}; omics doctor --notify tries it")
            continue
        try:
            channel.send(digest_of(settings, _trial(channel.studies)))
        except OmicsError as error:
            yield Line(
                "fail", "notify", f"{channel.words}: {error}", "see that its server runs and takes messages"
            )
        else:
            yield Line("ok", "notify", f"{channel.words}: a message was taken")


def _trial(studies: frozenset[str] | None) -> Sequence[Failure]:
    text = "omics doctor --notify was called; nothing has failed"
    return [
        Failure(next(iter(sorted(studies or ())), "trial"), (), "Trial", text, 1, "none", datetime.now(UTC))
    ]
