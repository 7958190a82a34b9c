"""Text of a table of numbers → Arrow columns, or the line of the first bad cell.

Which columns are features or samples: feature_table.py. Not shared with sources/delimited.py, where cells
stay text.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.text import LONGEST_LINE

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}
LARGEST = 2**31 - 1  # bytes: pyarrow reads a table of ours as one block


MOST_FEATURES = 10_000_000  # rows of a table; all genes of all microbes known are fewer


def too_long() -> FormatError:
    """Return the refusal of a table whose names alone would fill the memory."""
    return FormatError(f"more than {MOST_FEATURES:,} rows: no table of features")


@dataclass(frozen=True)
class TableText:
    """A table cut into header and body.

    Attributes:
        names: one name per column; the first is empty under an R-style header.
        body: the lines below the header, UTF-8, ends as LF.
        first_line: number of the body's first line in the file.
    """

    names: tuple[str, ...]
    body: bytes
    first_line: int
    separator: str
    encoding: str


def whole(blocks: Iterable[bytes]) -> bytes:
    """Return a text as a whole; what cannot be a table of ours is refused before it fills the memory."""
    taken, size, line = [], 0, 0
    for block in blocks:
        size += len(block)
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        line = len(block) - end - 1 + (line if end < 0 else 0)
        if line > LONGEST_LINE:
            raise FormatError(f"a line is longer than {LONGEST_LINE >> 20} MiB: no text file")
        if b"\0" in block:
            raise FormatError("NUL bytes: no text file")
        if size > LARGEST:
            raise FormatError("more than 2 GiB of text")
        taken.append(block)
    return b"".join(taken)


def split(raw: bytes, separator: str | None) -> TableText:
    """Find header, separator and body of a text (see `whole`)."""
    raw, encoding = _utf8(raw.removeprefix(b"\xef\xbb\xbf"))
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    raw = raw.rstrip(b"\n") + b"\n"
    if raw.isspace():
        raise FormatError("an empty file")
    comments, start = 0, 0
    while raw.startswith((b"#", b"\n"), start):
        comments, start = comments + 1, raw.find(b"\n", start) + 1
    if start == len(raw):
        raise FormatError("no line below the header")
    plain = _line(raw, start)
    separator = separator or _sniff(plain)
    width = len(_cells(plain, separator))
    if comments and width > 1:  # the last line with # may be the header itself: `#OTU ID`
        above = raw.rfind(b"\n", 0, start - 1) + 1
        names = _cells(_line(raw, above), separator)
        if len(names) in {width, width - 1} and len(names) > 1:
            return _table(names, raw, above, separator, encoding)
    return _table(_cells(plain, separator), raw, start, separator, encoding)


def _table(names: list[str], raw: bytes, header: int, separator: str, encoding: str) -> TableText:
    """Return header and body; a header one name short is R's, which does not name the row names."""
    start = raw.find(b"\n", header) + 1
    body = raw[start:]
    line = raw.count(b"\n", 0, start) + 1
    if not body.strip():
        raise FormatError("no line below the header")
    width = len(_cells(_line(body, 0), separator))
    if width == len(names) + 1:
        names = ["", *names]
    return TableText(tuple(name.strip() for name in names), body, line, separator, encoding)


def parse(text: TableText, numbers: Sequence[int], missing: Sequence[str], *, negative: bool) -> pa.Table:
    """Return the body: float64 in the columns `numbers` (no value = NaN), text in the others.

    Raises:
        FormatError: names the first line, and the column by its number, that cannot be read so.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    if text.body.count(b"\n") > MOST_FEATURES:
        raise too_long()
    wanted = set(numbers)
    columns = [str(position) for position in range(len(text.names))]
    if text.body.startswith(b"\n") or b"\n\n" in text.body:  # pyarrow reads a blank line as a row of nulls
        raise _first_problem(text, wanted, set(missing), negative=negative)
    types = {name: pa.float64() if int(name) in wanted else pa.string() for name in columns}
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text.body),
            read_options=arrow_csv.ReadOptions(
                column_names=columns, block_size=max(len(text.body) + 1, 1 << 20), use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=SEPARATORS[text.separator], ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=list(missing), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        raise _first_problem(text, wanted, set(missing), negative=negative) from None
    for position in numbers:
        bounds = pc.min_max(table.column(position)).as_py()
        low, high = (0.0 if bounds[side] is None else bounds[side] for side in ("min", "max"))
        if math.isinf(high) or math.isinf(low) or (low < 0 and not negative):
            raise _first_problem(text, wanted, set(missing), negative=negative)
    return _with_nan(table, numbers)


def _with_nan(table: pa.Table, numbers: Sequence[int]) -> pa.Table:
    """Return the table with NaN for what is null in columns of numbers."""
    import pyarrow as pa

    for position in numbers:
        column = table.column(position)
        if column.null_count:
            table = table.set_column(position, str(position), column.fill_null(pa.scalar(math.nan)))
    return table


def _first_problem(text: TableText, numbers: set[int], missing: set[str], *, negative: bool) -> FormatError:
    """Look up, cell by cell, what the fast reader refused."""
    width = len(text.names)
    try:
        rows = csv.reader(io.StringIO(text.body.decode()), delimiter=SEPARATORS[text.separator])
        for row in rows:
            line = text.first_line + rows.line_num - 1
            if len(row) != width:
                return FormatError(f"line {line}: {len(row)} cells instead of {width}")
            for position in sorted(numbers):
                if why := cell_problem(row[position], missing, negative=negative):
                    return FormatError(f"line {line}, column {position + 1}: {why}")
    except csv.Error:
        return FormatError("the quotes do not close")
    return FormatError("a cell holds a line end, or the quotes do not close")


def cell_problem(cell: str, missing: Collection[str], *, negative: bool) -> str:
    """Say why a cell is no number that may stand there; empty = it is one, or stands for no value."""
    if cell in missing:
        return ""
    try:
        value = float(cell.replace("_", "x"))  # Python reads 1_000, nobody else does
    except ValueError:
        return "no number"
    if math.isinf(value):
        return "not finite"
    return "below zero" if value < 0 and not negative else ""


def _utf8(raw: bytes) -> tuple[bytes, str]:
    try:
        raw.isascii() or raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode(), "latin-1"
    return raw, "utf-8"


def _line(raw: bytes, start: int) -> str:
    return raw[start : raw.find(b"\n", start)].decode()


def _sniff(line: str) -> str:
    """Return the separator that stands most often outside quotes."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(SEPARATORS, key=lambda name: bare.count(SEPARATORS[name]))


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=SEPARATORS[separator])) or [""]
    except csv.Error:
        raise FormatError("the header cannot be cut into cells") from None
