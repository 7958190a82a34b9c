"""One cell of a workbook as the text that a person meant, or why it cannot be known.

Spreadsheet programs make dates of MAR1, numbers of 1E5 and 007, truth of true: such a cell is brought back where
the exported row tells what stood there, else refused.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from omics_orchestrator.steps.spreadsheet.records import ENDS

CARRIAGE = re.compile(r"_x000[dD]_\n?|\r\n?")
CONTROL = re.compile(rf"[\x00-\x08\x0e-\x1f\x7f{ENDS}]")
SIGNS = re.compile(rf"[\x00-\x1f\x7f{ENDS}]+")
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
LONGEST = 32_767  # characters that a cell of Excel takes
AGAIN = "set the cell's format to Text, then type it again"


class Refused(ValueError):
    """A cell whose text is not known; the message says why, `allowed` what would be right."""

    def __init__(self, message: str, allowed: str = AGAIN) -> None:
        super().__init__(message)
        self.allowed = allowed


@dataclass(frozen=True)
class Stored:
    """What the file holds: the value, openpyxl's letter for its type, and the number format."""

    value: Any
    kind: str = "s"
    shown: str = "General"


def text_of(cell: Stored, *, number: bool, day: bool = False, before: Iterable[str] = ()) -> str:
    """Return a cell's text, outer spaces removed.

    Args:
        cell: what the file holds.
        number: whether the column holds numbers.
        day: whether it holds days.
        before: texts that may have stood there when the workbook was written.

    Raises:
        Refused: a formula, an error, a date, or a number where Excel may have changed what was typed.
    """
    value = cell.value
    if value is None:
        return ""
    if cell.kind == "f":
        raise Refused("holds a formula", "copy the cell and paste it as a value")
    if cell.kind == "e":
        raise Refused(f"holds the error {value}", "type what it should be")
    if isinstance(value, str):
        return _plain(value)
    if day and isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if cell.kind == "d" or not isinstance(value, bool | int | float):
        raise Refused("is a date: the program may have made it of what was typed (MAR1, 1-2)")
    return _number(value, cell.shown, number=number, before=before)


def _plain(value: str) -> str:
    text = CARRIAGE.sub("\n", value).strip()
    if sign := CONTROL.search(text):
        raise Refused(
            f"holds the character U+{ord(sign[0]):04X}, which cannot be seen", "type the text again"
        )
    return text


def _number(value: float, shown: str, *, number: bool, before: Iterable[str]) -> str:
    known = sorted({text for text in before if _same(text, value)})
    if len(known) == 1:
        return known[0]
    if isinstance(value, bool):
        raise Refused(f"is the truth value {str(value).upper()}, made by the program of what was typed")
    if not number:
        of = f", one of {', '.join(map(repr, known))}" if known else " (1E5 and 007 look so too)"
        raise Refused(f"is a number, made by the program of what was typed{of}")
    if "%" in shown:
        raise Refused("is shown as a percentage", "set the cell's format to General and type the number")
    return written_number(value)


def _same(text: str, value: float) -> bool:
    if isinstance(value, bool):
        return text.casefold() == str(value).casefold()
    try:
        return float(text) == value
    except ValueError:
        return False


def written_number(value: float) -> str:
    """Return a number as the dictionary writes it: no `.0`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def as_number(text: str) -> float | None:
    """Return the number that comes back as exactly this text, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 and written_number(value) == text else None


def storable(text: str) -> str:
    """Return a text as a cell must hold it so that programs show it.

    Raises:
        Refused: too long, or with a character that no cell can hold.
    """
    if len(text) > LONGEST:
        raise Refused(f"has {len(text):,} characters", f"a cell takes {LONGEST:,}")
    _plain(text)
    return ESCAPED.sub("_x005F_", text)


def legible(text: str) -> str:
    """Return a text from a source on one line, without what no cell can hold: only to be shown."""
    return SIGNS.sub(" ", text).strip()[:LONGEST]
