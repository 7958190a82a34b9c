"""`derive`: an expression over variables. What may stand in one is decided in expression.py."""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.verbs.base import Cell, Target, Verb


class Derive(Verb):
    """Computes a variable, in SQL, from variables of the same entity and `participant.<variable>`.

    `{derive: "weight / ((height / 100) * (height / 100))"}`. Three-valued: where an input is missing the
    answer is unknown; a division by zero is unknown; a censored number (`<20`) is compared only where every
    number that it may be gives the same answer.
    """

    argument: ClassVar[str] = "expression"
    reads_variables: ClassVar[bool] = True
    verb: Literal["derive"] = "derive"
    expression: str
    """An SQL expression over variables."""

    def expressions(self) -> tuple[str, ...]:
        """Return every expression in the rule."""
        return (self.expression,)

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        return Cell(target.formula(self.expression))
