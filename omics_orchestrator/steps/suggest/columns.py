"""The source columns of a study and what is known of them: dictionaries, headers, stored raw tables, a codebook.

Cells are looked at only for what they are (numbers, dates, a few short words); the words themselves are never shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import pyarrow as pa

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.identifiers import detect, speaks_of
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.files import FileSource
from omics_orchestrator.sources.redcap_described import box_of, kind_of, plain
from omics_orchestrator.sources.redcap_sides import choices_of
from omics_orchestrator.steps.extract import ORIGINAL
from omics_orchestrator.steps.suggest.cells import cells_of
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.fit import unit_in
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.tables import TableState, list_tables
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import table_of

ADDED = frozenset(
    {"row_hash", "run_id", "row_number", "record_id", "event_name", "event_instance", "form_instance"}
)
PROVEN = frozenset({"date_of_birth"})  # kinds told by a name, unless the cells speak against it
ROW_NAME = "row_name"  # of files by R: we named it so ourselves


def source_columns(
    workspace: Workspace, study: Study, codebook: Mapping[str, Described]
) -> tuple[list[SourceColumn], list[str]]:
    """Return the columns of a study, and which of its sources could not be asked.

    Args:
        workspace: where sources and stored tables lie.
        study: the study.
        codebook: column → what a codebook says, over what the source itself tells.
    """
    found: list[SourceColumn] = []
    notes: list[str] = []
    for name in study.sources:
        columns, note = described(workspace, study, name)
        notes += [note] if note else []
        told = [_with(column, codebook.get(column.name)) for column in columns]
        found += _judged(study, name, told, None if note else workspace.stores)
    if not found:
        notes += [f"taken from the codebook: {counted(len(codebook), 'column')}"] if codebook else []
        found = _of_codebook(study, codebook.values())
    units = workspace.dictionary.units
    return [
        replace(
            one,
            unit=unit_in(f"{one.about.label} ({one.about.note})", units)
            or unit_in(one.about.name, units, named=True),
        )
        for one in found
    ], notes


def _of_codebook(study: Study, columns: Iterable[Described]) -> list[SourceColumn]:
    """Return the columns of a codebook, where nothing else tells which there are."""
    source = next(iter(study.sources)) if len(study.sources) == 1 else "codebook"
    by_table: dict[str, list[Described]] = {}
    for column in columns:
        by_table.setdefault(column.table or source, []).append(replace(column, table=column.table or source))
    return [one for table, members in by_table.items() for one in _declared(study, source, table, members)]


def described(workspace: Workspace, study: Study, source: str) -> tuple[tuple[Described, ...], str]:
    """Return the columns of a source as it tells them, else as they are stored here and a word about why."""
    try:
        return study.sources[source].described(source, workspace.stores), ""
    except OmicsError as error:
        stored = stored_columns(list_tables(workspace.database), study, source)
        held = (
            f"{len(stored)} columns that are stored here" if stored else "nothing of it is stored here either"
        )
        return tuple(stored), f"{source} could not be asked ({error}); {held}"


def stored_columns(states: Sequence[TableState], study: Study, source: str) -> list[Described]:
    """Return the columns of a source's raw tables in Postgres, with the labels that they were stored with."""
    by_place = {(state.schema, state.name): state for state in states}
    found = []
    for of_source, table in sorted(study.raw_tables()):
        state = by_place.get(table_of(("raw", study.study, of_source, table)))
        if of_source == source and state is not None:
            found += [_stored(table, field) for field in state.arrow_schema if field.name not in ADDED]
    return found


def _stored(table: str, field: pa.Field) -> Described:
    told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    name = told.pop(ORIGINAL.decode(), field.name)
    stated, _ = choices_of(told.get("choices", ""))
    choices = {code: plain(text) for code, text in stated.items()}
    label, kind = plain(told.get("label", "")), told.get("field_type", "")
    if kind == "checkbox":  # a box of it
        option = next(
            (code for code in choices if name == f"{name.partition('___')[0]}___{box_of(code)}"), ""
        )
        text = f"{label}: {choices.get(option, '')}"
        return Described(table, name, text, "yes_no", {"1": "Yes", "0": "No"}, option=option, told=told)
    shown = choices if kind in {"radio", "dropdown"} else {}
    return Described(table, name, label, kind_of(kind, told.get("validation", ""), shown), shown, told=told)


def _with(column: Described, book: Described | None) -> Described:
    """Return a column with what the codebook adds."""
    if book is None:
        return column
    return replace(
        column,
        label=book.label or column.label,
        kind=book.kind or column.kind,
        choices=book.choices or column.choices,
        note=book.note or column.note,
        lowest=column.lowest if book.lowest is None else book.lowest,
        highest=column.highest if book.highest is None else book.highest,
        identifier=book.identifier or column.identifier,
        told={**column.told, **book.told},
    )


def _judged(
    study: Study, source: str, columns: Sequence[Described], stores: Stores | None
) -> list[SourceColumn]:
    """Return columns with what the mapping makes of them, and what a look at the cells of files tells.

    `stores` is None where the source could not be asked.
    """
    found = []
    for table, members in groupby(columns, key=lambda column: column.table):
        here = list(members)
        judged = _declared(study, source, table, here)
        found += _looked_at(study, source, table, judged, stores) if stores else judged
    return found


def _declared(study: Study, source: str, table: str, columns: Sequence[Described]) -> list[SourceColumn]:
    """Return columns with what study.yaml and mapping.yaml make of them."""
    undecided = _undecided(study, source, table, columns)
    kept, spared = study.kept_apart(source, table), study.not_identifying(source, table)
    return [
        SourceColumn(
            source,
            column,
            column.name in undecided,
            "declared"
            if column.name in kept
            else None
            if column.name in spared
            else speaks_of(column.name, column.told),
        )
        for column in columns
    ]


def _undecided(study: Study, source: str, table: str, columns: Sequence[Described]) -> Collection[str]:
    """Return the columns that no entry of the mapping names; a checkbox field is named when one of its boxes is."""
    names = [column.name for column in columns if not column.name.endswith("___*")]
    undecided = set(study.undecided(source, table, names))
    for column in columns:
        stem = column.name.removesuffix("*")
        if stem != column.name and all(name in undecided for name in names if name.startswith(stem)):
            undecided.add(column.name)
    return undecided


def _looked_at(
    study: Study, source: str, table: str, columns: list[SourceColumn], stores: Stores
) -> list[SourceColumn]:
    """Return the columns of a file with what their cells are; those that seem to hold identifiers say so."""
    declared, spared = study.sources[source], study.not_identifying(source, table)
    asked = [one.about.name for one in columns if _may_be_looked_at(one)]
    if not isinstance(declared, FileSource) or not asked:
        return columns
    data = declared.deliver(source, table, asked, stores).data
    suspected = {found.column: found.kind for found in detect(data) if found.column not in spared}
    return [_seen(one, data, suspected) if one.about.name in asked else one for one in columns]


def _may_be_looked_at(one: SourceColumn) -> bool:
    believed = one.identifying in {None, *PROVEN} or one.about.name == ROW_NAME
    return believed and not one.about.kind


def _seen(one: SourceColumn, data: pa.Table, suspected: Mapping[str, str]) -> SourceColumn:
    name = one.about.name
    if name in suspected:
        return replace(one, identifying=suspected[name])
    cells = cells_of(data[name])
    if one.identifying and not cells.kind:
        return one  # nothing speaks against its name
    about = replace(one.about, kind=cells.kind, lowest=cells.lowest, highest=cells.highest)
    return replace(one, about=about, words=cells.words, identifying=None)
