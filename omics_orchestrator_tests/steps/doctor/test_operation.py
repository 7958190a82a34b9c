"""The doctor on the daemon's lock, runs without a process, pools and notifications."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.steps.doctor import Line
from omics_orchestrator.steps.doctor.operation import notifications, operation
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.presence import DAEMON, WORKER, Presence
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.notify.listeners import web_server


def told(lines: list[Line], subject: str) -> list[tuple[str, str]]:
    return [(line.state, line.told) for line in lines if line.subject == subject]


def test_lock_runs_and_pools(installation: Installation) -> None:
    workspace = installation.workspace()
    assert list(operation(workspace)) == []
    instance = open_instance(installation.settings)
    job = build_definitions(workspace).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    instance.event_log_storage.set_concurrency_slots("database", 3)
    with Presence(workspace.database, DAEMON), Presence(workspace.database, WORKER, run.run_id):
        lines = list(operation(workspace))
    ((state, daemon),) = told(lines, "daemon")
    assert state == "ok"
    assert "holds its lock since" in daemon
    assert told(lines, "runs") == [("ok", "1 run now, each with its process")]
    assert told(lines, "pool") == [("ok", "database: 0 of 3 places taken")]
    assert told(list(operation(workspace)), "runs") == [("warn", "1 run without a process")]


def test_notifications_are_tried_only_when_asked(installation: Installation) -> None:
    def looked(send: bool, **environment: str) -> list[tuple[str, str]]:
        settings = replace(installation.settings, environment=environment)
        return told(list(notifications(Workspace(settings), send=send)), "notify")

    assert looked(False) == [("ok", "nobody is told of failed runs: no OMICS_NOTIFY_… is set")]
    assert looked(False, OMICS_NOTIFY_EMAIL="a@example.org")[0][0] == "fail"
    with web_server() as hook:
        assert looked(False, OMICS_NOTIFY_WEBHOOK_URL=hook.url)[0][0] == "ok"
        assert hook.taken == []
        assert looked(True, OMICS_NOTIFY_WEBHOOK_URL=hook.url) == [("ok", "webhook: a message was taken")]
        assert len(hook.taken) == 1
        hook.status = 500
        ((state, said),) = looked(True, OMICS_NOTIFY_WEBHOOK_URL=hook.url)
    assert state == "fail"
    assert "answers 500" in said
    assert "token" not in said
