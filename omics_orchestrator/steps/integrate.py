"""Integrate: the harmonised tables of all studies become one table per entity in the schema `warehouse`."""

from __future__ import annotations

import pyarrow as pa

from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.status import status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableWrite, fingerprint, list_tables, read_table, table_state
from omics_orchestrator.studies.places import table_of
from omics_orchestrator.warehouse import conform, unite_comparators


def integrate(workspace: Workspace, entity: str) -> StepResult:
    """Unite `entity` over every study that has been harmonised into this database.

    A study that was removed, or whose mapping has this entity no more, is out; one whose declaration is broken
    keeps the rows that it had.
    """
    database, united = workspace.database, workspace.catalogue.united(entity)
    beside = f"{entity}__comparators"
    tables: dict[str, dict[str, pa.Table]] = {entity: {}, beside: {}}
    for state in list_tables(database):
        study = state.schema.removeprefix("harmonised_")
        if state.schema != study and state.name in tables and study in united:
            tables[state.name][study] = read_table(database, state.schema, state.name)
    schema, name = table_of(("warehouse", entity))
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
        findings=conformed.findings,
        facts={"studies": len(tables[entity])},
        pictures={"variables": status_matrix(workspace, entity=entity).picture(f"{entity} in all studies")},
        writes=writes,
        rows=conformed.table.num_rows,
    )
