"""Ticks of a sensor and runs of what it asks for, against the instance of an installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import dagster as dg

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.sensors import sensors_of
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator_tests.installation import Installation


@dataclass
class Sensing:
    """A sensor of an installation, by name; its cursor is kept from tick to tick as the daemon keeps it."""

    installation: Installation
    name: str
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))
    cursor: str | None = None
    said: str = ""

    def __post_init__(self) -> None:
        self.instance = open_instance(self.workspace().settings)

    def workspace(self) -> Workspace:
        return self.installation.workspace()

    def tick(self, later: timedelta = timedelta()) -> Sequence[dg.RunRequest]:
        """Evaluate the sensor once, `later` than now."""
        self.clock = datetime.now(UTC) + later
        workspace = self.workspace()
        (sensor,) = [one for one in self.sensors(workspace) if one.name == self.name]
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            found = cast(dg.SensorResult, sensor(context))
        if found.cursor is not None:
            self.cursor = found.cursor
        self.said = (found.skip_reason.skip_message or "") if found.skip_reason else ""
        return found.run_requests or []

    def sensors(self, workspace: Workspace) -> list[dg.SensorDefinition]:
        usable = [one for one in workspace.catalogue.studies.values() if not workspace.unavailable(one)]
        assets = build_definitions(workspace).assets or ()
        line = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition)]
        return sensors_of(workspace, usable, line, lambda: self.clock)

    def run(self, request: dg.RunRequest) -> bool:
        """Run what was asked for, as the daemon does; return whether it ended well."""
        job = build_definitions(self.workspace()).resolve_implicit_global_asset_job_def()
        done = job.execute_in_process(
            asset_selection=request.asset_selection,
            instance=self.instance,
            raise_on_error=False,
            tags={**request.tags, "dagster/sensor_name": self.name, "dagster/run_key": str(request.run_key)},
        )
        return done.success

    def fail(self, times: int) -> list[str]:
        """Let so many attempts fail, one per tick; return their run keys."""
        keys = []
        for _ in range(times):
            (request,) = self.tick()
            keys.append(str(request.run_key))
            assert not self.run(request)
        return keys
