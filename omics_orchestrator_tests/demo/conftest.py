"""The demo cohort, generated once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.demo import DemoReport, generate
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.objects import Stores


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    """The demo cohort in a folder of its own; not to be changed."""
    return generate(tmp_path_factory.mktemp("omics") / "demo")


@pytest.fixture(scope="session")
def stores(demo: DemoReport) -> Stores:
    """Stores of a machine that has the demo cohort, found as settings find it."""
    environment = {
        "OMICS_HOME": str(demo.folder.parent),
        "OMICS_DICTIONARY": str(WORKING_COPY / "data_dictionary"),
    }
    assert ensure_redcap(Settings.from_environment(environment))
    return Stores(Settings.from_environment(environment))


@pytest.fixture(scope="session")
def mgx(demo: DemoReport) -> Path:
    """The folder with the reads of the adults."""
    return demo.folder / "demo_adult" / "mgx"
