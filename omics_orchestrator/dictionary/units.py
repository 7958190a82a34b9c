"""The unit words that studies may use: aliases of the dictionary's units, and factors between a few of them.

`units.csv` is the whole truth here; nothing is parsed or guessed, so `K/uL` is whatever the table says it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_csv import read_csv

HEADER = ("alias", "unit", "factor")


@dataclass(frozen=True)
class Units:
    """Factors by which a value in `alias` is multiplied to give the same value in `unit`."""

    factors: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Every spelling that the table knows, on either side."""
        return {name for pair in self.factors for name in pair}

    @property
    def canonical(self) -> set[str]:
        """The units that a variable may have."""
        return {unit for _, unit in self.factors}

    def spellings(self, unit: str) -> list[str]:
        """Return the words that can be turned into `unit`, itself first."""
        return [unit, *sorted(name for name in self.names - {unit} if self.factor(name, unit) is not None)]

    def factor(self, given: str, unit: str) -> float | None:
        """Return the factor from `given` to `unit`, or None where no way of at most two steps exists."""
        if given == unit:
            return 1.0
        if (direct := self.factors.get((given, unit))) is not None:
            return direct
        for (alias, middle), factor in self.factors.items():
            if alias == given and (rest := self.factors.get((middle, unit))) is not None:
                return factor * rest
        return None


def read_units(file: Path, problems: Problems) -> Units:
    """Read `units.csv`; an empty factor means another spelling of the same unit."""
    factors: dict[tuple[str, str], float] = {}
    for row in read_csv(file, HEADER, ("alias", "unit"), problems):
        pair = (row.cells["alias"], row.cells["unit"])
        factor = _factor(row.cells["factor"])
        if pair in factors:
            problems.add(file, row.line, pair[0], f"the alias of {pair[1]} is given twice")
        elif factor is None:
            problems.add(file, row.line, pair[0], "the factor must be a number above 0", "empty means 1")
        else:
            factors[pair] = factor
    return Units(factors)


def _factor(text: str) -> float | None:
    try:
        factor = float(text or 1)
    except ValueError:
        return None
    return factor if 0 < factor < float("inf") else None
