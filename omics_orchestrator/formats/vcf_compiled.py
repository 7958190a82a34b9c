"""The columns of the samples of large files: compiled code vouches for most records, vcf_cells.py judges the rest.

Needs numba, the extra `variants`: importing this module raises `ImportError` without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omics_orchestrator.formats.vcf_cells import Formats, PlainCells, Row
from omics_orchestrator.formats.vcf_kernel import flawless
from omics_orchestrator.formats.vcf_values import (
    FLOAT,
    GT,
    INTEGER,
    PER_GENOTYPE,
    STRING,
    UNDECLARED,
    Declared,
)


class CompiledCells(PlainCells):
    """Answers as `PlainCells` does."""

    def __init__(self, formats: Formats, samples: int) -> None:
        super().__init__(formats, samples)
        self._known_formats = -1
        self._starts: Any = None
        self._keys: Any = None
        self._plain: list[bool] = []

    def check(self, text: bytes, rows: list[Row]) -> list[tuple[int, int]]:
        """Return (index of the row, bits of the rules) of each record that breaks some."""
        if len(self._formats.keys) != self._known_formats:
            self._tabulate()
        found = np.zeros(len(rows), np.uint8)
        places = np.array(rows, np.int64).reshape(-1, 4)
        places[~np.array(self._plain)[places[:, 2]], 2] = -1
        codes = np.frombuffer(text, np.uint8)
        kinds, numbers = self._keys
        counted = flawless(codes, places, self._starts, kinds, numbers, self._samples, found)
        self.genotypes += int(counted[0])
        self.missing += int(counted[1])
        rest = np.flatnonzero(found == 0).tolist()
        odd = super().check(text, [rows[index] for index in rest])
        return [(rest[index], bits) for index, bits in odd]

    def forget(self) -> None:
        """Forget the texts judged so far: FORMAT columns get new numbers."""
        super().forget()
        self._known_formats = -1

    def _tabulate(self) -> None:
        keys = self._formats.keys
        self._known_formats = len(keys)
        self._plain = [_is_plain(one) for one in keys]
        self._starts = np.cumsum([0, *(len(one) for one in keys)], dtype=np.int64)
        flat = [key for one in keys for key in one] or [UNDECLARED]
        self._keys = tuple(np.array(column, np.int64) for column in zip(*flat, strict=True))


def _is_plain(keys: tuple[Declared, ...]) -> bool:
    """Tell whether compiled code knows all types and Numbers of a FORMAT."""
    return bool(keys) and all(
        kind in ((GT, STRING, INTEGER, FLOAT) if at == 0 else (STRING, INTEGER, FLOAT))
        and number >= PER_GENOTYPE
        for at, (kind, number) in enumerate(keys)
    )
