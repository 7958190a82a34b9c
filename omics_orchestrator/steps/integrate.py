"""Integrate: the harmonised tables of all studies become one table per entity in the schema `warehouse`."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.status import status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableWrite, fingerprint, list_tables, read_table, table_state
from omics_orchestrator.studies.places import table_of
from omics_orchestrator.warehouse import conform, unite_comparators


def integrate(workspace: Workspace, entity: str, unsound: Collection[str] = ()) -> StepResult:
    """Unite `entity` over every study that has been harmonised into this database.

    A study that was removed, or whose mapping has this entity no more, is out; one whose declaration is broken
    keeps the rows that it had.

    Args:
        workspace: where the tables lie.
        entity: whose tables.
        unsound: studies whose harmonised table failed a blocking check: they keep the rows that the warehouse has.
    """
    database, united = workspace.database, workspace.catalogue.united(entity)
    beside = f"{entity}__comparators"
    tables: dict[str, dict[str, pa.Table]] = {entity: {}, beside: {}}
    for state in list_tables(database):
        study = state.schema.removeprefix("harmonised_")
        if state.schema != study and state.name in tables and study in united and study not in unsound:
            tables[state.name][study] = read_table(database, state.schema, state.name)
    schema, name = table_of(("warehouse", entity))
    for table in tables:
        tables[table] |= _kept(workspace, schema, table, set(unsound) & set(united))
    participants = None
    if entity != "participant" and table_state(database, *table_of(("warehouse", "participant"))):
        participants = read_table(database, schema, "participant", columns=["study", "participant_id"])
    conformed = conform(workspace.dictionary, entity, tables[entity], participants)
    comparators = unite_comparators(entity, tables[beside])
    writes = (
        TableWrite(
            schema, name, conformed.table, conformed.key, description=f"All studies: one row per {entity}"
        ),
        TableWrite(schema, beside, comparators.table, comparators.key),
    )
    return StepResult(
        data_version=combined_version(fingerprint(write.table) for write in writes),
        findings=(*conformed.findings, *_held_back(unsound)),
        facts={"studies": len(tables[entity])},
        pictures={"variables": status_matrix(workspace, entity=entity).picture(f"{entity} in all studies")},
        writes=writes,
        rows=conformed.table.num_rows,
    )


def _kept(workspace: Workspace, schema: str, name: str, studies: Collection[str]) -> dict[str, pa.Table]:
    """Return study → the rows that the warehouse has of it."""
    if not studies or table_state(workspace.database, schema, name) is None:
        return {}
    held = read_table(workspace.database, schema, name)
    return {study: held.filter(pc.equal(held["study"], study)) for study in studies}


def _held_back(unsound: Collection[str]) -> list[Finding]:
    if not unsound:
        return []
    told = counted(len(unsound), "study keeps its rows of before", "studies keep their rows of before")
    names = ", ".join(sorted(unsound))
    return [Finding("held_back", f"{told}, for its table failed a check: {names}", len(unsound), "warning")]
