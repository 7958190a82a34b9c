"""DIA-NN: matrices of protein groups, genes or precursors (a column per run) and the main report (TSV or Parquet).

Columns as the README of DIA-NN lists them, "Main output reference".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import parquet_rows
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
    suffixed,
)

PROTEIN = "Protein.Group"
ABOUT = (
    PROTEIN, "Protein.Ids", "Protein.Names", "Genes", "First.Protein.Description", "Proteotypic",
    "Stripped.Sequence", "Modified.Sequence", "Precursor.Charge", "Precursor.Id", "All Mapped Proteins",
    "All Mapped Genes", "N.Sequences", "N.Proteotypic.Sequences", "Protein.Sites", "Channel", "Decoy",
)  # fmt: skip
"""Columns that stand before those of the runs."""
REPORT = {"Run", PROTEIN, "Precursor.Id", "Q.Value"}
QUANTITIES = ("PG.MaxLFQ", "PG.Normalised", "PG.Quantity")
LEVELS = {"Precursor.Id": "precursors", PROTEIN: "protein groups", "Genes": "genes"}


class Diann(MatrixTable):
    """Output of DIA-NN: report.pg_matrix.tsv, gg_matrix, pr_matrix, and the main report (.tsv, .parquet).

    Checked: the columns that tell the table, widths, numbers, repeated runs; in the main report, precursors that
    repeat in a run and protein groups with two quantities in one run are told.
    """

    suffixes: ClassVar[tuple[str, ...]] = (*suffixed("tsv", "txt"), ".parquet")
    holds_samples: ClassVar[bool] = True

    format: Literal["diann"] = "diann"
    """Quantities of proteins or precursors by DIA-NN."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words; a Parquet file by its columns, or the name where they are not at hand."""
        if parquet_rows.is_parquet(head):
            return parquet_rows.names_column(head, "Precursor.Id") or (
                "report" in name.lower() and not parquet_rows.names_column(head, "OlinkID")
            )
        first = (head_lines(head, 1) or [[]])[0]
        if len(first) < 3:
            return False
        gene_matrix = first[0] == "Genes" and first[1] in ("N.Sequences", "N.Proteotypic.Sequences")
        return set(first) >= REPORT or gene_matrix or (first[0] == PROTEIN and first[1] in ABOUT)

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read quantities per run."""
        if parquet_rows.is_parquet(next(iter(file.blocks()), b"")):
            lines = parquet_rows.rows(file, found, {*REPORT, *QUANTITIES})
        else:
            lines = rows(file, found)
        line, names = next(lines)
        distinct(tuple(names), line, "column")
        if set(names) >= REPORT:
            return _report(names, lines, found)
        return _matrix(names, chain([next(lines, (0, []))], lines), found)


def _matrix(names: list[str], lines: Iterator[Row], found: Found) -> MatrixData:
    """Read a table with one column per run."""
    about = 0
    while about < len(names) and names[about] in ABOUT:
        about += 1
    if not {PROTEIN, "Genes"} & set(names[:about]):
        raise FormatError("line 1: neither a matrix nor the main report of DIA-NN")
    if about == len(names):
        raise FormatError("line 1: no column of a run")
    key = next(name for name in LEVELS if name in names[:about])
    found.facts["level"] = LEVELS[key]
    found.samples = tuple(names[about:])
    wide, padding, absent = Wide(found.samples, tuple(names[:about])), Padding(len(names), about), 0
    for line, short in lines:
        if not line:
            raise FormatError("no line below the header")
        cells = padding.filled(short, line)
        values = numbers(cells[about:], line, about, missing=MISSING)
        if not cells[names.index(key)]:
            raise FormatError(f"line {line}: no {key}")
        absent += sum(map(math.isnan, values))
        wide.add(cells[names.index(key)], values, *cells[:about])
    padding.tell(found)
    found.facts["absent"] = absent
    data = wide.matrix()
    if repeated := data.facts["repeated_features"]:
        found.warnings.append(f"{repeated} {LEVELS[key]} repeat")
    return data


def _report(names: list[str], lines: Iterator[Row], found: Found) -> MatrixData:
    """Read the main report: protein groups per run."""
    quantity = next((name for name in QUANTITIES if name in names), "")
    if not quantity:
        raise FormatError("line 1: no quantity of protein groups in the report")
    found.facts |= {"level": "protein groups", "quantity": quantity}
    run, group, precursor, q_value, value = (
        names.index(name) for name in ("Run", PROTEIN, "Precursor.Id", "Q.Value", quantity)
    )
    long, precursors, seen = Long(), dict[str, int](), set[tuple[int, int]]()
    padding = Padding(len(names), max(run, group, precursor, q_value, value) + 1)
    count, repeated, differing = 0, 0, 0
    for line, short in lines:
        cells = padding.filled(short, line)
        (q,) = numbers([cells[q_value]], line, q_value)
        (amount,) = numbers([cells[value]], line, value, missing=MISSING)
        if q > 1:
            raise FormatError(f"line {line}: the q-value is above 1")
        if not cells[run] or not cells[precursor]:
            raise FormatError(f"line {line}: no run or no precursor")
        count += 1
        at = long.samples.setdefault(cells[run], len(long.samples))
        pair = at, precursors.setdefault(cells[precursor], len(precursors))
        repeated = repeated or (line if pair in seen else 0)
        seen.add(pair)
        if cells[group] and not long.add(cells[run], cells[group], amount):
            differing = differing or line
    if not count:
        raise FormatError("no line below the header")
    if repeated:
        found.warnings.append(f"line {repeated}: a precursor repeats in its run")
    if differing:
        found.warnings.append(f"line {differing}: a protein group has another quantity in this run")
    padding.tell(found)
    found.facts |= {"lines": count, "precursors": len(precursors)}
    found.samples = tuple(long.samples)
    return long.matrix({PROTEIN: list(long.ids)})
