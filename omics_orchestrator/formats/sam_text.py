"""SAM: alignments as lines of text, by sections 1.3 and 1.4 of the SAM specification. Optional fields are not read.

The same as BAM: bam_records.py; the header: sam_header.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.sam_header import SamHeader
from omics_orchestrator.formats.text import Lines

BEGINS = (b"@HD\tVN:", b"@SQ\tSN:", b"@RG\tID:", b"@PG\tID:")
COLUMNS = 11
LARGEST_HEADER = 128 * 1024 * 1024  # bytes
CIGAR = re.compile(rb"\*|(?:[0-9]+[MIDNSHPX=])+")
TAKEN = re.compile(rb"([0-9]+)[MIS=X]")
UNMAPPED, SECONDARY, SUPPLEMENTARY = 4, 256, 2048


def is_sam(text: bytes) -> bool:
    """Tell whether a text begins with the header of a SAM; one without a header is not told from other tables."""
    return text.startswith(BEGINS)


def inspect(content: Iterable[bytes]) -> Inspection:
    """Read a SAM from its blocks of bytes."""
    lines, reads = Lines(content), _Reads()
    try:
        for batch in lines:
            for line in batch:
                reads.add(line)
        reads.close()
    except FormatError as error:
        return Inspection.refused(error, reads.facts())
    header = reads.header
    return Inspection.of(reads.facts(), header.samples, reads.told(), identifying=header.identifying())


@dataclass
class _Reads:
    """What was read so far; `unsorted` is the first record out of the order of positions, 0 = none."""

    header: SamHeader = field(default_factory=SamHeader)
    records: int = 0
    reads: int = 0
    mapped: int = 0
    unsorted: int = 0
    read: bool = False
    _text: list[bytes] = field(default_factory=list)
    _size: int = 0
    _places: dict[bytes, int] = field(default_factory=dict)
    _last: tuple[int, int] = (0, 0)

    def add(self, line: bytes) -> None:
        """Take one line."""
        if line.startswith(b"@") and not self.read:
            self._text.append(line)
            self._size += len(line)
            if self._size > LARGEST_HEADER:
                raise FormatError(f"the header is longer than {LARGEST_HEADER >> 20} MiB")
            return
        if not self.read:
            self.close()
        self.records += 1
        if problem := self._problem(line.split(b"\t")):
            raise FormatError(problem, record=self.records)

    def close(self) -> None:
        """Read the header, once all of it is there."""
        if self.read:
            return
        if not self._text:
            raise FormatError("a SAM begins with its header, @HD or @SQ")
        self.header = SamHeader.parse(b"\n".join(self._text))
        self.read, self._text = True, []
        self._places = {name.encode(): number for number, name in enumerate(self.header.references)}
        self._places[b"*"] = len(self._places)

    def _problem(self, cells: list[bytes]) -> str:
        """Return what is wrong with a record; empty = nothing."""
        if len(cells) < COLUMNS:
            return f"{len(cells)} columns instead of at least {COLUMNS}"
        _, flag, reference, position, quality, cigar, mate, _, _, bases, qualities, *_ = cells
        if not (flag.isdigit() and position.isdigit() and quality.isdigit() and len(flag + position) < 17):
            return "FLAG, POS or MAPQ is no whole number"
        if reference not in self._places or (mate != b"=" and mate not in self._places):
            return "a reference that the header does not have"
        if not CIGAR.fullmatch(cigar):
            return "a CIGAR that cannot be read"
        if bases != b"*" != cigar and sum(map(int, TAKEN.findall(cigar))) != len(bases):
            return "CIGAR and sequence have different lengths"
        if qualities != b"*" != bases and len(qualities) != len(bases):
            return "sequence and qualities have different lengths"
        self._count(int(flag), self._places[reference], int(position))
        return ""

    def _count(self, flag: int, reference: int, position: int) -> None:
        self.mapped += not flag & UNMAPPED
        self.reads += not flag & (SECONDARY | SUPPLEMENTARY)
        if (reference, position) < self._last and not self.unsorted:
            self.unsorted = self.records
        self._last = reference, position

    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered."""
        if not self.read:
            return {"format": "SAM"}
        counts: dict[str, JsonValue] = {"records": self.records, "reads": self.reads, "mapped": self.mapped}
        return {"format": "SAM", **self.header.facts(), **counts, "in_coordinate_order": not self.unsorted}

    def told(self) -> list[str]:
        """Return what tools may stumble over."""
        order = self.header.order == "coordinate" and self.unsorted
        told = f"record {self.unsorted}: not in the order that the header tells (@HD SO:coordinate)"
        return [*self.header.told(), *([told] if order else [])]
