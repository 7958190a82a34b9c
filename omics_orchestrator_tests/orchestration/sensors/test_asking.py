"""What a tick tells when something nobody foresaw happens; what batches become is tested with each sensor."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.orchestration.sensors.asking import Batch, Following, Look

FOLLOWING = Following("follows", (("raw", "tiny"),), 30, "Follows.", "nothing came")


class Broken(Look):
    """A look that ends in an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield nothing; fail."""
        yield from ()
        raise self.error


def raised(error: Exception) -> str:
    sensor = FOLLOWING.sensor(lambda _: Broken(error), lambda: datetime.now(UTC))
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance=instance) as context:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Dagster would store
            sensor(context)
        return "".join(traceback.format_exception(caught.value))


def test_an_error_nobody_foresaw_tells_where_and_not_what() -> None:
    told = raised(ValueError("GID-007-P is no number"))
    assert "GID-007-P" not in told
    assert "a mistake of the program" in told


def test_an_error_of_ours_is_told_as_it_is() -> None:
    assert "the store does not answer" in raised(DeliveryError("the store does not answer"))
