"""The sensor of REDCap edits: one request per project asks for the newest edits; only another answer is looked into.

Projects whose log is closed to the token's user are read nightly only: without it nothing tells cheaply what changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.sensors.asking import Batch, Following, Look, busy, for_seconds
from omics_orchestrator.orchestration.sensors.dropbox import batch_of
from omics_orchestrator.orchestration.sensors.reading import place_of, raw_keys, signatures, sources_of
from omics_orchestrator.sources import Redcap
from omics_orchestrator.steps.pseudonymise import source_signature
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

LESS_OFTEN = 3  # than stores and folders: every 15 minutes
LOOK_SECONDS = 20.0  # of one tick; an answer that takes 30 more still fits into Dagster's 60
CLOSED = "its log is closed to the token's user (right Logging): it is read nightly only"
FIRST = "first reading"


def redcap_edits(
    studies: Sequence[Study], every: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Return the sensor; it asks every `every` × 3 seconds."""
    following = Following(
        name="redcap_edits",
        prefixes=tuple(("raw", study.study) for study in studies),
        every=every * LESS_OFTEN,
        description="Reads the instruments of a REDCap project when its log tells of new edits.",
        otherwise="no project tells of new edits",
    )
    return following.sensor(
        lambda context: Projects(current_workspace(), context.instance, studies, for_seconds(LOOK_SECONDS)),
        clock,
    )


@dataclass
class Projects(Look):
    """One round of questions to all followed projects, as far as time allows.

    Attributes:
        workspace: of this machine.
        instance: knows when which table was read.
        studies: whose projects are asked.
        in_time: False ends the round; the next one goes on there.
        cursor: project → the newest edits that are here already; and where to go on.
        failures: what did not answer.
    """

    workspace: Workspace
    instance: dg.DagsterInstance
    studies: Sequence[Study]
    in_time: Callable[[], bool]

    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield the projects with edits that are not here."""
        first, known = _read(cursor)
        projects = [one for one in sources_of(self.studies, Redcap) if one[2].follow]
        start = next((i for i, (study, name, _) in enumerate(projects) if place_of(study, name) == first), 0)
        running, goes_on = busy(self.instance), ""
        for number, (study, name, source) in enumerate(projects[start:] + projects[:start]):
            place = place_of(study, name)
            if number and not self.in_time():
                goes_on = place
                break
            try:
                batch = self._asked(study, name, source, known, running)
            except OmicsError as error:
                self.failures.append(f"{place}: {error}")
                continue
            if batch:
                yield batch
        self.cursor = json.dumps({"next": goes_on, "known": known})

    def _asked(
        self, study: Study, name: str, source: Redcap, known: dict[str, str], running: frozenset[dg.AssetKey]
    ) -> Batch | None:
        place, keys = place_of(study, name), raw_keys(study, name)
        if not running.isdisjoint(keys):
            return None
        read = signatures(self.instance, keys)
        if never := tuple(key for key, signature in read.items() if signature is None):
            return batch_of(study, name, never, FIRST)
        edits = source.edits(self.workspace.stores)
        if edits is None:
            self.failures.append(f"{place}: {CLOSED}")
        if not edits or edits == known.get(place):
            return None
        found = source_signature(self.workspace, study, name)
        due = tuple(key for key, signature in read.items() if signature != found)
        if due:
            return batch_of(study, name, due, found)
        known[place] = edits
        return None


def _read(cursor: str | None) -> tuple[str, dict[str, str]]:
    """Return where to begin and what is known; a cursor that cannot be read costs some questions more."""
    try:
        found = json.loads(cursor or "{}")
        return str(found.get("next", "")), dict(found.get("known", {}))
    except (ValueError, AttributeError, TypeError):
        return "", {}
