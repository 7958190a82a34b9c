"""What an .xls sheet holds beside the cells that a reader gives: errors, hidden parts, telling number formats.

[MS-CFB] 2 for the container, [MS-XLS] 2.4 for its records (BIFF8); older workbooks tell nothing.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator

from omics_orchestrator.sources.number_formats import PERCENT, Shown, changes, shown_by
from omics_orchestrator.sources.places import letters
from omics_orchestrator.sources.workbook_facts import SheetFacts

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_SECTOR = 0xFFFFFFFA  # from here on numbers are signs, no sectors
BOF, EOF, SHEET, XF, FORMAT, ROW, COLINFO = 0x0809, 0x000A, 0x0085, 0x00E0, 0x041E, 0x0208, 0x007D
NUMBER, RK, MULRK, BOOLERR, FORMULA = 0x0203, 0x027E, 0x00BD, 0x0205, 0x0006
TEXTS = {0x00FD, 0x0204, 0x00D6}
Record = tuple[int, bytes]
Style = tuple[Shown, int] | None


def facts_of_xls(blob: bytes, sheet: str) -> SheetFacts | None:
    """Return what the records of a sheet tell; None = no .xls of 1997 or later, or damaged."""
    try:
        stream = _workbook(blob)
        if struct.unpack_from("<HHH", stream)[::2] != (BOF, 0x0600):
            return None
        places, styles = _globals(stream)
        return _sheet(_records(stream, places[sheet]), styles)
    except (struct.error, IndexError, KeyError, ValueError, UnicodeDecodeError):
        return None


def _workbook(blob: bytes) -> bytes:
    """Return the stream of records within the container."""
    if not blob.startswith(MAGIC):
        raise ValueError
    size, small = (1 << shift for shift in struct.unpack_from("<HH", blob, 30))
    first, cutoff, mini_first = struct.unpack_from("<I4xII", blob, 48)
    more, _ = struct.unpack_from("<II", blob, 68)
    table = list(struct.unpack_from("<109I", blob, 76))
    seen = 0
    while more < NO_SECTOR and seen * size < len(blob):
        words = struct.unpack_from(f"<{size // 4}I", blob, size * (more + 1))
        table, more, seen = [*table, *words[:-1]], words[-1], seen + 1
    fat = [
        word
        for place in table
        if place < NO_SECTOR
        for word in struct.unpack_from(f"<{size // 4}I", blob, size * (place + 1))
    ]
    whole = _chain(blob, first, fat, size, size)
    entries = [whole[at : at + 128] for at in range(0, len(whole) - 127, 128)]
    named = {entry[: max(0, _word(entry, 64) - 2)].decode("utf-16-le"): entry for entry in entries}
    entry = named["Workbook"]
    start, length = struct.unpack_from("<II", entry, 116)
    if length >= cutoff:
        return _chain(blob, start, fat, size, size)[:length]
    mini = _chain(blob, struct.unpack_from("<I", entries[0], 116)[0], fat, size, size)
    mini_table = _chain(blob, mini_first, fat, size, size)
    return _chain(mini, start, struct.unpack(f"<{len(mini_table) // 4}I", mini_table), small, 0)[:length]


def _chain(blob: bytes, place: int, fat: list[int] | tuple[int, ...], size: int, above: int) -> bytes:
    parts: list[bytes] = []
    while place < NO_SECTOR and len(parts) <= len(fat):
        parts.append(blob[above + place * size : above + (place + 1) * size])
        place = fat[place]
    return b"".join(parts)


def _records(stream: bytes, place: int) -> Iterator[Record]:
    """Yield the records of one part of the stream, those of charts within it left out."""
    depth = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        depth += (kind == BOF) - (kind == EOF)
        if not depth:
            return
        if depth == 1:
            yield kind, stream[place + 4 : place + 4 + length]
        place += 4 + length


def _globals(stream: bytes) -> tuple[dict[str, int], list[Style]]:
    """Return where each sheet begins, and the style of each number that cells name."""
    places, codes, used = {}, dict(PERCENT), []
    for kind, body in _records(stream, 0):
        if kind == SHEET:
            wide = body[7] & 1
            places[body[8:].decode("utf-16-le" if wide else "latin-1")] = struct.unpack_from("<I", body)[0]
        elif kind == FORMAT:
            codes[_word(body, 0)] = body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1")
        elif kind == XF:
            used.append(_word(body, 2))
    styles: list[Style] = []
    for number in used:
        shown, digits = shown_by(codes.get(number, "General"))
        styles.append((shown, digits) if shown else None)
    return places, styles


def _sheet(records: Iterator[Record], styles: list[Style]) -> SheetFacts:
    errors: dict[str, list[int]] = defaultdict(list)
    shown: dict[tuple[str, Shown], list[int]] = defaultdict(list)
    hidden = {"row": 0, "col": 0}
    columns, filled, height = set(), 0, 0
    for kind, body in records:
        if kind == ROW:
            hidden["row"] += bool(_word(body, 12) & 0x20)
        elif kind == COLINFO:
            hidden["col"] += bool(_word(body, 8) & 1)
        for row, column, style, value in _cells(kind, body):
            name = letters(column)
            columns.add(name)
            filled, height = filled + 1, max(height, row + 1)
            if value is None:
                errors[name].append(row + 1)
            elif value and style < len(styles) and (told := styles[style]) and changes(*told, value):
                shown[name, told[0]].append(row + 1)
    return SheetFacts(errors, {}, hidden, filled, height, frozenset(columns), shown)


def _cells(kind: int, body: bytes) -> Iterator[tuple[int, int, int, str | None]]:
    """Yield row, column, style and number of the cells of a record; '' = no number, None = an error."""
    if kind == MULRK:
        row, first = struct.unpack_from("<HH", body)
        for at in range(4, len(body) - 2, 6):
            style, word = struct.unpack_from("<HI", body, at)
            yield row, first + (at - 4) // 6, style, repr(_rk(word))
    elif kind in {NUMBER, RK, BOOLERR, FORMULA} | TEXTS:
        row, column, style = struct.unpack_from("<HHH", body)
        yield row, column, style, _value(kind, body)


def _value(kind: int, body: bytes) -> str | None:
    if kind == NUMBER or (kind == FORMULA and body[12:14] != b"\xff\xff"):
        return repr(struct.unpack_from("<d", body, 6)[0])
    if kind == RK:
        return repr(_rk(struct.unpack_from("<I", body, 6)[0]))
    if (kind == BOOLERR and body[7]) or (kind == FORMULA and body[6] == 2):
        return None
    return ""


def _rk(word: int) -> float:
    """Return a number in the short form: 30 bits of an integer or of a double, perhaps times 100."""
    if word & 2:
        found = float(struct.unpack("<i", struct.pack("<I", word))[0] >> 2)
    else:
        found = struct.unpack("<d", struct.pack("<II", 0, word & 0xFFFFFFFC))[0]
    return found / 100 if word & 1 else found


def _word(body: bytes, at: int) -> int:
    found: int = struct.unpack_from("<H", body, at)[0]
    return found
