"""A study that comes as one file: CSV and its relatives, or a workbook with a table on each sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.identifier_shapes import date, email
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.delimited import Delimited
from omics_orchestrator.sources.excel import Excel
from omics_orchestrator.sources.files import ROW_NUMBER, FileSource
from omics_orchestrator.steps.new_study.id_shape import pattern_of
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.new_study.rows import guesses, ids_of, joins, rows_of, seems_identifying
from omics_orchestrator.steps.suggest.cells import number
from omics_orchestrator.storage.objects import Stores

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
DATA = 0.5  # of the names in a header: so many numbers and dates are no header


def from_file(study: str, file: Path, settings: Settings) -> Origin:
    """Return what a file says of a study.

    Raises:
        DeliveryError: it is not there or cannot be read, or has no header.
    """
    place = file.resolve()
    if not place.is_file():
        raise DeliveryError(f"{file}: no file lies there")
    here = replace(
        settings, source_stores={**settings.source_stores, study: place.parent.as_uri()}
    )  # as study.yaml will find it
    name = slug(place.stem, "table")
    location = f"store+{study}://{place.name}"
    excel = place.suffix.lower() in WORKBOOKS
    sheets = _sheets(place, name) if excel else {}
    source = _source(location, sheets, excel=excel)
    tables, notes = _tables(name, source, Stores(here))
    rows = [rows_of(table, data) for table, data in tables.items()]
    found = guesses(rows)
    first = next(
        (one for one in rows if "participant" in found and one.table == found["participant"].table), None
    )
    apart = [one.person for one in rows if one.person and seems_identifying(one)]
    pattern = pattern_of(ids_of(first), letters=not apart) if first else ""
    return Origin(
        name,
        declared(
            name,
            location,
            {table: sheets[table] for table in _read(tables, name) if table in sheets},
            excel=excel,
        ),
        [f"{table}: {_size(data)}" for table, data in tables.items()],
        found,
        partial(joins, rows, found),
        pattern,
        f"the shape of what stands in {first.person}" if first else "",
        here,
        notes=notes,
        apart=list(dict.fromkeys(apart)),
        keys=[(one.table, one.person) for one in rows if one.person],
        set_up={f"OMICS_STORE_{study.upper()}_URL": place.parent.as_uri()},
    )


def slug(text: str, otherwise: str) -> str:
    """Return a text as a name of the language: small letters, digits and `_`, beginning with a letter."""
    found = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")[:40].strip("_")
    return found if found[:1].isalpha() else f"{otherwise}_{found}".strip("_")[:40]


def declared(name: str, location: str, sheets: dict[str, str], *, excel: bool) -> list[str]:
    """Return the lines that declare a file; sheets by the names of their tables."""
    kind = "excel" if excel else "delimited"
    if not sheets:
        return [f"{name}: {{kind: {kind}, location: {quoted(location)}}}"]
    lines = [f"{table}: {{sheet: {quoted(sheet)}}}" for table, sheet in sheets.items()]
    return [
        f"{name}:",
        f"  kind: {kind}",
        f"  location: {quoted(location)}",
        "  tables:",
        *(f"    {line}" for line in lines),
    ]


def quoted(text: str) -> str:
    """Return a text in double quotes, as YAML reads it back."""
    return json.dumps(text, ensure_ascii=False)


def _source(location: str, sheets: dict[str, str], *, excel: bool) -> FileSource:
    if not excel:
        return Delimited.model_validate({"location": location})
    tables = {table: {"sheet": sheet} for table, sheet in sheets.items()}
    return Excel.model_validate({"location": location, "tables": tables})


def _sheets(file: Path, source: str) -> dict[str, str]:
    """Return table → sheet of a workbook with several; {} = it has one."""
    import python_calamine as calamine

    try:
        names = calamine.CalamineWorkbook.from_path(str(file)).sheet_names
    except (calamine.CalamineError, OSError):
        return {}  # read() tells what is wrong with it
    found: dict[str, str] = {}
    for number_, sheet in enumerate(names, start=1):
        table = slug(sheet, "sheet")
        free = table not in found and table != source  # a table called as its source is taken for it
        found[table if free else f"sheet_{number_}"] = sheet
    return found if len(names) > 1 else {}


def _tables(name: str, source: FileSource, stores: Stores) -> tuple[dict[str, pa.Table], list[str]]:
    """Return reference → table for each that can be read, and what was told of them.

    Raises:
        DeliveryError: none can be read.
    """
    found: dict[str, pa.Table] = {}
    notes: list[str] = []
    wrong: list[DeliveryError] = []
    for table in source.tables() or (name,):
        reference = name if table == name and not source.tables() else f"{name}.{table}"
        try:
            delivery = source.deliver(name, table, None, stores)
            _must_have_a_header(reference, delivery.seen)
        except DeliveryError as error:
            wrong.append(error)
            continue
        found[reference] = delivery.data.drop_columns([ROW_NUMBER])
        notes += [_told(reference, finding) for finding in delivery.findings]
    if not found:
        raise wrong[0]
    return found, [*notes, *(f"left out: {error}" for error in wrong)]


def _told(table: str, finding: Finding) -> str:
    return f"{table}: {finding.message}"


def _must_have_a_header(table: str, names: Sequence[str]) -> None:
    """Refuse a first line that holds data: its cells would be taken for names of columns, and shown.

    Raises:
        DeliveryError: half of the names are numbers, dates or addresses.
    """
    cells = pa.array([name.partition("#")[0] for name in names], pa.string())
    wrong = int((number(cells) | date(cells) | email(cells)).sum())
    if names and (wrong >= DATA * len(names) or bool(email(cells).any())):
        raise DeliveryError(
            f"{table}: {wrong} of the {len(names)} names in the header are numbers, dates or addresses, so the first "
            "line seems to hold data: put a line with the names of the columns above it"
        )


def _read(tables: dict[str, pa.Table], name: str) -> list[str]:
    return [table.removeprefix(f"{name}.") for table in tables]


def _size(data: pa.Table) -> str:
    return f"{counted(data.num_rows, 'row')}, {counted(data.num_columns, 'column')}"
