"""The sensor of spreadsheets and exports: files that arrived whole in a source's folder make its raw tables read again.

Whole is: no lock or half-written file beside them, and the same sizes and times as at the look before.
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
from omics_orchestrator.orchestration.sensors.asking import Batch, Following, Look, busy, seen_before
from omics_orchestrator.orchestration.sensors.reading import place_of, raw_keys, signatures, sources_of
from omics_orchestrator.sources import Delimited, Excel, RedcapExport
from omics_orchestrator.sources.followed import Followed
from omics_orchestrator.steps.pseudonymise import source_signature
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

FILES: tuple[type[Followed], ...] = (Delimited, Excel, RedcapExport)


def dropbox_sensor(
    studies: Sequence[Study], every: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Return the sensor; it looks `every` so many seconds."""
    following = Following(
        name="dropbox",
        prefixes=tuple(("raw", study.study) for study in studies),
        every=every,
        description="Reads the tables of a source when its files changed and have arrived whole.",
        otherwise="no file of a source changed",
    )
    return following.sensor(
        lambda context: Folders(current_workspace(), context.instance, studies, clock()), clock
    )


@dataclass
class Folders(Look):
    """One look at the folders of all followed sources.

    Attributes:
        workspace: of this machine.
        instance: knows when which table was read.
        studies: whose sources are looked at.
        now: the clock.
        cursor: source → digest of its listing, where that is not what was read.
        failures: what did not answer, told once for each store.
        waiting: sources whose files are still arriving.
    """

    workspace: Workspace
    instance: dg.DagsterInstance
    studies: Sequence[Study]
    now: datetime

    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield the sources whose files changed and are whole."""
        before, seen = seen_before(cursor), {}
        running = busy(self.instance)
        failed: set[str] = set()
        for study, name, source in sources_of(self.studies, *FILES):
            place, stores = place_of(study, name), {place.split("://")[0] for place in source.locations()}
            if not stores or not source.follow or failed & stores:
                continue
            try:
                found = source_signature(self.workspace, study, name, hasty=True)
                due = self._due(study, name, found)
                if not due or not running.isdisjoint(due):
                    continue
                seen[place] = found
                if before.get(place) != found or source.arriving(self.workspace.hasty_stores, self.now):
                    self.waiting.append(f"{place}: its files are arriving or being edited")
                    continue
            except OmicsError as error:
                failed |= stores
                self.failures.append(f"{place}: {error}")
                continue
            yield batch_of(study, name, due, found)
        self.cursor = json.dumps(seen)

    def _due(self, study: Study, name: str, found: str) -> tuple[dg.AssetKey, ...]:
        read = signatures(self.instance, raw_keys(study, name))
        return tuple(key for key, signature in read.items() if signature != found)


def batch_of(study: Study, source: str, due: tuple[dg.AssetKey, ...], content: str) -> Batch:
    """Return the batch that a changed source is."""
    told = counted(len(due), "table is to be read", "tables are to be read")
    return Batch(place_of(study, source), due, content, told)
