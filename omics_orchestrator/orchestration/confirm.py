"""Datasets whose sources were read and brought nothing new are confirmed, so that they do not grow old in the UI.

What did not change is not run again, but freshness goes by the latest materialisation: it is told once more as it was.
"""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from omics_orchestrator.orchestration.schedules import runs_by_itself
from omics_orchestrator.orchestration.stale import Node, nodes_of, reasons

WHEN = "50 * * * *"
CONFIRMED = "confirmed"  # metadata: no run made it, nothing had changed


def confirm(instance: dg.DagsterInstance, nodes: Sequence[Node]) -> list[dg.AssetKey]:
    """Tell the latest materialisation of a dataset once more where all its sources were read since; return which.

    A dataset below something stale, or below a source that was not read since, is left alone: it grows old.
    """
    stale = reasons(instance, [replace(node, signature=None) for node in nodes])
    events = instance.get_latest_materialization_events([node.key for node in nodes])
    latest = {key: event for key, event in events.items() if event is not None}
    above: dict[dg.AssetKey, frozenset[dg.AssetKey]] = {}
    found = []
    for node in nodes:  # upstream first
        above[node.key] = node.parents.union(*(above[parent] for parent in node.parents))
        if node.key.path[0] != "dataset" or stale.keys() & {node.key, *above[node.key]}:
            continue
        read = [latest[key].timestamp for key in above[node.key] if key.path[0] == "raw"]
        told = latest[node.key].asset_materialization
        if read and told and min(read) > latest[node.key].timestamp:
            said = {**told.metadata, CONFIRMED: dg.MetadataValue.bool(True)}
            instance.report_runless_asset_event(
                dg.AssetMaterialization(node.key, description=told.description, metadata=said, tags=told.tags)
            )
            found.append(node.key)
    return found


def hourly_confirmation(assets: Sequence[dg.AssetsDefinition]) -> list[dg.ScheduleDefinition]:
    """Return the schedule that confirms datasets; none where there are none."""
    if not any(key.path[0] == "dataset" for asset in assets for key in asset.keys):
        return []

    @dg.op(
        description="Tells the latest materialisation of datasets again whose sources brought nothing new."
    )
    def confirm_datasets(context: dg.OpExecutionContext) -> None:
        line = [asset for asset in assets if asset.partitions_def is None]
        context.add_output_metadata({"datasets": len(confirm(context.instance, nodes_of(line, {})))})

    @dg.job(name="confirmation", description="Datasets whose sources brought nothing new are confirmed.")
    def confirmation() -> None:
        confirm_datasets()

    return [
        runs_by_itself(
            "hourly_confirmation",
            confirmation,
            WHEN,
            "Keeps datasets fresh in the UI whose sources were read and brought nothing new.",
        )
    ]
