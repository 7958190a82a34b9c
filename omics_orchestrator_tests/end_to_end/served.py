"""A small installation with a code server and a daemon as the stack runs them, to be killed and looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import dagster as dg
import psutil

from omics_orchestrator.orchestration.instance import prepare
from omics_orchestrator.settings import WORKING_COPY, export
from omics_orchestrator_tests.end_to_end.processes import free_port
from omics_orchestrator_tests.installation import Installation

AUTOMATIC = {"dagster/sensor_name", "dagster/schedule_name"}  # tags of runs that nobody asked for
LOCATION = "omics_orchestrator.orchestration.definitions"


def within(seconds: float, condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds; what did not happen is the failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


class Served:
    """The processes of one installation; what they print goes to files of its folder."""

    def __init__(self, installation: Installation, **more: str) -> None:
        self.installation, self.port = installation, free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(installation.folder),
            "PYTHONPATH": str(WORKING_COPY),
            "OMICS_CODE_HOST": "127.0.0.1",
            "OMICS_CODE_PORT": str(self.port),
            **installation.environment(),
            **more,
        }
        self.started: list[subprocess.Popen[bytes]] = []
        export(prepare(installation.settings))
        self.instance = dg.DagsterInstance.get()

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start `omics <command>`; it leads a process group of its own."""
        with (self.installation.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "omics_orchestrator.cli", *command],
                env=self.environment, cwd=WORKING_COPY, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def log(self, name: str) -> str:
        """Return what a process has printed."""
        return (self.installation.folder / f"{name}.log").read_text(errors="replace")

    def code(self) -> subprocess.Popen[bytes]:
        """Start the code server and wait until it answers."""
        place = ("-h", "127.0.0.1", "-p", str(self.port))
        process = self.start("code", "run", "--", "dagster", "code-server", "start", "-m", LOCATION, *place)
        check = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "-p", str(self.port)]
        within(120, lambda: subprocess.run(check, capture_output=True).returncode == 0, self.log("code"))
        return process

    def daemon(self, name: str = "daemon") -> subprocess.Popen[bytes]:
        """Start the daemon."""
        return self.start(name, "daemon")

    def launch(self) -> str:
        """Ask for a run of every asset, as a person does in the UI; return its id."""
        before = {run.run_id for run in self.runs()}
        script = ["dagster", "job", "launch", "-w", "workspace.yaml", "-j", "__ASSET_JOB"]
        done = subprocess.run(
            [sys.executable, "-m", "omics_orchestrator.cli", "run", "--", *script],
            env=self.environment, cwd=WORKING_COPY, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        (new,) = [
            run.run_id for run in self.runs() if run.run_id not in before and not AUTOMATIC & run.tags.keys()
        ]
        return new

    def runs(self) -> list[dg.DagsterRun]:
        """Return all runs, the newest first."""
        return list(self.instance.get_runs())

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        """Return how a run is now."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def worker(self, run_id: str) -> psutil.Process:
        """Return the process that executes a run."""
        filters = {dg.DagsterEventType.ENGINE_EVENT}
        for entry in self.instance.all_logs(run_id, of_type=filters):
            if "Executing steps in process (pid: " in (text := entry.message):
                return psutil.Process(int(text.rpartition("pid: ")[2].rstrip(")")))
        raise AssertionError("the run has no process yet")

    def stop(self) -> None:
        """End everything that was started, with all that they started."""
        for process in self.started:
            for one in children(process):
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            process.kill()
            process.wait()
        self.instance.dispose()


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return all processes below one."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
