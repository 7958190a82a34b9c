"""Hospital networks are offline: the whole demo runs in a network namespace that has nothing but loopback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator.settings import WORKING_COPY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOOPBACK_UP = (
    "import fcntl, socket, struct; s = socket.socket(); "
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 0x1 | 0x40))"  # SIOCSIFFLAGS: up, running
)


def isolated(*command: str) -> list[str]:
    inner = f"{shlex.quote(sys.executable)} -c {shlex.quote(LOOPBACK_UP)} && exec {shlex.join(command)}"
    namespaces = ["--net"] if os.getuid() == 0 else ["--user", "--map-root-user", "--net"]
    return ["unshare", *namespaces, "sh", "-c", inner]


def test_demo_runs_with_loopback_only(tmp_path: Path) -> None:
    probe = subprocess.run(isolated("true"), capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"this machine allows no network namespace: {probe.stderr.strip()}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMICS_HOME": str(tmp_path / "omics")}
    done = subprocess.run(
        isolated(sys.executable, "-m", "omics_orchestrator.cli", "demo"),
        env=environment,
        cwd=WORKING_COPY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Next" in done.stdout
