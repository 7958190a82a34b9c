"""The sensor of changed declarations: when data_dictionary/ on the disk is not what was loaded, a reload is asked for.

What follows from the new declarations then runs by itself (automation.py): their assets bear other code versions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.dictionary.folder import folder_digest
from omics_orchestrator.orchestration.reload import reload_declarations
from omics_orchestrator.orchestration.sensors.asking import Batch, result
from omics_orchestrator.settings import Settings

EVERY = 30  # seconds
PLACE = "declarations"


def dictionary_sensor(
    loaded: str, every: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Return the sensor.

    Args:
        loaded: digest of the declarations that these definitions were built from.
        every: seconds between two looks; a change is acted on when the second one sees it unchanged.
        clock: tells the time.
    """

    @dg.sensor(
        name="dictionary",
        job=reload_declarations,
        minimum_interval_seconds=min(EVERY, every),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the code location anew when the declarations on the disk changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = folder_digest(Settings.from_environment().dictionary)
        if found == loaded:
            return result(
                context, [], clock(), cursor="", otherwise="the declarations on the disk are loaded"
            )
        if context.cursor != found:  # perhaps a pull is at work
            return result(context, [], clock(), cursor=found, otherwise="the declarations are changing")
        batch = Batch(PLACE, (), found, "the declarations on the disk are not those that are loaded")
        return result(context, [batch], clock(), cursor=found, otherwise="")

    return sensor
