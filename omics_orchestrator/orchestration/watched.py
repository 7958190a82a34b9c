"""The run launcher: Dagster's default one, which also tells whether a run's process lives (dagster.yaml names it).

Dagster's monitoring asks it and fails the runs of dead processes; `run_retries` then starts them again.
"""

from __future__ import annotations

import json
import socket
import time

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClassData

from omics_orchestrator.errors import StorageError
from omics_orchestrator.orchestration import clients
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import CLIENT, WORKER, holder

PATIENCE = (
    20.0  # seconds without its lock: a run has just begun, or Postgres was away and its process comes back
)
# Dagster tries to run again once, at once, and never more when the code server cannot be asked at that moment.
SETTLED = 30.0  # seconds for which the code server must answer before
TOO_LONG = 900.0  # seconds after which a dead run is failed even so
GONE = "no process holds the lock of this run: it was killed, or its machine is gone"


class WatchedLauncher(DefaultRunLauncher):
    """Launches runs in the code server, and finds those whose process is gone, wherever it ran."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._missed: dict[str, float] = {}  # run → when nobody was found to hold its lock first
        self._answers: dict[tuple[str, int], float] = {}  # code server → since when it answers

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Tell the monitoring to ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return NOT_FOUND when nobody held the lock of the run for `PATIENCE` and it can run again now."""
        try:
            alive = holder(Database.open(Settings.from_environment()), *_lock_of(run)) is not None
        except StorageError:
            alive = True  # nobody can be asked now: Postgres is away for the run and for us
        if alive:
            self._missed.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        gone = time.monotonic() - self._missed.setdefault(run.run_id, time.monotonic())
        if gone < PATIENCE or (not self._settled(run) and gone < TOO_LONG):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._missed.pop(run.run_id, None)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, GONE)

    def _settled(self, run: dg.DagsterRun) -> bool:
        """Tell whether the code server that ran it has answered for `SETTLED` seconds."""
        place = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
        if not place.get("port"):
            return True
        server = (str(place["host"]), int(place["port"]))
        try:
            socket.create_connection(server, 2).close()
        except OSError:
            self._answers.pop(server, None)
            return False
        return time.monotonic() - self._answers.setdefault(server, time.monotonic()) >= SETTLED


def _lock_of(run: dg.DagsterRun) -> tuple[str, str]:
    """Return the name of the lock that the run's process holds: its own, or that of the client that runs it."""
    return (CLIENT, run.tags[clients.TAG]) if clients.TAG in run.tags else (WORKER, run.run_id)
