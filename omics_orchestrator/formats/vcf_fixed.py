"""The nine fixed columns of a VCF record, CHROM to FORMAT (VCFv4.5 §1.6.1), and what is counted over all records.

The columns of the samples: vcf_cells.py. Alleles: vcf_alleles.py; INFO: vcf_info.py.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.vcf_alleles import SYMBOLIC, Alleles, alleles
from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_info import InfoColumn
from omics_orchestrator.formats.vcf_rules import UNREADABLE, Tally
from omics_orchestrator.formats.vcf_values import FLOAT_TEXT, LOOSE_FLOAT

LARGEST_POSITION = 2**31 - 1
MOST_CONTIGS = 5_000_000  # beyond it, a file is refused: no assembly comes near
REMEMBERED = 20_000  # pairs of REF and ALT, and FILTER columns, whose judgement is kept
CONTROLS_WITHIN = bytes(set(range(32)) - {9})
SPACE = re.compile(rb"\s")


@dataclass
class Fixed:
    """What was read so far in the fixed columns; rules that a record breaks go into `tally`."""

    header: Header
    tally: Tally
    records: int = 0
    by_contig: dict[bytes, int] = field(default_factory=dict)
    undeclared: set[bytes] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    multiallelic: int = 0
    blocks: bool = False
    _info: InfoColumn = field(init=False)
    _contig: bytes = b""
    _at: int = 0
    _length: int = 0
    _alleles: dict[tuple[bytes, bytes], Alleles] = field(default_factory=dict)
    _filters: dict[bytes, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._info = InfoColumn(self.header, self.tally)

    def add(self, columns: list[bytes], prefix: bytes) -> int:
        """Check one record's columns CHROM to INFO, `prefix` in one; return how many alleles ALT lists."""
        self.records += 1
        self._look_for_controls(prefix)
        contig, position, identity, ref, alt, quality, filters, info = columns[:8]
        at = self._place(contig, position)
        found = self._alleles.get((ref, alt)) or self._look(ref, alt)
        if found.broken:
            self.note(*found.broken)
        for kind in found.kinds:
            self.kinds[kind] += 1
        self.multiallelic += found.alternates > 1
        if identity != b"." and not self._is_id(identity):
            self.note("id" if identity else "zero_length")
        if quality != b"." and not (quality.isdigit() or FLOAT_TEXT.fullmatch(quality)):
            self.note("info_spelling" if LOOSE_FLOAT.fullmatch(quality) else "quality")
        if filters not in (b"PASS", b"."):
            self.note(*self._filter(filters))
        end = self._info.check(info, found.alternates, self.records)
        if end is not None and at is not None:
            self._end(end, at, found)
        if found.unspecified and not self.blocks:
            self.blocks = b"<NON_REF>" in alt
        return found.alternates

    def note(self, *rules: str) -> None:
        """Note that the record at hand breaks rules."""
        for rule in rules:
            self.tally.note(rule, self.records)

    def _place(self, contig: bytes, position: bytes) -> int | None:
        """Check contig, position and order; return the position, None = it is none."""
        if contig != self._contig or not contig:
            self._enter(contig)
        self.by_contig[contig] += 1
        if not position.isdigit() or len(position) > 18:
            self.note("position")
            return None
        at = int(position)
        if at < self._at:
            self.note("unsorted")
        self._at = at
        if at > self._length:
            self.note("beyond_contig" if at <= LARGEST_POSITION else "position_range")
        if contig in self.undeclared:
            self.note("contig_undeclared")
        return at

    def _enter(self, contig: bytes) -> None:
        """Begin with the records of another contig."""
        if contig in self.by_contig:
            self.note("contig_apart")
        self.by_contig.setdefault(contig, 0)
        if len(self.by_contig) > MOST_CONTIGS:
            raise FormatError("more contigs than any assembly has", record=self.records)
        if not contig:
            self.note("contig_empty")
        elif SPACE.search(contig):
            self.note("contig_name")
        if contig not in self.header.contigs and not SYMBOLIC.fullmatch(contig):
            self.undeclared.add(contig)
            if UNREADABLE.search(contig):
                self.note("unreadable_name")
        length = self.header.contigs.get(contig, 0)
        self._contig, self._at, self._length = contig, 0, (length + 1 if length else LARGEST_POSITION)

    def _look(self, ref: bytes, alt: bytes) -> Alleles:
        found = alleles(ref, alt)
        if not self.header.alts.issuperset(found.symbols):
            found = found._replace(broken=(*found.broken, "alt_undeclared"))
        if len(self._alleles) > REMEMBERED:
            self._alleles.clear()
        self._alleles[ref, alt] = found
        return found

    @staticmethod
    def _is_id(identity: bytes) -> bool:
        if not identity or SPACE.search(identity):
            return False
        if b";" not in identity:
            return True
        parts = identity.split(b";")
        return all(parts) and len(set(parts)) == len(parts)

    def _filter(self, filters: bytes) -> tuple[str, ...]:
        """Return the rules that a FILTER column breaks."""
        known = self._filters.get(filters)
        if known is not None:
            return known
        parts = filters.split(b";")
        broken: tuple[str, ...] = ()
        if not all(parts):
            broken += ("zero_length",)
        if (
            len(set(parts)) < len(parts)
            or b"0" in parts
            or (len(parts) > 1 and not {b"PASS", b"."}.isdisjoint(parts))
            or SPACE.search(filters)
        ):
            broken += ("filter",)
        undeclared = set(parts) - self.header.filters - {b"", b"0", b"."}
        if undeclared:
            broken += ("filter_undeclared",)
        if any(map(UNREADABLE.search, undeclared)):
            broken += ("unreadable_name",)
        if len(self._filters) > REMEMBERED:
            self._filters.clear()
        self._filters[filters] = broken
        return broken

    def _end(self, end: bytes, at: int, found: Alleles) -> None:
        """Check END against the position; a reference block is what makes a gVCF."""
        if not end.isdigit() or len(end) > 18:
            return
        if int(end) < at:
            self.note("end")
        elif int(end) > at and found.kinds == ("reference",):
            self.blocks = True

    def _look_for_controls(self, prefix: bytes) -> None:
        """Note control characters (§1.2) other than the tabs between columns, and what is no UTF-8."""
        if len(prefix.translate(None, CONTROLS_WITHIN)) < len(prefix):
            self.note("control")
        if not prefix.isascii():
            try:
                prefix.decode()
            except UnicodeDecodeError:
                self.note("utf8")
