"""Which rows meet in a wide table: a row's participant, a visit's first sample; dated rules are computed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.harmonise.dated import dated
from omics_orchestrator.steps.wide import Part, joined
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.datasets import Dataset, variables_of

VISIT = ("participant_id", "visit_id")


@dataclass
class WideRows:
    """Brings the harmonised entities of one dataset together; what a person should know goes to `findings`."""

    study: Study
    dataset: Dataset
    dictionary: Dictionary
    findings: list[Finding] = field(default_factory=list)

    def of(self, parts: Mapping[str, Part]) -> dict[str, Part]:
        """Return entity → its variables, for all the rows of the dataset's own entity in their order."""
        own, entity = parts[self.dataset.entity], self.dataset.entity
        participants = parts.get("participant")
        if participants is not None:
            participants = self.dated("participant", participants, None)
        if entity == "participant":
            return {entity: participants or own}
        found = {}
        if participants is not None:
            found["participant"] = of_rows(participants, own)
            self.orphans(participants, own)
        found[entity] = self.dated(entity, own, found.get("participant"))
        if self.dataset.samples and "sample" in parts:
            samples = parts["sample"]
            theirs = of_rows(participants, samples) if participants is not None else None
            found["sample"] = self.first_samples(self.dated("sample", samples, theirs), own)
        return found

    def dated(self, entity: str, part: Part, participant: Part | None) -> Part:
        """Return the part with its dated rules computed, where the dataset gives the date."""
        day = self.dataset.reference_date
        if day is None:
            return part
        theirs = participant.inputs(self.variables("participant")) if participant else None
        inputs = part.inputs(self.variables(entity))
        found = dated(self.study, entity, self.dictionary, day, inputs, theirs)
        self.findings += found.findings
        return part.with_dated(found)

    def variables(self, entity: str) -> list[str]:
        """Return the names of the variables that the study has for an entity."""
        return [one.name for one in variables_of(self.study.mapping, self.dictionary, entity)]

    def orphans(self, participants: Part, own: Part) -> None:
        """Count the rows whose participant has no row."""
        known = pc.is_in(own.table["participant_id"], value_set=_ids(participants))
        orphans = own.table.num_rows - (pc.sum(known).as_py() or 0)
        if orphans:
            rows = counted(orphans, "row belongs", "rows belong")
            message = f"{rows} to a participant without a row; what is theirs is missing"
            self.findings.append(Finding("rows", message, orphans, "warning"))

    def first_samples(self, samples: Part, visits: Part) -> Part:
        """Return the first sample of each visit; the others are counted."""
        first = first_of_each(samples.table)
        ids = zip(*(visits.table[name].to_pylist() for name in VISIT), strict=True)
        places = pa.array([first.get(visit) for visit in ids], pa.int64())
        shown = len(places) - places.null_count
        known = pc.is_in(joined(samples.table, VISIT), value_set=joined(visits.table, VISIT).combine_chunks())
        others = (pc.sum(known).as_py() or 0) - shown
        if others:
            many = counted(others, "sample is", "samples are")
            message = f"{many} not shown: each visit shows its first by sample id"
            self.findings.append(Finding("samples", message, others, "note"))
        if elsewhere := samples.table.num_rows - others - shown:
            many = counted(elsewhere, "sample names", "samples name")
            message = f"{many} no visit that has a row, and cannot be shown"
            self.findings.append(Finding("samples", message, elsewhere, "warning"))
        return samples.take(places)


def of_rows(participants: Part, rows: Part) -> Part:
    """Return the participant of each row."""
    return participants.take(pc.index_in(rows.table["participant_id"], value_set=_ids(participants)))


def _ids(participants: Part) -> pa.Array:
    return participants.table["participant_id"].combine_chunks()


def first_of_each(samples: pa.Table) -> dict[tuple[str, str], int]:
    """Return (participant, visit) → place of the first sample by sample id, in which numbers count by size."""
    rows = zip(
        *(samples[name].to_pylist() for name in ("participant_id", "visit_id", "sample_id")), strict=True
    )
    first: dict[tuple[str, str], tuple[list[tuple[int, str]], int]] = {}
    for place, (participant, visit, sample) in enumerate(rows):
        if visit is not None:
            here = (_by_size(sample), place)
            first[participant, visit] = min(first.get((participant, visit), here), here)
    return {visit: place for visit, (_, place) in first.items()}


def _by_size(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]
