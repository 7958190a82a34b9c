"""What the database tells for the pages, a query per table; where it is out of reach, what is declared stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.errors import NotConfigured, StorageError, UnknownKey
from omics_orchestrator.registry.query import files_of
from omics_orchestrator.steps.find import stored_tables
from omics_orchestrator.steps.status import StatusMatrix, declared_matrix, status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState

AGAIN = 3  # times that the database is asked while others change it


@dataclass(frozen=True)
class AssayFiles:
    """Files of one assay: all, with a known sample, waiting in quarantine, breaking their format."""

    registered: int
    linked: int
    quarantined: int
    invalid: int


@dataclass(frozen=True)
class Held:
    """What is stored.

    Attributes:
        matrix: the status of every variable in every study.
        unreached: why the database could not be asked; empty = it answered.
        tables: asset key → state of the table.
        files: (study, assay) → its files.
    """

    matrix: StatusMatrix
    unreached: str = ""
    tables: Mapping[str, TableState] = field(default_factory=dict)
    files: Mapping[tuple[str, str], AssayFiles] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was ever harmonised."""
        return not any(key.startswith("harmonised/") for key in self.tables)

    def rows(self, study: str) -> dict[str, int]:
        """Return entity → number of its rows in a study."""
        found = {entity: self.tables.get(f"harmonised/{study}/{entity}") for entity in ENTITIES}
        return {entity: state.rows for entity, state in found.items() if state}

    def columns(self, study: str) -> dict[str, frozenset[str]]:
        """Return raw table of a study, as mapping.yaml names it → its columns; tables never read are left out."""
        found: dict[str, frozenset[str]] = {}
        for key, state in self.tables.items():
            layer, *place = key.split("/")
            if layer == "raw" and place[0] == study:
                _, source, table = place
                found[f"{source}.{table}"] = frozenset(state.arrow_schema.names)
                if table == source:  # a source of one table is named alone
                    found[source] = found[f"{source}.{table}"]
        return found

    def changed(self, study: str) -> date | None:
        """Return the day (UTC) on which a table of the study changed last."""
        days = [
            state.written_at.date() for key, state in self.tables.items() if key.split("/")[1:2] == [study]
        ]
        return max(days, default=None)


def held(workspace: Workspace) -> Held:
    """Read what is stored; a database that does not answer is no error but told."""
    told = ""
    for _ in range(AGAIN):
        try:
            tables = stored_tables(workspace)
            return Held(status_matrix(workspace), "", tables, _files(workspace))
        except UnknownKey as error:  # a table was dropped between two questions
            told = str(error)
        except (StorageError, NotConfigured) as error:
            told = str(error)
            break
    return Held(declared_matrix(workspace), told)


def _files(workspace: Workspace) -> dict[tuple[str, str], AssayFiles]:
    """Count each assay's files (a file of many samples once)."""
    numbers: dict[tuple[str, str], dict[str, set[int]]] = {}
    columns = ("study", "assay", "number", "sample_id", "participant_id", "reason", "verdict")
    for row in files_of(workspace.database).select(columns).to_pylist():
        found = numbers.setdefault((row["study"], row["assay"]), {name: set() for name in "rlqi"})
        found["r"].add(row["number"])
        if row["sample_id"] or row["participant_id"]:
            found["l"].add(row["number"])
        if row["reason"]:
            found["q"].add(row["number"])
        if row["verdict"] == "invalid":
            found["i"].add(row["number"])
    return {place: AssayFiles(*(len(found[name]) for name in "rlqi")) for place, found in numbers.items()}
