"""MaxQuant: proteinGroups.txt, peptides.txt (a column per sample) and evidence.txt (a line per feature and run).

Columns as the tables.pdf of MaxQuant lists them.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import (
    MISSING,
    Found,
    Long,
    MatrixTable,
    Padding,
    Row,
    Wide,
    distinct,
    head_lines,
    numbers,
    rows,
    stem,
    suffixed,
)

TABLES = {
    "protein groups": ("Protein IDs", "Majority protein IDs"),
    "evidence": ("Modified sequence", "Raw file", "Charge", "Intensity"),
    "peptides": ("Sequence", "Leading razor protein", "Missed cleavages"),
}
"""Level → columns that tell the table."""
QUANTITIES = ("LFQ intensity ", "Reporter intensity corrected ", "Intensity ")
"""What stands before a sample's name, best first."""
IDS = {"protein groups": "Majority protein IDs", "peptides": "Sequence", "evidence": "Modified sequence"}
KEPT = ("Protein IDs", "Proteins", "Leading razor protein", "Gene names", "id")
FLAGS = {
    "contaminants": ("Potential contaminant", "Contaminant"),
    "reverse": ("Reverse",),
    "only_by_site": ("Only identified by site",),
}


class Maxquant(MatrixTable):
    """Tables of MaxQuant: protein groups and peptides with LFQ, reporter or raw intensities per sample; evidence.

    Checked: the columns that tell the table, widths, numbers, repeated samples. Contaminants and reverse hits are
    counted, none is left out. Evidence is summed by modified sequence and experiment (or raw file).
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("txt", "tsv")
    holds_samples: ClassVar[bool] = True

    format: Literal["maxquant"] = "maxquant"
    """proteinGroups.txt, peptides.txt or evidence.txt of MaxQuant."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words."""
        return _level((head_lines(head, 1) or [[]])[0]) != ""

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the intensities."""
        lines = rows(file, found)
        line, names = next(lines)
        distinct(tuple(names), line, "column")
        level = _level(names)
        if not level:
            raise FormatError("line 1: neither protein groups, peptides nor evidence of MaxQuant")
        found.facts["level"] = level
        if level == "evidence":
            return _evidence(names, lines, found)
        return _wide(names, lines, found, level, stem(file, self.suffixes))


def _level(names: list[str]) -> str:
    """Return which table has such a header; empty = none."""
    return next((level for level, told in TABLES.items() if set(told) <= set(names)), "")


def _wide(names: list[str], lines: object, found: Found, level: str, sample: tuple[str]) -> MatrixData:
    quantity, at = _quantity(names)
    found.facts["quantity"] = quantity.strip()
    found.samples = tuple(names[position][len(quantity) :] for position in at)
    if not at:
        if "Intensity" not in names:
            raise FormatError("line 1: no column of intensities")
        at = [names.index("Intensity")]
    kept = [name for name in KEPT if name in names]
    wide = Wide(found.samples or sample, tuple(kept))
    padding = Padding(len(names), max(at) + 1)
    flags = _Flags(names)
    key, absent = names.index(IDS[level]), 0
    for line, short in lines:  # type: ignore[attr-defined]
        cells = padding.filled(short, line)
        values = numbers([cells[position] for position in at], line, at[0], missing=MISSING)
        if not cells[key]:
            raise FormatError(f"line {line}: no {IDS[level]}")
        absent += sum(not value > 0 for value in values)
        flags.count(cells)
        wide.add(cells[key], values, *(cells[names.index(name)] for name in kept))
    if not wide.ids:
        raise FormatError("no line below the header")
    padding.tell(found)
    found.facts |= {"absent": absent, **flags.counts}
    return wide.matrix()


def _quantity(names: list[str]) -> tuple[str, list[int]]:
    """Return what the intensities are called, and the positions of their columns."""
    for quantity in QUANTITIES:
        if at := [position for position, name in enumerate(names) if name.startswith(quantity)]:
            return quantity, at
    return "Intensity", []


class _Flags:
    """Counts lines that are marked with `+`."""

    def __init__(self, names: list[str]) -> None:
        self._at = {fact: names.index(name) for fact, told in FLAGS.items() for name in told if name in names}
        self.counts = dict.fromkeys(self._at, 0)

    def count(self, cells: list[str]) -> None:
        for fact, position in self._at.items():
            self.counts[fact] += cells[position] == "+"


def _evidence(names: list[str], lines: object, found: Found) -> MatrixData:
    """Sum intensities by modified sequence and experiment."""
    sample = names.index("Experiment" if "Experiment" in names else "Raw file")
    feature, intensity = names.index(IDS["evidence"]), names.index("Intensity")
    padding = Padding(len(names), max(sample, feature, intensity) + 1)
    long, flags, sums = Long(), _Flags(names), dict[tuple[str, str], float]()
    count = 0
    row: Row
    for row in lines:  # type: ignore[attr-defined]
        line, cells = row[0], padding.filled(row[1], row[0])
        (value,) = numbers([cells[intensity]], line, intensity, missing=MISSING)
        if not cells[sample] or not cells[feature]:
            raise FormatError(f"line {line}: no sample or no modified sequence")
        at = cells[sample], cells[feature]
        sums[at] = sums.get(at, 0.0) + (value if value > 0 else 0.0)
        flags.count(cells)
        count += 1
    if not count:
        raise FormatError("no line below the header")
    for (one, modified), total in sums.items():
        long.add(one, modified, total)
    padding.tell(found)
    found.facts |= {"quantity": "Intensity", "lines": count, **flags.counts}
    found.samples = tuple(long.samples)
    return long.matrix({IDS["evidence"]: list(long.ids)})
