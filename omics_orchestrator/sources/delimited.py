"""The source kind `delimited`: CSV, TSV and their relatives in an object store."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import ClassVar, Literal

import pyarrow as pa
from pydantic import Field, field_validator

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.base import listed
from omics_orchestrator.sources.encoding import decode
from omics_orchestrator.sources.files import (
    FileOptions,
    FileSource,
    Sheet,
    blank_rows,
    name_columns,
    without_blanks,
)
from omics_orchestrator.sources.headers import joined
from omics_orchestrator.sources.stacked import must_be_one_table, runs

SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
SAMPLE_ROWS = 100
SAMPLE = 1 << 24  # characters by which the line ends are told
LONGEST_CELL = 2**31 - 1


class DelimitedOptions(FileOptions):
    """How a delimited text file is to be read; what is not declared is detected and told."""

    encoding: str | None = None
    """utf-8, latin-1, cp1252 …; default: byte order mark, else UTF-8, else a guess that is told."""
    separator: str | None = None
    """comma, tab, semicolon, pipe, or one character; default: the one that gives rows of equal width."""

    comment: str | None = Field(default=None, min_length=1, max_length=2, examples=["#"])
    """How lines begin that are no rows."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        try:
            return encoding and codecs.lookup(encoding).name
        except LookupError:
            raise ValueError(
                f"'{encoding}' is no known encoding (utf-8, latin-1, cp1252, utf-16 …)"
            ) from None

    @field_validator("separator")
    @classmethod
    def _one_character(cls, separator: str | None) -> str | None:
        separator = SEPARATORS.get(separator or "", separator)
        if separator is not None and len(separator) != 1:
            raise ValueError(f"a separator is {', '.join(SEPARATORS)} or one character")
        return separator

    def read(self, blob: bytes) -> Sheet:
        """Return the cells of one file, all text, unchanged."""
        sheet = Sheet()
        text = decode(blob, self.encoding, sheet)
        _tell_line_ends(text, sheet)
        if self.comment:
            text = _without_comments(text, self.comment, sheet)
        stream = io.StringIO(text, newline="")
        for _ in range(self.skip_rows):
            stream.readline()
        start = stream.tell()
        separator = self.separator or _sniff(text[start:], sheet)
        word = {sign: name for name, sign in SEPARATORS.items()}.get(separator, separator)
        sheet.decisions["separator"] = word
        records = _records(stream, separator)
        lines = [] if self.headers else [next(records, []) for _ in range(self.header_rows)]
        header = list(self.headers) or (joined(lines, sheet) if all(lines) else [])
        start = start if self.headers else stream.tell()
        if not header:
            raise DeliveryError("the file is empty: it has no header line")
        body, first_line = text[start:].rstrip("\r\n"), _line_count(text[:start])
        width = len(header) if self.headers else _width(header, body, separator, sheet)
        return _fill(sheet, header, width, body, separator, first_line)


class DelimitedTable(DelimitedOptions):
    """One table of a delimited source with options of its own."""

    file: str


class Delimited(FileSource, DelimitedOptions):
    """Delimited text files: CSV, TSV and the like, in any encoding, with any separator and line end."""

    version: ClassVar[str] = "3"

    kind: Literal["delimited"] = "delimited"
    table_files: dict[str, str | DelimitedTable] = Field(default={}, alias="tables")
    """Table name → file or glob below `location`, or `{file: …, separator: … }`."""

    @property
    def files(self) -> Mapping[str, str | DelimitedTable]:
        """Declared table → its file."""
        return self.table_files

    @classmethod
    def options(cls) -> type[FileOptions]:
        """Return the options of this kind."""
        return DelimitedOptions


def _tell_line_ends(text: str, sheet: Sheet) -> None:
    """Tell how lines end, outside of quoted cells; the readers take each way, and cells keep what they hold."""
    bare = "".join(text[:SAMPLE].split('"')[::2]) if "\r" in text else ""
    both = bare.count("\r\n")
    alone = bare.count("\r") - both
    if alone > bare.count("\n"):
        sheet.decisions["line ends"] = "CR"
        sheet.note("lines end in CR alone (old Macintosh)", alone)
    else:
        sheet.decisions["line ends"] = "CRLF" if both else "LF"


def _line_count(text: str) -> int:
    """Return how many lines end in a text, in whichever way."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _without_comments(text: str, mark: str, sheet: Sheet) -> str:
    """Return the text without the lines that begin with the mark, unless they lie within a quoted cell."""
    kept, quoted, lost = [], False, 0
    for line in io.StringIO(text, newline=""):
        if not quoted and line.startswith(mark):
            lost += 1
            continue
        quoted ^= line.count('"') % 2 == 1
        kept.append(line)
    if lost:
        sheet.note(f"lines that begin with {mark} were left out", lost)
    return "".join(kept)


def _records(stream: io.StringIO, separator: str) -> Iterator[list[str]]:
    """Yield the records that are not blank lines; reads the stream no further than asked."""
    csv.field_size_limit(LONGEST_CELL)
    lines = iter(stream.readline, "")  # not the stream itself: tell() must stay exact
    return (record for record in csv.reader(lines, delimiter=separator) if record)


def _sniff(text: str, sheet: Sheet) -> str:
    """Return the separator that cuts the first records into the most cells of the most equal number.

    Between equals the one that cuts the header alike wins: decimal commas stand below a header without any.
    Where another one cuts all records alike too, it is a guess that is told.
    """

    def score(separator: str) -> tuple[float, bool, int]:
        widths = [len(r) for r in islice(_records(io.StringIO(text, newline=""), separator), SAMPLE_ROWS)]
        width, often = Counter(widths[1:] or widths).most_common(1)[0] if widths else (0, 0)
        found = width > 1 or widths[:1] == [2]
        return (often / len(widths), widths[0] == width, width) if found else (0.0, False, 0)

    found = {name: score(sign) for name, sign in SEPARATORS.items()}
    best = max(found, key=found.__getitem__)
    alike = {name for name, told in found.items() if told[:2] == found[best][:2] and told[1]}
    if rivals := sorted(alike - {best}):
        others = " and ".join(rivals)
        sheet.note(f"the separator is a guess, {best} ({others} would do too): declare separator:")
    return SEPARATORS[best]


def _width(header: list[str], body: str, separator: str, sheet: Sheet) -> int:
    """Return how many cells the rows have: one more than names where R left the row names unnamed; that is told."""
    sample = islice(_records(io.StringIO(body, newline=""), separator), SAMPLE_ROWS)
    widths = Counter(len(record) for record in sample)
    width = len(header)
    short = widths and widths.most_common(1)[0][0] == width + 1
    if not short:
        return width
    if _trailing_separator(body, separator, width):
        sheet.note(
            "each row ends with a separator, and nothing follows it: the names stand for the cells before"
        )
        return width
    sheet.note(
        "the header is one name short, as R writes it: the first cell of each row is taken for its name"
    )
    return width + 1


def _fill(sheet: Sheet, header: list[str], width: int, body: str, separator: str, first_line: int) -> Sheet:
    """Parse the rows below the header into `sheet.data`."""
    names = name_columns(header, width, sheet)
    parsed = _parse(body, names, separator)
    sheet.data = _parse_strictly(body, names, separator, first_line) if parsed is None else parsed
    _must_be_one_table(sheet, body, separator, first_line)
    return without_blanks(sheet, [""] * (width - len(header)) + header)


def _must_be_one_table(sheet: Sheet, body: str, separator: str, first_line: int) -> None:
    """Tell or refuse a second table below the first.

    Raises:
        DeliveryError: it has a header of its own.
    """
    blank = blank_rows(sheet.data)
    if blank is None or sheet.data.num_columns < 2:
        return
    blocks = runs(blank.to_pylist())
    if len(blocks) < 2:
        return

    def line(row: int) -> str:
        reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator)
        for _ in islice(reader, row):
            pass
        return f"line {first_line + reader.line_num + 1}"

    def rows(begin: int, end: int) -> list[tuple[str, ...]]:
        return list(zip(*sheet.data.slice(begin, end - begin).to_pydict().values(), strict=True))

    mend = "put it into a file of its own, or take out the blank line above it where it is none"
    must_be_one_table(sheet.data.column_names, rows, blocks, line, sheet, mend=mend, certain=False)


def _trailing_separator(body: str, separator: str, width: int) -> bool:
    """Tell whether the one surplus cell is always blank: a separator at the line's end, no R-style header."""
    sample = islice(_records(io.StringIO(body, newline=""), separator), SAMPLE_ROWS)
    return all(record[width:] in ([], [""]) for record in sample)


def _parse(body: str, names: list[str], separator: str) -> pa.Table | None:
    """Parse with Arrow's reader; None when a row is ragged, or a quote may be left open."""
    from pyarrow import csv as arrow

    if not body.strip("\r\n"):
        return pa.table({name: pa.array([], pa.string()) for name in names})
    if body.count('"') % 2:
        return None
    data = body.encode()
    ragged: list[int | None] = []

    def leave_out(row: arrow.InvalidRow) -> str:
        ragged.append(row.number)
        return "skip"

    try:
        table = arrow.read_csv(
            io.BytesIO(data),
            arrow.ReadOptions(column_names=names, block_size=min(len(data) + 1, 1 << 30)),
            arrow.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=leave_out,
            ),
            arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # its message holds the row
        return None
    return None if ragged else table


def _parse_strictly(body: str, names: list[str], separator: str, first_line: int) -> pa.Table:
    """Parse record by record, to forgive surplus blank cells and to say on which lines the others are.

    Raises:
        DeliveryError: rows with too few or too many cells, or a quote that is never closed.
    """
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=body.count('"') % 2 == 1)
    rows, ragged, width = [], [], len(names)
    try:
        for record in reader:
            if len(record) > width and not any(record[width:]):
                del record[width:]
            if len(record) == width:
                rows.append(record)
            elif any(record):
                ragged.append(first_line + reader.line_num)
            else:
                rows.append([""] * width)
    except csv.Error as error:
        raise DeliveryError(f"a quote near line {first_line + reader.line_num} is wrong: {error}") from None
    if ragged:
        raise DeliveryError(
            f"rows without {width} cells as in the header: {len(ragged)} (lines {listed(ragged)}); mend them in the "
            'file, or declare what is no row: skip_rows: for lines above the header, comment: "#" for remarks'
        )
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})
