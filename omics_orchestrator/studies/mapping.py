"""What mapping.yaml says, as models. How it is read: reading.py; whether it holds together: references.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from omics_orchestrator.checks import AnyCheck
from omics_orchestrator.declared import Declared, Words
from omics_orchestrator.dictionary import Entity, MissingReason
from omics_orchestrator.verbs import AnyVerb
from omics_orchestrator.verbs.expression import source_calls
from omics_orchestrator.verbs.reduce import days_of

ON = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]
}

SLOTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

# The words of a block; all else that stands in it is a variable.
WORDS = frozenset({"from", "stack", "key", "where", "join", "reshape", "missing", "blank", "checks", "keep"})


def _pairs(on: Any) -> Any:
    """Read `on: a` and `on: [a, b]` as columns that bear the same name on both sides."""
    listed = [on] if isinstance(on, str) else on
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        return {name: name for name in listed}
    return listed


def _slots(slots: Any) -> Any:
    """Read `1..6` as a list."""
    found = re.fullmatch(r"([0-9]{1,4})\.\.([0-9]{1,4})", slots) if isinstance(slots, str) else None
    return [str(n) for n in range(int(found[1]), int(found[2]) + 1)] if found else slots


class Join(Declared):
    """How another table is joined to the block's own."""

    table: str | None = None
    """The table, where the join has a name of its own: its columns are then written `<name>.<column>`."""
    cardinality: Literal["one_to_one", "many_to_one", "one_to_many"]
    """one_to_one; many_to_one (several rows of the block share one row of the joined table); one_to_many (one row
    has several there: they become one row per key again, and cells that disagree a conflict)."""
    on: Annotated[dict[str, str], BeforeValidator(_pairs), WithJsonSchema(ON)] = {}
    """Column of the block's table → column of the joined table; by default the block's key."""
    where: str | None = None
    """Only rows of the joined table for which this expression is true."""
    where_reads: tuple[str, ...] = ()
    """The columns that `where` names (filled in by the reader, not written by people)."""
    pick: Literal["first", "last", "nearest"] | None = None
    """Which of several rows there is taken: the first or last by the column `by`, or that of the nearest date."""
    by: str | None = None
    """The column of the joined table that orders its rows, or holds the date."""
    to: str | None = None
    """The column of the block with the date that must be near."""
    within: Annotated[str, AfterValidator(days_of)] | None = None
    """How far away the nearest may be, such as `14 days`."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        if isinstance(raw, str):
            return {"cardinality": raw}
        if isinstance(raw, dict) and raw.get("pick") is not None:
            return {"cardinality": "many_to_one", **raw}
        return raw

    @model_validator(mode="after")
    def _pick_has_its_words(self) -> Join:
        if (self.pick is None) != (self.by is None):
            raise ValueError("pick and by belong together: `pick: first, by: form_instance`")
        if (self.pick == "nearest") != (self.to is not None):
            raise ValueError("to belongs to pick: nearest, which needs it")
        if self.within is not None and self.pick != "nearest":
            raise ValueError("within belongs to pick: nearest")
        if self.pick is not None and self.cardinality == "one_to_many":
            raise ValueError("pick takes one row, so the join is not one_to_many")
        return self


class NoneRule(Declared):
    """Why a variable is absent from the whole study."""

    status: Literal["impossible", "undetermined", "restricted"]
    """impossible (never asked or measured), undetermined (not settled yet), restricted (not given to us)."""
    missing: MissingReason
    """The reason that every row gets."""
    reason: Words
    """The reason in words, for people."""


class Reshape(Declared):
    """Turns slots of a row into rows (`slots`), or rows of a long table into columns (`spread`)."""

    columns: dict[str, str] = Field(min_length=1)
    """New column → the source column with `{<as>}` in the place of the slot, or the text in `spread` that it is for."""
    slots: Annotated[tuple[str, ...], BeforeValidator(_slots), WithJsonSchema(SLOTS)] = ()
    """The slots, as they stand in the columns' names: `1..6` or a list."""
    as_: str = Field(default="slot", alias="as")
    """The name of the new column that holds the slot."""
    spread: str | None = None
    """The column that names what a row of the long table is about."""
    values: str | None = None
    """The column of the long table with the value."""

    @model_validator(mode="after")
    def _one_form(self) -> Reshape:
        if bool(self.slots) == (self.spread is not None):
            raise ValueError("reshape has either slots (columns become rows) or spread (rows become columns)")
        if (self.spread is None) != (self.values is None):
            raise ValueError("spread and values belong together: the column of names and that of values")
        mark = f"{{{self.as_}}}"
        if len(self.slots) > 1 and (
            fixed := [name for name, pattern in self.columns.items() if mark not in pattern]
        ):
            raise ValueError(
                f"the pattern of {fixed[0]!r} holds no {mark}: each slot needs a column of its own"
            )
        return self

    def source_columns(self) -> tuple[str, ...]:
        """Return every source column that is read."""
        if self.spread is not None:
            return tuple(filter(None, (self.spread, self.values)))
        return tuple(self.column(name, slot) for slot in self.slots for name in self.columns)

    def column(self, name: str, slot: str) -> str:
        """Return the source column of a new column in one slot."""
        return self.columns[name].replace(f"{{{self.as_}}}", slot)

    def new_columns(self) -> tuple[str, ...]:
        """Return the columns that the rules see."""
        return (*self.columns, *((self.as_,) if self.slots else ()))


class EntityBlock(Declared):
    """How the rows of one entity are made from source tables, and its variables from their columns."""

    from_: str | None = Field(default=None, alias="from")
    """The table that gives the rows: `<source>` or `<source>.<table>`."""
    stack: tuple[str, ...] = ()
    """Several tables that give the rows, one below the other, instead of `from`."""
    key: tuple[str, ...] = ()
    """The columns that name a row, the participant id first; by default the raw key of a REDCap table."""
    where: str | None = None
    """Only rows for which this expression is true."""
    where_reads: tuple[str, ...] = ()
    """The columns that `where` names (filled in by the reader, not written by people)."""
    join: dict[str, Join] = {}
    """Other tables whose columns the rules read."""
    reshape: Reshape | None = None
    """Slots of a row as rows, or rows of a long table as columns."""
    missing: dict[str, MissingReason] = {}
    """Words that stand for a missing value in every column of the block → its reason."""
    blank: MissingReason = "not_collected"
    """The reason of an empty cell."""
    rules: dict[str, AnyVerb] = {}
    """Variable → its rule."""
    checks: dict[str, AnyCheck] = {}
    """What the rows are expected to satisfy."""

    @model_validator(mode="after")
    def _rows_from_somewhere(self) -> EntityBlock:
        if (self.from_ is None) == (not self.stack):
            raise ValueError("a block has either from: (one table) or stack: (several tables)")
        if self.reshape and self.reshape.slots and any(join.pick for join in self.join.values()):
            raise ValueError("a block that makes rows of slots cannot pick rows of a joined table")
        return self

    def own_tables(self) -> tuple[str, ...]:
        """Return the tables that give the rows."""
        return (self.from_,) if self.from_ is not None else self.stack

    def tables(self) -> tuple[str, ...]:
        """Return every table that the block reads by the name that it has there, its own first."""
        return (*self.own_tables(), *self.join)

    def table_of(self, name: str) -> str:
        """Return the table that a name stands for: the name of a join may be an alias."""
        return (self.join[name].table or name) if name in self.join else name

    def columns_of(self, reference: str) -> tuple[tuple[str, ...], str]:
        """Return the tables in which a column reference may lie, and the column's name there.

        `<table>.<column>` names one table of the block (the longest that fits wins); any other name may be a
        column of any of them, save of a join that has a name of its own.
        """
        named = [table for table in self.tables() if reference.startswith(f"{table}.")]
        if not named:
            aliases = {name for name, join in self.join.items() if join.table}
            return tuple(table for table in self.tables() if table not in aliases), reference
        table = max(named, key=len)
        return (table,), reference.removeprefix(f"{table}.")

    def reads(self) -> dict[str, set[str]]:
        """Return table → the columns and patterns that the block may ask of it."""
        found: dict[str, set[str]] = {table: set() for table in self.tables()}
        for tables, column in self.asked():
            for table in tables:
                found[table].add(column)
        return found

    def asked(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield every column or pattern that is read, each after the tables in which it may lie."""
        made = self.reshape.new_columns() if self.reshape else ()
        for reference in dict.fromkeys(self.references()):
            if reference not in made:
                yield self.columns_of(reference)
        for column in self.reshape.source_columns() if self.reshape else ():
            yield self.own_tables(), column
        for name, join in self.join.items():
            for column in (*(join.on.values() or self.key), *join.where_reads, *filter(None, [join.by])):
                yield (name,), column

    def references(self) -> Iterator[str]:
        """Yield every column reference or pattern that key, where, joins and rules make."""
        yield from self.key
        yield from self.where_reads
        for join in self.join.values():
            yield from join.on
            yield from filter(None, [join.to])
        for rule in self.rules.values():
            yield from rule.references()
        for _, text in self.formulas():
            for _, column in source_calls(text):
                if column not in self.rules and not column.startswith("participant."):
                    yield column

    def formulas(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield every expression over variables, each after its place in the block."""
        for name, rule in self.rules.items():
            for text in rule.expressions():
                yield (name,), text
        for name, check in self.checks.items():
            yield ("checks", name), check.expect


class Mapping(Declared):
    """Everything that mapping.yaml says; named maps are already put in where they were named."""

    entities: dict[Entity, EntityBlock] = {}
    none: dict[str, NoneRule] = {}
    """Variables that are absent from the whole study."""
    not_mapped: dict[str, tuple[str, ...]] = {}
    """Reason → columns (or patterns with `*`) that are known and left out."""

    def listed(self) -> tuple[str, ...]:
        """Return every entry of `not_mapped`."""
        return tuple(entry for entries in self.not_mapped.values() for entry in entries)
