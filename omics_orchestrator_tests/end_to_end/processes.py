"""Starting and finding the processes of one installation."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

import psutil

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.end_to_end.conftest import Made


def of_home(made: Made) -> list[psutil.Process]:
    """Return every living process of the installation, told by its environment or command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            home = str(made.home)
            if process.environ().get("OMICS_HOME") == home or any(home in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether `condition` became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(made: Made, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=made.environment,
        cwd=WORKING_COPY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def start_dev(made: Made) -> tuple[subprocess.Popen[bytes], str]:
    """Start `omics dev` and return it with the UI's address once it answers."""
    port = free_port()
    process = start(made, "-m", "omics_orchestrator.cli", "dev", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    assert wait_until(lambda: answers(f"{address}/server_info"), 180), (
        made.home / "logs" / "dev.log"
    ).read_text()
    return process, address


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
