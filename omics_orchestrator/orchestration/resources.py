"""The resource that hands the workspace to assets. The workspace itself knows nothing of Dagster."""

from __future__ import annotations

import dagster as dg

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace

_opened: list[Workspace] = []


class Platform(dg.ConfigurableResource[Workspace]):
    """This machine's settings, database and stores, from the environment; it has no configuration of its own."""

    def workspace(self) -> Workspace:
        """Return the workspace of this process."""
        return current_workspace()


def current_workspace() -> Workspace:
    """Return the workspace of this process, opened once for the same settings."""
    settings = Settings.from_environment()
    if not _opened or _opened[-1].settings != settings:
        _opened[:] = [Workspace(settings)]
    return _opened[-1]


def forget() -> None:
    """Open the workspace anew next time: the declarations have changed."""
    _opened.clear()
