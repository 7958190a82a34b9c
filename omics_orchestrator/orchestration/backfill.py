"""A backfill of deliveries: one run for all days of a source or assay; what is staged is applied by the line itself."""

from __future__ import annotations

from datetime import date

import dagster as dg

from omics_orchestrator.orchestration import clients
from omics_orchestrator.orchestration.materialise import QUIET, Line, errors_of

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def deliver_days(line: Line, key: dg.AssetKey, first: date, last: date) -> str | None:
    """Materialise the partitions of a delivery from `first` to `last` in one run; return why it failed, if it did."""
    job = line.definitions.resolve_implicit_global_asset_job_def()
    with clients.registered(line.database, line.instance) as tags:
        run = job.execute_in_process(
            instance=line.instance,
            asset_selection=[key],
            raise_on_error=False,
            run_config=QUIET,
            tags={**tags, RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
        )
    return None if run.success else next(iter(errors_of(run).values()), "failed")
