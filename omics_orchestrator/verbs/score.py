"""`score`: a score or class that the dictionary defines once for all studies (dictionary/scores.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from omics_orchestrator.dictionary.scores import ScoreRule
from omics_orchestrator.verbs.base import Cell, Target, Verb
from omics_orchestrator.verbs.derive import Derive
from omics_orchestrator.verbs.when import Case, When


class Score(Verb):
    """Computes a score of `scores.yaml` from the study's own variables.

    `hbi_computed: {score: hbi}`. A missing or censored item makes the score unknown.
    """

    argument: ClassVar[str] = "name"
    reads_variables: ClassVar[bool] = True
    verb: Literal["score"] = "score"
    name: str
    """The score's name in scores.yaml."""
    definition: ScoreRule
    """Its definition (put in by the reader, not written by people)."""

    @property
    def rule(self) -> Verb:
        """The same as a `derive` or `when`."""
        if not self.definition.cases:
            return Derive(expression=self.definition.formula)
        cases = tuple(
            Case.model_validate({"if": case.condition, "then": case.then}) for case in self.definition.cases
        )
        return When.model_validate({"cases": cases, "else": self.definition.otherwise})

    def expressions(self) -> tuple[str, ...]:
        """Return every expression in the rule."""
        return self.rule.expressions()

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        yield from self.rule.complaints(target)

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        return self.rule.cell(target)
