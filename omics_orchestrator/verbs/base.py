"""What every verb is: its options, what it reads, and the SQL of one cell. Each verb lives in its own module.

A verb knows nothing of tables, keys and joins (harmonise/): it is given a column's text as SQL, NULL where
blank.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.missing import MissingReason
from omics_orchestrator.dictionary.ucum import Conversion
from omics_orchestrator.verbs.threevalued import Kind, Typed

Column: TypeAlias = tuple[Annotated[str, Field(min_length=1)]]
Columns: TypeAlias = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]

SQL_TYPES = {
    "text": "VARCHAR",
    "code": "VARCHAR",
    "file": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "censored": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "partial_date": "DATE",
    "set": "VARCHAR[]",
}
MANTISSA = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NUMBER = MANTISSA + r"(?:[eE][+-]?[0-9]+)?"
KINDS: dict[str, Kind] = {
    "integer": "number",
    "decimal": "number",
    "censored": "number",
    "boolean": "boolean",
    "date": "date",
    "partial_date": "date",
    "set": "any",
}
NULL = "NULL"
BOOLEANS = {"yes": "true", "no": "false"}


def literal(text: str) -> str:
    """Return `text` as an SQL string; nothing in it can end the string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Target:
    """The variable that a rule makes, and what a verb may ask while it writes its SQL.

    Attributes:
        name: the variable's name.
        type: its type in the dictionary.
        codes: the codes of its code list; empty = none declared.
        column: column reference → SQL of the cell's text without outer white space, NULL where blank.
        expand: column reference or `*` pattern → the references it stands for.
        formula: expression over variables → SQL and what it is (derive, when).
        conversion: unit → how a number becomes one in the dictionary's unit.
        flag_columns: whether `copy` may read this column as 1/0 (declared yesno, truefalse or checkbox).
        share: SQL that a cell needs more than once → what to write in its place; it is computed only once.
    """

    name: str
    type: str
    codes: tuple[str, ...] = ()
    column: Callable[[str], str] = identifier
    expand: Callable[[str], tuple[str, ...]] = lambda reference: (reference,)
    formula: Callable[[str], Typed] = lambda text: Typed("NULL", "any")
    conversion: Callable[[str], Conversion] = lambda unit: Conversion()
    flag_columns: Callable[[str], bool] = lambda reference: False
    share: Callable[[str], str] = lambda sql: sql

    def constant(self, text: str) -> str | None:
        """Return `text` as SQL of the variable's type, or None where it is no such value."""
        if self.type == "boolean":
            return BOOLEANS.get(text)
        if self.type in {"text", "file"} or (self.type == "code" and (not self.codes or text in self.codes)):
            return literal(text)
        return _typed_constant(self.type, text)

    @property
    def kind(self) -> Kind:
        """What an expression must be to give this variable."""
        return KINDS.get(self.type, "text")

    @property
    def allowed(self) -> str:
        """What `constant` accepts, in words."""
        if self.type == "boolean":
            return "yes, no"
        shown = ", ".join(self.codes[:16]) + (" …" if len(self.codes) > 16 else "")
        return shown if self.codes else f"a value of type {self.type}"


def _typed_constant(kind: str, text: str) -> str | None:
    """Return a number or an ISO date as SQL."""
    try:
        if kind in {"decimal", "censored"}:
            number = float(text)
            return f"CAST({number!r} AS DOUBLE)" if isfinite(number) else None
        if kind == "integer":
            return f"CAST({int(text)} AS BIGINT)"
        if kind in {"date", "partial_date"}:
            return f"DATE '{date.fromisoformat(text).isoformat()}'"
    except ValueError:
        pass
    return None


@dataclass(frozen=True)
class Cell:
    """What one source row says about one variable, as SQL. A cell with a reason has no value, whatever it reads.

    Attributes:
        value: typed value, NULL where there is none.
        answered: true where the source has any text.
        reason: missing reason, NULL where the text is no missing word.
        otherwise: reason of an answered cell that has neither value nor reason; None = that is a flaw.
        flaw: `invalid` or `unmapped`, what such a cell is.
        comparator: `<`, `>` … of a censored number, `year` or `month` of a partial date; NULL = exact.
        code: the text, of which unmapped codes are told.
        candidates: SQL of the list of values that several answers in one row give; NULL = one at most. Beside a value:
            the rule says which of them counts.
        hides: whether flaw and code hold by themselves, even beside a value (one of several columns was not read).
    """

    value: str
    answered: str = "true"
    reason: str = "CAST(NULL AS VARCHAR)"
    otherwise: MissingReason | None = None
    flaw: str = "'invalid'"
    comparator: str = NULL
    code: str = NULL
    hides: bool = False
    candidates: str = NULL

    def alone(self) -> Cell:
        """Return the same cell with every part telling the truth by itself, as a part of another cell."""
        value = f"CASE WHEN ({self.reason}) IS NULL THEN {self.value} END"
        lost = f"({self.answered}) AND ({self.reason}) IS NULL AND ({self.value}) IS NULL"
        if self.otherwise:
            reason = f"coalesce({self.reason}, CASE WHEN {lost} THEN {literal(self.otherwise)} END)"
            return Cell(value, self.answered, reason, None, NULL, self.comparator, hides=True)
        flaw = self.flaw if self.hides else f"CASE WHEN {lost} THEN {self.flaw} END"
        code = self.code if self.hides or self.code == NULL else f"CASE WHEN {lost} THEN {self.code} END"
        return Cell(
            value,
            self.answered,
            self.reason,
            None,
            flaw,
            self.comparator,
            code,
            hides=True,
            candidates=self.candidates,
        )


class Verb(Declared):
    """How one variable is made."""

    argument: ClassVar[str] = "columns"
    """The field that the YAML key fills: in `{recode: sex, map: …}` the word after `recode:` is `columns`."""
    reads_variables: ClassVar[bool] = False
    """Whether the rule sees typed variables of its entity instead of source columns."""

    def references(self) -> tuple[str, ...]:
        """Return every column reference or pattern that the rule reads."""
        return ()

    def expressions(self) -> tuple[str, ...]:
        """Return every expression in the rule."""
        return ()

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable (`what is wrong; what is allowed`)."""
        yield from ()

    @abstractmethod
    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell."""


class ColumnVerb(Verb):
    """A verb that reads the texts of source columns."""

    columns: Columns
    """The source columns."""
    missing: dict[str, MissingReason] = {}
    """Words that stand for a missing value → its reason; `*` = every text that the rule does not understand.
    They add to the block's own `missing:`; an empty `missing: {}` switches the block's words off."""
    blank: MissingReason | None = None
    """Reason of an empty cell; without it an empty cell is missing without a reason."""

    def references(self) -> tuple[str, ...]:
        """Return every column reference or pattern that the rule reads."""
        return self.columns

    def word_reason(self, text: str, *, number: str | None = None) -> str:
        """Return SQL: the reason which `missing` gives to exactly this text (or to an equal number)."""
        cases = []
        for word, reason in self.missing.items():
            same = f"{text} = {literal(word)}"
            if number and (value := as_number(word)) is not None:
                same = f"({same} OR {number} = {value!r})"
            if word != "*":
                cases.append(f"WHEN {same} THEN {literal(reason)}")
        return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"

    def read(self, text: str, value: str, *, comparator: str = NULL, number: str | None = None) -> Cell:
        """Return the cell of a verb over one column.

        Args:
            text: SQL of the column's text.
            value: SQL of the typed value, NULL where the text is not understood.
            comparator: SQL of the comparator.
            number: SQL of the text as a number, for missing words that are numbers.
        """
        reason = self.word_reason(text, number=number)
        answered = f"{text} IS NOT NULL"
        return Cell(value, answered, reason, self.missing.get("*"), comparator=comparator)


def as_number(word: str) -> float | None:
    """Return a word as a finite number, or None."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if isfinite(value) else None
