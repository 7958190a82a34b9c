"""The source kind `excel`: sheets of .xlsx and .xls workbooks in an object store.

Where in a sheet a table lies, and what is told of its cells: grid.py; what only the XML tells: workbook.py.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.files import FileOptions, FileSource, Sheet, name_columns, without_blanks
from omics_orchestrator.sources.grid import (
    RANGE,
    Cell,
    Grid,
    area_of,
    as_text,
    fill,
    must_be_a_table,
    tell,
    tell_header,
)
from omics_orchestrator.sources.headers import joined
from omics_orchestrator.sources.places import letters
from omics_orchestrator.sources.stacked import must_be_one_table, runs
from omics_orchestrator.sources.workbook import facts_of, is_protected


class ExcelOptions(FileOptions):
    """How one sheet is to be read."""

    sheet: str | None = None
    """Name of the sheet; default: the first."""
    range: str | None = Field(default=None, pattern=RANGE.pattern, examples=["B3:F20", "B3:F", "B3"])
    """The cells of the table, header included, where a sheet holds several; `B3:F` goes down to the end."""
    fill_merged: bool = False
    """Whether a merged cell stands for all the cells that it covers; by default it is the first of them only."""

    def read(self, blob: bytes) -> Sheet:
        """Return the cells of one sheet as text: whole numbers without `.0`, dates as in ISO 8601."""
        sheet = Sheet()
        grid = self._grid(blob, sheet)
        cells, wide = grid.cells, len(grid.cells[0]) if grid.cells else 0
        above = 0 if self.headers else self.header_rows
        lines = [[as_text(cell) for cell in row] for row in cells[:above]]
        header = list(self.headers) or (joined(lines, sheet) if lines else [])
        if not any(header):
            raise DeliveryError("the sheet has no header row where one is declared to be")
        rows = cells[above:]
        if rows and wide != len(header):
            raise DeliveryError(f"{len(header)} headers are declared, the sheet has {wide} columns")
        names = name_columns(header, len(header), sheet)
        columns = ([as_text(row[i]) for row in rows] for i in range(len(names)))
        sheet.data = pa.table(
            {name: pa.array(c, pa.string()) for name, c in zip(names, columns, strict=True)}
        )
        tell(grid, names, rows, sheet)
        self._one_table(grid, names, rows, sheet)
        return without_blanks(sheet, header)

    def _one_table(self, grid: Grid, names: list[str], rows: Sequence[Sequence[Cell]], sheet: Sheet) -> None:
        """Tell or refuse a second table below the first; a range with a last row says that there is one only."""
        blocks = runs([not any(cell not in {"", None} for cell in row) for row in rows])
        if len(blocks) < 2:
            return
        first, last = letters(grid.left), letters(grid.left + len(names) - 1)
        above = grid.head + 1 - (0 if self.headers else self.header_rows)
        cells = f"{first}{above}:{last}{grid.head + blocks[0][1]}"
        mend = f"declare range: {cells} for the first alone, range: {first}{grid.head + blocks[1][0] + 1}:{last} "
        must_be_one_table(
            names,
            lambda begin, end: rows[begin:end],
            blocks,
            lambda row: f"row {grid.head + row + 1}",
            sheet,
            mend=f"{mend}for the other, or range: {first}{above}:{last}{grid.bottom} where all of it is one table",
            certain=bool(self.range and self.range[-1].isdigit() and ":" in self.range),
        )

    def _grid(self, blob: bytes, sheet: Sheet) -> Grid:
        """Return the cells of the table, header included, all rows equally wide."""
        import python_calamine as calamine

        if is_protected(blob):
            raise DeliveryError("the workbook is protected by a password: save it without one")
        try:
            workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(blob))
            if not workbook.sheet_names:
                raise DeliveryError("the workbook has no sheet: it is damaged; save it again")
            wanted = self.sheet or workbook.sheet_names[0]
            sheet.decisions["sheet"] = wanted
            if wanted not in workbook.sheet_names:
                raise DeliveryError(
                    f"no sheet '{wanted}'; the workbook has {', '.join(workbook.sheet_names)}"
                )
            facts = facts_of(blob, wanted)
            must_be_a_table(facts)
            found = workbook.get_sheet_by_name(wanted)
            rows = found.to_python(skip_empty_area=False)
            merged = found.merged_cell_ranges or []
        except calamine.CalamineError as error:
            raise DeliveryError(f"not a workbook that can be read ({type(error).__name__})") from error
        hidden = [
            one.name for one in workbook.sheets_metadata if one.visible != calamine.SheetVisibleEnum.Visible
        ]
        if wanted in hidden:
            sheet.note("the sheet is hidden in the workbook")
        area = area_of(self.range, len(rows), len(rows[0]) if rows else 0)
        top, _, left, _ = area = (area[0] + self.skip_rows, *area[1:])
        head = top + (0 if self.headers else self.header_rows)
        several = (
            head if head - top > 1 else 0
        )  # one header line: a title over two columns is no name of both
        covered = fill(rows, merged, several, whole=self.fill_merged)
        tell_header(merged, top, head, sheet)
        if self.range:
            sheet.decisions["range"] = self.range
        return Grid([row[left : area[3]] for row in rows[top : area[1]]], left, head, area[1], covered, facts)


class ExcelTable(ExcelOptions):
    """One table of an Excel source: another file, another sheet."""

    file: str = ""


class Excel(FileSource, ExcelOptions):
    """Sheets of Excel workbooks (.xlsx, .xls); every cell is taken as text."""

    version: ClassVar[str] = "3"

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
