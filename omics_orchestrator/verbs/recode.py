"""`recode`: the study's codes → the dictionary's codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from omics_orchestrator.verbs.base import Cell, Column, ColumnVerb, Target, literal


class Recode(ColumnVerb):
    """Translates the study's codes into the dictionary's; a code that the map does not name is a finding.

    `{recode: sex, map: {1: male, 2: female}}`. The map may be the name of one under `maps:`. Codes must be
    written exactly as in the source. With `else:` every other code becomes that value.
    """

    verb: Literal["recode"] = "recode"
    columns: Column
    """The source column."""
    map: Annotated[dict[str, str], Field(min_length=1)]
    """Code of the source → value of the variable (booleans: yes, no)."""
    otherwise: str | None = Field(default=None, alias="else")
    """Value for every code that neither `map` nor `missing` names."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        for value in dict.fromkeys([*self.map.values(), *filter(None, [self.otherwise])]):
            if target.constant(value) is None:
                yield f"{value!r} is no value of this variable; allowed: {target.allowed}"
        for code in self.map.keys() & self.missing.keys():
            yield f"the code {code!r} stands in map and in missing; keep one of them"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        text = target.column(self.columns[0])
        cases = " ".join(f"WHEN {literal(code)} THEN {target.constant(to)}" for code, to in self.map.items())
        default = ""
        if self.otherwise is not None:
            default = f" ELSE CASE WHEN {text} IS NOT NULL THEN {target.constant(self.otherwise)} END"
        cell = self.read(text, f"CASE {text} {cases}{default} END")
        return replace(cell, flaw="'unmapped'", code=text)
