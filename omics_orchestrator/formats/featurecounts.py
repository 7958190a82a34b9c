"""featureCounts (Subread): reads counted per gene, one column per alignment file.

The layout is that of the Subread Users Guide, section 6.2.8 "Program output".
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_table import (
    Found,
    MatrixTable,
    Row,
    Wide,
    distinct,
    fits,
    head_lines,
    numbers,
    once,
    rows,
    suffixed,
    whole,
)

HEADER = ["Geneid", "Chr", "Start", "End", "Strand", "Length"]
EXTRA = {"gene_id", "gene_name", "gene_biotype", "gene_type", "gene_symbol", "transcript_id", "exon_id"}
_VERSION = re.compile(r"featureCounts v?([\w.\-]+)")
_EXTRA = re.compile(r'"--extraAttributes" "([^"]*)"')
_OPTIONS = {"stranded": re.compile(r'"-s" "(\w+)"'), "paired": re.compile(r'("-p")')}


class Featurecounts(MatrixTable):
    """Counts of featureCounts: a comment line of the program, Geneid Chr Start End Strand Length, then the samples.

    Checked: intervals (as many starts as ends, whole numbers, in order), strands, lengths, counts, repeated genes.
    The `.summary` beside the table goes with it.
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("txt", "tsv", "counts", "tab", "featurecounts")
    companions: ClassVar[tuple[str, ...]] = (".summary",)
    holds_samples: ClassVar[bool] = True

    format: Literal["featurecounts"] = "featurecounts"
    """Counts per gene by featureCounts (Subread)."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's first six words, below the comment line."""
        return any(line[:6] == HEADER for line in head_lines(head, 3))

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name without `.summary`."""
        return name[: -len(".summary")] if name.lower().endswith(".summary") else name

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read intervals and counts."""
        lines = rows(file, found)
        comment, (number, names) = _header(next(lines), lines, found)
        at = len(HEADER) + _extra(comment, names)
        found.samples = tuple(names[at:])
        if not found.samples:
            raise FormatError(f"line {number}: no column of counts")
        distinct(found.samples, number)
        wide = Wide(found.samples, (*HEADER[:1], *names[1:at]))
        seen: dict[str, int] = {}
        parts, fractional = 0, 0
        for line, cells in lines:
            fits(cells, line, len(names))
            parts = max(parts, _intervals(cells, line))
            if parts > 1:
                once(seen, cells[0], line, "gene")
            else:
                seen.setdefault(cells[0], line)
            counts = numbers(cells[at:], line, at)
            fractional = fractional or (0 if all(map(float.is_integer, counts)) else line)
            wide.add(cells[0], counts, *cells[:at])
        if not wide.ids:
            raise FormatError("no line below the header")
        repeated = len(wide.ids) > len(seen)
        if repeated and parts > 1:
            raise FormatError("genes repeat, though several intervals stand in one line")
        found.facts |= {
            "level": "feature" if repeated else "gene",
            "counts": "fractional" if fractional else "whole",
        }
        found.gene_ids(wide.ids)
        return wide.matrix()


def _header(first: Row, lines: object, found: Found) -> tuple[str, Row]:
    """Return the comment of the program and the header's row."""
    comment = ""
    number, cells = first
    if cells[0].startswith("#"):
        comment = "\t".join(cells)
        number, cells = next(lines, (number, []))  # type: ignore[call-overload]
    else:
        found.warnings.append("no comment line of the program stands above the header")
    if cells[: len(HEADER)] != HEADER:
        raise FormatError(
            f"line {number}: the header is not Geneid, Chr, Start, End, Strand, Length, samples"
        )
    version = _VERSION.search(comment)
    found.facts["program_version"] = version[1] if version else None
    for option, pattern in _OPTIONS.items():
        if told := pattern.search(comment):
            found.facts[option] = told[1] if option == "stranded" else True
    found.identifying = suspicious([("line 1", "comment", comment[:2000])])
    return comment, (number, cells)


def _extra(comment: str, names: list[str]) -> int:
    """Return how many columns of attributes follow the length (`--extraAttributes`)."""
    if told := _EXTRA.search(comment):
        return len(told[1].split(","))
    extra = 0
    while len(HEADER) + extra < len(names) and names[len(HEADER) + extra] in EXTRA:
        extra += 1
    return extra


def _intervals(cells: list[str], line: int) -> int:
    """Check chromosome, start, end, strand and length; returns how many intervals the line has."""
    chromosomes, starts, ends, strands = (cell.split(";") for cell in cells[1:5])
    if not len(chromosomes) == len(starts) == len(ends) == len(strands):
        raise FormatError(f"line {line}: Chr, Start, End and Strand do not list as many intervals each")
    covered = longest = 0
    for start, end in zip(starts, ends, strict=True):
        width = whole(end, line, "an end") - whole(start, line, "a start") + 1
        if width < 1:
            raise FormatError(f"line {line}: an interval ends before it starts")
        covered, longest = covered + width, max(longest, width)
    if not set(strands) <= {"+", "-", "."}:
        raise FormatError(f"line {line}: a strand is none of + - .")
    if not longest <= whole(cells[5], line, "the length") <= covered:
        raise FormatError(f"line {line}: the length cannot be that of the intervals")
    return len(starts)
