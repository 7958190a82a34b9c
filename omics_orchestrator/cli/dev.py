"""`omics dev`: code location, webserver and daemon as one process group that never outlives this command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from omics_orchestrator.cli.watcher import end_group
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.instance import prepare
from omics_orchestrator.settings import WORKING_COPY, Settings, export
from omics_orchestrator.storage.embedded import ensure_server

LOCATION = "omics_orchestrator.orchestration.definitions"
HOST = "127.0.0.1"
START_SECONDS = 180.0


class Group:
    """Child processes in one process group, watched so that they die with us.

    The group is made by a process that does nothing and ends with us by itself, before any other is started: so
    there is no moment at which a kill would leave a member that the watcher does not know of.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self._watcher = subprocess.Popen(
            [sys.executable, "-m", "omics_orchestrator.cli.watcher"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._first = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, process_group=0
        )
        self._group = self._first.pid
        if self._watcher.stdin:
            self._watcher.stdin.write(f"{self._group}\n".encode())
            self._watcher.stdin.flush()

    def start(self, name: str, *command: str) -> None:
        """Start one member; its output goes to the log file."""
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=self._group,
                cwd=WORKING_COPY,
            )
        self.children[name] = child

    def ended(self) -> str | None:
        """Return the name of a member that has ended, if any."""
        members = {**self.children, "watcher": self._watcher}
        return next((name for name, child in members.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """End every member and the watcher."""
        for child in (self._first, *self.children.values()):
            child.poll()
        end_group(self._group)
        if self._watcher.stdin:
            self._watcher.stdin.close()
        for child in (self._first, *self.children.values(), self._watcher):
            child.wait()


def run_dev(port: int) -> int:
    """Serve the UI on `port` until Ctrl-C; return 0.

    Raises:
        OmicsError: the port is taken, or a part of it died.
    """
    settings = Settings.from_environment()
    if not _free(port):
        raise OmicsError(
            f"port {port} is in use: stop what listens there, or choose another: --port {port + 1}"
        )
    ensure_redcap(settings)
    code_port = _free_port()
    export(prepare(settings) | {"OMICS_CODE_HOST": HOST, "OMICS_CODE_PORT": str(code_port)})
    log = settings.home / "logs" / "dev.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, _interrupt)
    group = Group(log)
    try:
        _start(group, port, code_port)
        address = f"http://{HOST}:{port}/asset-groups"
        Console().print(f"Dagster UI  {address}   (Ctrl-C stops it; log: {log})", soft_wrap=True)
        while (ended := group.ended()) is None:
            ensure_redcap(settings)
            if settings.database_url is None:
                ensure_server(settings)  # its supervisor may have been killed: bring the server back
            time.sleep(1)
        raise OmicsError(f"the {ended} ended by itself; the last lines of {log}:\n{_tail(log)}")
    except KeyboardInterrupt:
        return 0
    finally:
        group.stop()


def _start(group: Group, port: int, code_port: int) -> None:
    """Start the three parts: the code location first, since the other two ask it at once."""
    served = ("-h", HOST, "-p", str(code_port))
    group.start("code location", "dagster", "code-server", "start", "-m", LOCATION, *served)
    _wait(group, "code location", code_port)
    group.start("webserver", "dagster_webserver", "-w", "workspace.yaml", "-h", HOST, "-p", str(port))
    group.start("daemon", "omics_orchestrator.cli", "daemon")
    _wait(group, "webserver", port)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait(group: Group, name: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while _free(port):
        if ended := group.ended():
            raise OmicsError(f"the {ended} did not start; the last lines of {group.log}:\n{_tail(group.log)}")
        if time.monotonic() > deadline:
            raise OmicsError(f"the {name} did not answer within {START_SECONDS:.0f} s; see {group.log}")
        time.sleep(0.2)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
