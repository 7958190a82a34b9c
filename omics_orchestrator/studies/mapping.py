"""What mapping.yaml says, as models. How it is read: reading.py; whether it holds together: references.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from omics_orchestrator.checks import AnyCheck
from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary import Entity, MissingReason
from omics_orchestrator.verbs import AnyVerb

ON = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]
}


def _pairs(on: Any) -> Any:
    """Read `on: a` and `on: [a, b]` as columns that bear the same name on both sides."""
    listed = [on] if isinstance(on, str) else on
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        return {name: name for name in listed}
    return listed


class Join(Declared):
    """How another table is joined to the block's own."""

    cardinality: Literal["one_to_one", "many_to_one", "one_to_many"]
    """one_to_one; many_to_one (several rows of the block share one row of the joined table); one_to_many (one row
    has several there: they become one row per key again, and cells that disagree a conflict)."""
    on: Annotated[dict[str, str], BeforeValidator(_pairs), WithJsonSchema(ON)] = {}
    """Column of the block's table → column of the joined table; by default the block's key."""

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, raw: Any) -> Any:
        return {"cardinality": raw} if isinstance(raw, str) else raw


class NoneRule(Declared):
    """Why a variable is absent from the whole study."""

    status: Literal["impossible", "undetermined", "restricted"]
    """impossible (never asked or measured), undetermined (not settled yet), restricted (not given to us)."""
    missing: MissingReason
    """The reason that every row gets."""
    reason: str = Field(min_length=1)
    """The reason in words, for people."""


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
    missing: dict[str, MissingReason] = {}
    """Words that stand for a missing value in every column of the block → its reason."""
    rules: dict[str, AnyVerb] = {}
    """Variable → its rule."""
    checks: dict[str, AnyCheck] = {}
    """What the rows are expected to satisfy."""

    @model_validator(mode="after")
    def _rows_from_somewhere(self) -> EntityBlock:
        if (self.from_ is None) == (not self.stack):
            raise ValueError("a block has either from: (one table) or stack: (several tables)")
        return self

    def own_tables(self) -> tuple[str, ...]:
        """Return the tables that give the rows."""
        return (self.from_,) if self.from_ is not None else self.stack

    def tables(self) -> tuple[str, ...]:
        """Return every table that the block reads, its own first."""
        return (*self.own_tables(), *self.join)

    def columns_of(self, reference: str) -> tuple[tuple[str, ...], str]:
        """Return the tables in which a column reference may lie, and the column's name there.

        `<table>.<column>` names one table of the block (the longest that fits wins); any other name may be a
        column of any of them.
        """
        named = [table for table in self.tables() if reference.startswith(f"{table}.")]
        if not named:
            return self.tables(), reference
        table = max(named, key=len)
        return (table,), reference.removeprefix(f"{table}.")

    def reads(self) -> dict[str, set[str]]:
        """Return table → the columns and patterns that the block may ask of it."""
        found: dict[str, set[str]] = {table: set() for table in self.tables()}
        for reference in self.references():
            tables, column = self.columns_of(reference)
            for table in tables:
                found[table].add(column)
        for table, join in self.join.items():
            found[table].update(join.on.values() or self.key)
        return found

    def references(self) -> Iterator[str]:
        """Yield every column reference or pattern that key, where, joins and rules make."""
        yield from self.key
        yield from self.where_reads
        for join in self.join.values():
            yield from join.on
        for rule in self.rules.values():
            yield from rule.references()


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
