"""How many participants of a study took a drug, never took it, or are not known to have done either.

Taken: any yes/no variable about the drug says yes, or a coded one has a code that is about it, at any visit. Never:
only where `ever_taken` says no and nothing says yes. Which cells may be shown: disclosure.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from omics_orchestrator.dictionary import ENTITIES, Variable
from omics_orchestrator.dictionary.drugs import Drug, Drugs
from omics_orchestrator.dictionary.told import variables_told
from omics_orchestrator.errors import StorageError, UnknownKey
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.distribution import PARTICIPANT, Distribution, Sorted, closed, draw
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, read_table

TAKEN, NEVER, UNKNOWN = "taken", "never taken", "not known"
Evidence = Mapping[str, tuple[str, ...]]
"""Variable → the codes that say that it was taken; none = a yes does."""
Exposures = Mapping[tuple[str, str], Distribution]
"""(study, drug) → how many took it; no entry = no variable of the study says."""


@dataclass(frozen=True)
class Answers:
    """The answers of one variable: the number of each row's participant, and the values."""

    people: NDArray[np.int64]
    values: pa.ChunkedArray

    def among(self, number: int, codes: Sequence[str], *, yes: bool = True) -> NDArray[np.bool_]:
        """Return for each of so many participants whether any row says so: one of the codes, else yes (or no)."""
        asked = pa.array(codes, pa.string()) if codes else pa.array([yes])
        rows = np.asarray(pc.is_in(self.values, value_set=asked)) & (self.people >= 0)
        found = np.zeros(number, np.bool_)
        found[self.people[rows]] = True
        return found


def exposures(
    workspace: Workspace, tables: Mapping[str, TableState], drugs: Drugs, coarse: Coarse
) -> Iterator[tuple[tuple[str, str], Distribution]]:
    """Yield (study, drug) and its counts, a query per table; a study whose table is just gone is left out."""
    for study in workspace.catalogue.studies:
        if f"harmonised/{study}/participant" in tables:
            try:
                found = list(_of_study(workspace, tables, study, drugs, coarse))
            except (StorageError, UnknownKey):
                continue
            yield from (((study, name), counts) for name, counts in found)


def evidence_of(drug: Drug, variables: Mapping[str, Variable]) -> dict[str, tuple[str, ...]]:
    """Return the variables that can say that the drug was taken; levels, dates and texts about it cannot."""
    told = variables_told(drug.variables, variables)
    return {
        name: codes
        for name, codes in told.items()
        if variables[name].type == ("code" if codes else "boolean") and not closed(variables[name])
    }


def _of_study(
    workspace: Workspace, tables: Mapping[str, TableState], study: str, drugs: Drugs, coarse: Coarse
) -> Iterator[tuple[str, Distribution]]:
    variables = workspace.dictionary.variables
    said = {drug.name: evidence_of(drug, variables) for drug in drugs.drugs.values()}
    wanted = {name for evidence in said.values() for name in evidence}
    state = tables[f"harmonised/{study}/participant"]
    people = read_table(workspace.database, state.schema, state.name, columns=(PARTICIPANT,))[PARTICIPANT]
    answers: dict[str, Answers] = {}
    for entity in ENTITIES:
        if one := tables.get(f"harmonised/{study}/{entity}"):
            answers |= _answers(workspace, one, wanted, people)
    for drug in drugs.drugs.values():
        evidence = {name: codes for name, codes in said[drug.name].items() if name in answers}
        if evidence:
            personal = any(variables[name].sensitivity == "personal" for name in evidence)
            limit = coarse.stricter() if personal else coarse
            found = sorted_by(drug, evidence, answers, len(people))
            everyone = np.arange(len(people))
            yield drug.name, draw(found, everyone, limit, coarse, entity="participant", single=True)


def _answers(
    workspace: Workspace, state: TableState, wanted: set[str], people: pa.ChunkedArray
) -> dict[str, Answers]:
    columns = [name for name in state.arrow_schema.names if name in wanted]
    if not columns:
        return {}
    table = read_table(workspace.database, state.schema, state.name, columns=[PARTICIPANT, *columns])
    places = pc.index_in(table[PARTICIPANT], value_set=people.combine_chunks())
    numbers = np.asarray(pc.fill_null(places, -1)).astype(np.int64)
    return {name: Answers(numbers, table[name]) for name in columns}


def sorted_by(drug: Drug, evidence: Evidence, answers: Mapping[str, Answers], number: int) -> Sorted:
    """Sort so many participants into those who took it, never took it where that was asked, and all others."""
    taken = np.zeros(number, np.bool_)
    for name, codes in evidence.items():
        taken |= answers[name].among(number, codes)
    labels = [TAKEN, UNKNOWN]
    places = np.where(taken, 0, 1)
    if drug.ever_taken in evidence:
        labels = [TAKEN, NEVER, UNKNOWN]
        denied = answers[drug.ever_taken].among(number, (), yes=False)
        places = np.where(taken, 0, np.where(denied, 1, 2))
    return Sorted(labels, places.astype(np.int64))
