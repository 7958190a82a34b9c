"""A sheet against the file as exported and the file as it lies here now: what is kept, what is refused.

Cell by cell: who alone changed a cell has it; both the same is no conflict; both differently is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omics_orchestrator.steps.spreadsheet.complaints import Complaint, Told
from omics_orchestrator.steps.spreadsheet.ordering import merged_order, moved
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Records, changed, joined
from omics_orchestrator.steps.spreadsheet.sheets import CODES, Sheet, named

Key = tuple[str, ...]
Cells = Mapping[str, str]
SIDES = "keep one of them: take over the value from there, or export again"


@dataclass(frozen=True)
class Merged:
    """What a file would become: its text, and its rows by key in their order."""

    text: str
    rows: dict[Key, dict[str, str]]


def merge(sheet: Sheet, base: Records, here: Records, rows: Rows, told: Told) -> Merged:
    """Return the file with the changes of the sheet; conflicts are complaints, and leave the cell as it is here."""
    one = _Merge(sheet, base, here, rows, told)
    kept = {key: row for key in one.every_key() if (row := one.row(key)) is not None}
    order = merged_order(list(base.rows), list(here.rows), list(rows.cells))
    if order is None:
        message = f"{sheet.name}: rows were moved in the workbook, and otherwise in {sheet.file} here"
        told.complaints.append(Complaint(sheet.name, 0, "", message, "move them in one of the two only"))
        order = [*here.rows, *rows.cells]
    found = {key: kept[key] for key in order if key in kept}
    one.tell_moved(found)
    texts = [_text(here, key, row) for key, row in found.items()]
    return Merged(joined(here.head, texts, here.newline), found)


def _text(here: Records, key: Key, row: Cells) -> str:
    record = here.rows.get(key)
    return record.text if record and record.cells == dict(row) else changed(record, row, here.newline)


@dataclass
class _Merge:
    """One sheet's merge, row by row."""

    sheet: Sheet
    base: Records
    here: Records
    rows: Rows
    told: Told

    def every_key(self) -> Iterator[Key]:
        """Yield every row's key once."""
        yield from dict.fromkeys((*self.base.rows, *self.here.rows, *self.rows.cells))

    def row(self, key: Key) -> dict[str, str] | None:
        """Return what becomes of one row; None: it goes."""
        base, here = self._cells(self.base, key), self._cells(self.here, key)
        mine = self.rows.cells.get(key)
        if mine is None and base is not None and not self.rows.whole:
            mine = base  # perhaps the row whose name could not be read
        if mine == base:
            self._tell_meanwhile(key, base, here)
            return here
        if here in (base, mine):
            self._tell(key, here, mine)
            return mine
        if mine is None or here is None:
            self._gone(key, base, mine, here)
            return here
        return self._both(key, base or {}, mine, here)

    def _cells(self, records: Records, key: Key) -> dict[str, str] | None:
        record = records.rows.get(key)
        return record.cells if record else None

    def _both(self, key: Key, base: Cells, mine: Cells, here: Cells) -> dict[str, str]:
        row = dict(here)
        for name in self.sheet.header:
            before = base.get(name, "")
            if mine[name] == here[name] or mine[name] == before and base:
                continue
            if base and here[name] == before:
                row[name] = mine[name]
                continue
            was = f"was {before!r}, is" if base else "is"
            sides = f"{mine[name]!r} in the workbook, {here[name]!r} in {self.sheet.file} here"
            self._refuse(key, name, f"{named(key)}: {name} {was} {sides}")
        self._tell(key, here, row)
        if base:
            self._tell_meanwhile(key, base, here)
        return row

    def _gone(self, key: Key, base: Cells | None, mine: Cells | None, here: Cells | None) -> None:
        other = mine if mine is not None else here
        assert base is not None
        assert other is not None
        parts = ", ".join(
            f"{name} {base[name]!r} → {cell!r}" for name, cell in other.items() if base[name] != cell
        )
        file = self.sheet.file
        sides = (
            f"gone in the workbook, but was changed in {file} here"
            if mine is None
            else f"gone from {file} here, but was changed in the workbook"
        )
        message = f"{named(key)}: the row is {sides}: {parts}"
        self._refuse(key, self.sheet.key[0], message)

    def _refuse(self, key: Key, name: str, message: str) -> None:
        row = self.place(key)
        cell = f"{self.rows.columns[name]}{row}"
        self.told.complaints.append(Complaint(self.sheet.name, row, cell, message, SIDES))

    def place(self, key: Key) -> int:
        """Return the row of the sheet; for one that is gone, the row that it had in the export."""
        if key in self.rows.places:
            return self.rows.places[key]
        return list(self.base.rows).index(key) + 2 if key in self.base.rows else 1

    def _tell(self, key: Key, before: Cells | None, after: Cells | None) -> None:
        """Tell what the workbook changes in a row."""
        where, row = self.sheet.name, self.place(key)
        if before is None and after is not None:
            filled = "; ".join(
                f"{name} {cell}" for name, cell in after.items() if cell and name not in self.sheet.key
            )
            self.told.changes.append(f"{where}!{row}  + {named(key)}: {filled}")
        elif after is None:
            self.told.changes.append(f"{where}  - {named(key)} (stood in row {row})")
        elif before is not None:
            for name, old, new in _differences(before, after):
                cell = f"{self.rows.columns[name]}{row}"
                self.told.changes.append(
                    f"{where}!{cell}  {named(key)}: {name}: {_shown(old)} → {_shown(new)}"
                )

    def _tell_meanwhile(self, key: Key, base: Cells | None, here: Cells | None) -> None:
        """Tell what was changed here since the export."""
        if base == here:
            return
        if base is None or here is None:
            sign = "+" if base is None else "-"
            self.told.meanwhile.append(f"{self.sheet.file}  {sign} {named(key)}")
            return
        for name, old, new in _differences(base, here):
            self.told.meanwhile.append(
                f"{self.sheet.file}  {named(key)}: {name}: {_shown(old)} → {_shown(new)}"
            )

    def tell_moved(self, found: Mapping[Key, object]) -> None:
        """Tell which rows stand elsewhere; of codes, which lists have another order, for `worst` goes by it."""
        here = [key for key in self.here.rows if key in found]
        number = moved(here, [key for key in found if key in self.here.rows])
        if not number:
            return
        self.told.changes.append(f"{self.sheet.name}  rows that stand elsewhere: {number}")
        if self.sheet is CODES:
            for name in dict.fromkeys(key[0] for key in here):
                old = [code for of, code in here if of == name]
                new = [key[1] for key in found if key[0] == name and key in self.here.rows]
                if old != new:
                    self.told.changes.append(f"{self.sheet.name}  order of {name}: {', '.join(new)}")


def _differences(before: Cells, after: Cells) -> Iterator[tuple[str, str, str]]:
    for name, old in before.items():
        if old != after[name]:
            yield name, old, after[name]


def _shown(text: str) -> str:
    return text or "(empty)"
