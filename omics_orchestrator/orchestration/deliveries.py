"""Deliveries: daily windows of what a source or assay changed, beside the line and without an edge to it.

Time-partitioned upstreams are left out of Dagster's stale status, so raw/… and files/… do not depend on them: they
apply what is staged (steps/staged.py) whenever they run.
"""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
import dagster as dg

from omics_orchestrator.orchestration import describe
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.retries import told
from omics_orchestrator.sources.base import Window
from omics_orchestrator.steps.deliver import by_day, deliver
from omics_orchestrator.studies import Study

FIRST = "2004-01-01"  # REDCap's first year; nothing that a source can be asked by day is older
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST, end_offset=1)  # days of UTC; today is one of them
ONE_RUN = dg.BackfillPolicy.single_run()


def delivery_assets(study: Study) -> list[dg.AssetsDefinition]:
    """Return one asset for each source and assay that can be asked what changed within a window."""
    return [_delivery(study, name, tables) for name, tables in by_day(study).items()]


def _delivery(study: Study, name: str, tables: tuple[str, ...]) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        dg.AssetKey(["delivery", study.study, name]),
        description=describe.delivery(study, name, tables),
        partitions_def=DAYS,
        skippable=True,
        **describe.common(study),
    )

    # Without a return annotation: Dagster would take it for the type of an output.
    def run(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202
        if not (context.has_partition_key or context.has_partition_key_range):
            context.log.info("%s: the run names no day, nothing is asked", spec.key.to_user_string())
            return  # a run of all assets is none of ours
        days = context.partition_time_window
        with told(context.run, context.retry_number):
            result = deliver(
                current_workspace(), study, name, Window(days.start, days.end), run_id=context.run.run_id
            )
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata={**result.facts, "dagster/row_count": result.rows},
            data_version=dg.DataVersion(result.data_version),
        )

    run.__name__ = "__".join(spec.key.path)
    return dg.multi_asset(name=run.__name__, specs=[spec], backfill_policy=ONE_RUN)(run)
