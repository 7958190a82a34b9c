"""`copy`: same meaning, same unit. Anything that needs a map, a unit or a format is another verb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from omics_orchestrator.verbs.base import Cell, Column, ColumnVerb, Target, literal
from omics_orchestrator.verbs.date import read_date
from omics_orchestrator.verbs.number import NUMERIC, Number


class Copy(ColumnVerb):
    """Takes a column as it is and reads it in the dictionary's type; a plain name is a copy.

    `age_at_consent: consent_age` is short for `age_at_consent: {copy: consent_age}`.
    Codes must be codes of the variable's code list, dates ISO dates; outer white space is no part of a text;
    a set is split at `;`. A boolean is copied only from columns declared yesno, truefalse or checkbox.
    """

    version: ClassVar[str] = "2"

    verb: Literal["copy"] = "copy"
    columns: Column
    """The source column."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type == "boolean" and not target.flag_columns(self.columns[0]):
            yield (
                "copy makes a boolean only from a column declared yesno, truefalse or checkbox; "
                "use recode with a map of yes and no"
            )

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        if target.type in NUMERIC:
            return Number(columns=self.columns, missing=self.missing).cell(target)
        text = target.column(self.columns[0])
        return self.read(text, self.value(text, target))

    def value(self, text: str, target: Target) -> str:
        """Return SQL: the text in the variable's type."""
        if target.type == "boolean":
            return f"CASE {text} WHEN '1' THEN true WHEN '0' THEN false END"
        if target.type in {"date", "partial_date"}:
            return read_date(text, "%Y-%m-%d")
        codes = ", ".join(literal(code) for code in target.codes)
        if target.type == "set":
            items = f"list_sort(list_distinct(regexp_split_to_array({text}, '\\s*;\\s*')))"
            return f"CASE WHEN list_has_all([{codes}], {items}) THEN {items} END" if codes else items
        return f"CASE WHEN {text} IN ({codes}) THEN {text} END" if codes and target.type == "code" else text
