"""`text`: several columns or rules → one text, or one text → a set of codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from omics_orchestrator.verbs.base import NULL, Cell, Target, Verb, literal

if TYPE_CHECKING:
    from omics_orchestrator.verbs import AnyVerb


class Text(Verb):
    """Joins the parts that have a text; each part is a column or a rule of its own.

    `{text: [procedure, {recode: other, map: m}, free_text], join: ", "}`. `split: ";"` makes a set of one text.
    `synonyms: {risankisumab: risankizumab}` replaces a part (or an item of the set) whatever its case.
    """

    argument: ClassVar[str] = "parts"
    verb: Literal["text"] = "text"
    parts: Annotated[tuple[AnyVerb, ...], Field(min_length=1)]
    """Columns or rules, in their order."""
    join: str = ", "
    """What stands between two parts."""
    split: str | None = None
    """What stands between the items of a set."""
    synonyms: dict[str, str] = {}
    """Spelling → the word that is kept; case and outer white space do not matter."""

    def references(self) -> tuple[str, ...]:
        """Return every column reference or pattern that the rule reads."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.references()))

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type not in {"text", "code", "set"}:
            yield f"text makes no {target.type}; use it for a variable of type text, code or set"
        if (target.type == "set") != (self.split is not None):
            yield "split belongs to a variable of type set; it says what stands between the items"
        for part in self.parts:
            if part.reads_variables:
                yield f"{part.verb} cannot stand in text; write concat(a, b) in a derive instead"
            else:
                yield from part.complaints(_as_text(target))

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        cells = [part.cell(_as_text(target)).alone() for part in self.parts]
        words = [cell.value if self.split else self._word(cell.value) for cell in cells]
        joined = f"nullif(concat_ws({literal(self.join)}, {', '.join(f'({word})' for word in words)}), '')"
        value = self._items(joined) if self.split else joined
        codes = ", ".join(map(literal, target.codes))
        known, strange = "true", NULL
        if codes and self.split:
            known = f"list_has_all([{codes}], {value})"
            strange = f"list_filter({value}, lambda x: x NOT IN ({codes}))[1]"
        elif codes:
            known = f"{value} IN ({codes})"
            strange = f"CASE WHEN NOT ({known}) THEN {value} END"
        fits = f"CASE WHEN {known} THEN {value} END" if codes else value
        flaw = f"CASE WHEN ({value}) IS NOT NULL AND NOT ({known}) THEN 'unmapped' END"
        return Cell(
            fits,
            " OR ".join(f"({cell.answered})" for cell in cells),
            f"CASE WHEN ({value}) IS NULL THEN {_first([cell.reason for cell in cells])} END",
            flaw=_first([flaw, *(cell.flaw for cell in cells)]),
            code=_first([f"CASE WHEN NOT ({known}) THEN {strange} END", *(cell.code for cell in cells)]),
            hides=True,
        )

    def _word(self, text: str) -> str:
        """Return SQL: the word that is kept for a spelling."""
        if not self.synonyms:
            return text
        cases = " ".join(
            f"WHEN {literal(old.strip().lower())} THEN {literal(new)}" for old, new in self.synonyms.items()
        )
        return f"CASE lower(trim({text})) {cases} ELSE {text} END"

    def _items(self, text: str) -> str:
        """Return SQL: the items of a set, each once, sorted."""
        parts = f"list_transform(string_split({text}, {literal(self.split or ';')}), lambda x: trim(x))"
        words = f"list_transform({parts}, lambda w: {self._word('w')})"
        return f"list_sort(list_distinct(list_filter({words}, lambda y: y <> '')))"


def _as_text(target: Target) -> Target:
    return replace(target, type="text", codes=())


def _first(parts: list[str]) -> str:
    return f"coalesce({', '.join(f'({part})' for part in parts)}, NULL)"
