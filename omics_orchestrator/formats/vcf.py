"""VCF: variant calls as text, plain, gzip or bgzip, with their indexes. No BCF, no look at genotypes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.text import GZIP, Lines

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
CONTIG = re.compile(r"##contig=<(?:.*,)?ID=([^,>]+)")


class Vcf(Format):
    """Variant calls (VCF), plain, gzip or bgzip; an index (.tbi, .csi) belongs to the file that it indexes.

    Checked: the header, unique sample names, the number of columns and the position of every record, contigs.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".vcf", ".vcf.gz", ".vcf.bgz")
    companions: ClassVar[tuple[str, ...]] = (".tbi", ".csi")
    holds_samples: ClassVar[bool] = True

    format: Literal["vcf"] = "vcf"
    """Variant calls; sample names stand in the header."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the suffix and, where it is not compressed, by the first line."""
        return cls.bears_suffix(name) and head.startswith((GZIP, b"##fileformat=VCF"))

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name of the file that an index belongs to."""
        return name[:-4] if cls.is_companion(name) else name

    def inspect(self, file: OpenFile) -> Inspection:
        """Read header and records; stops at the first that breaks the format."""
        lines = Lines(file.blocks())
        calls = _Calls()
        try:
            for batch in lines:
                calls.add(batch)
            if not calls.columns:
                raise FormatError(
                    "the header ends before the line #CHROM" if calls.lines else "an empty file"
                )
        except FormatError as error:
            return Inspection.refused(error, calls.facts(lines))
        return Inspection.of(calls.facts(lines), calls.samples, calls.warnings(lines))


@dataclass
class _Calls:
    """What was read so far."""

    lines: int = 0
    records: int = 0
    version: str = ""
    reference: str = ""
    columns: int = 0
    samples: tuple[str, ...] = ()
    declared: set[str] = field(default_factory=set)
    used: dict[bytes, int] = field(default_factory=dict)  # contig → position of its last record
    unsorted: int = 0  # first record that is out of order; 0 = none

    def add(self, lines: list[bytes]) -> None:
        """Read a batch of lines: what is left of the header, then records."""
        at = 0
        while not self.columns and at < len(lines):
            self._header(lines[at])
            at += 1
        self._records(lines[at:] if at else lines)

    def _header(self, raw: bytes) -> None:
        self.lines += 1
        line = raw.decode("utf-8", "replace")
        if self.lines == 1:
            if not line.startswith("##fileformat=VCFv"):
                raise FormatError("line 1: a VCF begins with ##fileformat=VCFv")
            self.version = line.removeprefix("##fileformat=VCFv").strip()
        elif line.startswith("#CHROM"):
            self._names(line.split("\t"))
        elif not line.startswith("##"):
            raise FormatError(f"line {self.lines}: records begin before the line #CHROM")
        elif line.startswith("##reference="):
            self.reference = line.removeprefix("##reference=")
        elif contig := CONTIG.match(line):
            self.declared.add(contig[1])

    def _names(self, names: list[str]) -> None:
        """Read the line #CHROM: the fixed columns, then FORMAT and one column a sample."""
        where = f"line {self.lines}"
        if tuple(names[:8]) != COLUMNS or names[8:9] not in ([], ["FORMAT"]):
            raise FormatError(
                f"{where}: the columns are not {' '.join(COLUMNS)} [FORMAT samples], separated by tabs"
            )
        samples = tuple(names[9:])
        if not all(samples):
            raise FormatError(f"{where}: sample {samples.index('') + 1} has no name")
        if len(set(samples)) < len(samples):
            raise FormatError(f"{where}: {len(samples) - len(set(samples))} sample names repeat")
        self.columns, self.samples = len(names), samples

    def _records(self, lines: list[bytes]) -> None:
        tabs = self.columns - 1
        for number, line in enumerate(lines, self.records + 1):
            if (found := line.count(b"\t")) != tabs:
                raise FormatError(f"{found + 1} columns instead of {self.columns}", record=number)
            contig, position, _ = line.split(b"\t", 2)
            if not position.isdigit():
                raise FormatError("the position is no whole number", record=number)
            self.records = number
            at = int(position)
            if at < self.used.get(contig, 0) and not self.unsorted:
                self.unsorted = number
            self.used[contig] = at

    def facts(self, lines: Lines) -> dict[str, JsonValue]:
        """Return header entries and counts as they are registered."""
        return {
            "version": self.version,
            "reference": self.reference,
            "records": self.records,
            "samples": len(self.samples),
            "contigs_declared": len(self.declared),
            "contigs_used": len(self.used),
            "compression": lines.compression,
        }

    def warnings(self, lines: Lines) -> list[str]:
        """Return what a tool may stumble over, though the records can be read."""
        unknown = len({name.decode("utf-8", "replace") for name in self.used} - self.declared)
        found = {
            "no records": not self.records,
            f"{unknown} of {len(self.used)} contigs are not declared in the header": unknown,
            f"record {self.unsorted}: not in order of position": self.unsorted,
            "gzip instead of bgzip: it cannot be indexed": lines.compression == "gzip",
            "the bgzip end marker is missing: the file may be cut off": not lines.whole,
            "lines end in CR LF: several tools refuse that": lines.crlf,
        }
        return [text for text, holds in found.items() if holds]
