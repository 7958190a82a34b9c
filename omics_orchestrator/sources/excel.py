"""The source kind `excel`: sheets of .xlsx and .xls workbooks in an object store."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal

import pyarrow as pa
from pydantic import Field

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.files import FileOptions, FileSource, Sheet, name_columns, without_blanks

Cell = int | float | str | bool | time | date | datetime | timedelta
DIGITS = 15  # what Excel itself keeps and shows of a number


class ExcelOptions(FileOptions):
    """How one sheet is to be read."""

    sheet: str | None = None
    """Name of the sheet; default: the first."""

    def read(self, blob: bytes) -> Sheet:
        """Return the cells of one sheet as text: whole numbers without `.0`, dates as in ISO 8601."""
        sheet = Sheet()
        cells = self._cells(blob, sheet)[self.skip_rows :]
        header = list(self.headers) or [as_text(cell) for cell in next(iter(cells), ())]
        if not any(header):
            raise DeliveryError("the sheet has no header row where one is declared to be")
        rows = cells if self.headers else cells[1:]
        if rows and len(rows[0]) != len(header):
            raise DeliveryError(f"{len(header)} headers are declared, the sheet has {len(rows[0])} columns")
        names = name_columns(header, len(header), sheet)
        columns = ([as_text(row[i]) for row in rows] for i in range(len(names)))
        sheet.data = pa.table(
            {name: pa.array(c, pa.string()) for name, c in zip(names, columns, strict=True)}
        )
        return without_blanks(sheet, header)

    def _cells(self, blob: bytes, sheet: Sheet) -> Sequence[Sequence[Cell]]:
        """Return the rows of the sheet from its first cell on, all equally wide."""
        import python_calamine as calamine

        try:
            workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(blob))
            wanted = self.sheet or workbook.sheet_names[0]
            sheet.decisions["sheet"] = wanted
            if wanted not in workbook.sheet_names:
                raise DeliveryError(
                    f"no sheet '{wanted}'; the workbook has {', '.join(workbook.sheet_names)}"
                )
            rows: Sequence[Sequence[Cell]] = workbook.get_sheet_by_name(wanted).to_python(
                skip_empty_area=False
            )
        except calamine.CalamineError as error:
            raise DeliveryError(f"not a workbook that can be read ({type(error).__name__})") from error
        return rows


class ExcelTable(ExcelOptions):
    """One table of an Excel source: another file, another sheet."""

    file: str = ""


class Excel(FileSource, ExcelOptions):
    """Sheets of Excel workbooks (.xlsx, .xls); every cell is taken as text."""

    kind: Literal["excel"] = "excel"
    table_files: dict[str, str | ExcelTable] = Field(default={}, alias="tables")
    """Table name → file below `location`, or `{file: …, sheet: …}` (`file` not where `location` is one)."""

    @property
    def files(self) -> Mapping[str, str | ExcelTable]:
        """Declared table → its file and sheet."""
        return self.table_files

    @classmethod
    def options(cls) -> type[FileOptions]:
        """Return the options of this kind."""
        return ExcelOptions


def as_text(cell: Cell) -> str:
    """Return a cell as a person would write it."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return format(cell, f".{DIGITS}g") if abs(cell) < 10**DIGITS else str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
