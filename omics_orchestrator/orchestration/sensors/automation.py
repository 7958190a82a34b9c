"""The sensor that lets downstream assets follow changed content and changed declarations."""

from __future__ import annotations

import dagster as dg


def automation() -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that runs what lies downstream of changed content."""
    return dg.AutomationConditionSensorDefinition(
        "changed_upstream",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
    )
