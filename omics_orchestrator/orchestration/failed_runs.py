"""The sensor that tells people of failed runs, once a minute, all in one message. What it says: steps/notify."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import dagster as dg
from dagster import RunStatusChangeRecordsFilter

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.failures import failures_of, is_final
from omics_orchestrator.steps.notify import Memory, channels_of
from omics_orchestrator.steps.notify.tell import Event, tell
from omics_orchestrator.studies import Study

EVERY_SECONDS = 60
AT_ONCE = 500  # failed runs looked at in one tick; the next tick goes on
UNDECIDED_SECONDS = 300.0  # a failed run that is to run again has its successor by then, or it is told


def failed_runs(studies: Sequence[Study]) -> dg.SensorDefinition:
    """Return the sensor; it launches nothing, and what it cannot send it keeps for a later tick."""

    @dg.sensor(
        name="failed_runs",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed runs by e-mail and webhook; asks for no run.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        workspace = current_workspace()
        try:
            channels = channels_of(workspace.settings, studies)
        except OmicsError as error:
            return dg.SkipReason(f"nobody can be told: {error}")
        cursor, now = json.loads(context.cursor or "{}"), time.time()
        newest = context.instance.event_log_storage.get_maximum_record_id() or 0
        memories = {
            channel.name: Memory.read(cursor[channel.name]) if channel.name in cursor else Memory(newest)
            for channel in channels
        }
        after = min((memory.after for memory in memories.values()), default=newest)
        told = tell(workspace.settings, channels, memories, events(context.instance, after, now), now)
        context.update_cursor(json.dumps({name: memory.stored() for name, memory in told.memories.items()}))
        return dg.SkipReason("; ".join(told.lines) or "nothing new has failed")

    return sensor


def events(instance: dg.DagsterInstance, after: int, now: float) -> list[Event]:
    """Return the failures of runs that failed after the event `after`, the oldest first."""
    wanted = RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=after)
    found = []
    for record in instance.fetch_run_status_changes(wanted, limit=AT_ONCE, ascending=True).records:
        run = instance.get_run_by_id(record.event_log_entry.run_id)
        at = record.event_log_entry.timestamp
        if run is None:
            continue
        if is_final(run):
            found.append(Event(record.storage_id, failures_of(instance, run, at)))
        elif _undecided(run):
            if now - at < UNDECIDED_SECONDS:
                break  # looked at again in the next tick
            found.append(Event(record.storage_id, failures_of(instance, run, at)))
        else:
            found.append(Event(record.storage_id, ()))
    return found


def _undecided(run: dg.DagsterRun) -> bool:
    """Tell whether a run is to be tried again and was not yet."""
    return run.tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in run.tags
