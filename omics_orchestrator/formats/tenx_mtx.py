"""The matrix of a 10x folder: Matrix Market text, entries read in batches, checked and counted.

Source: NIST, "The Matrix Market exchange formats" (Boisvert, Pozo, Remington 1996). The names of its rows and
columns: tenx_text.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.count_matrix import Counts, Order
from omics_orchestrator.formats.text import Lines

BANNER = b"%%MatrixMarket"
BATCH = 4 * 1024 * 1024  # bytes of text that are parsed at once
LONGEST_HEADER = 1024 * 1024  # bytes
_WHOLE = re.compile(rb"[+-]?\d{1,18}")
_REAL = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?|[+-]?(?:inf|nan)", re.IGNORECASE)


class Header(NamedTuple):
    """Field (`integer` or `real`), sides and entries as stated, comments, and the number of the size line."""

    field: str
    rows: int
    columns: int
    entries: int
    comments: tuple[tuple[int, str], ...]
    line: int


class Entries(NamedTuple):
    """Entries of one batch, counted from 0: the gene (row), the cell (column), the value."""

    genes: Any
    cells: Any
    values: Any


class MatrixText:
    """A Matrix Market file: iterate once over batches of `Entries`; each is checked, `header` is known by then.

    Raises (while iterating):
        FormatError: no such file, an entry outside of the matrix, more or fewer entries than stated.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.lines = Lines(blocks)
        self.header: Header | None = None

    def __iter__(self) -> Iterator[Entries]:
        """Yield the entries in batches."""
        texts = self._batches()
        self.header = header = _header(text := next(texts, b""))
        line, seen = header.line + 1, 0
        text = text.split(b"\n", header.line)[-1] if text.count(b"\n") >= header.line else b""
        while True:
            entries = _parse(text, line, header)
            seen += len(entries.values)
            if seen > header.entries:
                raise FormatError(f"more entries than the {header.entries} of line {header.line}")
            if len(entries.values):
                yield entries
            line += text.count(b"\n")
            if (more := next(texts, None)) is None:
                break
            text = more
        if seen < header.entries:
            raise FormatError(
                f"{seen} entries instead of the {header.entries} of line {header.line}: cut off?"
            )

    def _batches(self) -> Iterator[bytes]:
        """Yield whole lines, at least 4 MiB at once."""
        parts: list[bytes] = []
        held = 0
        for text in self.lines.text():
            parts.append(text)
            held += len(text)
            if held >= BATCH and b"\n" in text:
                whole, _, rest = b"".join(parts).rpartition(b"\n")
                yield whole + b"\n"
                parts, held = [rest], len(rest)
            elif held > 16 * BATCH:
                raise FormatError("a line is longer than 64 MiB: no text file")
        if held:
            yield b"".join(parts)


def inspect_matrix(blocks: Iterable[bytes], facts: dict[str, JsonValue]) -> tuple[list[str], Header]:
    """Check a matrix and fill `facts` (genes are rows: `n_vars`); returns warnings and the header."""
    text = MatrixText(blocks)
    order, counts = Order(), Counts(0, 0)
    for entries in text:
        if text.header and not counts.stored:
            counts = Counts(text.header.columns, text.header.rows)
            facts |= {"n_obs": text.header.columns, "n_vars": text.header.rows}
        counts.add_entries(entries.cells, entries.values)
        order.add(entries.cells, entries.genes)
    assert text.header is not None
    header = text.header
    if not counts.stored:
        counts = Counts(header.columns, header.rows)
    facts |= {"n_obs": header.columns, "n_vars": header.rows, "field": header.field, **counts.facts()}
    facts |= {"stored_zeros": counts.stored - counts.nonzero, "sorted_by_cell": order.by_cell}
    facts |= {"compression": text.lines.compression, **_told_by_cell_ranger(header)}
    warnings = [f"{order.repeats} entries are there twice"] if order.repeats else []
    if counts.negative:
        warnings.append(f"{counts.negative} values below zero: no counts")
    elif not counts.whole:
        warnings.append("values that are no whole numbers: no counts of Cell Ranger")
    return warnings, header


def _header(text: bytes) -> Header:
    """Return what stands above the entries."""
    comments = []
    banner: list[str] = []
    for number, line in enumerate(text[:LONGEST_HEADER].split(b"\n"), 1):
        line = line.rstrip(b"\r")
        if number == 1:
            banner = _banner(line)
        elif line.startswith(b"%"):
            comments.append((number, line[1:].decode("utf-8", "replace").strip()))
        elif line.strip():
            sides = line.split()
            if len(sides) != 3 or not all(re.fullmatch(rb"\d{1,15}", side) for side in sides):
                raise FormatError(f"line {number}: not rows, columns and entries")
            rows, columns, entries = map(int, sides)
            return Header(banner[3], rows, columns, entries, tuple(comments), number)
    raise FormatError("no line with rows, columns and entries: cut off?")


def _banner(line: bytes) -> list[str]:
    words = line.decode("latin-1").lower().split()
    if len(words) != 5 or words[0] != "%%matrixmarket":
        raise FormatError("line 1: not the first line of a Matrix Market file")
    if words[1:3] != ["matrix", "coordinate"] or words[3] not in ("integer", "real") or words[4] != "general":
        raise FormatError("line 1: not `matrix coordinate integer general`, as 10x writes it")
    return words


def _parse(text: bytes, line: int, header: Header) -> Entries:
    """Return the entries of whole lines, the first of which has the number `line`."""
    import pyarrow as pa
    from pyarrow import csv

    value_type = pa.int64() if header.field == "integer" else pa.float64()
    types = {"row": pa.int64(), "column": pa.int64(), "value": value_type}
    if not text.strip():
        return _entries([], [], [], header)
    if b"x" not in text and b"\0" not in text:  # Arrow would take 0x10 for a number
        try:
            table = csv.read_csv(
                pa.BufferReader(text),
                read_options=csv.ReadOptions(
                    column_names=list(types), use_threads=False, block_size=2 * BATCH
                ),
                parse_options=csv.ParseOptions(delimiter=" ", quote_char=False),
                convert_options=csv.ConvertOptions(column_types=types, null_values=[]),
            )
            rows, columns, values = (table.column(name).to_numpy() for name in types)
            if _inside(rows, header.rows) and _inside(columns, header.columns):
                return _entries(rows, columns, values, header)
        except pa.ArrowInvalid:
            pass
    return _parse_slowly(text, line, header)


def _inside(numbers: Any, most: int) -> bool:
    return bool(numbers.min() >= 1 and numbers.max() <= most)


def _entries(rows: Any, columns: Any, values: Any, header: Header) -> Entries:
    import numpy as np

    kind = np.int64 if header.field == "integer" else np.float64
    return Entries(
        np.asarray(rows, np.int64) - 1, np.asarray(columns, np.int64) - 1, np.asarray(values, kind)
    )


def _parse_slowly(text: bytes, first: int, header: Header) -> Entries:
    """Read line by line: any blanks between numbers, empty lines, and the number of a line that is wrong."""
    rows, columns, values = [], [], []
    shape = _WHOLE if header.field == "integer" else _REAL
    for number, line in enumerate(text.split(b"\n"), first):
        if not (words := line.split()):
            continue
        if len(words) != 3 or not (_WHOLE.fullmatch(words[0]) and _WHOLE.fullmatch(words[1])):
            raise FormatError(f"line {number}: not row, column and value")
        if not shape.fullmatch(words[2]):
            raise FormatError(f"line {number}: the value is no number of the stated kind")
        row, column = int(words[0]), int(words[1])
        if not (1 <= row <= header.rows and 1 <= column <= header.columns):
            raise FormatError(f"line {number}: an entry outside of the matrix")
        rows.append(row)
        columns.append(column)
        values.append(int(words[2]) if header.field == "integer" else float(words[2]))
    return _entries(rows, columns, values, header)


def _told_by_cell_ranger(header: Header) -> dict[str, JsonValue]:
    """Return the versions in the comment `metadata_json:`, which Cell Ranger writes since version 3."""
    for _, comment in header.comments:
        name, _, told = comment.partition(":")
        if name.strip() == "metadata_json" and len(told) < 10_000:
            try:
                stated = json.loads(told)
            except (ValueError, RecursionError):
                return {}
            if isinstance(stated, dict):
                names = ("software_version", "format_version")
                return {name: str(stated[name])[:100] for name in names if name in stated}
    return {}
