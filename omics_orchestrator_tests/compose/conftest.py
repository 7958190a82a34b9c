"""One stack for all tests, brought up from a copy of this working copy; what was measured is printed at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from omics_orchestrator_tests.compose.working_copy import WorkingCopy, engine

MEASURED: list[str] = []


@pytest.fixture(scope="session")
def measured() -> list[str]:
    """Lines that are printed after the tests."""
    return MEASURED


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory, measured: list[str]) -> Iterator[WorkingCopy]:
    """The running stack; skipped where there is no engine."""
    if why := engine():
        if why not in measured:
            measured.append(why)
        pytest.skip(why)
    made = WorkingCopy(tmp_path_factory.mktemp("stack"))
    try:
        if "OMICS_IMAGE" not in os.environ:
            started = time.monotonic()
            made.compose("build", "--quiet", "code")
            measured.append(f"image built (layers may be cached): {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        made.up()
        measured.append(f"first `up` until every service is healthy: {time.monotonic() - started:.0f} s")
        yield made
    finally:
        made.down("--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def objects_image(copy: WorkingCopy) -> str:
    """The image of an object store: what `OMICS_OBJECTS_IMAGE` names, else a stand-in."""
    if given := os.environ.get("OMICS_OBJECTS_IMAGE"):
        return given
    return copy.build("omics_objects:standin", "objects.py", Path(sys.executable).with_name("rclone"))


@pytest.fixture(scope="session")
def oidc_image(copy: WorkingCopy) -> str:
    """The image of a stand-in for an OIDC proxy; a real one wants an identity provider."""
    return copy.build("omics_oidc:standin", "oidc.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    for line in MEASURED:
        terminalreporter.write_line(line)
