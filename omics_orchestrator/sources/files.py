"""What table files have in common, whatever their format: places, stacking, headers, blank rows.

How bytes become cells is the business of delimited.py and excel.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding
from omics_orchestrator.sources.base import Delivery, Held, Location, admits, expand, without_nul
from omics_orchestrator.sources.followed import Followed
from omics_orchestrator.storage.objects import Stores

ROW_NUMBER = "row_number"
SEEN = 10_000  # rows in which a comma must turn up for a column to be looked at
MOSTLY = 0.9


@dataclass
class Sheet:
    """The cells of one file, as they are filled in by a reader.

    Attributes:
        data: text columns under unique names.
        findings: what is wrong or was mended.
        decisions: what was declared or detected.
    """

    data: pa.Table = field(default_factory=lambda: pa.table({}))
    findings: list[Finding] = field(default_factory=list)
    decisions: dict[str, str] = field(default_factory=dict)

    def note(self, message: str, count: int = 1) -> None:
        """Tell something that was seen and needs no mending."""
        self.findings.append(Finding("delivery", message, count, "note"))


class FileOptions(Declared):
    """How one table file is to be read."""

    headers: tuple[str, ...] = ()
    """Names of the columns, for a file without a header line."""
    skip_rows: int = Field(default=0, ge=0)
    """Lines (sheet rows) above the header."""
    header_rows: int = Field(default=1, ge=1, le=9)
    """Lines (sheet rows) of the header; the words of several are joined, group names reach to the right."""

    @abstractmethod
    def read(self, blob: bytes) -> Sheet:
        """Return the cells of one file."""


class FileSource(Followed):
    """Table files in an object store; several files under one glob are stacked by column name."""

    location: Location
    """One file, a glob in the last part, or (with `tables:`) a folder ending in `/`."""

    @property
    @abstractmethod
    def files(self) -> Mapping[str, FileOptions | str]:
        """Declared table → its file below `location`, with options of its own where it has some."""

    @model_validator(mode="after")
    def _folder_or_file(self) -> FileSource:
        if not self.files and self.location.endswith("/"):
            raise ValueError("a location that ends in / is a folder: name its files under tables:")
        return self

    def tables(self) -> tuple[str, ...] | None:
        """Return the declared tables; () = one table that bears the source's name."""
        return tuple(self.files)

    def locations(self) -> tuple[str, ...]:
        """Return the location of every file, as declared."""
        return tuple(dict.fromkeys(self._place(table)[0] for table in self.files)) or (self.location,)

    def deliver(
        self,
        name: str,
        table: str,
        admitted: Collection[str] | None,
        stores: Stores,
        *,
        held: Held | None = None,
    ) -> Delivery:
        """Read one table; see `Source.deliver`."""
        location, options = self._place(table)
        try:
            sheets = [options.read(store.get(found.key)) for store, found in expand(location, stores)]
            stacked = stack(sheets)
        except DeliveryError as error:
            raise DeliveryError(f"{name}.{table}: {error}", retry=error.retry) from error
        seen = tuple(stacked.data.column_names)
        data, findings = without_nul(stacked.data.select(list(filter(admits(admitted), seen))))
        findings += decimal_commas(data)
        rows = pa.array(range(1, stacked.data.num_rows + 1), pa.int64())
        data = data.append_column(ROW_NUMBER, rows).select([ROW_NUMBER, *data.column_names])
        return Delivery(data, (ROW_NUMBER,), seen, (*stacked.findings, *findings), stacked.decisions)

    def _place(self, table: str) -> tuple[str, FileOptions]:
        """Return where the table's file lies and how it is read: its own options over the source's."""
        own = self.files.get(table, "")
        settings: dict[str, Any] = self.model_dump(exclude_unset=True)
        settings |= {"file": own} if isinstance(own, str) else own.model_dump(exclude_unset=True)
        known = type(self).options().model_fields
        file = settings.pop("file", "")
        return self.location + file, type(self).options()(**{k: v for k, v in settings.items() if k in known})

    @classmethod
    @abstractmethod
    def options(cls) -> type[FileOptions]:
        """Return the class of this kind's options."""


def name_columns(header: Sequence[str], width: int, sheet: Sheet) -> list[str]:
    """Return one unique name per column; every change is told.

    A first column without a name is `row_name` (R leaves row names unnamed), another one `column_<position>`,
    a repeated name gets `#2`, `#3` …, runs of white space become one blank.

    Raises:
        DeliveryError: the header does not fit the rows.
    """
    names = [" ".join(name.replace("\0", "").split()) for name in header]
    if len(names) == width - 1:
        names = ["", *names]
        sheet.decisions["header"] = "R style, one name short"
    if len(names) != width:
        raise DeliveryError(f"the header has {len(names)} names, the rows have {width} cells")
    blank = [position for position, name in enumerate(names, 1) if not name]
    names = [name or (f"column_{i}" if i > 1 else "row_name") for i, name in enumerate(names, 1)]
    unique: dict[str, None] = {}
    repeated: set[str] = set()
    for name in names:
        candidate, number = name, 1
        while candidate in unique or candidate == ROW_NUMBER:
            number += 1
            candidate = f"{name}#{number}"
        unique[candidate] = None
        repeated |= {name} - {candidate}
    if blank:
        sheet.note("columns without a name were named by their position", len(blank))
    if repeated:
        sheet.note(f"columns of the same name were numbered: {', '.join(sorted(repeated))}", len(repeated))
    return list(unique)


def without_blanks(sheet: Sheet, header: Sequence[str]) -> Sheet:
    """Leave out the rows without any content, and nameless columns without any content; both are counted."""
    data = sheet.data
    nameless = [n for n, given in zip(data.column_names, header, strict=True) if not given.strip()]
    empty = [name for name in nameless if not filled(data[name])]
    data = data.drop_columns(empty) if empty else data
    blank = blank_rows(data)
    if blank is not None:
        data = data.filter(pc.invert(blank))
        sheet.note("blank rows were left out", pc.sum(blank).as_py())
    sheet.data = data
    return sheet


def blank_rows(data: pa.Table) -> pa.ChunkedArray | None:
    """Tell of each row whether it is without any content; None = none is."""
    blank = None
    for column in data.columns:
        empty = pc.equal(column, "")
        blank = empty if blank is None else pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return None
    return blank


def decimal_commas(data: pa.Table) -> list[Finding]:
    """Name the columns of numbers that are written with a comma, for which the mapping needs `decimal: ","`."""
    found = []
    for name, column in zip(data.column_names, data.columns, strict=True):
        if not pc.any(pc.match_substring(column.slice(0, SEEN), ",")).as_py():
            continue
        numbers = pc.sum(pc.match_substring_regex(column, r"^\s*[<>]?\s*-?[0-9]+(,[0-9]+)?\s*$")).as_py() or 0
        commas = pc.sum(pc.match_substring_regex(column, r"^\s*[<>]?\s*-?[0-9]+,[0-9]+\s*$")).as_py() or 0
        given = pc.sum(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py() or 0
        if commas and numbers >= MOSTLY * given:
            message = f'column {name}: numbers are written with a decimal comma; a rule reads them with decimal: ","'
            found.append(Finding("delivery", message, commas, "note", name))
    return found


def filled(column: pa.ChunkedArray) -> bool:
    """Tell whether any cell has content."""
    return bool(pc.any(pc.not_equal(column, "")).as_py())


def stack(sheets: Sequence[Sheet]) -> Sheet:
    """Return files as one table by column name; a column that a file lacks is blank there and told."""
    whole = Sheet(findings=[finding for sheet in sheets for finding in sheet.findings])
    for word in dict.fromkeys(word for sheet in sheets for word in sheet.decisions):
        whole.decisions[word] = ", ".join(
            dict.fromkeys(s.decisions[word] for s in sheets if word in s.decisions)
        )
    columns = [dict(zip(sheet.data.column_names, sheet.data.columns, strict=True)) for sheet in sheets]
    names = dict.fromkeys(name for cells in columns for name in cells)
    for name in names:
        if lacking := sum(name not in cells for cells in columns):
            message = f"column {name} is missing in {lacking} of {len(sheets)} files"
            whole.findings.append(Finding("drift", message, lacking, subject=name))
    blanks = [pa.chunked_array([pa.array([""] * sheet.data.num_rows, pa.string())]) for sheet in sheets]
    stacked = (
        [
            chunk
            for cells, blank in zip(columns, blanks, strict=True)
            for chunk in cells.get(name, blank).chunks
        ]
        for name in names
    )
    whole.data = pa.table([pa.chunked_array(chunks, pa.string()) for chunks in stacked], list(names))
    whole.decisions |= {"files": str(len(sheets)), "rows": str(whole.data.num_rows)}
    return whole
