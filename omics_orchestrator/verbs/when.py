"""`when`: ordered cases over variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.missing import MissingReason
from omics_orchestrator.verbs.base import NULL, Cell, Target, Verb, literal


class Case(Declared):
    """One case: the value (`then`) or the missing reason (`missing`) where the expression is true."""

    condition: str = Field(alias="if")
    """Expression over variables."""
    then: str | None = None
    """Value of the variable (booleans: yes, no)."""
    missing: MissingReason | None = None
    """Reason why there is no value."""

    @model_validator(mode="after")
    def _one_answer(self) -> Case:
        if (self.then is None) == (self.missing is None):
            raise ValueError("a case needs either then or missing")
        return self


class When(Verb):
    """Takes the first case that is true; an unknown case before it makes the answer unknown.

    `{when: [{if: "crp > 5", then: active}, {if: "calprotectin > 250", then: active}], else: remission}`: a
    missing CRP gives no answer, for the first case might have been true. Write `crp is null` to ask for
    missing values.
    """

    argument: ClassVar[str] = "cases"
    reads_variables: ClassVar[bool] = True
    verb: Literal["when"] = "when"
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    """Cases, tried in order."""
    otherwise: str | None = Field(default=None, alias="else")
    """Value where every case is false; without it the answer is unknown."""

    def expressions(self) -> tuple[str, ...]:
        """Return every expression in the rule."""
        return tuple(case.condition for case in self.cases)

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        for value in [*(case.then for case in self.cases), self.otherwise]:
            if value is not None and target.constant(value) is None:
                yield f"{value!r} is no value of this variable; allowed: {target.allowed}"
        for case in self.cases:
            if (found := target.formula(case.condition).kind) not in {"any", "boolean"}:
                yield f"a case is a question, this one is a {found}; write a comparison after if:"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        conditions = [target.formula(case.condition).sql for case in self.cases]
        values = [self.constant(target, case.then) for case in self.cases]
        reasons = [literal(case.missing) if case.missing else NULL for case in self.cases]
        value = _cases(conditions, values, self.constant(target, self.otherwise))
        return Cell(value, reason=_cases(conditions, reasons, NULL), flaw=NULL, hides=True)

    @staticmethod
    def constant(target: Target, value: str | None) -> str:
        """Return SQL: a value of the variable, NULL where none is given."""
        return NULL if value is None else target.constant(value) or NULL


def _cases(conditions: Sequence[str], answers: Sequence[str], default: str) -> str:
    """Return SQL: the first true case's answer, NULL as soon as a case before it is unknown."""
    steps = [
        f"WHEN ({condition}) THEN {answer} WHEN ({condition}) IS NULL THEN NULL"
        for condition, answer in zip(conditions, answers, strict=True)
    ]
    return f"CASE {' '.join(steps)} ELSE {default} END"
