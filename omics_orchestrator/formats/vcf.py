"""VCF and BCF: variant calls, with their indexes; the one word, what the file as a whole is said to be.

Rules: vcf_rules.py; text: vcf_text.py; BCF: vcf_bcf.py; indexes: vcf_index.py; genotypes: vcf_genotypes.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.text import GZIP, Lines, text_head
from omics_orchestrator.formats.vcf_bcf import MAGIC, BinaryCalls
from omics_orchestrator.formats.vcf_index import misfits
from omics_orchestrator.formats.vcf_text import Calls

BEGINNINGS = (b"##fileformat=VCF", MAGIC)
HEADLESS = b"#CHROM\tPOS\tID\tREF\tALT"  # a .pvar begins so, too
LONGEST_NAME = 200  # bytes of a key or contig among the facts
MOST_CONTIGS = 500  # whose records are counted among the facts


class Vcf(Format):
    """Variant calls (VCF 4.1 to 4.5, BCF 2), plain, gzip or bgzip; an index (.tbi, .csi, .idx) belongs to its file.

    Checked: header, order, alleles, types and counts of INFO and FORMAT, genotypes, whether the index fits.
    Not checked: the reference sequence, and whether an ID stands in two records.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
    companions: ClassVar[tuple[str, ...]] = (".tbi", ".csi", ".vcf.idx")
    holds_samples: ClassVar[bool] = True
    indexable: ClassVar[bool] = True

    format: Literal["vcf"] = "vcf"
    """Variant calls; sample names stand in the header."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the first line, inflated if need be; where nothing can be inflated, by the suffix."""
        text = text_head(head)
        if not text:
            return head.startswith(GZIP) and cls.bears_suffix(name)
        return text.startswith(BEGINNINGS) or (text.startswith(HEADLESS) and cls.bears_suffix(name))

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name of the file that an index belongs to."""
        return name[:-4] if cls.is_companion(name) else name

    def inspect(self, file: OpenFile) -> Inspection:
        """Read header and records; rules broken are counted, what cannot be read on ends the look."""
        lines = Lines(file.blocks())
        calls: Calls | BinaryCalls = Calls(iter(()), 0)
        stopped = ""
        try:
            texts = lines.text()
            first = next(texts, b"")
            calls = (BinaryCalls if first.startswith(MAGIC) else Calls)(chain((first,), texts), file.size)
            calls.read()
        except FormatError as error:
            stopped = str(error)
        return _inspection(calls, lines, stopped)

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say whether an index is there, and whether it is one of this very file."""
        indexes = [path for path in members if self.is_companion(path)]
        calls = next((path for path in members if path not in indexes), None)
        if calls is None:
            return Inspection.of(
                {"indexed": bool(indexes)}, warnings=["an index without the file it belongs to"]
            )
        said = [
            problem
            for path in indexes
            if path in files
            for problem in misfits(files[path], members[calls].facts, files[calls].size)
        ]
        return Inspection.of({"indexed": bool(indexes)}, warnings=said)


def _inspection(calls: Calls | BinaryCalls, lines: Lines, stopped: str) -> Inspection:
    from omics_orchestrator.formats.header_scan import suspicious

    header, tally = calls.header, calls.tally
    refused = [stopped] if stopped else []
    refused += header.tally.said(refusing=True) + tally.said(refusing=True)
    warnings = header.tally.said(refusing=False) + tally.said(refusing=False) + _of_the_file(calls, lines)
    identifying = suspicious(header.entries)
    facts = _facts(calls, lines, whole=not refused)
    if refused:
        return Inspection("invalid", facts, (), (*refused, *warnings), identifying)
    return Inspection.of(facts, header.samples, warnings, identifying=identifying)


def _of_the_file(calls: Calls | BinaryCalls, lines: Lines) -> list[str]:
    """Return what is to be said of the file as a whole."""
    found = {
        "gzip instead of bgzip: it cannot be indexed": lines.compression == "gzip",
        "the bgzip end marker is missing: the file may be cut off": not lines.whole,
        "lines end in CR LF: several tools refuse that": calls.crlf > 0,
        "the last line has no end: the file may be cut off": not calls.ended,
    }
    return [text for text, holds in found.items() if holds]


def _facts(calls: Calls | BinaryCalls, lines: Lines, *, whole: bool) -> dict[str, JsonValue]:
    """Return header entries and counts as they are registered; names out of a broken file are left out."""
    header, fixed, cells = calls.header, calls.fixed, calls.cells
    facts: dict[str, JsonValue] = {
        "encoding": calls.encoding,
        "version": ".".join(map(str, header.version)) if header.version[0] else "",
        "reference": header.reference,
        "records": fixed.records,
        "samples": len(header.samples),
        "contigs_declared": len(header.contigs),
        "contigs_used": len(fixed.by_contig),
        "variants": dict(fixed.kinds.most_common()),
        "multiallelic": fixed.multiallelic,
        "gvcf": header.blocks or fixed.blocks,
        "compression": lines.compression,
    }
    if whole:
        facts["format_keys"] = [_name(key) for key in calls.formats.names]
        if len(fixed.by_contig) <= MOST_CONTIGS:
            facts["records_by_contig"] = {_name(key): number for key, number in fixed.by_contig.items()}
    if cells and cells.genotypes:
        facts |= {
            "genotypes": cells.genotypes,
            "genotypes_missing": round(cells.missing / cells.genotypes, 6),
        }
    return facts


def _name(raw: bytes) -> str:
    return raw[:LONGEST_NAME].decode("utf-8", "replace")
