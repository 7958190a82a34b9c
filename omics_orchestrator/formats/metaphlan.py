"""MetaPhlAn 3 and 4: relative abundances of clades, of one sample or merged from several.

The layout is that of the MetaPhlAn wiki, "Output files" and "Merging tables". The tree's sums: metaphlan_clades.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    head_lines,
    numbers,
    once,
    rows,
    stem,
    suffixed,
)
from omics_orchestrator.formats.metaphlan_clades import check_sums, rank_of

CLADE = {"#clade_name", "clade_name", "ID"}
TAXIDS = {"NCBI_tax_id", "clade_taxid"}
ABUNDANCE = "relative_abundance"
UNNAMED = {"SampleID", "Metaphlan_Analysis", "Metaphlan2_Analysis"}
_VERSION = re.compile(r"#?(mpa_v\w+)")
_READS = re.compile(r"#(\d+) reads processed")
_TAXID = re.compile(r"(?:-1|[0-9]*)")


class Metaphlan(MatrixTable):
    """Profiles of MetaPhlAn 3 and 4: clade, taxonomy ids, relative abundance in percent; or one column per sample.

    Checked: ranks of every clade (k__ to t__) in order, taxonomy ids, numbers from 0 to 100, repeated clades; the
    parts of a clade add up to it, the kingdoms to 100.
    """

    absent: ClassVar[float] = 0  # what was not found is not listed
    suffixes: ClassVar[tuple[str, ...]] = suffixed("txt", "tsv", "metaphlan")
    holds_samples: ClassVar[bool] = True

    format: Literal["metaphlan"] = "metaphlan"
    """Relative abundances of clades by MetaPhlAn."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the database's name in the first line, or the words above the first clade."""
        lines = head_lines(head, 10)
        if any(line[0].startswith("#mpa_v") for line in lines[:2]):
            return True
        above = None
        for line in lines:
            if len(line) > 1 and rank_of(line[0]) is not None:
                return above is not None and above[0] in CLADE
            above = line
        return False

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the clades of one sample or several."""
        number, names, lines = _header(rows(file, found), found)
        single = ABUNDANCE in (name.strip() for name in names)
        taxids = len(names) > 1 and names[1].strip() in TAXIDS
        at = [name.strip() for name in names].index(ABUNDANCE) if single else 1 + taxids
        if not single:
            found.samples = tuple(names[at:])
            if not found.samples:
                raise FormatError(f"line {number}: no column of abundances")
            distinct(found.samples, number)
        wide = Wide(found.samples or stem(file, self.suffixes), ("clade", "taxonomy_ids"))
        seen: dict[str, int] = {}
        for line, cells in lines:
            _fits(cells, line, names, at, single=single)
            once(seen, cells[0], line, "clade")
            if rank_of(cells[0]) is None:
                raise FormatError(f"line {line}: not a clade with its ranks in order, k__ to t__")
            ids = cells[1].strip() if taxids else ""
            if not all(_TAXID.fullmatch(one) for one in ids.split("|")):
                raise FormatError(f"line {line}: a taxonomy id is no whole number")
            values = numbers(cells[at : at + len(wide.samples)], line, at)
            if max(values) > 100.01:
                raise FormatError(f"line {line}: more than 100 percent")
            wide.add(cells[0], values, cells[0], ids)
        if not wide.ids:
            raise FormatError("no clade below the header")
        data = wide.matrix()
        check_sums(list(seen.items()), data.x, found)
        found.facts |= {"normalisation": "relative abundance in percent", "merged": not single}
        return data


def _header(lines: Iterator[Row], found: Found) -> tuple[int, list[str], Iterator[Row]]:
    """Read the comments, return the number and the names of the header, and the lines below."""
    comments: list[tuple[str, str, str]] = []
    facts: dict[str, str | int | None] = {"database": None}
    for number, cells in lines:
        if cells[0] in CLADE:
            found.facts |= facts
            found.identifying = suspicious(comments)
            return number, cells, lines
        if not cells[0].startswith("#"):
            break
        if version := _VERSION.match(cells[0]):
            facts["database"] = version[1]
        if reads := _READS.match(cells[0]):
            facts["reads"] = int(reads[1])
        if len(cells) == 2 and (named := [one for one in (cells[1], cells[0][1:]) if one not in UNNAMED]):
            found.samples = (named[0],)
        comments.append((f"line {number}", "comment", "\t".join(cells)[:2000]))
    raise FormatError("no header with clade_name above the first clade")


def _fits(cells: list[str], line: int, names: list[str], at: int, *, single: bool) -> None:
    """Refuse a line that has not the header's width; the last column of a profile may be left out."""
    if not (at + single <= len(cells) <= len(names) if single else len(cells) == len(names)):
        raise FormatError(f"line {line}: {len(cells)} cells instead of {len(names)}")
