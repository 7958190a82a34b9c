"""Harmonise: the raw tables of one study become one table per entity, in the dictionary's words.

The work is done by harmonise/; here its results become tables to write.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.harmonise import Harmonised
from omics_orchestrator.harmonise import harmonise as harmonise_entity
from omics_orchestrator.harmonise.rulebook import dictionary_version
from omics_orchestrator.steps.extract import with_original_names
from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.status import strip
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableWrite, fingerprint, read_table, table_state
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import table_of

SIDE_TABLES = ("missing", "comparators", "conflicts", "ledger", "provenance", "rules", "status")
CONTENT = ("missing", "comparators")  # what others read beside the values; the rest tells how they came about
RUN_ID = "run_id"


def harmonise(
    workspace: Workspace,
    study: Study,
    entity: str,
    raw: Mapping[str, pa.Table],
    participants: pa.Table | None,
    *,
    run_id: str,
) -> StepResult:
    """Harmonise one entity of `study` from its raw tables (keyed by table reference, as stored).

    `participants` is the harmonised participant table, or None for the participant entity itself.
    """
    delivered = {reference: with_original_names(table) for reference, table in raw.items()}
    comparators = None if participants is None else _comparators(workspace, study)
    result = harmonise_entity(
        study, entity, workspace.dictionary, delivered, participants, participant_comparators=comparators
    )
    prints = {"": fingerprint(result.table)} | {side: fingerprint(getattr(result, side)) for side in CONTENT}
    equal = _stored(workspace, study, entity) == prints
    return StepResult(
        data_version=combined_version(prints.values()),
        findings=tuple(result.findings),
        facts={
            "variables": result.table.num_columns - len(KEYS[entity]),
            "conflicts": result.conflicts.num_rows,
            "dictionary_version": dictionary_version(workspace.dictionary),
        },
        pictures={"variables": strip(study.study, entity, result.status)},
        writes=_writes(study, entity, result, run_id, same_run=equal),
        rows=result.table.num_rows,
    )


def _comparators(workspace: Workspace, study: Study) -> pa.Table:
    """Return the comparators beside the participants, so that `<20` does not become a plain 20 in a rule."""
    schema, name = table_of(("harmonised", study.study, "participant"))
    return read_table(workspace.database, schema, f"{name}__comparators")


def _stored(workspace: Workspace, study: Study, entity: str) -> dict[str, str]:
    """Return the fingerprints of the content that is stored now."""
    schema, name = table_of(("harmonised", study.study, entity))
    places = {"": name} | {side: f"{name}__{side}" for side in CONTENT}
    states = {side: table_state(workspace.database, schema, table) for side, table in places.items()}
    return {side: state.fingerprint for side, state in states.items() if state}


def _writes(
    study: Study, entity: str, result: Harmonised, run_id: str, *, same_run: bool
) -> tuple[TableWrite, ...]:
    """Return every table to write; `same_run`: the content is equal, so the run that wrote it stays its run."""
    schema, name = table_of(("harmonised", study.study, entity))
    keys = KEYS[entity]
    side_keys = {
        "missing": keys,
        "ledger": ("variable", "outcome"),
        "provenance": (*keys, "source_table", "record"),
        "rules": ("variable",),
        "status": ("variable",),
    }
    rules = result.rules.append_column(RUN_ID, pa.array([run_id] * result.rules.num_rows, pa.string()))
    tables = {side: getattr(result, side) for side in SIDE_TABLES} | {"rules": rules}
    main = TableWrite(schema, name, result.table, keys, description=f"{study.title}: one row per {entity}")
    ignore = (RUN_ID,) if same_run else ()
    sides = [
        TableWrite(schema, f"{name}__{side}", table, side_keys.get(side, (*keys, "variable")), ignore)
        for side, table in tables.items()
    ]
    return (main, *sides)
