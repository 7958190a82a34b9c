"""The sensor of new files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from dagster import AssetKey, DagsterInstance, RunRequest, SkipReason, build_sensor_context

from omics_orchestrator.orchestration.sensors import new_files
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import Installation


def asked(installation: Installation) -> list[Any]:
    workspace = installation.workspace()
    sensor = new_files(list(workspace.catalogue.studies.values()))
    with build_sensor_context(instance=DagsterInstance.get()) as context:
        return list(cast(Iterable[Any], sensor(context)))


def test_sensor_asks_for_new_files_and_is_silent_when_all_are_registered(installation: Installation) -> None:
    session = Session(installation.workspace())
    (first,) = asked(installation)
    assert isinstance(first, RunRequest)
    assert first.asset_selection == [AssetKey(["files", "tiny", "metabolomics"])]
    session.materialise(session.assets())
    (second,) = asked(installation)
    assert isinstance(second, SkipReason)
    (installation.source / "peaks.csv").write_text("id,S1\nf1,1\n")
    (third,) = asked(installation)
    assert isinstance(third, RunRequest)
    assert third.run_key != first.run_key
