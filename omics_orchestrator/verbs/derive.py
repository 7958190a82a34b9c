"""`derive`: an expression over variables. What may stand in one is decided in expression.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from omics_orchestrator.verbs.base import NULL, Cell, Target, Verb, literal
from omics_orchestrator.verbs.number import whole


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

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        found = target.formula(self.expression).kind
        if found not in {"any", target.kind}:
            yield f"the expression gives a {found}; the variable needs a {target.kind}"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell; what the variable cannot hold (2.5 for an integer, another code) is invalid."""
        found = target.formula(self.expression).sql
        value = found
        if target.kind == "number":
            value = f"CASE WHEN isfinite({found}) THEN {found} END"
            value = whole(value) if target.type == "integer" else value
        elif target.kind == "date":
            value = f"CASE WHEN {found} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {found} END"
        elif target.type == "code" and target.codes:
            value = f"CASE WHEN {found} IN ({', '.join(map(literal, target.codes))}) THEN {found} END"
        lost = f"CASE WHEN {found} IS NOT NULL AND ({value}) IS NULL THEN 'invalid' END"
        return Cell(value, flaw=NULL if value == found else lost, hides=True)
