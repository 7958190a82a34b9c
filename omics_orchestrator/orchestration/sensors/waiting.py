"""Batches that failed and wait for their next attempt, for `omics status`: what the sensors would say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from omics_orchestrator.dictionary.folder import folder_digest
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.sensors.asking import BATCH, PLACE, Batch, standing_of
from omics_orchestrator.orchestration.sensors.dictionary import PLACE as DECLARATIONS
from omics_orchestrator.orchestration.sensors.dropbox import batch_of as batch_of_source
from omics_orchestrator.orchestration.sensors.new_files import batch_of as batch_of_files
from omics_orchestrator.orchestration.sensors.reading import raw_keys, signatures
from omics_orchestrator.orchestration.sensors.redcap import FIRST
from omics_orchestrator.registry.arrivals import Position
from omics_orchestrator.steps.pseudonymise import source_signature
from omics_orchestrator.steps.register import arrivals
from omics_orchestrator.steps.workspace import Workspace

SENSORS = ("new_files", "dropbox", "redcap_edits", "dictionary")
NEWEST = 500  # runs of the sensors that are looked at


@dataclass(frozen=True)
class Waiting:
    """A batch that was tried and is not here yet.

    Attributes:
        place: `files/<study>/<assay>`, `raw/<study>/<source>` or `declarations`.
        attempts: how often it was tried.
        under_way: whether an attempt is queued or running.
        next_at: when the next attempt may begin; None = at the sensor's next look.
    """

    place: str
    attempts: int
    under_way: bool
    next_at: datetime | None


def waiting(instance: dg.DagsterInstance, workspace: Workspace) -> list[Waiting]:
    """Return the batches that were tried and are still not here, by place; only what failed last is looked at again."""
    asked = dg.RunsFilter(tags={"dagster/sensor_name": list(SENSORS)})
    latest: dict[str, dg.DagsterRun] = {}
    for run in instance.get_runs(asked, limit=NEWEST):
        latest.setdefault(run.tags.get(PLACE, ""), run)
    places = sorted(
        place for place, run in latest.items() if place and run.status != dg.DagsterRunStatus.SUCCESS
    )
    return list(_still_waiting(instance, workspace, places, latest))


def _still_waiting(
    instance: dg.DagsterInstance, workspace: Workspace, places: list[str], latest: dict[str, dg.DagsterRun]
) -> Iterator[Waiting]:
    for place in places:
        tried = latest[place].tags.get(BATCH, "")
        try:
            now = _batch(instance, workspace, place, tried)
        except OmicsError:  # its store or server does not answer: it waits as it did
            now = tried
        if now != tried:
            continue  # it is here, or something else came, which is tried at once
        found = standing_of(instance, tried)
        if found.made:
            yield Waiting(place, found.made, found.under_way, found.next_at)


def _batch(instance: dg.DagsterInstance, workspace: Workspace, place: str, tried: str) -> str | None:
    """Return the name of the batch that a place has now; None = there is nothing to do."""
    layer, _, rest = place.partition("/")
    if layer == DECLARATIONS:
        found = folder_digest(workspace.settings.dictionary)
        return Batch(place, (), found, "").digest
    name, _, within = rest.partition("/")
    study = workspace.catalogue.studies.get(name)
    if study is None or within not in (study.assays if layer == "files" else study.sources):
        return None
    if layer == "files":
        look = arrivals(workspace, study, within, Position(), lambda: True)
        return batch_of_files(study, within, look).digest if look.digest else None
    read = signatures(instance, raw_keys(study, within))
    contents = [source_signature(workspace, study, within, hasty=True), FIRST]
    due = tuple(key for key, signature in read.items() if signature != contents[0])
    batches = [batch_of_source(study, within, due, content).digest for content in contents if due]
    return next((digest for digest in batches if digest == tried), None)
