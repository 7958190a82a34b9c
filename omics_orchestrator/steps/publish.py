"""Publish: one wide table of a study under its published names; the declaration gives its schema, never the data.

Rows and values come from the harmonised tables; rules that wait for a reference date are computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.harmonise.rulebook import dictionary_version
from omics_orchestrator.steps.declared_columns import declared_columns
from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.wide import NO_ROW, Part
from omics_orchestrator.steps.wide_rows import WideRows
from omics_orchestrator.steps.wide_values import PublishError, published
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.changes import Declared
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, fingerprint, read_table, table_state
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.datasets import (
    Dataset,
    DatasetColumn,
    columns_of,
    entities_of,
    variables_of,
)
from omics_orchestrator.studies.places import table_of

MISSING = "__missing"


def publish(workspace: Workspace, study: Study, name: str, harmonised: Mapping[str, pa.Table]) -> StepResult:
    """Return the dataset `name` of `study`, with the table of missing reasons beside it.

    Args:
        workspace: where dictionary and side tables are.
        study: the study.
        name: one of its datasets.
        harmonised: entity → harmonised table, for every entity that the dataset shows.

    Raises:
        PublishError: a harmonised table does not hold what the mapping names now.
    """
    dataset, dictionary = study.datasets[name], workspace.dictionary
    parts = {
        entity: _part(workspace, study, entity, harmonised[entity])
        for entity in entities_of(dataset, study.mapping)
    }
    wide = WideRows(study, dataset, dictionary)
    rows = wide.of(parts)
    columns = columns_of(dataset, study.mapping, dictionary)
    writes = _writes(study, name, columns, rows, declared_columns(study, name, dictionary))
    table = writes[0].table
    findings = (
        *wide.findings,
        *_schema(workspace.database, writes[0], columns),
        *_rows(table, harmonised[dataset.entity]),
    )
    return StepResult(
        data_version=combined_version(fingerprint(write.table) for write in writes),
        findings=findings,
        facts={**_facts(dataset, columns), "dictionary_version": dictionary_version(dictionary)},
        writes=writes,
        rows=table.num_rows,
    )


def _writes(
    study: Study,
    name: str,
    columns: tuple[DatasetColumn, ...],
    rows: dict[str, Part],
    declared: Declared,
) -> tuple[TableWrite, TableWrite]:
    """Return the table and the missing reasons beside it, both to be written; of both it is kept what changes."""
    dataset = study.datasets[name]
    schema, called = table_of(("dataset", study.study, name))
    key = tuple(column.name for column in columns if column.role == "key")
    described = f"{study.title}: {dataset.description or f'dataset {name}, one row per {dataset.entity}'}"
    why = f"Why values of {name} are missing"
    beside = called + MISSING
    return (
        TableWrite(schema, called, _table(columns, rows), key, description=described, declared=declared),
        TableWrite(schema, beside, _missing(columns, rows), key, description=why, declared=declared),
    )


def _facts(dataset: Dataset, columns: tuple[DatasetColumn, ...]) -> dict[str, Any]:
    day = dataset.reference_date
    return {
        "row": f"one {dataset.entity}",
        "columns": len(columns),
        "reference_date": day.isoformat() if day else "none: rules that need one stay pending",
    }


def _part(workspace: Workspace, study: Study, entity: str, table: pa.Table) -> Part:
    """Return the harmonised rows of an entity with what stands beside them."""
    schema, name = table_of(("harmonised", study.study, entity))
    missing = read_table(workspace.database, schema, name + MISSING)
    comparators = read_table(workspace.database, schema, f"{name}__comparators")
    variables = variables_of(study.mapping, workspace.dictionary, entity)
    lacking = [one.name for one in variables if one.name not in table.column_names]
    if lacking:
        raise PublishError(
            f"harmonised/{study.study}/{entity} lacks {', '.join(lacking)}; materialize it first"
        )
    return Part.of(table, missing, comparators, KEYS[entity], variables)


def _table(columns: tuple[DatasetColumn, ...], rows: dict[str, Part]) -> pa.Table:
    fields, arrays = [], []
    for column in columns:
        type_ = _type(column)
        fields.append(pa.field(column.name, type_, metadata={b"description": column.label.encode()}))
        arrays.append(published(rows[column.entity], column, type_))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _type(column: DatasetColumn) -> pa.DataType:
    return arrow_type(column.type)


def _missing(columns: tuple[DatasetColumn, ...], rows: dict[str, Part]) -> pa.Table:
    """Return why values are missing, under the published names."""
    found = {}
    for column in columns:
        part = rows[column.entity]
        if column.role == "key":
            found[column.name] = part.table[column.variable]
        elif column.variable == "sample_id":
            absent = pc.is_null(part.table["sample_id"])
            found[column.name] = pc.if_else(absent, pa.scalar(NO_ROW), pa.scalar(None, pa.string()))
        elif column.role == "value":
            found[column.name] = part.reason(column.variable)
    return pa.table(found)


def _schema(database: Database, write: TableWrite, columns: tuple[DatasetColumn, ...]) -> Iterator[Finding]:
    """Hold the table against its declaration, and tell what changed for those who read the last one."""
    declared = [(column.name, _type(column)) for column in columns]
    if [(field.name, field.type) for field in write.table.schema] != declared:
        yield Finding("schema", "the columns are not those of the declaration", 1, "error")
    before = table_state(database, write.schema, write.name)
    if before is None:
        return
    old = {field.name: field.type for field in before.arrow_schema}
    new = dict(declared)
    for what, names in (
        ("new", [one for one in new if one not in old]),
        ("gone", [one for one in old if one not in new]),
        ("of another type", [one for one in new if one in old and old[one] != new[one]]),
    ):
        if names:
            shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
            yield Finding(
                "schema",
                f"{counted(len(names), 'column')} {what} since the last time: {shown}",
                len(names),
                "note",
            )


def _rows(table: pa.Table, harmonised: pa.Table) -> Iterator[Finding]:
    """There is one row per row of the entity, no more and no less."""
    if table.num_rows != harmonised.num_rows:
        message = f"{counted(table.num_rows, 'row is', 'rows are')} published of {harmonised.num_rows} harmonised ones"
        yield Finding("rows", message, abs(table.num_rows - harmonised.num_rows), "error")
