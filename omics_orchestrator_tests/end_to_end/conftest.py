"""One demo installation for all end-to-end tests: made as a person makes it, by the command, in an empty home."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from omics_orchestrator.settings import WORKING_COPY

PUBLIC = WORKING_COPY.parent / "shared" / "data" / "demo"


@dataclass(frozen=True)
class Made:
    """An installation on disk, the environment to meet it under, and what `omics demo` printed."""

    home: Path
    environment: dict[str, str]
    printed: str
    seconds: float

    def omics(self, *arguments: str, check: bool = True) -> str:
        """Run the command line and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "omics_orchestrator.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            cwd=WORKING_COPY,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def make(home: Path, studies: str, **more: str) -> Made:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OMICS_HOME": str(home / "omics"), **more}
    if "OMICS_POSTGRES_BIN" in os.environ:
        environment["OMICS_POSTGRES_BIN"] = os.environ["OMICS_POSTGRES_BIN"]
    started = time.monotonic()
    made = Made(home / "omics", environment, "", 0.0)
    printed = made.omics("demo", "--studies", studies)
    return Made(home / "omics", environment, printed, time.monotonic() - started)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The demo cohort, materialised."""
    return make(tmp_path_factory.mktemp("demo"), "demo")


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The three public cohorts, materialised."""
    if not PUBLIC.is_dir():
        pytest.skip(f"the public data sets are not at {PUBLIC}")
    return make(tmp_path_factory.mktemp("public"), "public", OMICS_STORE_PUBLIC_URL=PUBLIC.as_uri())
