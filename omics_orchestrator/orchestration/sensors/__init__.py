"""All sensors of the code location. Each is a module; which batches they ask for is decided in asking.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.dictionary.folder import folder_digest
from omics_orchestrator.orchestration.sensors.automation import automation
from omics_orchestrator.orchestration.sensors.dictionary import dictionary_sensor
from omics_orchestrator.orchestration.sensors.dropbox import FILES, dropbox_sensor
from omics_orchestrator.orchestration.sensors.left_behind import left_behind
from omics_orchestrator.orchestration.sensors.new_files import files_sensor
from omics_orchestrator.orchestration.sensors.reading import sources_of
from omics_orchestrator.orchestration.sensors.redcap import redcap_edits
from omics_orchestrator.sources import Redcap
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study


def sensor_of_declarations(workspace: Workspace) -> dg.SensorDefinition:
    """Return the sensor that every code location has, also one whose declarations are broken.

    Called before the declarations are read: what changes meanwhile differs from its digest.
    """
    return dictionary_sensor(folder_digest(workspace.settings.dictionary), workspace.settings.look_every)


def sensors_of(
    workspace: Workspace,
    studies: Sequence[Study],
    line: Sequence[dg.AssetsDefinition],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[dg.SensorDefinition]:
    """Return the sensors that the usable studies, with the assets `line`, need; `clock` tells them the time."""
    every = workspace.settings.look_every
    found: list[dg.SensorDefinition] = []
    if any(study.assays for study in studies):
        found.append(files_sensor(studies, every, clock))
    if any(sources_of(studies, *FILES)):
        found.append(dropbox_sensor(studies, every, clock))
    if any(sources_of(studies, Redcap)):
        found.append(redcap_edits(studies, every, clock))
    return [*found, automation(), left_behind(line, every, clock)] if studies else found
