"""The status of every dictionary variable in every study: the tables `<entity>__status` of all studies, united.

What was harmonised is read; what could not be is told as an error. How one study's status is computed:
harmonise/status.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from omics_orchestrator.dictionary import ENTITIES, KEYS
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.harmonise.status import COUNTS, ERROR, STATUSES, UNDETERMINED, absent
from omics_orchestrator.steps.picture import Grid, draw
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, list_tables, read_table
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import table_of

COLOURS = dict(
    zip(
        STATUSES,
        ((0, 178, 135), (240, 228, 66), (178, 178, 178), (238, 238, 238), (204, 151, 187), (225, 110, 40)),
        strict=True,
    )
)
"""Colours that people with any kind of colour vision tell apart; each is also told by its first letter."""


@dataclass(frozen=True)
class Status:
    """What became of one variable in one study; counts that make no sense are None."""

    status: str
    why: str = ""
    coverage: float | None = None
    counts: Mapping[str, int | None] | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Status:
        """Return the status in one row of `<entity>__status`."""
        counts = {name: row.get(name) for name in COUNTS}
        return cls(row["status"], row["why"] or "", row.get("coverage"), counts)


@dataclass(frozen=True)
class StatusMatrix:
    """(entity, variable) → study → status, in the dictionary's order."""

    studies: tuple[str, ...]
    cells: Mapping[tuple[str, str], Mapping[str, Status]]

    def counted(self) -> dict[str, int]:
        """Return status → number of cells, every status named."""
        found = Counter(cell.status for row in self.cells.values() for cell in row.values())
        return {status: found[status] for status in STATUSES}

    def only(self, studies: Collection[str]) -> StatusMatrix:
        """Return the matrix of these studies, and of the variables of which one of them says anything."""
        kept = tuple(study for study in self.studies if study in studies)
        rows = {place: {study: row[study] for study in kept} for place, row in self.cells.items()}
        said = {
            place: row
            for place, row in rows.items()
            if any(cell.status != UNDETERMINED for cell in row.values())
        }
        return StatusMatrix(kept, said)

    def picture(self, title: str) -> bytes:
        """Return the matrix as a PNG: names, colours and letters."""
        rows = [
            (name, [row[study].status for study in self.studies]) for (_, name), row in self.cells.items()
        ]
        return draw(Grid(title, self.studies, rows, COLOURS))


def status_matrix(
    workspace: Workspace, *, study: str | None = None, entity: str | None = None
) -> StatusMatrix:
    """Unite the status of every variable over all studies, or of one study, or of one entity.

    Raises:
        UnknownKey: no such study or entity.
    """
    catalogue = workspace.catalogue
    known = [*catalogue.studies, *catalogue.broken]
    if study is not None and study not in known:
        raise UnknownKey("study", study, known)
    if entity is not None and entity not in ENTITIES:
        raise UnknownKey("entity", entity, ENTITIES)
    studies = tuple(sorted(known)) if study is None else (study,)
    stored = {(state.schema, state.name): state for state in list_tables(workspace.database)}
    return _united(workspace, studies, ENTITIES if entity is None else (entity,), stored)


def declared_matrix(workspace: Workspace) -> StatusMatrix:
    """Return the matrix as if nothing was harmonised: what is declared, without a database."""
    studies = tuple(sorted([*workspace.catalogue.studies, *workspace.catalogue.broken]))
    return _united(workspace, studies, ENTITIES, {})


def _united(
    workspace: Workspace,
    studies: tuple[str, ...],
    entities: Collection[str],
    stored: Mapping[tuple[str, str], TableState],
) -> StatusMatrix:
    cells: dict[tuple[str, str], dict[str, Status]] = {}
    for one in entities:
        names = [v.name for v in workspace.dictionary.of_entity(one) if v.name not in KEYS[one]]
        found = {name: _of_study(workspace, name, one, names, stored) for name in studies}
        cells |= {(one, name): {each: found[each][name] for each in studies} for name in names}
    return StatusMatrix(studies, cells)


def _of_study(
    workspace: Workspace,
    name: str,
    entity: str,
    variables: list[str],
    stored: Mapping[tuple[str, str], TableState],
) -> dict[str, Status]:
    """Return variable → its status in one study."""
    study = workspace.catalogue.studies.get(name)
    if study is None:
        return dict.fromkeys(variables, Status(ERROR, "the declaration is broken: omics check"))
    schema, table = table_of(("harmonised", name, entity))
    place = (schema, f"{table}__status")
    rows: dict[str, Status] = {}
    if entity in study.mapping.entities and place in stored:
        read = read_table(workspace.database, *place).to_pylist()
        rows = {row["variable"]: Status.of(row) for row in read}
    why = _unharmonised(workspace, study, entity)
    return {variable: rows.get(variable) or _absent(study, entity, variable, why) for variable in variables}


def _absent(study: Study, entity: str, variable: str, why: str) -> Status:
    block = study.mapping.entities.get(entity)  # type: ignore[call-overload]
    if block and variable in block.rules:
        return Status(ERROR, why)
    return Status.of(absent(study, variable))


def _unharmonised(workspace: Workspace, study: Study, entity: str) -> str:
    if missing := workspace.unavailable(study):
        return f"not available here: {missing} is not set"
    return f"not harmonised: omics materialize harmonised/{study.study}/{entity}"


def strip(study: str, entity: str, table: pa.Table) -> bytes:
    """Return the picture of one entity of one study, from its table of statuses."""
    cells = {(entity, row["variable"]): {study: Status.of(row)} for row in table.to_pylist()}
    return StatusMatrix((study,), cells).picture(f"{entity} of {study}")


def legend() -> Iterator[str]:
    """Yield each status after the letter that stands for it in narrow tables and pictures."""
    yield from (f"{status[0].upper()} {status}" for status in STATUSES)
