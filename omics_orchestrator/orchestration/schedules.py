"""The nightly schedule: it asks for the sources of each study that is due; what lies downstream follows by itself.

One schedule for all studies: one per time would grow with them, and a study that comes later is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from omics_orchestrator.studies import Study
from omics_orchestrator.studies.study import Schedule

WHEN = "*/15 * * * *"
CAP = 50  # requests of one tick; who is left over is still due at the next one
RUN_KEY = "dagster/run_key"


def nightly(studies: Iterable[Study]) -> list[dg.ScheduleDefinition]:
    """Return the schedule that asks once a local date for each study that declares a time; none where none does.

    Its evaluation has no side effect: which dates were asked for is read off the runs that bear their keys.
    """
    timed = [study for study in studies if study.schedule and (study.raw_tables() or study.assays)]
    if not timed:
        return []
    prefixes = [[layer, study.study] for study in timed for layer in ("raw", "files")]

    @dg.schedule(
        name="nightly",
        target=dg.AssetSelection.key_prefixes(*prefixes),
        cron_schedule=WHEN,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads the sources of each study once a day, when its own time has come; unchanged content is not "
        "written again.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        due = due_studies(timed, context.scheduled_execution_time)
        asked = _asked(context.instance, [key for _, key in due])
        left = [(study, key) for study, key in due if key not in asked]
        for study, key in left[:CAP]:
            yield dg.RunRequest(run_key=key, asset_selection=sources_of(study), tags={"study": study.study})
        if not left:
            yield dg.SkipReason("every study was asked for since its time came")

    return [schedule]


def runs_by_itself(name: str, job: dg.JobDefinition, when: str, description: str) -> dg.ScheduleDefinition:
    """Return a schedule of the house's own work, in UTC; it runs unless somebody stops it."""
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=when,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )


def due_studies(studies: Sequence[Study], now: datetime) -> list[tuple[Study, str]]:
    """Return (study, run key) of the last time that each study was due, those that wait for longest first."""
    found = [(*last_due(study.schedule, now), study) for study in studies if study.schedule]
    found.sort(key=lambda one: (one[0], one[2].study))
    return [(study, f"nightly/{study.study}/{day.isoformat()}") for _, day, study in found]


def last_due(schedule: Schedule, now: datetime) -> tuple[datetime, date]:
    """Return the moment (UTC) at which a schedule was due last, and its local date.

    A local time that the clock leaves out comes as much later as the clock jumps; one that comes twice counts the
    first time.
    """
    today = now.astimezone(ZoneInfo(schedule.timezone)).date()
    moment = _moment(schedule, today)
    if moment > now:
        today -= timedelta(days=1)
        moment = _moment(schedule, today)
    return moment, today


def _moment(schedule: Schedule, day: date) -> datetime:
    local = time.fromisoformat(schedule.nightly)
    return datetime.combine(day, local, ZoneInfo(schedule.timezone)).astimezone(UTC)


def _asked(instance: dg.DagsterInstance, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that a run bears, however it ended: Dagster itself compares within one tick only."""
    runs = instance.get_runs(dg.RunsFilter(tags={RUN_KEY: list(keys)})) if keys else []
    return {run.tags[RUN_KEY] for run in runs}


def sources_of(study: Study) -> list[dg.AssetKey]:
    """Return the assets of a study that read from outside."""
    tables = [dg.AssetKey(["raw", study.study, *place]) for place in study.raw_tables()]
    return tables + [dg.AssetKey(["files", study.study, assay]) for assay in study.assays]
