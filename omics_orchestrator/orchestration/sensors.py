"""The sensors: one that registers new files of the stores, one that lets downstream assets follow changed content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.assets import SIGNATURE
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.steps.register import assay_signature
from omics_orchestrator.studies import Study

EVERY_SECONDS = 300


def new_files(studies: Sequence[Study]) -> dg.SensorDefinition:
    """Return the sensor that asks for registration where a listing is not the one that was registered last.

    Its evaluation has no side effect: a daemon that dies meanwhile evaluates again.
    """

    @dg.sensor(
        name="new_files",
        target=dg.AssetSelection.key_prefixes(*[["files", study.study] for study in studies]),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Registers the files of an assay when its store lists something new, changed or gone.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        asked = 0
        for study in studies:
            for assay in study.assays:
                key = dg.AssetKey(["files", study.study, assay])
                try:
                    signature = assay_signature(current_workspace(), study, assay)
                except OmicsError as error:
                    context.log.warning("%s: %s", key.to_user_string(), error)
                    continue
                if signature != registered_signature(context.instance, key):
                    asked += 1
                    yield dg.RunRequest(run_key=f"{key.to_user_string()}:{signature}", asset_selection=[key])
        if not asked:
            yield dg.SkipReason("every store lists what the registry holds")

    return sensor


def automation() -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that runs what lies downstream of changed content."""
    return dg.AutomationConditionSensorDefinition(
        "changed_upstream",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
    )


def registered_signature(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """Return what the source looked like when the asset was materialised last."""
    event = instance.get_latest_materialization_event(key)
    materialization = event.asset_materialization if event else None
    value = materialization.metadata.get(SIGNATURE) if materialization else None
    return str(value.value) if value else None
