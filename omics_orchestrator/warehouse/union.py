"""The conformed union of one entity over all studies. Reading and writing tables happens elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.errors import StorageError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.warehouse.shifts import wrong_units


@dataclass(frozen=True)
class Conformed:
    """The union table (study, keys, every dictionary variable of the entity) and what is wrong with it."""

    table: pa.Table
    key: tuple[str, ...]
    findings: tuple[Finding, ...]


def schema_of(dictionary: Dictionary, entity: str) -> pa.Schema:
    """Return the columns of `warehouse.<entity>`: the same whatever the studies happen to have."""
    keys = [pa.field(name, pa.string()) for name in ("study", *KEYS[entity])]
    links = [pa.field("visit_id", pa.string())] if entity == "sample" else []
    taken = {field.name for field in (*keys, *links)}
    variables = [
        pa.field(variable.name, arrow_type(variable.type), metadata={b"description": variable.label.encode()})
        for variable in dictionary.of_entity(entity)
        if variable.name not in taken
    ]
    return pa.schema([*keys, *links, *variables])


def conform(
    dictionary: Dictionary, entity: str, tables: Mapping[str, pa.Table], participants: pa.Table | None = None
) -> Conformed:
    """Unite the harmonised tables (study → table) of `entity` under the dictionary's schema.

    `participants` is the warehouse's participant table; with it, rows of unknown participants are a finding.
    """
    schema = schema_of(dictionary, entity)
    parts = [_conformed(table, study, schema) for study, table in sorted(tables.items())]
    union = pa.concat_tables(parts) if parts else schema.empty_table()
    key = ("study", *KEYS[entity])
    findings = [*_grain(union, key), *wrong_units(dictionary, entity, union)]
    if participants is not None:
        findings += _references(union, participants)
    return Conformed(union, key, tuple(findings))


def unite_comparators(entity: str, tables: Mapping[str, pa.Table]) -> Conformed:
    """Unite what stands beside the studies' values (study → `<entity>__comparators`), so that `<20` stays `<20`."""
    key = ("study", *KEYS[entity], "variable")
    schema = pa.schema([(name, pa.string()) for name in (*key, "comparator")])
    parts = [_conformed(table, study, schema) for study, table in sorted(tables.items())]
    return Conformed(pa.concat_tables(parts) if parts else schema.empty_table(), key, ())


def _conformed(table: pa.Table, study: str, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name == "study":
            columns.append(pa.array([study] * table.num_rows, pa.string()))
        elif field.name in table.column_names:
            columns.append(_typed(table.column(field.name), study, field))
        else:
            columns.append(pa.nulls(table.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _typed(column: pa.ChunkedArray, study: str, field: pa.Field) -> pa.ChunkedArray:
    """Return a study's values in the dictionary's type of today.

    Raises:
        StorageError: they were harmonised under another type, which only harmonising again can mend.
    """
    if column.type == field.type or pa.types.is_null(column.type):
        return column.cast(field.type)
    raise StorageError(
        f"{study}: {field.name} was harmonised as {column.type}, the dictionary says {field.type} now; "
        f"make {study} available and its mapping right, so that it is harmonised again, or remove its folder"
    )


def _grain(union: pa.Table, key: tuple[str, ...]) -> list[Finding]:
    distinct = union.select(list(key)).group_by(list(key)).aggregate([]).num_rows
    repeated = union.num_rows - distinct
    if not repeated:
        return []
    return [
        Finding(
            "grain",
            f"{counted(repeated, 'row repeats', 'rows repeat')} the key ({', '.join(key)})",
            repeated,
            "error",
        )
    ]


def _references(union: pa.Table, participants: pa.Table) -> list[Finding]:
    known = pc.binary_join_element_wise(participants["study"], participants["participant_id"], "\x1f")
    named = pc.binary_join_element_wise(union["study"], union["participant_id"], "\x1f")
    orphans = union.num_rows - (pc.sum(pc.is_in(named, value_set=known.combine_chunks())).as_py() or 0)
    if not orphans:
        return []
    return [
        Finding(
            "references",
            f"{counted(orphans, 'row belongs', 'rows belong')} to a participant without a row",
            orphans,
            "warning",
        )
    ]
