"""A study that comes as one file: CSV and its relatives, or a workbook with a table on each sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from omics_orchestrator.steps.new_study.titles import ABOVE as ABOVE_SHEET
from omics_orchestrator.steps.new_study.titles import lines_above
from omics_orchestrator.steps.suggest.cells import number
from omics_orchestrator.storage.objects import Stores

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
REMARK = "#"  # how lines begin that are no rows, where a file is no table with them
ABOVE = 5  # lines above the header that are tried
DATA = 0.5  # of the names in a header: so many numbers and dates are no header


@dataclass(frozen=True)
class SheetOfFile:
    """A sheet of a workbook: the name of its table, its own, and the lines above its header."""

    table: str
    sheet: str
    above: int


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
    sheets = _sheets(place, name) if excel else []
    source = _workbook(location, sheets) if excel else _delimited(name, location, place, Stores(here))
    tables, notes = _tables(name, source, Stores(here))
    read = [table.removeprefix(f"{name}.") for table in tables]
    known = sheets if len(sheets) == 1 else [sheet for sheet in sheets if sheet.table in read]
    notes += [
        f"sheet {one.sheet}: {counted(one.above, 'line')} above the header left out (skip_rows: {one.above})"
        for one in known
        if one.above
    ]
    lines = of_sheets(name, location, known) if len(sheets) > 1 else of_one(name, location, source)
    return of_tables(
        name,
        lines,
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


def of_one(name: str, location: str, source: FileSource) -> list[str]:
    """Return the line that declares a file of one table."""
    above = source.skip_rows if isinstance(source, Delimited | Excel) else 0
    mark = source.comment if isinstance(source, Delimited) else None
    skip = (f", skip_rows: {above}" if above else "") + (f", comment: {quoted(mark)}" if mark else "")
    return [f"{name}: {{kind: {source.kind}, location: {quoted(location)}{skip}}}"]


def of_sheets(name: str, location: str, sheets: Sequence[SheetOfFile]) -> list[str]:
    """Return the lines that declare a workbook with a table on each of these sheets."""
    return [
        f"{name}:",
        "  kind: excel",
        f"  location: {quoted(location)}",
        "  tables:",
        *(
            f"    {one.table}: {{sheet: {quoted(one.sheet)}{f', skip_rows: {one.above}' if one.above else ''}}}"
            for one in sheets
        ),
    ]


def quoted(text: str) -> str:
    """Return a text in double quotes, as YAML reads it back."""
    return json.dumps(text, ensure_ascii=False)


def _workbook(location: str, sheets: Sequence[SheetOfFile]) -> FileSource:
    if len(sheets) == 1:
        return Excel.model_validate({"location": location, "skip_rows": sheets[0].above})
    tables = {one.table: {"sheet": one.sheet, "skip_rows": one.above} for one in sheets}
    return Excel.model_validate({"location": location, "tables": tables})


def _delimited(name: str, location: str, file: Path, stores: Stores) -> Delimited:
    """Return how a text file is read: where it is no table as it stands, below titles, or without lines of remarks."""
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
    remarks = Delimited.model_validate({"location": location, "comment": REMARK})
    try:
        if len(remarks.deliver(name, name, (), stores).seen) > 1:
            return remarks
    except DeliveryError:
        pass
    return Delimited.model_validate({"location": location})  # deliver() tells what is wrong with it


def _are_titles(file: Path, above: int, separator: str) -> bool:
    """Tell whether the first lines have one filled cell at most: else they are a header, or rows."""
    with file.open(encoding="latin-1") as lines:
        return all(
            sum(bool(cell.strip(' "\r\n')) for cell in line.split(separator)) < 2
            for line in islice(lines, above)
        )


def _sheets(file: Path, source: str) -> list[SheetOfFile]:
    """Return the sheets of a workbook with the names of their tables."""
    import python_calamine as calamine

    found: dict[str, SheetOfFile] = {}
    try:
        workbook = calamine.CalamineWorkbook.from_path(str(file))
        for number_, sheet in enumerate(workbook.sheet_names, start=1):
            table = slug(sheet, "sheet")
            if table in found or table == source:  # a table called as its source is taken for it
                table = f"sheet_{number_}"
            rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False, nrows=2 * ABOVE_SHEET)
            found[table] = SheetOfFile(table, sheet, lines_above(rows))
    except (calamine.CalamineError, OSError):
        return []  # read() tells what is wrong with it
    return list(found.values())


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
