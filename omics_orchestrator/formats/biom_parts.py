"""The parts of a BIOM table, as both of its layouts give them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

LONGEST = 1000  # characters of a cell of metadata that are kept


@dataclass(frozen=True)
class BiomParts:
    """Ids, entries (row, column, value as arrays) and text columns of observations; nothing is judged yet."""

    kind: str
    shape: tuple[int, int]
    observations: list[str]
    samples: list[str]
    rows: Any
    columns: Any
    values: Any
    metadata: dict[str, list[str]] = field(default_factory=dict)


def as_text(value: Any) -> str:
    """Return metadata as one text; lists of ranks are joined as QIIME writes them (`k__Bacteria; p__…`)."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)[:LONGEST]
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str))[:LONGEST]
