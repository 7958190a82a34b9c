"""What is stored of one study, for those who trace a value: harmonised rows, what stands beside them, raw rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.steps.extract import with_original_names
from omics_orchestrator.steps.rows import rows_where
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, list_tables, table_state
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.places import table_of


class NotTraceable(OmicsError):
    """There is nothing stored that could be traced."""


def stored_studies(workspace: Workspace) -> list[str]:
    """Return the declared studies of which raw tables are stored here, by name."""
    schemas = {state.schema for state in list_tables(workspace.database)}
    return [
        name for name in sorted(workspace.catalogue.studies) if table_of(("raw", name, "", ""))[0] in schemas
    ]


class Stored:
    """The stored tables of one study."""

    def __init__(self, workspace: Workspace, study: Study) -> None:
        self.workspace = workspace
        self.study = study
        self._states: dict[tuple[str, str], TableState] = {}

    def block(self, entity: str) -> EntityBlock | None:
        """Return the block of an entity."""
        found: dict[str, EntityBlock] = dict(self.study.mapping.entities.items())
        return found.get(entity)

    def state(self, entity: str, side: str = "") -> TableState:
        """Return the state of a harmonised table, or of one beside it."""
        schema, name = table_of(("harmonised", self.study.study, entity))
        return self._state(
            (schema, f"{name}__{side}" if side else name), ("harmonised", self.study.study, entity)
        )

    def raw_state(self, place: tuple[str, str]) -> TableState:
        """Return the state of a raw table."""
        key = ("raw", self.study.study, *place)
        return self._state(table_of(key), key)

    def _state(self, place: tuple[str, str], key: tuple[str, ...]) -> TableState:
        if place not in self._states:
            state = table_state(self.workspace.database, *place)
            if state is None:
                raise NotTraceable(f"{'/'.join(key)} is not there yet; omics materialize {'/'.join(key)}")
            self._states[place] = state
        return self._states[place]

    def table(self, entity: str, side: str, where: Mapping[str, Any]) -> pa.Table:
        """Return rows of a harmonised table, or of one beside it."""
        return rows_where(self.workspace.database, self.state(entity, side), [where])

    def find(self, entity: str, side: str, where: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the same rows as dicts."""
        found: list[dict[str, Any]] = self.table(entity, side, where).to_pylist()
        return found


class RawRows:
    """The raw rows that gave one harmonised row, as they are now."""

    def __init__(self, stored: Stored, entity: str, block: EntityBlock, key: Mapping[str, str]) -> None:
        self.stored = stored
        self.entity = entity
        self.block = block
        self.places = {name: stored.study.place(block.table_of(name)) for name in block.tables()}
        self.key = key

    @cached_property
    def _fetched(self) -> dict[str, pa.Table]:
        records: dict[str, list[dict[str, Any]]] = {}
        for row in self.stored.find(self.entity, "provenance", self.key):
            records.setdefault(row["source_table"], []).append(json.loads(row["record"]))
        database = self.stored.workspace.database
        return {
            name: rows_where(database, self.stored.raw_state(place), records.get(".".join(place), []))
            for name, place in self.places.items()
        }

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Table by its name in the block → its rows, with original column names."""
        return {name: with_original_names(table) for name, table in self._fetched.items()}

    def source_table(self, name: str) -> str:
        """Return `<source>.<table>` of a table of the block."""
        return ".".join(self.places[name])

    def run(self, name: str, row: int) -> str:
        """Return the run that stored a row."""
        return str(self._fetched[name]["run_id"][row].as_py())

    def record(self, name: str, row: int) -> str:
        """Return the key of a row, as people read it (a classic REDCap project has no events)."""
        key, table = self.stored.raw_state(self.places[name]).key, self._fetched[name]
        cells = {column: table[column][row].as_py() for column in key}
        return ", ".join(f"{column} {cell}" for column, cell in cells.items() if cell != "")
