"""How the values of a variable are spread over a study, in cells of which none tells of few people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One code, range or year; `rows` is rounded, None = too few people to be told."""

    label: str
    rows: int | None


@dataclass(frozen=True)
class Distribution:
    """The cells in their order, and what one row is."""

    cells: tuple[Cell, ...]
    unit: str
