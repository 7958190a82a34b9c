"""`any_of`: several columns that ask the same thing → one flag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from omics_orchestrator.dictionary.missing import MissingReason
from omics_orchestrator.verbs.base import NULL, Cell, Columns, ColumnVerb, Target, literal

Words = Annotated[tuple[str, ...], Field(min_length=1)]


class AnyOf(ColumnVerb):
    """Answers yes where any of the columns says yes, no where all are answered and say no, else unknown.

    `{any_of: [asacol, pentasa], yes: [Current, Taken since last visit], no: [Never taken]}`. Columns may be
    patterns (`mesalamine___*`). A word that is named nowhere is an unmapped code,
    unless `no` holds `*`.
    """

    verb: Literal["any_of"] = "any_of"
    columns: Columns
    """The source columns, or patterns with `*`."""
    yes: Words
    """Words that mean yes."""
    no: Words
    """Words that mean no; `*` = every other text."""
    ignore_case: bool = False
    """Whether capital and small letters are the same."""
    blank: MissingReason | Literal["no"] | None = None  # type: ignore[assignment]
    """Reason where every column is empty; `no` = an empty cell means no as soon as another column is answered
    (a form that leaves unticked boxes empty)."""

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type != "boolean":
            yield f"any_of makes a boolean, the dictionary says {target.type}"
        for word in sorted(set(self.yes) & set(self.no) | (set(self.yes) | set(self.no)) & set(self.missing)):
            yield f"the word {word!r} is named twice (yes, no, missing); keep one of them"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""
        texts = [target.column(name) for pattern in self.columns for name in target.expand(pattern)]
        yes, no = self._list(self.yes), self._list(self.no)
        any_yes = " OR ".join(f"coalesce({self._folded(text)} IN ({yes}), false)" for text in texts)
        empty = "true" if self.blank == "no" else "false"
        all_no = " AND ".join(f"coalesce({self._says_no(text, no)}, {empty})" for text in texts)
        answered = " OR ".join(f"{text} IS NOT NULL" for text in texts)
        value = f"CASE WHEN {any_yes} THEN true WHEN ({answered}) AND {all_no} THEN false END"
        unread = [self.unread(text, f"{yes}, {no}") for text in texts]
        code = f"coalesce({', '.join(unread)}, NULL)"
        words = ", ".join(self.word_reason(text) for text in texts)
        other = literal(self.missing["*"]) if "*" in self.missing else "'unknown'"
        flaw = NULL if "*" in self.missing else f"CASE WHEN {code} IS NOT NULL THEN 'unmapped' END"
        lacking = f"({value}) IS NULL AND ({answered}) AND ({flaw}) IS NULL"
        reason = f"CASE WHEN {lacking} THEN coalesce({words}, {other}) END"
        code = NULL if "*" in self.missing else code
        return Cell(value, answered, reason, flaw=flaw, code=code, hides=True)

    def unread(self, text: str, known: str) -> str:
        """Return SQL: a text that no word list names."""
        if "*" in self.no:
            return NULL
        return f"CASE WHEN {self._folded(text)} NOT IN ({known}) AND {self.word_reason(text)} IS NULL THEN {text} END"

    def _says_no(self, text: str, no: str) -> str:
        """Return SQL: whether a text means no, NULL where there is none."""
        if "*" not in self.no:
            return f"{self._folded(text)} IN ({no})"
        return f"CASE WHEN {text} IS NOT NULL THEN {self.word_reason(text)} IS NULL END"

    def _folded(self, text: str) -> str:
        return f"lower({text})" if self.ignore_case else text

    def _list(self, words: tuple[str, ...]) -> str:
        return ", ".join(literal(word.lower() if self.ignore_case else word) for word in words)
