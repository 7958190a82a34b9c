"""Clinical scores and classes, defined once for all studies: reading `scores.yaml`. The verb `score` applies them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, FiniteFloat, model_validator

from omics_orchestrator.declared import Declared, Words
from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_yaml import Place, read_yaml
from omics_orchestrator.dictionary.thresholds import PREFIX
from omics_orchestrator.dictionary.validation import Shape, validate


class ScoreCase(Declared):
    """One case of a class: the code where the expression is true."""

    condition: str = Field(alias="if")
    """Expression over variables; cut-offs are named `threshold.<name>`."""
    then: str
    """The code."""


class ScoreRule(Declared):
    """One score: a sum of items, a question, or ordered cases."""

    label: Words
    """The name shown to people."""
    source: Words
    """Where the rule was read."""
    missing: Literal["unknown"]
    """What a missing item gives: the score is unknown. A censored item (`>10`) is no exact number either."""
    items: dict[str, dict[str, FiniteFloat]] = {}
    """Variable → points of its codes (`{none: 0, mild: 1}`, `{yes: 1, no: 0}`), or `{times: 2}` of a number."""
    derive: str | None = None
    """An expression over variables, in place of items."""
    cases: tuple[ScoreCase, ...] = ()
    """Ordered cases, in place of items."""
    otherwise: str | None = Field(default=None, alias="else")
    """The code where every case is false."""

    @model_validator(mode="after")
    def _one_rule(self) -> ScoreRule:
        if sum(map(bool, (self.items, self.derive, self.cases))) != 1:
            raise ValueError("a score has either items, or derive, or cases")
        if self.otherwise is not None and not self.cases:
            raise ValueError("else belongs to cases")
        return self

    @property
    def formula(self) -> str:
        """The sum of the items, or the expression, in the language of `derive`."""
        return self.derive or " + ".join(_points(name, points) for name, points in self.items.items())

    def expressions(self) -> Iterator[tuple[Place, str]]:
        """Yield where an expression stands in the score, and the expression."""
        if self.derive:
            yield ("derive",), self.derive
        for number, case in enumerate(self.cases):
            yield ("cases", number, "if"), case.condition


CUT_OFF = re.compile(rf"\b{re.escape(PREFIX)}(\w+)")


def _points(name: str, points: dict[str, float]) -> str:
    if "times" in points:
        return f"{points['times']:g} * {name}"
    if set(points) == {"yes", "no"}:
        return f"(case when {name} then {points['yes']:g} else {points['no']:g} end)"
    cases = " ".join(f"when '{code}' then {number:g}" for code, number in points.items())
    return f"(case {name} {cases} end)"


SCORE: Shape[ScoreRule] = Shape(ScoreRule)


def read_scores(file: Path, problems: Problems) -> dict[str, ScoreRule]:
    """Return the scores by name; a dictionary without that file has none."""
    if not file.is_file():
        return {}
    document = read_yaml(file, problems)
    found = {name: validate(SCORE, tree, document, (name,)) for name, tree in document.section().items()}
    return {name: score for name, score in found.items() if score}


def check_scores(
    file: Path,
    scores: Mapping[str, ScoreRule],
    codes: Mapping[str, Collection[str]],
    thresholds: Collection[str],
    problems: Problems,
) -> None:
    """Note every item that is no variable, or whose points are not those of its codes, and every unknown cut-off.

    Args:
        file: `scores.yaml`, for the lines.
        scores: the scores in it.
        codes: every variable of the dictionary → its codes.
        thresholds: the names of the cut-offs.
        problems: where mistakes are noted.
    """
    if not scores:
        return
    document = read_yaml(file, problems)
    for name, score in scores.items():
        for item, points in score.items.items():
            place = (name, "items", item)
            if item not in codes:
                message = f"{item!r} is not a variable of the dictionary"
                document.complain(place, message, suggest(item, codes))
            elif "times" not in points and set(points) != set(codes[item]):
                message = f"{item!r} needs points for each of its codes"
                document.complain(place, message, ", ".join(codes[item]) or "times: 1 for a number")
        for at, text in score.expressions():
            for cut_off in CUT_OFF.findall(text):
                if cut_off not in thresholds:
                    message = f"there is no cut-off {cut_off!r} in thresholds.yaml"
                    document.complain((name, *at), message, suggest(cut_off, thresholds))
