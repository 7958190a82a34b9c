"""Where one harmonised value comes from: record, column, raw text, rule, versions and runs; read again, does it agree?

The answer holds a participant's data: it goes to the person who asked, and is neither logged nor stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.harmonise.retrace import Made, SourceCell, retrace
from omics_orchestrator.steps.rule_text import readable
from omics_orchestrator.steps.stored import NotTraceable, RawRows, Stored
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies.dating import PARTICIPANT


@dataclass(frozen=True)
class TraceRow:
    """One source cell behind one value (or the value alone, where it has no source cell of its own).

    Attributes:
        depth: 0 for the variable that was asked for, 1 for what it is computed from …
        input_of: the variable for which this one is an input.
        participant_id, visit_id, sample_id: the row of the value.
        variable, value, comparator, missing: what is stored.
        source_table, record, column, raw_text: the cell; the record is told by the raw table's key.
        outcome: what became of the cell: value, blank, missing:<reason>, invalid, unmapped, not_picked, conflicting.
        rule: as one would write it in mapping.yaml.
        rule_version, dictionary_version: under which the value was made.
        extract_run, harmonise_run: the runs that stored cell and value.
        written_at: when the harmonised table changed last.
        agrees: whether today's rule makes the same value of today's raw text; None where nothing is stored.
    """

    input_of: str
    depth: int
    participant_id: str
    visit_id: str | None
    sample_id: str | None
    variable: str
    value: Any = None
    comparator: str | None = None
    missing: str | None = None
    source_table: str | None = None
    record: str | None = None
    column: str | None = None
    raw_text: str | None = None
    outcome: str | None = None
    rule: str | None = None
    rule_version: str | None = None
    dictionary_version: str | None = None
    extract_run: str | None = None
    harmonise_run: str | None = None
    written_at: datetime | None = None
    agrees: bool | None = None


def trace(
    workspace: Workspace,
    study: str,
    participant_id: str,
    *,
    visit_id: str | None = None,
    sample_id: str | None = None,
    variable: str,
) -> list[TraceRow]:
    """Return the whole way of one value, one row per source cell; inputs of a computed variable come below it.

    Without `visit_id` a variable of visits is traced on each visit of the participant; with samples likewise.

    Raises:
        UnknownKey: no such study, variable, participant, visit or sample.
        NotTraceable: the study is broken, or its entity was never harmonised.
    """
    if study in workspace.catalogue.broken:
        raise NotTraceable(f"{study}: its declaration is broken; omics check {study} tells why")
    if study not in workspace.catalogue.studies:
        raise UnknownKey("study", study, workspace.catalogue.studies)
    stored = Stored(workspace, workspace.catalogue.studies[study])
    entity = _entity_of(stored, variable)
    asked = {"visit_id": visit_id, "sample_id": sample_id}
    keys = _keys(
        stored, entity, participant_id, {name: one for name, one in asked.items() if one is not None}
    )
    return [row for key in keys for row in _Traced(stored, entity, key, variable).rows(variable)]


def _entity_of(stored: Stored, variable: str) -> str:
    """Return the entity of a variable that the study has."""
    mapping = stored.study.mapping
    known = {*(name for block in mapping.entities.values() for name in block.rules), *mapping.none}
    if variable not in known:
        raise UnknownKey(f"variable of {stored.study.study}", variable, sorted(known))
    return stored.workspace.dictionary.variables[variable].entity


def _keys(stored: Stored, entity: str, asked_id: str, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the keys of the rows that were asked for; of other participants nothing is told."""
    study = stored.study
    participant = {"participant_id": study.participant_id.read(asked_id) or asked_id}
    if not stored.find("participant" if stored.block("participant") else entity, "", participant):
        if study.pseudonymise and study.knows_id(asked_id) and study.participant_id.read(asked_id) is None:
            raise NotTraceable(f"{study.study} is pseudonymised: ask for the pseudonym of this participant")
        raise UnknownKey(f"participant of {study.study}", asked_id, ())
    for name, one in given.items():
        group = name.removesuffix("_id")
        known = [row[name] for row in stored.find(group, "", participant)] if stored.block(group) else []
        if one not in known:
            raise UnknownKey(f"{group} of this participant", one, known)
    if entity == "visit" and "sample_id" in given:
        (sample,) = stored.find("sample", "", participant | {"sample_id": given["sample_id"]})
        given = {"visit_id": str(sample.get("visit_id")), **given}
    rows = stored.find(entity, "", participant)
    wanted = {name: one for name, one in given.items() if rows and name in rows[0]}
    kept = [row for row in rows if all(row[name] == one for name, one in wanted.items())]
    if not kept:
        raise NotTraceable(f"this participant has no such {entity} in harmonised/{study.study}/{entity}")
    return [{name: row[name] for name in KEYS[entity]} for row in kept]


class _Traced:
    """One row of an entity: what is stored of it, its raw rows, and the way of a variable."""

    def __init__(self, store: Stored, entity: str, key: Mapping[str, str], variable: str) -> None:
        self.store = store
        self.entity = entity
        self.key = dict(key)
        self.variable = variable
        block = store.block(entity)
        self.raw = RawRows(store, entity, block, key) if block else None
        (self.stored,) = store.find(entity, "", key)
        (self.missing,) = store.find(entity, "missing", key)
        self.marks = {row["variable"]: row["comparator"] for row in store.find(entity, "comparators", key)}

    def rows(self, name: str, input_of: str = "", depth: int = 0) -> Iterator[TraceRow]:
        """Yield the rows of a variable, then those of what it is computed from."""
        row = self._value(name, input_of, depth)
        made = self.made.get(name)
        if made is None:
            yield replace(row, rule=self._absence(name))
            return
        agrees = (made.value, made.comparator) == (row.value, row.comparator)
        if name in self.stored:
            row = replace(row, agrees=agrees and (made.reason or None) == row.missing)
        else:  # a source column that an expression reads: it is not stored
            row = replace(row, value=made.value, comparator=made.comparator)
        yield from [self._cell(row, cell) for cell in made.cells] or [row]
        for need in made.inputs:
            yield from self._input(need, name, depth + 1)

    def _input(self, need: str, name: str, depth: int) -> Iterator[TraceRow]:
        prefix = need.startswith(PARTICIPANT) and self.entity != "participant"
        plain = need.removeprefix(PARTICIPANT)
        if need in self.made or (need in self.stored and need not in self.key):
            yield from self.rows(need, name, depth)
        elif plain in self.made and not prefix:
            yield from self.rows(plain, name, depth)
        elif prefix and plain in self.store.workspace.dictionary.variables:
            key = {"participant_id": self.key["participant_id"]}
            if self.store.find("participant", "", key):
                yield from _Traced(self.store, "participant", key, plain).rows(plain, name, depth)

    def _value(self, name: str, input_of: str, depth: int) -> TraceRow:
        rule = self.rules.get(name, {})
        return TraceRow(
            input_of,
            depth,
            self.key["participant_id"],
            self.key.get("visit_id") or self.stored.get("visit_id"),
            self.key.get("sample_id"),
            name,
            self.stored.get(name),
            self.marks.get(name),
            self.missing.get(name),
            rule=readable(json.loads(rule["rule"])) if rule else None,
            rule_version=rule.get("rule_version"),
            dictionary_version=rule.get("dictionary_version"),
            harmonise_run=rule.get("run_id"),
            written_at=self.store.state(self.entity).written_at,
        )

    def _absence(self, name: str) -> str | None:
        declared = self.store.study.mapping.none.get(name)
        return f"none: {declared.status}: {declared.reason}" if declared else None

    def _cell(self, row: TraceRow, cell: SourceCell) -> TraceRow:
        assert self.raw is not None  # a cell was read from it
        return replace(
            row,
            source_table=self.raw.source_table(cell.table),
            record=self.raw.record(cell.table, cell.row),
            column=cell.column,
            raw_text=cell.text,
            outcome=cell.outcome,
            extract_run=self.raw.run(cell.table, cell.row),
        )

    @cached_property
    def rules(self) -> dict[str, dict[str, Any]]:
        """Variable → what made it, as it was stored."""
        return {row["variable"]: row for row in self.store.find(self.entity, "rules", {})}

    @cached_property
    def made(self) -> dict[str, Made]:
        """Variable → what its rule of today makes of the raw rows of today."""
        if self.raw is None or self.variable not in self.raw.block.rules:
            return {}
        participants, marks = self._participant()
        study, dictionary = self.store.study, self.store.workspace.dictionary
        return retrace(
            study, self.entity, self.variable, dictionary, self.raw.tables, self.key, participants, marks
        )

    def _participant(self) -> tuple[pa.Table | None, pa.Table | None]:
        """Return the harmonised participant and the comparators beside it, for rules that name them."""
        if self.entity == "participant" or self.store.block("participant") is None:
            return None, None
        where = {"participant_id": self.key["participant_id"]}
        return self.store.table("participant", "", where), self.store.table(
            "participant", "comparators", where
        )
