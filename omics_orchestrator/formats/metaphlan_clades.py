"""Clades as MetaPhlAn writes them (`k__Bacteria|p__Firmicutes`): their ranks, and whether parts add up to the whole."""

from __future__ import annotations

from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.matrix_table import Found

RANKS = "kpcofgst"
UNKNOWN = {"UNKNOWN", "UNCLASSIFIED", "unclassified"}
WRONG = 1.0  # percentage points between a clade and its parts
NEARLY = 0.05  # percentage points that rounding cannot explain


def rank_of(clade: str) -> int | None:
    """Return the depth of a clade (0 = kingdom), None where it is none: ranks may be left out, not exchanged."""
    if clade in UNKNOWN:
        return 0
    depth = -1
    for part in clade.split("|"):
        found = RANKS.find(part[0]) if part[1:3] == "__" else -1
        if found <= depth:
            return None
        depth = found
    return depth


def check_sums(clades: list[tuple[str, int]], x: Any, found: Found) -> None:
    """Hold every clade against its parts, and the top of the tree against 100 percent.

    Args:
        clades: clade → its line, in the order of the columns of `x`.
        x: percentages, samples × clades.
        found: gets a warning where a sum is somewhat off, or the table is only a part of a profile.

    Raises:
        FormatError: the parts of a clade are off by more than a percentage point.
    """
    import numpy as np

    at = {clade: column for column, (clade, _) in enumerate(clades)}
    sums: dict[str, Any] = {}
    top = np.zeros(len(x))
    for clade, column in at.items():
        parent = clade.rpartition("|")[0]
        if parent in at:
            sums[parent] = sums.get(parent, 0.0) + x[:, column]
        elif not parent:
            top = top + x[:, column]
    nearly = 0
    for parent, total in sums.items():
        difference = float(np.abs(x[:, at[parent]] - total).max())
        line = clades[at[parent]][1]
        if difference > WRONG:
            raise FormatError(f"line {line}: the parts of the clade do not add up to it")
        nearly = nearly or (line if difference > NEARLY else 0)
    if nearly:
        found.warnings.append(f"line {nearly}: the parts of the clade do not quite add up to it")
    if float(top.max()) > 100 + WRONG:
        raise FormatError("the kingdoms add up to more than 100 percent")
    if (np.abs(top - 100) > NEARLY).any():
        found.warnings.append("the kingdoms do not add up to 100 percent: clades may be missing")
    found.facts["ranks"] = "".join(sorted({RANKS[rank_of(one) or 0] for one in at}, key=RANKS.index))
