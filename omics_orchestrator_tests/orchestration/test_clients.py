"""Runs of killed clients do not stay "started" for ever; runs of living clients are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from dagster import DagsterInstance, DagsterRunStatus

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import Installation

SLOW = """
import time
from omics_orchestrator.steps import extract
from omics_orchestrator.orchestration import line
line.extract = lambda *a, **k: time.sleep(600)
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace
session = Session(Workspace(Settings.from_environment()))
session.materialise(session.assets())
"""


def started(instance: DagsterInstance) -> int:
    return sum(run.status == DagsterRunStatus.STARTED for run in instance.get_runs())


def test_run_of_a_killed_client_is_reported_as_failed(installation: Installation) -> None:
    session = Session(installation.workspace())
    instance = DagsterInstance.get()
    environment = {**os.environ, **installation.environment()}
    client = subprocess.Popen([sys.executable, "-c", SLOW], env=environment)
    deadline = time.monotonic() + 90
    while not started(instance) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert started(instance) == 1
    session.materialise(session.assets())  # another client: the living one's run stays as it is
    assert started(instance) == 1
    client.send_signal(signal.SIGKILL)
    client.wait()
    time.sleep(1)
    session.materialise(session.assets())
    assert started(instance) == 0
