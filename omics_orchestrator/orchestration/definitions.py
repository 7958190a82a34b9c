"""The entry point of Dagster: the definitions of this machine's data dictionary."""

from __future__ import annotations

import dagster as dg

from omics_orchestrator import logs
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.settings import Settings, wants_json
from omics_orchestrator.steps.workspace import Workspace

if wants_json():  # this module is what code servers and the processes of runs import
    logs.install()


@dg.definitions
def definitions() -> dg.Definitions:
    """Build the definitions when Dagster asks for them, not when this module is imported."""
    return build_definitions(Workspace(Settings.from_environment()))
