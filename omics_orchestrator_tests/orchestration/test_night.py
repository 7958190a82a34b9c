"""The top of `omics status`: runs of last night, failures that stand with the command that mends them, the daemon."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from rich.console import Console

from omics_orchestrator.cli.night import show_night
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.orchestration import line
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.materialise import QUIET
from omics_orchestrator.orchestration.night import Night, night
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.storage.presence import DAEMON, Presence
from omics_orchestrator_tests.installation import Installation

PEOPLE = dg.AssetKey(["raw", "tiny", "files", "people"])


def seen(installation: Installation, instance: dg.DagsterInstance) -> Night:
    workspace = installation.workspace()
    return night(instance, workspace.database, workspace.catalogue.studies.values(), datetime.now(UTC))


def screen(found: Night) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    show_night(console, found)
    return console.export_text()


def test_last_night(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = open_instance(installation.settings)
    job = build_definitions(installation.workspace()).resolve_implicit_global_asset_job_def()

    def run() -> bool:
        made = job.execute_in_process(
            instance=instance, asset_selection=[PEOPLE], raise_on_error=False, run_config=QUIET
        )
        return made.success

    empty = seen(installation, instance)
    assert (empty.green, empty.failed, empty.failures, empty.daemon) == (0, 0, (), None)
    assert datetime.now(UTC) - empty.since < timedelta(days=1, minutes=1)
    assert "no daemon: nothing runs at night" in screen(empty)

    def fails(*_: Any, **__: Any) -> None:
        raise DeliveryError("files: people.csv is cut short")

    monkeypatch.setattr(line, "extract", fails)
    assert not run()
    bad = seen(installation, instance)
    assert (bad.green, bad.failed) == (0, 1)
    text = screen(bad)
    assert "0 runs green · 1 failed" in text
    assert "failed raw/tiny/files/people · DeliveryError: files: people.csv is cut short (1 attempt)" in text
    assert "materialize raw/tiny/files/people" in text
    monkeypatch.setattr(line, "extract", extract)
    assert run()
    with Presence(installation.workspace().database, DAEMON):
        mended = seen(installation, instance)
    assert (mended.green, mended.failed, mended.failures) == (1, 1, ())
    assert mended.daemon is not None
    assert "has not told for two minutes" in screen(mended)
