"""Bracken: reads per taxon at one rank, re-estimated from a Kraken report; also the table of several samples.

The layout is that of Bracken's README, "Output Files", and of its combine_bracken_outputs.py.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import (
    Found,
    MatrixTable,
    Wide,
    distinct,
    fits,
    head_lines,
    numbers,
    once,
    rows,
    stem,
    suffixed,
    whole,
)

NAMES = ["name", "taxonomy_id", "taxonomy_lvl"]
SINGLE = [*NAMES, "kraken_assigned_reads", "added_reads", "new_est_reads", "fraction_total_reads"]
ROUNDING = 0.000051  # fractions have five decimals
WRONG = 0.01  # share beyond which a fraction is not that of its reads


class Bracken(MatrixTable):
    """Abundances by Bracken at one rank: of one sample, or several combined (`S1_num`, `S1_frac`).

    Checked: counts, repeated taxa, one rank; the new estimate is the assigned and the added reads, every fraction
    that of its reads. The estimated reads become the matrix.
    """

    absent: ClassVar[float] = 0  # what was not found is not listed
    suffixes: ClassVar[tuple[str, ...]] = suffixed("tsv", "txt", "bracken")

    format: Literal["bracken"] = "bracken"
    """Reads per taxon by Bracken."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words."""
        first = (head_lines(head, 1) or [[]])[0]
        return first == SINGLE or (first[:3] == NAMES and first[-1].endswith("_frac"))

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read counts and fractions of one sample or several."""
        lines = rows(file, found)
        line, names = next(lines)
        single = names == SINGLE
        pairs = names[3:]
        if not single:
            found.samples = tuple(name.removesuffix("_num") for name in pairs[::2])
            if names[:3] != NAMES or pairs != [
                f"{one}_{what}" for one in found.samples for what in ("num", "frac")
            ]:
                raise FormatError("line 1: not the header of Bracken")
            distinct(found.samples, line)
        wide = Wide(found.samples or stem(file, self.suffixes), tuple(NAMES))
        seen: dict[str, int] = {}
        fractions: list[tuple[int, list[float], list[float]]] = []
        for line, cells in lines:
            fits(cells, line, len(names))
            once(seen, cells[1], line, "taxon")
            whole(cells[1], line, "the taxonomy id")
            values = numbers(cells[3:], line, 3)
            if single:
                _estimate(cells, line, found)
                values = values[2:]
            wide.add(cells[1], values[::2], *cells[:3])
            fractions.append((line, values[::2], values[1::2]))
        if not wide.ids:
            raise FormatError("no line below the header")
        _judge(fractions, found)
        ranks = set(wide.features["taxonomy_lvl"])
        if len(ranks) > 1:
            found.warnings.append(f"taxa of {len(ranks)} ranks in one table")
        found.facts["level"] = min(ranks)[:4] if len(ranks) == 1 else "several"
        return wide.matrix()


def _estimate(cells: list[str], line: int, found: Found) -> None:
    """Hold the new estimate against what it is made of."""
    assigned, added, estimate = (whole(cell, line, "a count") for cell in cells[3:6])
    if abs(assigned + added - estimate) > 1:
        raise FormatError(f"line {line}: new_est_reads is not the sum of assigned and added reads")
    reads = found.facts.get("reads", 0)
    found.facts["reads"] = estimate + (reads if isinstance(reads, int) else 0)


def _judge(lines: list[tuple[int, list[float], list[float]]], found: Found) -> None:
    """Hold every sample's fractions against its reads."""
    totals = [math.fsum(column) for column in zip(*(reads for _, reads, _ in lines), strict=True)]
    off, wrong = 0, False
    for line, reads, shares in lines:
        for total, count, share in zip(totals, reads, shares, strict=True):
            difference = abs(share - count / total) if total else share
            off = off or (line if difference > 2 * ROUNDING else 0)
            wrong = wrong or difference > WRONG
    if wrong:
        raise FormatError(f"line {off}: the fraction is not that of its reads")
    if off:
        found.warnings.append(f"line {off}: the fraction is not quite that of its reads: taxa may be missing")
