"""Batches become run requests: one per batch and attempt, capped per tick, none for what is under way or backs off.

A batch is what one place (an assay, a source) has that is not yet here. Its attempts are read off Dagster's runs;
whether there is a batch at all is read off registry and stores, so deleted runs open nothing again.
"""

from __future__ import annotations

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.retries import safe, unexpected
from omics_orchestrator.orchestration.sensors.attempts import Attempt, Standing, standing

BATCHES = 20  # run requests per tick
BATCH, ATTEMPT, PLACE = "omics/batch", "omics/attempt", "omics/place"  # tags of a run
NEWEST = 100  # runs of one batch that are looked at
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Batch:
    """What a place has that is not here.

    Attributes:
        place: `files/<study>/<assay>`, `raw/<study>/<source>`, or `declarations`.
        keys: the assets to run; () = the sensor's own job.
        content: names what came, so that something else is another batch.
        told: what came, in words without names.
    """

    place: str
    keys: tuple[dg.AssetKey, ...]
    content: str
    told: str

    @property
    def digest(self) -> str:
        """The batch's name: place and content."""
        return hashlib.sha256(f"{self.place}\0{self.content}".encode()).hexdigest()[:24]


@dataclass(kw_only=True)
class Look(ABC):
    """One look at all places of a sensor.

    Attributes:
        cursor: what the next look begins with, once `batches` has ended.
        failures: what did not answer, in words for the daemon's log.
        waiting: what is passed over this time, in words.
    """

    cursor: str = ""
    failures: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @abstractmethod
    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield what is not here."""


@dataclass(frozen=True)
class Following:
    """A sensor of one kind of place, as Dagster shows it.

    Attributes:
        name: of the sensor.
        prefixes: whose assets it runs.
        every: seconds between two looks.
        description: in the UI.
        otherwise: what a look says that found nothing.
    """

    name: str
    prefixes: tuple[tuple[str, ...], ...]
    every: int
    description: str
    otherwise: str

    def sensor(
        self, look: Callable[[dg.SensorEvaluationContext], Look], clock: Callable[[], datetime]
    ) -> dg.SensorDefinition:
        """Return the sensor that looks this way; its evaluation writes nothing."""

        @dg.sensor(
            name=self.name,
            target=dg.AssetSelection.key_prefixes(*map(list, self.prefixes)),
            minimum_interval_seconds=self.every,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=self.description,
        )
        def evaluated(context: dg.SensorEvaluationContext) -> dg.SensorResult:
            try:
                one = look(context)
                batches = list(one.batches(context.cursor))
            except OmicsError:
                raise
            except Exception as error:  # noqa: BLE001 - Dagster keeps the texts of ticks
                raise safe(type(error).__name__, unexpected(error)) from None
            for told in one.failures:
                context.log.warning(told)
            otherwise = "; ".join([*one.failures, *one.waiting]) or self.otherwise
            return result(context, batches, clock(), cursor=one.cursor, otherwise=otherwise)

        return evaluated


def seen_before(cursor: str | None) -> dict[str, str]:
    """Return what the last look saw, place → content; a cursor that cannot be read costs one look more."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Return what tells whether so many seconds are not over yet."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def busy(instance: dg.DagsterInstance) -> frozenset[dg.AssetKey]:
    """Return the assets that queued and running runs will make."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    return frozenset(key for run in runs for key in run.asset_selection or ())


def result(
    context: dg.SensorEvaluationContext,
    batches: Iterable[Batch],
    now: datetime,
    *,
    cursor: str | None = None,
    otherwise: str,
) -> dg.SensorResult:
    """Return what a tick asks for; `otherwise` says why it asks for nothing."""
    reasons: list[str] = []
    asked = list(_requests(context, batches, now, reasons))
    why = "; ".join(reasons[:10]) or otherwise
    return dg.SensorResult(
        run_requests=asked, skip_reason=None if asked else dg.SkipReason(why), cursor=cursor
    )


def _requests(
    context: dg.SensorEvaluationContext, batches: Iterable[Batch], now: datetime, reasons: list[str]
) -> Iterator[dg.RunRequest]:
    asked = 0
    for batch in batches:
        found = standing_of(context.instance, batch.digest)
        if not found.may_begin(now):
            reasons.append(f"{batch.place}: {_waits(found)}")
        elif asked == BATCHES:
            reasons.append(f"{batch.place}: asked for at the next tick, {BATCHES} runs are enough for one")
        else:
            asked += 1
            number = found.made + 1
            context.log.info("%s: %s; attempt %d", batch.place, batch.told, number)
            tags = {BATCH: batch.digest, ATTEMPT: str(number), PLACE: batch.place}
            selection = list(batch.keys) or None
            yield dg.RunRequest(run_key=f"{batch.digest}:{number}", asset_selection=selection, tags=tags)


def _waits(found: Standing) -> str:
    if found.next_at is None:
        return "its run is under way"
    return f"failed {found.made} times, tried again at {found.next_at:%Y-%m-%d %H:%M} UTC"


def standing_of(instance: dg.DagsterInstance, digest: str) -> Standing:
    """Return where a batch stands, by the runs that bear its name."""
    records = instance.get_run_records(dg.RunsFilter(tags={BATCH: digest}), limit=NEWEST)
    return standing(attempt_of(record) for record in records)


def attempt_of(record: dg.RunRecord) -> Attempt:
    """Return the attempt that a run was."""
    number = record.dagster_run.tags.get(ATTEMPT, "")
    ended = None
    if record.dagster_run.status not in UNDER_WAY:
        ended = (
            datetime.fromtimestamp(record.end_time, UTC)
            if record.end_time
            else record.update_timestamp.replace(tzinfo=UTC)
        )
    return Attempt(int(number) if number.isdigit() else 1, ended)
