"""What an .xlsx sheet holds beside the cells that a reader gives: errors, formulas without a value, hidden parts.

Read from the sheet's own XML; an .xls is read in xls.py.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omics_orchestrator.sources.number_formats import PERCENT, Shown, changes, shown_by
from omics_orchestrator.sources.places import letters, number
from omics_orchestrator.sources.workbook_facts import SheetFacts
from omics_orchestrator.sources.xls import MAGIC, facts_of_xls

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
CELL = re.compile(rb"<(?:\w+:)?(?:row\b([^>]*)>|(c)\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>))", re.DOTALL)
PLACE = re.compile(rb'\br="([A-Z]+)[0-9]+"')
NUMBERED = re.compile(rb'\br="([0-9]+)"')
STYLE = re.compile(rb'\bs="([0-9]+)"')
TYPED = re.compile(rb'\bt="(?!n")')
FORMULA = re.compile(rb"<(?:\w+:)?f\b")
NUMBER = re.compile(rb"<(?:\w+:)?v>([^<]+)")
ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*\br="([0-9]+)"')
FAR = 1 << 20  # bytes at the end of a sheet in which its last row must begin
VALUE = re.compile(rb"<(?:\w+:)?v>[^<]")
HIDDEN = re.compile(rb'<(?:\w+:)?(row|col)\b[^>]*\bhidden="(?:1|true)"')
UNREADABLE = (
    *(zipfile.BadZipFile, KeyError, ET.ParseError, StopIteration),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error),
)
Rows = dict[str, list[int]]
Styles = dict[int, tuple[Shown, int]]
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def is_protected(blob: bytes) -> bool:
    """Tell whether a workbook can be opened with a password only."""
    return ENCRYPTED in blob


def facts_of(blob: bytes, sheet: str) -> SheetFacts | None:
    """Return what a workbook tells of a sheet; None = laid out in a way that is not known here."""
    if blob.startswith(MAGIC):
        return facts_of_xls(blob, sheet)
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            text = archive.read(_part(archive, sheet))
            styles = _styles(archive)
    except UNREADABLE:
        return None
    hidden = Counter(name.decode() for name in HIDDEN.findall(text))
    last = max((int(number) for number in ROW.findall(text[-FAR:])), default=0)
    columns = frozenset(name.decode() for name in set(PLACE.findall(text)))
    filled = len(VALUE.findall(text)) + text.count(b"<is>")
    if not styles and b't="e"' not in text and not FORMULA.search(text):
        return SheetFacts({}, {}, hidden, filled, last, columns)
    errors, uncomputed, shown = _told(text, styles)
    return SheetFacts(errors, uncomputed, hidden, filled, last, columns, shown)


def _told(text: bytes, styles: Styles) -> tuple[Rows, Rows, dict[tuple[str, Shown], list[int]]]:
    """Return the rows of errors, of formulas without a value, and of numbers shown as something else, by column."""
    errors: Rows = defaultdict(list)
    uncomputed: Rows = defaultdict(list)
    shown: dict[tuple[str, Shown], list[int]] = defaultdict(list)
    for column, row, words, inside in _cells(text):
        if b't="e"' in words:
            errors[column].append(row)
        elif not VALUE.search(inside):
            if FORMULA.search(inside) and b't="str"' not in words:
                uncomputed[column].append(row)
        elif (
            (style := STYLE.search(words)) and (told := styles.get(int(style[1]))) and not TYPED.search(words)
        ):
            value = NUMBER.search(inside)
            if value and changes(*told, value[1].decode()):
                shown[column, told[0]].append(row)
    return errors, uncomputed, shown


def _cells(text: bytes) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield column, row, attributes and content of each cell; places that are not written down are counted."""
    row, column = 0, -1
    for of_row, of_cell, words, inside in CELL.findall(text):
        if not of_cell:
            found = NUMBERED.search(of_row)
            row, column = int(found[1]) if found else row + 1, -1
            continue
        place = PLACE.search(words)
        column = number(place[1].decode()) if place else column + 1
        yield letters(column), row, words, inside


def _styles(archive: zipfile.ZipFile) -> Styles:
    """Return the styles of cells by which a person sees another text than a number's."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    tree = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - expat bounds the growth of entities
    codes = PERCENT | {
        int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in tree.iter(f"{MAIN}numFmt")
    }
    found = {}
    for place, one in enumerate(tree.iterfind(f"{MAIN}cellXfs/{MAIN}xf")):
        shown, digits = shown_by(codes.get(int(one.get("numFmtId", 0)), "General"))
        if shown:
            found[place] = (shown, digits)
    return found


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part that holds a sheet."""
    workbook = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat bounds the growth of entities
    relation = next(one.get(LINK) for one in workbook.iter(f"{MAIN}sheet") if one.get("name") == sheet)
    links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - as above
    target = next(one.get("Target", "") for one in links if one.get("Id") == relation)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
