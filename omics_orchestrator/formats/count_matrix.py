"""What is told of a matrix of counts while its entries stream by: totals of cells, whole numbers, order, repeats.

Shared by the single-cell formats; which entry comes from where is known there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

if TYPE_CHECKING:
    import numpy as np

MOST_CELLS = 10_000_000  # cells whose totals are kept (8 bytes each): more than droplets of a run


class Counts:
    """Totals of a matrix of `cells` × `genes`, told piece by piece."""

    def __init__(self, cells: int, genes: int) -> None:
        self.cells, self.genes = cells, genes
        self.stored = self.nonzero = self.negative = self.not_finite = self.fractions = 0
        self._totals: Any = None

    def add(self, values: Any) -> None:
        """Take note of a piece of values, which cells they belong to aside."""
        import numpy as np

        self.stored += values.size
        self.nonzero += int(np.count_nonzero(values))
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            if not finite.all():
                self.not_finite += int(values.size - np.count_nonzero(finite))
                values = values[finite]
            if self.fractions == 0:  # the first few tell
                self.fractions += int(np.count_nonzero(values != np.floor(values)))
        if values.dtype.kind != "u":
            self.negative += int(np.count_nonzero(values < 0))

    def add_entries(self, cells: Any, values: Any) -> None:
        """Add single entries: `cells` counted from 0 and inside the matrix."""
        import numpy as np

        self.add(values)
        if self.cells <= MOST_CELLS and values.size:
            low = int(cells.min())
            sums = np.bincount(cells - low, weights=np.nan_to_num(values.astype(np.float64)))
            self._room()[low : low + sums.size] += sums

    def add_rows(self, first: int, block: Any) -> None:
        """Add a part of the table whose rows are cells, from the cell `first` on."""
        import numpy as np

        self.add(block)
        if self.cells <= MOST_CELLS:
            sums: Any = np.nansum(block, axis=1, dtype=np.float64)
            self._room()[first : first + len(sums)] += sums

    def add_columns(self, first: int, block: Any) -> None:
        """Add a part of the table whose columns are cells."""
        self.add_rows(first, block.T)

    def _room(self) -> Any:
        import numpy as np

        if self._totals is None:
            self._totals = np.zeros(self.cells)
        return self._totals

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers, not below zero."""
        return not (self.fractions or self.negative or self.not_finite)

    def facts(self) -> dict[str, JsonValue]:
        """Return entries, share of zeros (0–1), whole numbers or not, and the median of the cells' totals."""
        import numpy as np

        size = self.cells * self.genes
        told: dict[str, JsonValue] = {
            "entries": self.nonzero,
            "sparsity": round(1 - self.nonzero / size, 6) if size else None,
            "integer_counts": self.whole,
        }
        if self.whole and self.cells and self.cells <= MOST_CELLS:
            told["median_counts_per_cell"] = float(np.median(self._room()))
        return told


class Order:
    """Whether entries come cell by cell, and whether one occurs twice; holds one cell's entries at a time.

    Attributes:
        by_cell: cells never go back, so that repeats are found for certain.
        ascending: within each cell, genes ascend.
        repeats: entries that were there before (of the same cell, where cells come in order).
    """

    def __init__(self) -> None:
        self.by_cell = self.ascending = True
        self.repeats = 0
        self._cell = -1
        self._repeats_before = 0
        self._genes: Any = None

    def add(self, cells: np.ndarray[Any, Any], genes: np.ndarray[Any, Any]) -> None:
        """Take note of the next entries."""
        import numpy as np

        if not len(cells):
            return
        if self._genes is not None and cells[0] == self._cell:
            cells = np.concatenate([np.full(len(self._genes), self._cell, cells.dtype), cells])
            genes = np.concatenate([self._genes.astype(genes.dtype), genes])
            before = self._repeats_before
        else:
            before = 0
            if cells[0] < self._cell:
                self.by_cell = False
        found = self._look(cells, genes)
        self.repeats += found - before
        start = len(cells) - int(np.argmax(cells[::-1] != cells[-1])) if (cells != cells[-1]).any() else 0
        self._cell, self._genes = int(cells[-1]), genes[start:]
        self._repeats_before = len(self._genes) - len(np.unique(self._genes))

    def _look(self, cells: Any, genes: Any) -> int:
        """Return how many of these entries repeat an earlier one of them."""
        import numpy as np

        steps, rises = np.diff(cells), np.diff(genes)
        if (steps < 0).any():
            self.by_cell = False
        elif not ((steps == 0) & (rises <= 0)).any():
            return 0
        self.ascending = self.ascending and not ((steps == 0) & (rises < 0)).any()
        order = np.lexsort((genes, cells))
        cells, genes = cells[order], genes[order]
        return int(np.count_nonzero((np.diff(cells) == 0) & (np.diff(genes) == 0)))
