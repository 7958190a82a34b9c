"""BAM: header and list of references, then every record's structure, from inflated pieces (SAM specification, 4.2).

The records themselves are walked in bam_walk.py; blocks: bgzf.py; the header's text: sam_header.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.sam_header import SamHeader

MAGIC = b"BAM\1"
LARGEST_HEADER = 128 * 1024 * 1024  # bytes of text and references: beyond it no header
SEX = {"X": "mapped_x", "chrX": "mapped_x", "Y": "mapped_y", "chrY": "mapped_y"}
PROBLEMS = {
    1: "its size is not that of a record",
    2: "its name, sequence, qualities and tags do not fit into its size",
    3: "a reference that the header does not have",
    4: "a position below zero",
    5: "its name does not end where it says",
    6: "an unknown CIGAR operation",
    7: "CIGAR and sequence have different lengths",
    8: "its tags are damaged",
}


@dataclass
class Alignments:
    """What was read of a BAM so far."""

    header: SamHeader = field(default_factory=SamHeader)
    read: bool = False
    lengths: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, int] = field(default_factory=dict)
    _walked: _Walked | None = None

    def add(self, pieces: Iterator[bytes]) -> None:
        """Read header and records from inflated pieces.

        Raises:
            FormatError: with the number of the first record that cannot be read; what was counted is kept.
        """
        rest = self._header(pieces)
        self._walked = walked = _Walked(self.lengths, list(self.header.groups))
        try:
            walked.feed(rest)
            for piece in pieces:
                walked.feed(piece)
            if walked.waiting:
                raise FormatError("the file ends in it", record=walked.records + 1)
        finally:
            self.counts, self.firsts = walked.counts(self.lengths), walked.firsts()

    def _header(self, pieces: Iterator[bytes]) -> bytes:
        """Read what comes before the records; returns the beginning of these."""
        reader = _Reader(pieces)
        if reader.take(4) != MAGIC:
            raise FormatError("a BAM begins with BAM\\1" if reader.taken else "an empty file")
        text = reader.take(reader.number())
        self.lengths = _references(reader)
        self.header = SamHeader.parse(text)
        self.read = True
        if self.header.references and list(self.header.references.items()) != list(self.lengths.items()):
            raise FormatError("the @SQ lines of the header are not the references that the records count on")
        if b"\0" in text.rstrip(b"\0"):
            self.warnings.append("the text of the header holds NUL bytes")
        self.header.references = self.lengths
        return reader.rest

    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered."""
        ordered = bool(self.counts.get("records")) and not self.firsts.get("disorder")
        return {**self.header.facts(), **self.counts, "in_coordinate_order": ordered} if self.read else {}

    def told(self) -> list[str]:
        """Return what breaks the specification though tools can read it."""
        order, first = self.header.order, self.firsts
        disorder = first["disorder"] if order == "coordinate" else self._name_disorder()
        found = {
            f"record {disorder}: not in the order that the header tells (@HD SO:{order})": disorder,
            f"record {first['beyond']}: it ends beyond its reference": first["beyond"],
            f"record {first['quality']}: a quality above 93": first["quality"],
            f"record {first['named']}: a character that a read's name may not have": first["named"],
            f"record {first['lone']}: mapped, but to no reference": first["lone"],
            f"record {first['group']}: a read group that the header does not have": first["group"],
            f"record {first['cigar']}: unmapped, CIGAR and sequence have different lengths": first["cigar"],
        }
        return [*self.header.told(), *self.warnings, *(text for text, holds in found.items() if holds)]

    def _name_disorder(self) -> int:
        """Return the first record out of the order of names; both ways of ordering them are right."""
        if self.header.order != "queryname":
            return 0
        natural, letters = self.firsts["natural"], self.firsts["letters"]
        if self.header.sub_order.endswith(":natural"):
            return natural
        return max(natural, letters) if natural and letters else 0


class _Reader:
    """Takes bytes of inflated pieces in order; what a header may hold is bounded."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = bytearray()
        self._at = 0
        self.taken = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        self.taken += count
        if not 0 <= count <= LARGEST_HEADER or self.taken > LARGEST_HEADER:
            raise FormatError(f"the header is longer than {LARGEST_HEADER >> 20} MiB")
        while len(self._held) - self._at < count:
            piece = next(self._pieces, None)
            if piece is None:
                self.taken -= count - len(self._held) + self._at
                if self.taken:
                    raise FormatError("the file ends in its header")
                return b""
            del self._held[: self._at]
            self._at = 0
            self._held += piece
        self._at += count
        return bytes(self._held[self._at - count : self._at])

    def number(self) -> int:
        """Return the next number of 4 bytes."""
        return int.from_bytes(self.take(4), "little", signed=True)

    @property
    def rest(self) -> bytes:
        """What was read and not taken."""
        return bytes(self._held[self._at :])


def _references(reader: _Reader) -> dict[str, int]:
    """Read the binary list of references."""
    lengths: dict[str, int] = {}
    for number in range(1, reader.number() + 1):
        name = reader.take(reader.number())
        length = reader.number()
        if not name.endswith(b"\0") or len(name) < 2 or length < 1:
            raise FormatError(f"reference {number} of the binary list is damaged")
        called = name[:-1].decode("utf-8", "replace")
        if called in lengths:
            raise FormatError(f"reference {number} of the binary list stands there twice")
        lengths[called] = length
    return lengths


class _Walked:
    """The walk through the records, with what it carries from piece to piece."""

    def __init__(self, lengths: dict[str, int], groups: list[str]) -> None:
        import numpy as np

        from omics_orchestrator.formats import bam_walk

        self._walk, self._numpy = bam_walk, np
        self._state = np.zeros(bam_walk.SIZE, np.int64)
        self._state[bam_walk.LAST_POSITION] = -1
        self._lengths = np.array(list(lengths.values()), np.int64)
        self._placed = np.zeros(len(lengths), np.int64)
        codes = [np.frombuffer(one.encode(), np.uint8) for one in groups]
        self._groups = np.array(sorted(bam_walk.digest(one, 0, len(one)) for one in codes), np.int64)
        self._last = np.zeros(256, np.uint8)
        self._held: list[bytes] = []  # of a record that is not whole yet, joined once it is
        self._missing = 0

    @property
    def waiting(self) -> bool:
        """Whether a record is not whole."""
        return any(self._held)

    @property
    def records(self) -> int:
        """How many records were read."""
        return int(self._state[self._walk.RECORDS])

    def feed(self, piece: bytes) -> None:
        """Walk through the records that are whole now."""
        self._held.append(piece)
        self._missing -= len(piece)
        if self._missing > 0:
            return
        raw = b"".join(self._held)
        codes = self._numpy.frombuffer(raw, self._numpy.uint8)
        at = self._walk.walk(codes, self._state, self._lengths, self._placed, self._groups, self._last)
        if problem := int(self._state[self._walk.PROBLEM]):
            raise FormatError(PROBLEMS[problem], record=self.records + 1)
        rest = raw[at:]
        self._held = [rest]
        self._missing = (
            int.from_bytes(rest[:4], "little") + 4 - len(rest) if len(rest) >= 4 else 4 - len(rest)
        )

    def _entries(self, names: dict[str, int]) -> dict[str, int]:
        return {name: int(self._state[place]) for name, place in names.items()}

    def counts(self, lengths: dict[str, int]) -> dict[str, int]:
        """Return what was counted, by name."""
        walk: Any = self._walk
        counted = {
            "records": walk.RECORDS,
            "reads": walk.PRIMARY,
            "mapped": walk.MAPPED,
            "unmapped": walk.UNMAPPED,
            "unplaced": walk.UNPLACED,
            "secondary": walk.SECONDARY,
            "supplementary": walk.SUPPLEMENTARY,
            "duplicates": walk.DUPLICATES,
            "failed_quality": walk.FAILED,
            "paired": walk.PAIRED,
            "properly_paired": walk.PROPER,
            "bases": walk.BASES,
        }
        sex = {
            SEX[name]: int(placed) for name, placed in zip(lengths, self._placed, strict=True) if name in SEX
        }
        return self._entries(counted) | sex

    def firsts(self) -> dict[str, int]:
        """Return the first record of each kind of oddity; 0 = none."""
        walk: Any = self._walk
        return self._entries(
            {
                "disorder": walk.DISORDER,
                "natural": walk.NATURAL_DISORDER,
                "letters": walk.LETTER_DISORDER,
                "beyond": walk.BEYOND,
                "quality": walk.QUALITY,
                "named": walk.NAMED,
                "lone": walk.LONE,
                "group": walk.GROUP,
                "cigar": walk.CIGAR_OF_UNMAPPED,
            }
        )
