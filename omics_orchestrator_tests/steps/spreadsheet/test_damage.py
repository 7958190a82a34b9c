"""Damaged workbooks: refused in words, or read as what they are; never an error of Python's."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from omics_orchestrator.errors import FormatError
from omics_orchestrator_tests.steps.spreadsheet.books import Desk

PARTS = ("sheet", "workbook", "styles", "shared")
INSERTED = (b'<c r="ZZ1"/>', b' t="e"', b' t="b"', b"99999999999", b"<v>", b"&amp;")


def damaged(parts: dict[str, bytes], dice: random.Random) -> bytes:
    """Return the workbook with one to three changes in one of its parts."""
    name = dice.choice([one for one in parts if any(word in one for word in PARTS)])
    raw = bytearray(parts[name])
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(raw))
        kind = dice.random()
        if kind < 0.5:
            raw[place] = dice.choice(b'0123456789<>"ABn/')
        elif kind < 0.8:
            del raw[place : place + dice.randint(1, 20)]
        else:
            raw[place:place] = dice.choice(INSERTED)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for one, content in {**parts, name: bytes(raw)}.items():
            archive.writestr(one, content)
    return stream.getvalue()


def test_hundred_damaged_workbooks(desk: Desk):
    with zipfile.ZipFile(desk.book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before, refused, read = desk.bytes(), 0, 0
    for seed in range(100):
        desk.book.write_bytes(damaged(parts, random.Random(seed)))
        try:
            desk.read()
            read += 1
        except FormatError:
            refused += 1
    assert min(read, refused) > 0
    assert desk.bytes() == before


def test_a_workbook_that_was_cut_off(desk: Desk):
    raw = desk.book.read_bytes()
    for size in range(0, len(raw), len(raw) // 20):
        desk.book.write_bytes(raw[:size])
        with pytest.raises(FormatError, match="is no .xlsx workbook"):
            desk.read()
