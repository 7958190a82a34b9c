"""The sheet `suggestions` against the files as exported and as they lie here now: which states change, what is refused.

Pairs come and go by `omics dictionary suggest` only. Who decides, and on which day, is found in steps/suggest/.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.errors import DeclarationError, NotConfigured, UnknownKey
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.spreadsheet.complaints import Complaint, Told
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Records, changed, joined, read_records
from omics_orchestrator.steps.spreadsheet.sheets import SUGGESTIONS, named
from omics_orchestrator.steps.spreadsheet.suggestions import LISTED, OF_FILE
from omics_orchestrator.steps.suggest.decisions import decision, who_decides
from omics_orchestrator.studies.suggestions import (
    FILE,
    HEADER,
    STATES,
    mistakes,
    read_suggestions,
)

SIDES = "keep one of them: take over the state from there, or export again"
MARK = b"\xef\xbb\xbf"  # of byte order
DECIDED = ("state", "by", "on")

Key = tuple[str, ...]  # study, column, variable
Cells = Mapping[str, str]


@dataclass
class _File:
    """A study's suggestions.csv as it lies here, and what is wrong with it."""

    raw: bytes
    records: Records
    broken: str = ""
    marked: dict[Key, Cells] = field(default_factory=dict)

    def text(self) -> bytes:
        """Return the file with the changes; every other row keeps its own text."""
        rows = self.records.rows
        texts = [
            changed(one, self.marked[pair], self.records.newline) if pair in self.marked else one.text
            for pair, one in rows.items()
        ]
        mark = MARK if self.raw.startswith(MARK) else b""
        return mark + joined(self.records.head, texts, self.records.newline).encode()


def _read(folder: Path, variables: Collection[str]) -> _File:
    try:
        raw = (folder / FILE).read_bytes()
        read_suggestions(folder, variables)
    except FileNotFoundError:
        return _File(b"", Records("", {}, "\n"))
    except (OSError, DeclarationError) as error:
        first = error.problems[0] if isinstance(error, DeclarationError) else error
        return _File(b"", Records("", {}, "\n"), str(first))
    return _File(raw, read_records(raw.decode("utf-8-sig"), OF_FILE))


class Marking:
    """What the sheet changes in the suggestions of a dictionary.

    Args:
        folder: the data dictionary.
        base: the pairs as they were exported.
        rows: the sheet.
        before: the variables of the dictionary as it lies here.
        after: the variables that it will have with the workbook's changes.
        told: gets changes, complaints and notes.
    """

    def __init__(
        self,
        folder: Path,
        base: Records,
        rows: Rows,
        before: Collection[str],
        after: Collection[str],
        told: Told,
    ) -> None:
        self.folder, self.base, self.rows, self.after, self.told = folder, base, rows, after, told
        known = {*before, *after}
        studies = dict.fromkeys(key[0] for key in base.rows)
        self.files = {study: _read(folder / "studies" / study, known) for study in studies}
        self._who = ""

    def files_changed(self) -> Iterator[tuple[Path, bytes, bytes]]:
        """Yield each file that changes, its bytes before and after."""
        for key, cells in self.rows.cells.items():
            self._row(key, cells)
        self._tell_lost()
        self._tell_new()
        for study, file in self.files.items():
            if file.marked:
                yield self.folder / "studies" / study / FILE, file.raw, file.text()

    def _row(self, key: Key, mine: Cells) -> None:
        base = self.base.rows.get(key)
        if base is None:
            self._refuse_stranger(key)
            return
        file = self.files[key[0]]
        record = file.records.rows.get(key[1:])
        here = record.cells if record else None
        if mine["state"] == base.cells["state"]:
            self._unchanged(key, base.cells, mine, here)
        elif file.broken:
            self._refuse(key, "state", f"the file has mistakes: {file.broken}", "mend them there first")
        elif here is None:
            self._refuse(key, "state", f"the pair is gone from {self._name(key)} here", "export again")
        elif mine["state"] != here["state"]:
            self._change(key, base.cells, mine, here)
        elif _typed(base.cells, mine).items() - here.items():
            self.told.notes.append(
                f"{self._cell(key, 'state')}: {named(key)} is {_said(here)} in {self._name(key)} here; that stays"
            )

    def _unchanged(self, key: Key, base: Cells, mine: Cells, here: Cells | None) -> None:
        """Tell what happened here meanwhile; `by` and `on` are not changed alone."""
        for name, cell in _typed(base, mine).items():
            if here is None or cell != here[name]:
                message = f"{name!r} was changed, and the state was not"
                self._refuse(key, name, message, f"as it was: {base[name] or '(empty)'}")
        if here is None:
            if not self.files[key[0]].broken:
                self.told.meanwhile.append(f"{self._name(key)}  - {' '.join(key[1:])}")
        elif any(here[name] != base[name] for name in DECIDED):
            self.told.meanwhile.append(
                f"{self._name(key)}  {' '.join(key[1:])}: {_said(base)} → {_said(here)}"
            )

    def _change(self, key: Key, base: Cells, mine: Cells, here: Cells) -> None:
        if any(here[name] != base[name] for name in DECIDED):
            sides = f"is {mine['state']!r} in the workbook, {_said(here)} in {self._name(key)} here"
            self._refuse(key, "state", f"the state was {_said(base)}, {sides}", SIDES)
            return
        if mine["state"] not in STATES:
            word = f"{mine['state']!r} is not a state" if mine["state"] else "the state is empty"
            self._refuse(key, "state", word, suggest(mine["state"], STATES))
            return
        typed = _typed(base, mine)
        try:
            by, on = typed.get("by") or self._person(), typed.get("on", "")
            line = decision(mine["column"], mine["variable"], mine["state"], by, self.after, on)
        except NotConfigured as error:
            self._refuse(key, "by", str(error), "type into this cell who decides")
            return
        except UnknownKey as error:
            self._refuse(key, "variable", str(error), "")
            return
        after = {name: str(getattr(line, name)) for name in HEADER}
        wrong = list(mistakes(after, self.after))
        for name, message, allowed in wrong:
            self._refuse(key, name, message, allowed)
        if not wrong:
            self.files[key[0]].marked[key[1:]] = after
            self.told.changes.append(
                f"{self._cell(key, 'state')}  {named(key)}: {here['state']} → {_said(after)}"
            )

    def _person(self) -> str:
        self._who = self._who or who_decides(self.folder)
        return self._who

    def _refuse_stranger(self, key: Key) -> None:
        """Refuse a row that was not exported, at the cell by which it differs from one that is not there any more."""
        lost = [one for one in self.base.rows if one not in self.rows.cells]
        alike = (
            name
            for place, name in enumerate(SUGGESTIONS.key)
            if any(_but(one, place) == _but(key, place) for one in lost)
        )
        allowed = (
            "only the state is changed here; "
            f"`omics dictionary suggest {key[0]} --approve '{key[1]}={key[2]}'` writes down a new pair"
        )
        self._refuse(
            key, next(alike, "column"), "this pair was not in the workbook when it was written", allowed
        )

    def _tell_lost(self) -> None:
        lost = sorted(self.base.rows.keys() - self.rows.cells.keys())
        if lost and self.rows.whole:
            says = f"{counted(len(lost), 'row is', 'rows are')} not there; the suggestions stay"
            names = ", ".join(named(key) for key in lost[:LISTED]) + (" …" if len(lost) > LISTED else "")
            self.told.notes.append(f"{SUGGESTIONS.name}: {says}, they are taken out in {FILE}: {names}")

    def _tell_new(self) -> None:
        for study, file in self.files.items():
            new = [pair for pair in file.records.rows if (study, *pair) not in self.base.rows]
            if new:
                self.told.meanwhile.append(f"{self._name((study,))}  + {counted(len(new), 'pair')}")

    def _refuse(self, key: Key, name: str, message: str, allowed: str) -> None:
        row = self.rows.places[key]
        cell = f"{self.rows.columns[name]}{row}"
        self.told.complaints.append(
            Complaint(SUGGESTIONS.name, row, cell, f"{named(key)}: {message}", allowed)
        )

    def _cell(self, key: Key, name: str) -> str:
        return f"{SUGGESTIONS.name}!{self.rows.columns[name]}{self.rows.places[key]}"

    def _name(self, key: Key) -> str:
        return f"studies/{key[0]}/{FILE}"


def _typed(base: Cells, mine: Cells) -> dict[str, str]:
    """Return what a person typed into `by` and `on`; an empty cell says nothing."""
    return {name: mine[name] for name in ("by", "on") if mine[name] not in {"", base[name]}}


def _said(cells: Cells) -> str:
    """Return the state with who said so, and when."""
    of = ", ".join(cells[name] for name in ("by", "on") if cells[name])
    return f"{cells['state']} ({of})" if of else cells["state"]


def _but(key: Key, place: int) -> Key:
    return key[:place] + key[place + 1 :]
