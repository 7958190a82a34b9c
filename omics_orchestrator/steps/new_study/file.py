"""A study that comes as one file: CSV and its relatives, or a workbook with a table on each sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.identifier_shapes import date, email
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.delimited import SEPARATORS, Delimited
from omics_orchestrator.sources.excel import Excel
from omics_orchestrator.sources.files import ROW_NUMBER, FileSource
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.new_study.rows import rows_of
from omics_orchestrator.steps.new_study.tables import of_tables
from omics_orchestrator.steps.suggest.cells import number
from omics_orchestrator.storage.objects import Stores

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
ABOVE = 5  # lines above the header that are tried
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
    source = _workbook(location, sheets) if excel else _delimited(name, location, place, Stores(here))
    tables, notes = _tables(name, source, Stores(here))
    above = source.skip_rows if isinstance(source, Delimited) else 0
    read = [table.removeprefix(f"{name}.") for table in tables]
    return of_tables(
        name,
        declared(
            name, location, {table: sheets[table] for table in read if table in sheets}, above, excel=excel
        ),
        [f"{table}: {_size(data)}" for table, data in tables.items()],
        [rows_of(table, data) for table, data in tables.items()],
        here,
        notes=notes,
        set_up={f"OMICS_STORE_{study.upper()}_URL": place.parent.as_uri()},
    )


def slug(text: str, otherwise: str) -> str:
    """Return a text as a name of the language: small letters, digits and `_`, beginning with a letter."""
    found = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")[:40].strip("_")
    return found if found[:1].isalpha() else f"{otherwise}_{found}".strip("_")[:40]


def declared(name: str, location: str, sheets: dict[str, str], above: int, *, excel: bool) -> list[str]:
    """Return the lines that declare a file; sheets by the names of their tables."""
    kind = "excel" if excel else "delimited"
    if not sheets:
        skip = f", skip_rows: {above}" if above else ""
        return [f"{name}: {{kind: {kind}, location: {quoted(location)}{skip}}}"]
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


def _workbook(location: str, sheets: dict[str, str]) -> FileSource:
    tables = {table: {"sheet": sheet} for table, sheet in sheets.items()}
    return Excel.model_validate({"location": location, "tables": tables})


def _delimited(name: str, location: str, file: Path, stores: Stores) -> Delimited:
    """Return how a text file is read: where it is no table as it stands, below the titles above its header."""
    for above in range(ABOVE + 1):
        source = Delimited.model_validate(
            {"location": location, "skip_rows": above} if above else {"location": location}
        )
        try:
            delivery = source.deliver(name, name, (), stores)
        except DeliveryError:
            continue
        separator = SEPARATORS.get(delivery.decisions["separator"], delivery.decisions["separator"])
        if above == 0 or (len(delivery.seen) > 1 and _are_titles(file, above, separator)):
            return source
    return Delimited.model_validate({"location": location})  # deliver() tells what is wrong with it


def _are_titles(file: Path, above: int, separator: str) -> bool:
    """Tell whether the first lines have one filled cell at most: else they are a header, or rows."""
    with file.open(encoding="latin-1") as lines:
        return all(
            sum(bool(cell.strip(' "\r\n')) for cell in line.split(separator)) < 2
            for line in islice(lines, above)
        )


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


def _size(data: pa.Table) -> str:
    return f"{counted(data.num_rows, 'row')}, {counted(data.num_columns, 'column')}"
