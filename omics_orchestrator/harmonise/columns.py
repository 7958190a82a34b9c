"""Where the columns lie that a block names, and the identifier that each gets in the SQL.

The columns of strangers appear in SQL only as quoted identifiers made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.studies import EntityBlock
from omics_orchestrator.verbs.base import identifier
from omics_orchestrator.verbs.threevalued import ExpressionError

WHITE = r"[\s\v\p{Z}\x{FEFF}]"
GROUP = "participant_id."
REDCAP_KEY = ("record_id", "event_name", "event_instance", "form_instance")


def distinct(name: str, taken: set[str]) -> str:
    """Return `name`, or `name#2` … where DuckDB, which ignores case, could not tell it from another."""
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name}#{number}"
    taken.add(candidate.lower())
    return candidate


def distinct_names(names: Iterable[str]) -> dict[str, str]:
    """Return column → the name under which DuckDB gets it."""
    taken: set[str] = set()
    return {name: distinct(name, taken) for name in names}


def cleaned(column: str) -> str:
    """Return SQL: a cell's text without outer white space, NULL where nothing is left."""
    text = f"CAST({column} AS VARCHAR)"
    stripped = f"nullif(regexp_replace({text}, '^{WHITE}+|{WHITE}+$', '', 'g'), '')"
    # most cells begin and end with a visible ASCII character: that is cheap to see, unlike a match
    tidy = f"ord({text}) BETWEEN 33 AND 126 AND ord({text}[-1]) BETWEEN 33 AND 126"
    return f"CASE WHEN {text} = '' THEN NULL WHEN {tidy} THEN {text} ELSE {stripped} END"


@dataclass
class Columns:
    """The columns of a block's tables, by the words in which its rules name them.

    Attributes:
        block: the entity block.
        delivered: table reference → its columns, in order.
        groups: named groups of the study's id grammar, read as `participant_id.<group>`.
        used: (table, or "" for all of the block's own; column) → the name that the SQL gives it.
        carried: of these names, those that the steps of rows only carry along: their cells are cleaned when the rules
            read them, and until then it does not matter whether they are texts or numbers of texts.
    """

    block: EntityBlock
    delivered: Mapping[str, Sequence[str]]
    groups: tuple[str, ...] = ()
    used: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    carried: set[str] = field(default_factory=set)

    def find(self, reference: str) -> str:
        """Return the SQL of a reference that a step that makes rows reads, noting it; raises as `name_of`."""
        return f"r.{identifier(self.name_of(reference))}"

    def name_of(self, reference: str, *, by_rule: bool = False) -> str:
        """Return the name that the SQL gives a reference, noting that it is read.

        Args:
            reference: a column, or `<table>.<column>`.
            by_rule: whether a rule reads it, and not a step that makes rows.

        Raises:
            ExpressionError: no table of the block has such a column, or several joined tables have it.
        """
        if reference.startswith(GROUP) and reference.removeprefix(GROUP) in self.groups:
            return reference
        place = self.place(reference)
        if place not in self.used:
            self.used[place] = distinct("raw." + ".".join(filter(None, place)), self.taken)
            if by_rule and place[1] not in self.texts():
                self.carried.add(self.used[place])
        elif not by_rule:
            self.carried.discard(self.used[place])
        return self.used[place]

    def texts(self) -> set[str]:
        """Return the columns whose texts the steps of rows need beside those that they find: of joins, of reshape."""
        found = {
            column for join in self.block.join.values() for column in (*join.on.values(), *join.where_reads)
        }
        found |= {join.by for join in self.block.join.values() if join.by}
        if reshape := self.block.reshape:
            found |= {*reshape.source_columns(), *reshape.new_columns()}
        return found

    def place(self, reference: str) -> tuple[str, str]:
        """Return (table, column); the table is "" where the column may lie in any of the block's own."""
        tables, column = self.block.columns_of(reference)
        own = self.block.own_tables()
        holding = [table for table in tables if column in self.delivered[table]]
        if not holding:
            known = {name for table in tables for name in self.delivered[table]}
            if "." in column:  # perhaps a slip in the name of a table or join
                known |= {
                    f"{table}.{name}" for table in self.block.tables() for name in self.delivered[table]
                }
            where = " or ".join(tables)
            raise ExpressionError(f"there is no column {column!r} in {where}; {suggest(column, known)}")
        if set(holding) & set(own):
            return ("" if len(tables) > 1 or own == tables else holding[0]), column
        if len(holding) > 1:
            where = " and ".join(holding)
            raise ExpressionError(f"the column {column!r} lies in {where}; write {holding[0]}.{column}")
        return holding[0], column

    def expand(self, pattern: str) -> tuple[str, ...]:
        """Return the references that a pattern with `*` stands for, in the order of the tables.

        Raises:
            ExpressionError: nothing fits.
        """
        if "*" not in pattern:
            return (pattern,)
        tables, column = self.block.columns_of(pattern)
        fits = re.compile(".*".join(map(re.escape, column.split("*"))), re.DOTALL)
        prefix = pattern.removesuffix(column)
        found = [name for table in tables for name in self.delivered[table] if fits.fullmatch(name)]
        if not found:
            raise ExpressionError(
                f"no column of {' or '.join(tables)} fits {column!r}; * stands for any characters"
            )
        return tuple(dict.fromkeys(f"{prefix}{name}" for name in found))

    def read_from(self, table: str) -> dict[str, str]:
        """Return name in the SQL → column of `table`, for all that is read from it."""
        own = table in self.block.own_tables()
        return {
            name: column
            for (place, column), name in self.used.items()
            if (place == table or (own and not place)) and column in self.delivered[table]
        }

    def settled(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return carried name → (table, column) of every table from which it is read.

        A column that bears two names is carried under both or under none.
        """
        read = {table: self.read_from(table) for table in self.block.tables()}
        origins = {
            name: tuple((table, found[name]) for table, found in read.items() if name in found)
            for name in self.used.values()
        }
        while touched := {
            name
            for name in self.carried
            for other in origins.keys() - self.carried
            if set(origins[name]) & set(origins[other])
        }:
            self.carried -= touched
        return {name: origins[name] for name in sorted(self.carried)}
