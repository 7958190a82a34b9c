"""`constant`: one value for every row, such as the country of a single-centre study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from omics_orchestrator.verbs.base import Cell, Target, Verb


class Constant(Verb):
    """Gives every row the same value.

    `{constant: female}` – a code of the code list, yes or no, a number, an ISO date or a text.
    """

    argument: ClassVar[str] = "value"
    verb: Literal["constant"] = "constant"
    value: str
    """The value, as it would stand in a harmonised table (booleans: yes, no)."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.constant(self.value) is None:
            yield f"{self.value!r} is no value of this variable; allowed: {target.allowed}"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        return Cell(target.constant(self.value) or "NULL")
