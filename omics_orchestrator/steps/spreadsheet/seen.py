"""The codes that stand beside a rule of the sheet `mappings`: what the column it translates holds, and what that means.

Only of columns that a rule declares to hold codes, only what is shaped like one, and never how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.findings import counted
from omics_orchestrator.steps.extract import with_original_names
from omics_orchestrator.steps.spreadsheet.sheets import SAMPLE
from omics_orchestrator.steps.suggest.columns import stored_columns
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, list_tables, read_table
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.places import table_of
from omics_orchestrator.verbs import AnyVerb
from omics_orchestrator.verbs.coalesce import Coalesce
from omics_orchestrator.verbs.recode import Recode
from omics_orchestrator.verbs.reduce import Reduce

CODE = re.compile(r"[A-Za-z0-9_.-]{1,8}")  # what may be shown of a column of codes
MANY = 40  # different cells from which on a column is no column of codes
Seen = Mapping[tuple[str, str, str], str]
Place = tuple[str, str]
"""Source and table."""


def codes_seen(workspace: Workspace) -> Seen:
    """Return (study, entity, variable) → the stored codes that its rule translates, the most frequent first."""
    states = list_tables(workspace.database)
    found: dict[tuple[str, str, str], str] = {}
    for name, study in workspace.catalogue.studies.items():
        wanted = {
            (name, entity, variable): columns
            for entity, block in study.mapping.entities.items()
            for variable, rule in block.rules.items()
            if (columns := list(_columns(study, block, rule)))
        }
        held = _held(workspace, study, states, {column for columns in wanted.values() for column in columns})
        for key, columns in wanted.items():
            if told := "; ".join(dict.fromkeys(held[column] for column in columns if held.get(column))):
                found[key] = told
    return found


def _columns(study: Study, block: EntityBlock, rule: AnyVerb) -> Iterator[tuple[Place, str]]:
    """Yield the columns whose codes a rule translates, each after the tables in which it may lie."""
    for translating in _recodes(rule):
        tables, column = block.columns_of(translating.columns[0])
        for table in tables:
            yield study.place(block.table_of(table)), column


def _recodes(rule: AnyVerb) -> Iterator[Recode]:
    if isinstance(rule, Recode):
        yield rule
    elif isinstance(rule, Coalesce):
        for part in rule.parts:
            yield from _recodes(part)
    elif isinstance(rule, Reduce):
        yield from _recodes(rule.inner)


def _held(
    workspace: Workspace, study: Study, states: Iterable[TableState], wanted: set[tuple[Place, str]]
) -> dict[tuple[Place, str], str]:
    """Return for each wanted column that is stored what it holds."""
    by_place = {(state.schema, state.name): state for state in states}
    labels = {
        ((source, column.table), column.name): column.choices
        for source in study.sources
        for column in stored_columns(list(states), study, source)
    }
    found = {}
    for place in sorted({place for place, _ in wanted}):
        state = by_place.get(table_of(("raw", study.study, *place)))
        if state is None:
            continue
        table = with_original_names(read_table(workspace.database, state.schema, state.name))
        for of, column in wanted:
            if of == place and column in table.column_names:
                found[of, column] = told_of(table[column], labels.get((of, column), {}))
    return found


def told_of(column: pa.ChunkedArray, labels: Mapping[str, str]) -> str:
    """Return the codes with their labels, most frequent first; nothing of a column that holds other things."""
    counts = pc.value_counts(pc.drop_null(column)).to_pylist()
    if len(counts) > MANY:
        return ""
    by_number = sorted(counts, key=lambda one: (-one["counts"], one["values"]))
    cells = [one["values"] for one in by_number if one["values"]]
    codes = [cell for cell in cells if CODE.fullmatch(cell)]
    shown = [f"{code} {labels[code]}" if labels.get(code) else code for code in codes[:SAMPLE]]
    if more := len(codes) - len(shown):
        shown.append(f"and {more} more")
    if others := len(cells) - len(codes):
        shown.append(counted(others, "text that is no code", "texts that are no codes"))
    return ", ".join(shown)
