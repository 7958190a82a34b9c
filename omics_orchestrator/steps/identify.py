"""Identify: what a delivery holds of direct identifiers is kept apart, or stops it. Detectors: identifiers.py.

The study decides (`identifiers:` in study.yaml); no cell is told to anybody here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from omics_orchestrator.columns import safe_names
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.identifiers import Suspicion, detect
from omics_orchestrator.sources.base import Delivery
from omics_orchestrator.steps.held import Before
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.private import ensure_private
from omics_orchestrator.storage.tables import TableWrite, drop_table, table_state
from omics_orchestrator.studies import Study, versions
from omics_orchestrator.studies.places import identifiers_of
from omics_orchestrator.studies.study import split

CHECK = "identifiers"
DESCRIPTION = "Direct identifiers that the study keeps; they lie in no other schema"


@dataclass(frozen=True)
class Separated:
    """A delivery in two parts.

    Attributes:
        delivery: what goes on, without the columns that the study keeps as identifiers.
        identifiers: the key and those columns, under their original names; None = the study keeps none of this table.
        findings: what was kept apart, or was to be and did not come.
    """

    delivery: Delivery
    identifiers: pa.Table | None
    findings: tuple[Finding, ...] = ()


def separate(study: Study, source: str, table: str, delivery: Delivery) -> Separated:
    """Take the columns that the study keeps as identifiers out of a delivery, and the files that they name."""
    kept = study.kept_apart(source, table)
    if not kept:
        return Separated(delivery, None)
    there = [name for name in kept if name in delivery.data.column_names]
    findings = [
        Finding(CHECK, f"'{name}' is kept as an identifier and was not delivered", 1, "warning", name)
        for name in kept
        if name not in there
    ]
    if there:
        message = f"{counted(len(there), 'column is', 'columns are')} kept in the schema identifiers only"
        findings.append(Finding(CHECK, message, len(there), "note"))
    attached = tuple(one for one in delivery.attachments if one.field not in kept)
    if left := len(delivery.attachments) - len(attached):
        findings.append(Finding(CHECK, "files in columns kept as identifiers are not fetched", left, "note"))
    rest = replace(delivery, data=delivery.data.drop_columns(there), attachments=attached)
    return Separated(rest, delivery.data.select([*delivery.key, *there]), tuple(findings))


def stop_identifiers(study: Study, source: str, table: str, cells: pa.Table) -> tuple[Finding, ...]:
    """Refuse a table with columns that seem to hold direct identifiers and on which the study has not decided.

    Args:
        study: its word counts: `identifiers: not_identifying` names what only looks like one.
        source: the source's name.
        table: the table's name.
        cells: all rows that would be stored, under the original names; the kept columns are out already.

    Returns:
        Notes on columns that look like identifiers and are none.

    Raises:
        DeliveryError: naming each such column, its kind and number of cells, and what settles it.
    """
    found = detect(cells, _declared(study) - set(study.not_identifying(source, table)))
    harmless = study.not_identifying(source, table)
    open_ = [one for one in found if one.column not in harmless]
    if open_:
        raise DeliveryError(_refusal(source, table, open_))
    return tuple(
        Finding(
            CHECK,
            f"'{one.column}' looks like {one.kind}; the study says why it is none",
            1,
            "note",
            one.column,
        )
        for one in found
    )


def write_identifiers(
    workspace: Workspace, study: Study, source: str, table: str, separated: Separated
) -> tuple[TableWrite, ...]:
    """Return the write of what was kept apart; where nothing is kept any more, what was kept is dropped now.

    Raises:
        StorageError: the schema cannot be closed to others.
    """
    schema, name = identifiers_of(study.study, source, table)
    if separated.identifiers is None:
        if table_state(workspace.database, schema, name):
            drop_table(workspace.database, schema, name)
        return ()
    ensure_private(workspace.database)
    delivery = separated.delivery
    payload = [column for column in separated.identifiers.column_names if column not in delivery.key]
    safe = safe_names(payload, reserved=delivery.key)
    renamed = [safe.get(column, column) for column in separated.identifiers.column_names]
    before = Before(workspace.database, schema, name, versions.raw(study, source, table))
    rows = before.over(separated.identifiers.rename_columns(renamed), delivery.replaced)
    return (TableWrite(schema, name, rows, delivery.key, description=f"{study.title}: {DESCRIPTION}"),)


def _declared(study: Study) -> set[str]:
    """Return the names of all columns that the study keeps as identifiers: elsewhere they are identifiers too."""
    return {split(entry, study.sources)[1] for entry in study.identifiers.keep}


def _refusal(source: str, table: str, found: Sequence[Suspicion]) -> str:
    where = source if source == table else f"{source}.{table}"
    listed = "; ".join(f"'{one.column}' ({one.kind}, {one.cells} cells: {one.reason})" for one in found)
    example = f"{source}.{table}.{found[0].column}"
    columns = counted(len(found), "column seems", "columns seem")
    return (
        f"{where}: {columns} to hold direct identifiers, nothing was stored: {listed}. "
        f"Settle each: take it out of the mapping (not_mapped), or write into study.yaml `identifiers: {{keep: "
        f"[{example}]}}` to keep it in the schema identifiers only (no rule can read it then), or "
        f'`identifiers: {{not_identifying: {{{example}: "why it is none"}}}}`'
    )
