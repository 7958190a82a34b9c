"""Random tables in random dialects, whole or damaged: reading gives the exact table or an error in words.

python -m omics_orchestrator_tests.sources.fuzz --seconds 60 --seed 7
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import openpyxl

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Delimited, Excel
from omics_orchestrator.sources.files import ROW_NUMBER
from omics_orchestrator.storage.objects import Stores

WORDS = [
    "",
    "a",
    "0",
    "007",
    "1.5",
    "1,5",
    "-3",
    "x y",
    " z",
    "é",
    "ß€",
    "中文",
    "TRUE",
    "2024-05-01",
    "<5",
    "a'b",
    "#1",
]
NASTY = [
    'say "so"',
    "two\nlines",
    "a,b",
    "a;b",
    "a\tb",
    "a|b",
    '"',
    '""',
    "\r\n",
    "=1+1",
    "\u200b",
    "x" * 300,
    "n\0l",
    "old\rMac",
]
NAMES = ["id", "sex", "crp mg/L", "Größe", "a.b", "n_1", "Datum", "q?", "last"]
SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
LATIN = str.maketrans({"中": "c", "文": "d", "\u200b": "e", "€": "E"})


@dataclass
class Case:
    """One file: the table that it holds, its bytes, how it is declared, whether it was damaged."""

    header: list[str]
    rows: list[list[str]]
    blob: bytes = b""
    name: str = "data.csv"
    words: dict[str, Any] = field(default_factory=dict)
    damaged: bool = False
    cut: bool = False
    style: Literal["", "R", "trailing", "trailing header"] = ""


def case(chance: random.Random) -> Case:
    """Return a random case."""
    found = table(chance)
    (workbook if chance.random() < 0.25 else delimited)(found, chance)
    if chance.random() < 0.4:
        damage(found, chance)
    return found


def table(chance: random.Random) -> Case:
    """Return a random table: the first column is never blank, so that no row is."""
    width = 1 if chance.random() < 0.1 else chance.randint(2, len(NAMES))
    header = chance.sample(NAMES, width)
    words = WORDS + NASTY if chance.random() < 0.5 else WORDS
    rows = [[f"P{n}", *(chance.choice(words) for _ in header[1:])] for n in range(chance.randint(1, 30))]
    return Case(header, rows)


def delimited(found: Case, chance: random.Random) -> None:
    """Write the table as text, and declare what cannot be detected."""
    name = chance.choice(list(SEPARATORS))
    end = chance.choice(["\n", "\r\n", "\r"])
    encoding = chance.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    if encoding == "latin-1":
        found.rows = [[cell.translate(LATIN) for cell in row] for row in found.rows]
        found.words["encoding"] = "latin-1"
    if len(found.header) > 1:
        styles: list[Literal["", "R", "trailing", "trailing header"]] = ["R", "trailing", "trailing header"]
        found.style = chance.choice(["", "", "", *styles])
    if (
        len(found.header) > 1 and chance.random() < 0.3
    ):  # to be detected: no other separator stands in the cells
        found.rows = [
            ["".join(sign for sign in cell if sign not in ',;|\t"\r\n\0') for cell in row]
            for row in found.rows
        ]
    else:
        found.words["separator"] = name
    above = chance.choice([0, 0, 1, 3])
    text = io.StringIO(newline="")
    text.write("".join(f"remark {n}{end}" for n in range(above)))
    if above:
        found.words["skip_rows"] = above
    every = chance.random() < 0.5
    lines = [line(row, SEPARATORS[name], every=every) + end for row in styled(found)]
    if chance.random() < 0.15:
        lines.insert(chance.randint(1, len(lines)), end)  # a blank line is left out
    text.writelines(lines)
    whole = text.getvalue()
    if chance.random() < 0.2:
        whole = whole.removesuffix(end)
    found.blob = whole.encode(encoding)


def line(row: list[str], separator: str, *, every: bool) -> str:
    """Return a row as a line without its end; csv.writer of Python 3.11 leaves a lone CR unquoted."""
    special = {separator, '"', "\r", "\n"}
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in row]
    return separator.join(
        cell if every or special & set(bare) else bare for bare, cell in zip(row, quoted, strict=True)
    )


def styled(found: Case) -> list[list[str]]:
    """Return header and rows as some programs write them, and set the header that is expected."""
    header, rows = found.header, found.rows
    if found.style == "R":  # row names stand below no name
        found.header = ["row_name", *header[1:]]
        header = header[1:]
        rows[0][-1] = rows[0][-1] or "a"  # else it might as well be a separator at the end
    if found.style.startswith("trailing"):
        rows = [[*row, ""] for row in rows]
    if found.style == "trailing header":
        header = [*header, ""]
    return [header, *rows]


def workbook(found: Case, chance: random.Random) -> None:
    """Write the table into a sheet, as texts."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if chance.random() < 0.5:
        sheet.title, found.words["sheet"] = "Data", "Data"
    above, left = chance.choice([(0, 0), (0, 0), (2, 1)])
    if above:
        found.words["range"] = "B3"
    # a cell of white space alone is none to Excel, and its line breaks are LF
    found.rows = [
        [
            cell.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n") if cell.strip() else ""
            for cell in row
        ]
        for row in found.rows
    ]
    for y, row in enumerate([found.header, *found.rows]):
        for x, cell in enumerate(row):
            place = sheet.cell(row=y + 1 + above, column=x + 1 + left)
            place.value, place.data_type = cell or None, "s" if cell else "n"
    stream = io.BytesIO()
    book.save(stream)
    found.blob, found.name = stream.getvalue(), "data.xlsx"


def damage(found: Case, chance: random.Random) -> None:
    """Cut, flip, insert or remove some bytes."""
    blob, found.damaged = bytearray(found.blob), True
    place = chance.randrange(len(blob))
    match chance.choice(["cut", "flip", "insert", "remove", "quote"]):
        case "cut":
            del blob[place:]
            found.cut = (
                found.name.endswith("csv") and "separator" in found.words and place > found.blob.find(b"P0")
            )
        case "flip":
            blob[place] ^= 1 << chance.randrange(8)
        case "insert":
            blob[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        case "remove":
            del blob[place : place + chance.randint(1, 20)]
        case _:
            blob[place:place] = b'"'
    found.blob = bytes(blob)


def wrong(found: Case, folder: Path, stores: Stores) -> str:
    """Return what is wrong with how a case is read; '' = nothing."""
    (folder / found.name).write_bytes(found.blob)
    kind = Excel if found.name.endswith("xlsx") else Delimited
    try:
        delivery = kind(location=f"store+here://{found.name}", **found.words).deliver("s", "s", None, stores)
    except DeliveryError as error:
        return "" if found.damaged else f"refused: {error}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a crash
        return f"crashed: {error!r}"
    names = [name for name in delivery.data.column_names if name != ROW_NUMBER]
    rows = [[row[name] for name in names] for row in delivery.data.to_pylist()]
    if found.damaged:
        return lost(found, rows) if found.cut else ""
    if names != found.header:
        return f"header {names} in the place of {found.header}"
    expected = without_nul(found.rows)
    return "" if rows == expected else f"cells differ: {differing(rows, expected)}"


def without_nul(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows as Postgres takes them."""
    return [[cell.replace("\0", "") for cell in row] for row in rows]


def lost(found: Case, rows: list[list[str]]) -> str:
    """Tell whether a text that breaks off gave other rows than it has, its last one apart."""
    whole = rows[:-1] if len(rows) <= len(found.rows) else rows
    expected = without_nul(found.rows)
    return "" if whole == expected[: len(whole)] else f"cut, and {differing(whole, expected)}"


def differing(rows: list[list[str]], expected: list[list[str]]) -> str:
    """Return the first cell that differs."""
    for y, (row, other) in enumerate(zip(rows, expected, strict=False)):
        for x, (one, two) in enumerate(zip(row, other, strict=False)):
            if one != two:
                return f"row {y}, column {x}: {one!r} in the place of {two!r}"
    return f"{len(rows)} rows in the place of {len(expected)}"


def cases(seed: int) -> Iterator[tuple[int, Case]]:
    """Yield numbered cases; each can be made again from seed and number alone."""
    number = 0
    while True:
        yield number, case(random.Random(f"{seed} {number}"))
        number += 1


def stores_in(folder: Path) -> Stores:
    """Return stores of which `here` is the folder."""
    return Stores(
        Settings.from_environment({"OMICS_HOME": str(folder), "OMICS_STORE_HERE_URL": folder.as_uri()})
    )


def main() -> int:
    """Fuzz for some seconds; print the seed and every case that is read wrongly."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    failed, until = 0, time.monotonic() + given.seconds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, found in cases(given.seed):
            if time.monotonic() > until:
                break
            if told := wrong(found, folder, stores_in(folder)):
                failed += 1
                print(f"case {number} ({found.name}, {found.words}): {told}", flush=True)
    print(f"{number} cases, {failed} read wrongly")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
