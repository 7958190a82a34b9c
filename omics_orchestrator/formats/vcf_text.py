"""A VCF as text: lines are split, fixed columns checked one by one, samples' columns in batches; memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.text import LONGEST_LINE
from omics_orchestrator.formats.vcf_cells import Formats, PlainCells, Row
from omics_orchestrator.formats.vcf_fixed import Fixed
from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_rules import CELLS, Tally

BATCH = 512 * 1024  # bytes of text checked at one go
TAB, CARRIAGE_RETURN = 9, 13
PREFIX = 512  # bytes in which the fixed columns mostly stand
SMALL = 2 * 1024 * 1024  # bytes as stored; below, compiled code would not pay for its loading
MOST_FORMATS = 4096  # FORMAT columns that are remembered


class WholeLines:
    """Texts of whole lines, about BATCH bytes each; a last line without end gets one, then `ended` is False."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.ended = True

    def __iter__(self) -> Iterator[bytes]:
        """Yield the texts."""
        rest: list[bytes] = []
        length = 0
        for block in self._blocks:
            rest.append(block)
            length += len(block)
            if length < BATCH or b"\n" not in block:
                if length > LONGEST_LINE + BATCH:
                    raise FormatError(f"a line is longer than {LONGEST_LINE >> 20} MiB: no text file")
                continue
            text = b"".join(rest)
            cut = text.rfind(b"\n") + 1
            yield text[:cut]
            rest, length = [text[cut:]], len(text) - cut
        text = b"".join(rest)
        if text:
            self.ended = text.endswith(b"\n")
            yield text if self.ended else text + b"\n"


def read_header(text: bytes, header: Header) -> int:
    """Read what is left of the header; return where the records of the text begin."""
    at = 0
    while not header.complete and at < len(text):
        end = text.index(b"\n", at)
        header.add(text[at:end].removesuffix(b"\r"))
        at = end + 1
    return at


class Calls:
    """What was read of a VCF so far."""

    encoding = "VCF"

    def __init__(self, texts: Iterator[bytes], size: int) -> None:
        self._lines = WholeLines(texts)
        self._size = size
        self.header = Header()
        self.tally = Tally("record")
        self.fixed = Fixed(self.header, self.tally)
        self.formats = Formats(self.header)
        self.cells: Any = None
        self.crlf = 0

    @property
    def ended(self) -> bool:
        """Whether the last line has an end."""
        return self._lines.ended

    def read(self) -> None:
        """Read all; a `FormatError` is what cannot be read on."""
        for text in self._lines:
            at = read_header(text, self.header)
            if at < len(text):
                self._records(text, at)
        if not self.header.complete:
            raise FormatError(
                "the header ends before the line #CHROM" if self.header.lines else "an empty file"
            )

    def _records(self, text: bytes, at: int) -> None:
        """Check the records of a text of whole lines, from a place on."""
        if self.cells is None:
            self.cells = cells_of(self.formats, len(self.header.samples), large=self._size > SMALL)
        nul = text.find(b"\0", at)
        stop = len(text) if nul < 0 else text.rfind(b"\n", 0, nul) + 1
        look = self._with_samples if self.header.samples else self._without_samples
        rows: list[Row] = []
        numbers: list[int] = []
        returns = b"\r" in text
        while at < stop:
            end = after = text.index(b"\n", at)
            if returns and end > at and text[end - 1] == CARRIAGE_RETURN:
                end -= 1
                self.crlf += 1
            if row := look(text, at, end):
                rows.append(row)
                numbers.append(self.fixed.records)
            at = after + 1
        for index, bits in self.cells.check(text, rows) if rows else ():
            self.tally.note_bits(bits, numbers[index], CELLS)
        if nul >= 0:
            raise FormatError("a NUL byte", record=self.fixed.records + 1)
        if len(self.formats.keys) > MOST_FORMATS:
            self.formats.forget()
            self.cells.forget()

    def _with_samples(self, text: bytes, at: int, end: int) -> Row | None:
        """Check the fixed columns of a record; return where its samples stand."""
        piece = text[at : min(end, at + PREFIX)]
        columns = piece.split(b"\t", 9)
        if len(columns) < 10 and at + PREFIX < end:
            piece = text[at:end]
            columns = piece.split(b"\t", 9)
        if len(columns) < 10:
            self._miscounted()
            return None
        prefix = len(piece) - len(columns[9])
        alternates = self.fixed.add(columns, piece[:prefix])
        form = self.formats.number(columns[8])
        if self.formats.broken[form]:
            self.fixed.note(*self.formats.broken[form])
        start = at + prefix
        if text[end - 1] == TAB and text.count(b"\t", start, end) == len(self.header.samples):
            self.fixed.note("trailing_tab")
            end -= 1
        return Row(start, end, form, alternates)

    def _without_samples(self, text: bytes, at: int, end: int) -> None:
        """Check a record of eight columns."""
        line = text[at:end]
        columns = line.split(b"\t")
        if len(columns) == 8:
            self.fixed.add(columns, line)
        elif len(columns) == 9 and not columns[8]:
            self.fixed.add(columns, line)
            self.fixed.note("trailing_tab")
        else:
            self._miscounted()

    def _miscounted(self) -> None:
        self.fixed.records += 1
        self.fixed.note("columns")


def cells_of(formats: Formats, samples: int, *, large: bool) -> Any:
    """Return what checks the samples' columns: compiled code for a large file, where numba is installed."""
    kernel = _kernel() if large else None
    return kernel(formats, samples) if kernel else PlainCells(formats, samples)


@cache
def _kernel() -> Any:
    try:
        from omics_orchestrator.formats.vcf_compiled import CompiledCells
    except (ImportError, RuntimeError):  # without the extra `variants`, or nowhere to keep compiled code
        return None
    return CompiledCells
