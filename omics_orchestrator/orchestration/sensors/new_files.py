"""The sensor that registers omics files: listings that differ from the registry become batches, one per assay.

Its evaluation writes nothing; a daemon that dies meanwhile evaluates again. What differs is found by
registry/arrivals.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.sensors.asking import Batch, Following, Look, busy, for_seconds
from omics_orchestrator.registry.arrivals import Arrivals, Position
from omics_orchestrator.steps.register import arrivals
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

LOOK_SECONDS = 20.0  # of one tick; a tick that takes 60 is given up by Dagster


def files_sensor(
    studies: Sequence[Study], every: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Return the sensor; it looks `every` so many seconds."""
    following = Following(
        name="new_files",
        prefixes=tuple(("files", study.study) for study in studies),
        every=every,
        description="Registers the files of an assay when its store lists something new, changed or gone.",
        otherwise="every store lists what the registry holds",
    )
    return following.sensor(
        lambda context: Listings(
            current_workspace(), studies, for_seconds(LOOK_SECONDS), busy(context.instance)
        ),
        clock,
    )


@dataclass
class Listings(Look):
    """One look at all stores, as far as time allows.

    Attributes:
        workspace: of this machine.
        studies: whose assays are looked at.
        in_time: False ends the look; the next one goes on there.
        running: assets that a run makes now; they are passed over.
        cursor: where the next look begins; holds counts and registry numbers only.
        failures: what stores did not answer, told once for each store.
    """

    workspace: Workspace
    studies: Sequence[Study]
    in_time: Callable[[], bool]
    running: frozenset[dg.AssetKey] = frozenset()

    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield what differs from the registry."""
        first, position = _read(cursor)
        places = [(study, assay) for study in self.studies for assay in study.assays]
        start = next((i for i, (study, assay) in enumerate(places) if _place(study, assay) == first), 0)
        failed: set[str] = set()
        for number, (study, assay) in enumerate(places[start:] + places[:start]):
            place, store = _place(study, assay), study.assays[assay].location.split("://")[0]
            if number and not self.in_time():
                self.cursor = _write(place, Position())
                return
            if dg.AssetKey(["files", study.study, assay]) in self.running or store in failed:
                continue
            here = position if place == first else Position()
            try:
                found = arrivals(self.workspace, study, assay, here, self.in_time)
            except OmicsError as error:
                failed.add(store)
                self.failures.append(f"{place}: {error}")
                continue
            if found.digest:
                yield batch_of(study, assay, found)
            elif found.position:
                self.cursor = _write(place, found.position)
                return


def batch_of(study: Study, assay: str, found: Arrivals) -> Batch:
    """Return the batch that an assay's arrivals are."""
    words = []
    if found.changed:
        words.append(counted(found.changed, "file is new or changed", "files are new or changed"))
    if found.gone:
        words.append(counted(found.gone, "file is gone", "files are gone"))
    if found.beside:
        words.append("the sample sheet or a manifest changed")
    key = dg.AssetKey(["files", study.study, assay])
    return Batch(_place(study, assay), (key,), found.digest, ", ".join(words))


def _place(study: Study, assay: str) -> str:
    return f"files/{study.study}/{assay}"


def _read(cursor: str | None) -> tuple[str, Position]:
    """Return where to begin; a cursor that cannot be read (of an older version) begins anew."""
    try:
        found = json.loads(cursor or "{}")
        return str(found.get("place", "")), Position(int(found.get("after", 0)), int(found.get("present", 0)))
    except (ValueError, AttributeError, TypeError):
        return "", Position()


def _write(place: str, position: Position) -> str:
    return json.dumps({"place": place, "after": position.after, "present": position.present})
