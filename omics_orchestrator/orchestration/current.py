"""The workspace of this process. It is no Dagster resource: binding one to each asset costs a tenth of loading them."""

from __future__ import annotations

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace

_opened: list[Workspace] = []


def current_workspace() -> Workspace:
    """Return the workspace of this process, opened once for the same settings."""
    settings = Settings.from_environment()
    if not _opened or _opened[-1].settings != settings:
        _opened[:] = [Workspace(settings)]
    return _opened[-1]


def forget() -> None:
    """Open the workspace anew next time: the declarations have changed."""
    _opened.clear()
