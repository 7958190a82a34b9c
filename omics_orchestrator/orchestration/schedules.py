"""The nightly schedules: they read the sources; what lies downstream follows when its content did change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import dagster as dg

from omics_orchestrator.studies import Study


def nightly(studies: Iterable[Study]) -> list[dg.ScheduleDefinition]:
    """Return one schedule per declared time: a job per study would make loading quadratic."""
    by_time: dict[tuple[str, str], list[str]] = defaultdict(list)
    for study in studies:
        if study.schedule:
            by_time[study.schedule.nightly, study.schedule.timezone].append(study.study)
    return [
        _schedule(time, timezone, names, single=len(by_time) == 1)
        for (time, timezone), names in sorted(by_time.items())
    ]


def _schedule(time: str, timezone: str, studies: list[str], *, single: bool) -> dg.ScheduleDefinition:
    hour, minute = time.split(":")
    suffix = (
        "" if single else f"_{hour}{minute}_{timezone.replace('/', '_').replace('-', '_').replace('+', '_')}"
    )
    prefixes = [[layer, study] for study in studies for layer in ("raw", "files")]
    return dg.ScheduleDefinition(
        name=f"nightly{suffix}",
        target=dg.AssetSelection.key_prefixes(*prefixes),
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads the sources of {len(studies)} studies; unchanged content is not written again.",
    )
