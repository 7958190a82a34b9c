"""Definitions from a workspace: the asset line of every usable study, for the others a placeholder that says why."""

from __future__ import annotations

import dagster as dg

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.orchestration import describe
from omics_orchestrator.orchestration.assets import TABLES
from omics_orchestrator.orchestration.confirm import hourly_confirmation
from omics_orchestrator.orchestration.deliveries import delivery_assets
from omics_orchestrator.orchestration.executor import present_in_process
from omics_orchestrator.orchestration.failed_runs import failed_runs
from omics_orchestrator.orchestration.io_managers import PostgresTables
from omics_orchestrator.orchestration.line import study_assets, warehouse_assets
from omics_orchestrator.orchestration.resources import S3, S3Store
from omics_orchestrator.orchestration.retention import nightly_retention
from omics_orchestrator.orchestration.schedules import nightly
from omics_orchestrator.orchestration.scrub import nightly_scrub
from omics_orchestrator.orchestration.sensors import sensor_of_declarations, sensors_of
from omics_orchestrator.steps.notify import configured
from omics_orchestrator.steps.workspace import Workspace


def build_definitions(workspace: Workspace) -> dg.Definitions:
    """Return the code location. A broken or unavailable study never hinders another one."""
    declarations = sensor_of_declarations(workspace)
    try:
        dictionary, catalogue = workspace.dictionary, workspace.catalogue
    except DeclarationError as error:
        return dg.Definitions(assets=[describe.broken("data_dictionary", error)], sensors=[declarations])
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = []
    usable = []
    for study in catalogue.studies.values():
        if variable := workspace.unavailable(study):
            assets.append(describe.unavailable(study, variable))
            continue
        usable.append(study)
        assets += study_assets(study, dictionary, workspace.settings)
        assets += delivery_assets(study)
    assets += warehouse_assets(usable, dictionary, catalogue)
    assets += [describe.broken(name, error) for name, error in catalogue.broken.items()]
    told = [failed_runs(usable)] if configured(workspace.settings) else []
    line = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition)]
    schedules = [*nightly(usable), *hourly_confirmation(line), nightly_scrub(), nightly_retention()]
    return dg.Definitions(
        assets=assets,
        schedules=schedules if usable else [],
        sensors=[*sensors_of(workspace, usable, line), declarations, *told],
        resources={TABLES: PostgresTables(), S3: S3Store()},
        executor=present_in_process,
    )
