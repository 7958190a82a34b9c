"""What is known of a sheet beside its cells, whichever kind of workbook it lies in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omics_orchestrator.sources.number_formats import Shown


@dataclass(frozen=True)
class SheetFacts:
    """Places and counts; columns are letters, rows count from 1.

    Attributes:
        errors: rows of the cells that hold an error such as #N/A, by column.
        uncomputed: rows of the formulas without a value, by column.
        hidden: of `row` and `col`, how many entries are hidden.
        filled: cells that hold anything.
        height: number of the last row that is written down.
        columns: letters of the columns in which cells are written down.
        shown: rows of the numbers that a person sees as another text, by column and kind.
    """

    errors: Mapping[str, Sequence[int]] = field(default_factory=dict)
    uncomputed: Mapping[str, Sequence[int]] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    filled: int = 0
    height: int = 0
    columns: frozenset[str] = frozenset()
    shown: Mapping[tuple[str, Shown], Sequence[int]] = field(default_factory=dict)
