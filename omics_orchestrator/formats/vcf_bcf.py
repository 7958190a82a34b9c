"""BCF 2.1 and 2.2: records in binary (VCFv4.5 §6), read by ourselves; the header is that of a VCF.

Values of INFO and of the samples: vcf_typed.py. The fixed columns are judged as those of a VCF are (vcf_fixed.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.vcf_cells import Formats
from omics_orchestrator.formats.vcf_fixed import Fixed
from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_rules import CELLS, INFO, Tally
from omics_orchestrator.formats.vcf_typed import Cursor, TypedCells, info_faults

MAGIC = b"BCF\2"
MISSING_FLOAT = 0x7F800001
LARGEST = 512 * 1024 * 1024  # bytes of a header, or of one record
FIXED = 24  # bytes before the ID


class BinaryCalls:
    """What was read of a BCF so far; the same attributes as `vcf_text.Calls`."""

    encoding = "BCF"
    crlf = 0
    ended = True

    def __init__(self, texts: Iterator[bytes], size: int) -> None:
        del size
        self._stream = Stream(texts)
        self.header = Header()
        self.tally = Tally("record")
        self.fixed = Fixed(self.header, self.tally)
        self.formats = Formats(self.header)
        self.cells: Any = None

    def read(self) -> None:
        """Read all; a `FormatError` is what cannot be read on."""
        read_header(self._stream, self.header)
        self.cells = TypedCells(self.header)
        for number, (shared, samples) in enumerate(records(self._stream), 1):
            self.fixed.records = number - 1
            try:
                self._record(shared, samples)
            except (struct.error, IndexError, ValueError):
                raise FormatError("it is damaged", record=number) from None

    def _record(self, shared: bytes, samples: bytes) -> None:
        site = Site(shared, self.header)
        columns = site.columns()
        self.fixed.add(columns, b"")
        if not site.known:
            self.fixed.note("dictionary")
        for key, typed in site.info:
            if bits := info_faults(self.header, key, typed, site.alternates):
                self.tally.note_bits(bits, self.fixed.records, INFO)
        if site.samples != len(self.header.samples) and (site.keys or site.samples):
            self.fixed.note("columns")
            return
        if site.keys:
            self._samples(Cursor(samples), site)

    def _samples(self, cursor: Cursor, site: Site) -> None:
        """Check the samples of a record, key by key."""
        self.cells.begin()
        names, bits = [], 0
        for _ in range(site.keys):
            name = self.header.strings.get(cursor.integer())
            if name is None:
                self.fixed.note("dictionary")
            names.append(name or b"?")
            bits |= self.cells.check(names[-1], cursor, site.alternates)
        self.fixed.note(*self.formats.broken[self.formats.number(b":".join(names))])
        self.tally.note_bits(bits, self.fixed.records, CELLS)


class Stream:
    """Bytes in pieces as one asks for them."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = bytearray()
        self._at = 0

    def take(self, length: int) -> bytes:
        """Return the next bytes; fewer = the end."""
        if length > LARGEST:
            raise FormatError("a length beyond all bounds: it is damaged")
        while len(self._held) - self._at < length:
            block = next(self._blocks, b"")
            if not block:
                break
            if self._at:
                del self._held[: self._at]
                self._at = 0
            self._held += block
        piece = bytes(self._held[self._at : self._at + length])
        self._at += len(piece)
        return piece

    def exactly(self, length: int, what: str) -> bytes:
        """Return the next bytes, all of them."""
        piece = self.take(length)
        if len(piece) < length:
            raise FormatError(f"the file ends within {what}")
        return piece


def read_header(stream: Stream, header: Header) -> None:
    """Read the header of a BCF (§6.2)."""
    magic = stream.exactly(5, "the header")
    if not magic.startswith(MAGIC) or magic[4] not in (1, 2):
        raise FormatError("not a BCF of version 2.1 or 2.2")
    (length,) = struct.unpack("<I", stream.exactly(4, "the header"))
    text = stream.exactly(length, "the header").partition(b"\0")[0]
    for line in text.removesuffix(b"\n").split(b"\n"):
        header.add(line.removesuffix(b"\r"))
        if header.complete:
            return
    raise FormatError("the header ends before the line #CHROM")


def records(stream: Stream) -> Iterator[tuple[bytes, bytes]]:
    """Yield (site, samples) of each record (§6.3)."""
    number = 0
    while lengths := stream.take(8):
        number += 1
        if len(lengths) < 8:
            raise FormatError("the file ends within it", record=number)
        shared, samples = struct.unpack("<II", lengths)
        if shared < FIXED or shared > LARGEST or samples > LARGEST:
            raise FormatError("it is damaged", record=number)
        site, rest = stream.take(shared), stream.take(samples)
        if len(site) < shared or len(rest) < samples:
            raise FormatError("the file ends within it", record=number)
        yield site, rest


class Site:
    """What stands before the samples of a record (§6.3.1); `known` is False where a number is in no dictionary."""

    def __init__(self, shared: bytes, header: Header) -> None:
        contig, self.position, _, self.quality, counts, more = struct.unpack_from("<iiiIII", shared)
        self.keys, self.samples = more >> 24, more & 0xFFFFFF
        listed, infos = counts >> 16, counts & 0xFFFF
        cursor = Cursor(shared, FIXED)
        self.identity = cursor.text()
        self.alleles = [cursor.text() for _ in range(listed)]
        filters = [header.strings.get(number) for number in cursor.integers()]
        pairs = [(header.strings.get(cursor.integer()), cursor.typed()) for _ in range(infos)]
        name = header.contig_numbers.get(contig)
        self.contig = name or b"?"
        self.filters = [one for one in filters if one is not None]
        self.info = [(key, typed) for key, typed in pairs if key is not None]
        self.known = name is not None and len(self.filters) == len(filters) and len(self.info) == len(pairs)

    @property
    def alternates(self) -> int:
        """How many alleles ALT lists."""
        return max(len(self.alleles) - 1, 0)

    def columns(self) -> list[bytes]:
        """Return the columns CHROM to INFO as a VCF has them; of INFO only END, of QUAL whether it is a number."""
        ends = [typed.values() for key, typed in self.info if key == b"END"]
        end = b"END=%d" % ends[0][0] if ends and len(ends[0]) == 1 and isinstance(ends[0][0], int) else b"."
        return [
            self.contig,
            b"%d" % (self.position + 1),
            self.identity or b".",
            self.alleles[0] if self.alleles else b"",
            b",".join(self.alleles[1:]) or b".",
            b"." if self.quality == MISSING_FLOAT else b"0",
            b";".join(self.filters) or b".",
            end,
        ]
