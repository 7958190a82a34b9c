"""`ticked`: one option of a checkbox field → yes or no. A field of which no box is ticked is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from omics_orchestrator.verbs.base import Cell, Column, ColumnVerb, Target, literal


class Ticked(ColumnVerb):
    """Answers yes where the option's box is ticked, no where only other boxes of the field are, else nothing.

    `{ticked: hbicomplications, option: 5}` reads the columns `hbicomplications___<code>`. REDCap exports 0 for a box
    of a form that nobody filled in, so 0 alone says nothing. A ticked missing-data option (`missing: {"-1000":
    unknown}`, column `hbicomplications____1000`) gives its reason.
    """

    verb: Literal["ticked"] = "ticked"
    columns: Column
    """The checkbox field."""
    option: Annotated[str, Field(min_length=1)]
    """The code of the option."""

    def references(self) -> tuple[str, ...]:
        """Return the pattern of all boxes of the field."""
        return (f"{self.columns[0]}___*",)

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type != "boolean":
            yield f"ticked makes a boolean, the dictionary says {target.type}"
        if self.option in self.missing:
            yield f"the option {self.option!r} stands in missing too; keep one of them"
        if "*" in self.missing:
            yield "ticked reads options by their code; '*' is none"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        boxes = target.expand(self.references()[0])
        reasons = {self.box(word): reason for word, reason in self.missing.items()}
        texts = {box: target.column(box) for box in boxes}
        own = target.column(self.box(self.option))
        others = [f"{text} = '1'" for box, text in texts.items() if box not in reasons]
        value = f"CASE WHEN {own} = '1' THEN true WHEN coalesce({' OR '.join(others) or 'false'}, false) THEN false END"
        cases = [
            f"WHEN {texts[box]} = '1' THEN {literal(why)}" for box, why in reasons.items() if box in texts
        ]
        reason = f"CASE WHEN {own} = '1' THEN NULL {' '.join(cases)} END" if cases else "NULL"
        answered = " OR ".join(f"coalesce({text} <> '0', false)" for text in texts.values())
        return Cell(value, answered, f"CAST({reason} AS VARCHAR)")

    def box(self, code: str) -> str:
        """Return the column in which REDCap exports an option."""
        return f"{self.columns[0]}___{code.lower().replace('-', '_')}"
