"""Dagster's daemon, one at a time: the process that runs it holds a lock of Postgres, a second one waits for it."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable

import dagster as dg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.orchestration import clock
from omics_orchestrator.orchestration.instance import prepare
from omics_orchestrator.settings import WORKING_COPY, Settings, export
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import DAEMON, Holder, Presence, holder

AGAIN_SECONDS = 2.0
GRACE_SECONDS = 30.0  # to end in order after the lock was lost


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Become the daemon of this installation once no other process is; `tell` hears that it waits, and when it serves.

    Dagster's daemon runs in this very process: it cannot outlive the lock, however the process is killed.

    Raises:
        StorageError: Postgres cannot be reached at the start.
    """
    export(prepare(settings))
    database = Database.open(settings)
    lock = Presence(database, DAEMON, lost=lambda: _step_down(tell))
    if not lock.take():
        tell(f"{_named(holder(database, DAEMON))}: this one waits until that one has ended")
        _wait(lock)
    tell("the daemon of this installation is this process")
    mind_the_clock(tell)
    sys.argv = ["dagster-daemon", "run", "-w", str(WORKING_COPY / "workspace.yaml")]
    runpy.run_module("dagster._daemon", run_name="__main__", alter_sys=True)


def mind_the_clock(tell: Callable[[str], None]) -> None:
    """Let no sensor or schedule sleep because the clock was ahead, now or later."""
    with dg.DagsterInstance.get() as instance:
        if names := clock.bring_back(instance, time.time()):
            tell(f"the clock was ahead; {', '.join(names)}: due again from now on")

    def anew(seconds: float) -> None:
        tell(f"the clock was set back by {seconds:.0f} s: the daemon begins anew")
        os.execv(sys.executable, [sys.executable, "-m", "omics_orchestrator.cli", "daemon"])  # noqa: S606

    clock.watch(anew)


def current(database: Database) -> Holder | None:
    """Return the process that is the daemon now; None = there is none."""
    return holder(database, DAEMON)


def _wait(lock: Presence) -> None:
    while True:
        time.sleep(AGAIN_SECONDS)
        try:
            if lock.take():
                return
        except StorageError:  # Postgres is away: the other daemon cannot work either
            continue


def _named(found: Holder | None) -> str:
    if found is None:
        return "another daemon runs"
    return f"another daemon runs ({found.name}, since {found.since:%Y-%m-%d %H:%M})"


def _step_down(tell: Callable[[str], None]) -> None:
    """End this process: another daemon took over while Postgres was away."""
    tell("another daemon took over while Postgres was away: this one ends")
    threading.Timer(GRACE_SECONDS, lambda: os._exit(1)).start()
    os.kill(os.getpid(), signal.SIGTERM)
