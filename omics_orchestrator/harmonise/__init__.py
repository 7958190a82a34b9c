"""Harmonising: a study's rules become one DuckDB query per entity, with a ledger of everything that was lost.

columns, keys, variables: what names mean · rules, source_rows, cells, merging, steps, compile: the SQL ·
run, result, sides, ledger, findings, provenance, rulebook, status: the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.findings import Finding
from omics_orchestrator.harmonise.compile import EntityQuery, compile_entity
from omics_orchestrator.harmonise.findings import read_findings
from omics_orchestrator.harmonise.ledger import Ledger, read_ledger
from omics_orchestrator.harmonise.provenance import provenance_table
from omics_orchestrator.harmonise.result import read_result
from omics_orchestrator.harmonise.rulebook import rules_table
from omics_orchestrator.harmonise.run import HarmoniseError, locked_database, prepare
from omics_orchestrator.harmonise.sides import conflict_table
from omics_orchestrator.harmonise.status import status_table
from omics_orchestrator.studies import Study

__all__ = ["EntityQuery", "Harmonised", "HarmoniseError", "Ledger", "compile_entity", "harmonise"]

FLAG_TYPES = (b"yesno", b"truefalse", b"checkbox")


@dataclass(frozen=True)
class Harmonised:
    """One entity of one study in the dictionary's words; every table is sorted by its key.

    Attributes:
        table: keys, then the variables in the dictionary's order.
        missing: keys, then the same variables: the reason where there is no value, NULL where there is one.
        comparators: keys, variable, comparator: of censored numbers and partial dates.
        conflicts: keys, variable, candidates: the values (a JSON list) between which the rows of a key disagree.
        ledger: variable, outcome, count; the variable `(rows)` is the rows themselves.
        provenance: keys, source_table, record: one row per source row that gave the key.
        rules: variable, verb, columns, rule, rule_version, dictionary_version: what made each variable.
        status: variable, status, why, counts: what became of each dictionary variable of the entity.
        findings: what a person should know.
    """

    table: pa.Table
    missing: pa.Table
    comparators: pa.Table
    conflicts: pa.Table
    ledger: pa.Table
    provenance: pa.Table
    rules: pa.Table
    status: pa.Table
    findings: tuple[Finding, ...]


def harmonise(
    study: Study,
    entity: str,
    dictionary: Dictionary,
    raw: Mapping[str, pa.Table],
    participants: pa.Table | None = None,
    *,
    participant_comparators: pa.Table | None = None,
) -> Harmonised:
    """Harmonise one entity.

    Args:
        study: the study.
        entity: an entity of its mapping.
        dictionary: the data dictionary.
        raw: table reference → raw table (all text, original column names), for every table of the block.
        participants: the harmonised participants, for expressions that name `participant.<variable>`.
        participant_comparators: their comparators, so that a censored number or partial date stays one.

    Raises:
        DeclarationError: a rule does not fit the dictionary or the delivered columns.
        HarmoniseError: the query failed.
    """
    columns = {reference: table.column_names for reference, table in raw.items()}
    query = compile_entity(study, entity, dictionary, columns, flags=flags_of(raw))
    known = with_comparators(participants, participant_comparators)
    with locked_database() as connection:
        cells = prepare(connection, query, raw, study.participant_id.aliases, known)
        result = read_result(connection, query, cells)
        ledger = read_ledger(connection, query, cells, result)
        block = study.mapping.entities[entity]  # type: ignore[index]
        table, counted = result.table(dictionary), ledger.table()
        findings = read_findings(connection, query, ledger, dictionary, block, study.knows_id)
        return Harmonised(
            table=table,
            missing=result.missing(),
            comparators=result.comparators(),
            conflicts=conflict_table(connection, query, ledger.conflicts),
            ledger=counted,
            provenance=provenance_table(connection, query, study, block, raw, result),
            rules=rules_table(study, entity, dictionary),
            status=status_table(study, entity, dictionary, table, counted, findings),
            findings=findings,
        )


def flags_of(raw: Mapping[str, pa.Table]) -> set[tuple[str, str]]:
    """Return (table reference, column) of the columns that their source declares as yesno, truefalse or checkbox."""
    return {
        (reference, field.name)
        for reference, table in raw.items()
        for field in table.schema
        if (field.metadata or {}).get(b"field_type") in FLAG_TYPES
    }


def with_comparators(participants: pa.Table | None, comparators: pa.Table | None) -> pa.Table | None:
    """Return the participants with a column `<variable>|comparator` beside each that has comparators."""
    if participants is None or comparators is None:
        return participants
    marks: dict[str, dict[str, str]] = {}
    for row in comparators.to_pylist():
        marks.setdefault(row["variable"], {})[row["participant_id"]] = row["comparator"]
    ids = participants["participant_id"].to_pylist()
    for variable, found in marks.items():
        column = pa.array([found.get(one) for one in ids], pa.string())
        participants = participants.append_column(f"{variable}|comparator", column)
    return participants
