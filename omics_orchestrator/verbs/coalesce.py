"""`coalesce`: the first of several rules that has a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from omics_orchestrator.verbs.base import NULL, Cell, Target, Verb

if TYPE_CHECKING:
    from omics_orchestrator.verbs import AnyVerb


class Coalesce(Verb):
    """Takes the first part that has a value; each part is a column or a rule of its own.

    `{coalesce: [crp_central, {number: crp_local, unit: mg/dL}]}`. Without a value the first missing reason
    counts. A part that was not understood stays a finding even where a later part has the value.
    """

    argument: ClassVar[str] = "parts"
    verb: Literal["coalesce"] = "coalesce"
    parts: Annotated[tuple[AnyVerb, ...], Field(min_length=2)]
    """Columns or rules, best first."""

    def references(self) -> tuple[str, ...]:
        """Return every column reference or pattern that the rule reads."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.references()))

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        for part in self.parts:
            if part.reads_variables:
                yield f"{part.verb} cannot stand in coalesce; write coalesce(a, b) in a derive instead"
            else:
                yield from part.complaints(target)

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        cells = [part.cell(target).alone() for part in self.parts]
        comparators = " ".join(f"WHEN {cell.value} IS NOT NULL THEN {cell.comparator}" for cell in cells)
        value = _first(cell.value for cell in cells)
        return Cell(
            value=value,
            answered=" OR ".join(f"({cell.answered})" for cell in cells),
            reason=f"CASE WHEN {value} IS NULL THEN {_first(cell.reason for cell in cells)} END",
            comparator="NULL"
            if all(cell.comparator == "NULL" for cell in cells)
            else f"CASE {comparators} END",
            flaw=_first(cell.flaw for cell in cells),
            code=_first(cell.code for cell in cells),
            candidates=self._candidates(cells),
            hides=True,
        )

    @staticmethod
    def _candidates(cells: Sequence[Cell]) -> str:
        """Return SQL: the answers of the part that gives the value; where none does, of the first that has several."""
        lists = [cell.candidates for cell in cells if cell.candidates != NULL]
        given = " ".join(f"WHEN ({cell.value}) IS NOT NULL THEN {cell.candidates}" for cell in cells)
        return f"CASE {given} ELSE coalesce({', '.join(lists)}, NULL) END" if lists else NULL


def _first(parts: Iterator[str]) -> str:
    return f"coalesce({', '.join(f'({part})' for part in parts)})"
