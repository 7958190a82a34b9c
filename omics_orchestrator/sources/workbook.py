"""What an .xlsx sheet holds beside the cells that a reader gives: errors, formulas never computed, hidden parts.

Read from the sheet's own XML; an .xls tells none of it.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
PLACE = re.compile(rb'\br="([A-Z]+)[0-9]+"')
ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*\br="([0-9]+)"')
FAR = 1 << 20  # bytes at the end of a sheet in which its last row must begin
VALUE = re.compile(rb"<(?:\w+:)?v>[^<]")
HIDDEN = re.compile(rb'<(?:\w+:)?(row|col)\b[^>]*\bhidden="(?:1|true)"')
UNREADABLE = (
    *(zipfile.BadZipFile, KeyError, ET.ParseError, StopIteration),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error),
)
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class SheetFacts:
    """Counts; columns are letters.

    Attributes:
        errors: cells that hold an error such as #N/A, by column.
        uncomputed: formulas without a value, by column.
        hidden: of `row` and `col`, how many entries are hidden.
        filled: cells that hold anything.
        height: number of the last row that is written down.
        columns: letters of the columns in which cells are written down.
    """

    errors: Mapping[str, int] = field(default_factory=dict)
    uncomputed: Mapping[str, int] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    filled: int = 0
    height: int = 0
    columns: frozenset[str] = frozenset()


def is_protected(blob: bytes) -> bool:
    """Tell whether a workbook can be opened with a password only."""
    return ENCRYPTED in blob


def facts_of(blob: bytes, sheet: str) -> SheetFacts | None:
    """Return what the XML of a sheet tells; None = an .xls, or XML laid out in a way that is not known here."""
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            text = archive.read(_part(archive, sheet))
    except UNREADABLE:
        return None
    errors: Counter[str] = Counter()
    uncomputed: Counter[str] = Counter()
    if b't="e"' in text or re.search(rb"<(?:\w+:)?f\b", text):
        for words, inside in CELL.findall(text):
            place = PLACE.search(words)
            letters = place[1].decode() if place else "?"
            if b't="e"' in words:
                errors[letters] += 1
            elif (
                re.search(rb"<(?:\w+:)?f\b", inside) and not VALUE.search(inside) and b't="str"' not in words
            ):
                uncomputed[letters] += 1
    hidden = Counter(name.decode() for name in HIDDEN.findall(text))
    last = max((int(number) for number in ROW.findall(text[-FAR:])), default=0)
    columns = frozenset(name.decode() for name in set(PLACE.findall(text)))
    filled = len(VALUE.findall(text)) + text.count(b"<is>")
    return SheetFacts(errors, uncomputed, hidden, filled, last, columns)


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part that holds a sheet."""
    workbook = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat bounds the growth of entities
    relation = next(one.get(LINK) for one in workbook.iter(f"{MAIN}sheet") if one.get("name") == sheet)
    links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - as above
    target = next(one.get("Target", "") for one in links if one.get("Id") == relation)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
