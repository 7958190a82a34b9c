"""A full disk under Postgres or under our store: an error that says so, the old content, and the next run repairs."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.faults.conftest import Quiet
from omics_orchestrator_tests.faults.full_disk import namespace
from omics_orchestrator_tests.faults.test_killed_parts import not_half

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("place", "says"), [("postgres", "full"), ("store", "No space left")])
def test_a_full_disk(quiet: Quiet, tmp_path: Path, place: str, says: str) -> None:
    probe = subprocess.run(namespace("mount", "-t", "tmpfs", "tmpfs", "/mnt"), capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"this machine lets nobody mount a small disk: {probe.stderr.strip()}")
    shutil.copytree(quiet.station.folder, tmp_path / "made", symlinks=True)
    command = [sys.executable, "-m", "omics_orchestrator_tests.faults.full_disk", str(tmp_path), place]
    done = subprocess.run(namespace(*command), cwd=WORKING_COPY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict(
        line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("held ", "found "))
    )
    held, found = (dict(ast.literal_eval(printed[name])) for name in ("held", "found"))
    assert says in done.stdout.split("\nheld ")[0]
    assert found == quiet.after
    not_half(quiet, held)
