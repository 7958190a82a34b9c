"""Kraken 2 reports, also those that Bracken rewrote: reads per taxon of one sample, as an indented tree.

The layout is that of the Kraken 2 manual, "Sample Report Output Format" (6 columns; 8 with minimizers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import (
    Found,
    MatrixTable,
    Row,
    Wide,
    head_lines,
    numbers,
    rows,
    stem,
    suffixed,
    whole,
)

_RANK = re.compile(r"[URDKPCOFGS][0-9]{0,2}|-")
_FIRST = re.compile(r" *[0-9]{1,3}\.[0-9]{2,6}")
COLUMNS = ("name", "rank", "taxonomy_id", "direct_reads")
INDENT = 2  # spaces per level
ROUNDING = 0.0051  # percentage points: two decimals
WRONG = 0.1  # percentage points beyond which a share is not that of its reads


class Kraken(MatrixTable):
    """Kraken 2 reports, 6 or 8 columns: percentage, reads of the clade, reads of the taxon, rank, taxonomy id, name.

    Checked: numbers, rank codes, the tree by its indentation; no clade has fewer reads than its parts; every
    percentage is that of its reads. Reads of the clade become the matrix.
    """

    absent: ClassVar[float] = 0  # what was not found is not listed
    suffixes: ClassVar[tuple[str, ...]] = suffixed("txt", "report", "kreport", "kreport2", "tsv", "kraken")

    format: Literal["kraken"] = "kraken"
    """Reads per taxon by Kraken 2."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the columns of the first line, as there is no header."""
        cells = (head_lines(head, 1) or [[]])[0]
        if len(cells) not in (6, 8) or not _FIRST.fullmatch(cells[0]):
            return False
        counts = [*cells[1:-3], cells[-2]]
        return all(cell.isascii() and cell.isdigit() for cell in counts) and bool(_RANK.fullmatch(cells[-3]))

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the tree and hold its numbers against each other."""
        wide = Wide(stem(file, self.suffixes), COLUMNS)
        tree = _Tree()
        shares = []
        for line, cells, share, counts in _lines(rows(file, found), found):
            name = cells[-1].lstrip(" ")
            if not name.strip():
                raise FormatError(f"line {line}: the taxon has no name")
            tree.add(line, len(cells[-1]) - len(name), counts[0], counts[1], cells[-3])
            shares.append((line, share, counts[0]))
            wide.add(cells[-2], [float(counts[0])], name, cells[-3], cells[-2], str(counts[1]))
        if not wide.ids:
            raise FormatError("an empty file")
        tree.close()
        _judge(shares, tree, found)
        if repeated := len(wide.ids) - len(set(wide.ids)):
            found.warnings.append(f"{repeated} taxonomy ids repeat")
        return wide.matrix()


def _lines(lines: Iterator[Row], found: Found) -> Iterator[tuple[int, list[str], float, list[int]]]:
    """Yield (line, cells, percentage, counts) of lines whose cells are what they must be."""
    width = 0
    for line, cells in lines:
        width = width or len(cells)
        if len(cells) != width or width not in (6, 8):
            raise FormatError(f"line {line}: {len(cells)} cells instead of {width if width in (6, 8) else 6}")
        (share,) = numbers([cells[0].strip()], line, 0)
        counts = [whole(cell, line, "a count") for cell in cells[1:-3]]
        whole(cells[-2], line, "the taxonomy id")
        if not _RANK.fullmatch(cells[-3]):
            raise FormatError(f"line {line}: the rank code is none of U R D K P C O F G S, with a number")
        if share > 100 + ROUNDING:
            raise FormatError(f"line {line}: more than 100 percent")
        yield line, cells, share, counts
    found.facts["minimizers"] = width == 8


@dataclass
class _Tree:
    """The taxa above the current line, and what was found wrong below them."""

    path: list[list[int]] = field(
        default_factory=list
    )  # line, indentation, reads of clade, reads accounted for
    total: int = 0
    unclassified: int = 0
    differing: int = 0  # first line whose reads are more than those of its parts
    taxa: int = 0

    def add(self, line: int, indent: int, clade: int, direct: int, rank: str) -> None:
        """Put a taxon below the ones above it that are indented less."""
        if indent % INDENT:
            raise FormatError(f"line {line}: the name is not indented by twos")
        if direct > clade:
            raise FormatError(f"line {line}: the taxon has more reads than its clade")
        while self.path and self.path[-1][1] >= indent:
            self._leave()
        above = self.path[-1] if self.path else None
        if indent != (above[1] + INDENT if above else 0):
            raise FormatError(f"line {line}: the name is indented by more than one level")
        if above:
            above[3] += clade
            if above[3] > above[2]:
                raise FormatError(
                    f"line {line}: the parts of the clade of line {above[0]} have more reads than it"
                )
        else:
            self.total += clade
            self.unclassified += clade if rank == "U" else 0
        self.taxa += 1
        self.path.append([line, indent, clade, direct])

    def close(self) -> None:
        """Leave all taxa."""
        while self.path:
            self._leave()

    def _leave(self) -> None:
        line, _, clade, counted = self.path.pop()
        if counted < clade:
            self.differing = min(self.differing or line, line)


def _judge(shares: list[tuple[int, float, int]], tree: _Tree, found: Found) -> None:
    """Hold the percentages against the reads; fills the facts."""
    found.facts |= {
        "reads": tree.total,
        "unclassified_reads": tree.unclassified,
        "classified_reads": tree.total - tree.unclassified,
        "taxa": tree.taxa,
    }
    off = 0
    for line, share, reads in shares:
        difference = abs(share - 100 * reads / tree.total) if tree.total else share
        if difference > WRONG:
            raise FormatError(f"line {line}: the percentage is not that of its reads")
        off = off or (line if difference > 2 * ROUNDING else 0)
    if off:
        found.warnings.append(f"line {off}: the percentage is not quite that of its reads")
    if tree.differing:
        found.warnings.append(f"line {tree.differing}: the clade has more reads than its parts together")
