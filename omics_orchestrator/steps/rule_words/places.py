"""Where a column lies, in words: its table, the join or the reshaped columns behind it, the rows that count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from omics_orchestrator.steps.rule_words.phrases import code, listed, quoted
from omics_orchestrator.studies.mapping import EntityBlock, Join, Reshape

GROUP = "participant_id."
NAMED = 3  # so many tables are named where a column may lie in any of them


@dataclass(frozen=True)
class Places:
    """The tables of a block.

    Attributes:
        block: the entity's block of mapping.yaml.
        delivered: table → its columns, of those tables that were ever read; empty = nothing was.
    """

    block: EntityBlock
    delivered: Mapping[str, Collection[str]] = field(default_factory=dict)

    def columns(self, references: Iterable[str]) -> str:
        """Return `columns `a` and `b` of `clinic``."""
        by_place: dict[str, list[str]] = {}
        alone = []
        for reference in references:
            if special := self._special(reference):
                alone.append(special)
                continue
            tables, column = self.tables(reference)
            by_place.setdefault(self._told(tables), []).append(column)
        groups = []
        for place, names in by_place.items():
            many = len(names) > 1 or "*" in names[0]
            groups.append(f"{'columns' if many else 'column'} {listed(map(code, names))} of {place}")
        return " and ".join([*groups, *alone])

    def tables(self, reference: str) -> tuple[tuple[str, ...], str]:
        """Return the tables in which a column may lie, fewer where it is known what they hold, and its name there."""
        tables, column = self.block.columns_of(reference)
        unread = [table for table in tables if self._held(table) is None]
        holding = [table for table in tables if _holds(self._held(table) or (), column)]
        own = tuple(table for table in holding if table in self.block.own_tables())
        return own or (*holding, *unread) or tables, column

    def checkboxes(self, field_name: str) -> str:
        """Return a checkbox field, which REDCap exports as a column for each box."""
        tables, column = self.tables(f"{field_name}___*")
        return f"the checkboxes {code(column.removesuffix('___*'))} of {self._told(tables)}"

    def _held(self, table: str) -> Collection[str] | None:
        return self.delivered.get(self.block.table_of(table))

    def _told(self, tables: tuple[str, ...]) -> str:
        own = self.block.own_tables()
        if tables == own:
            return listed(code(_short(table)) for table in tables)
        if len(tables) <= NAMED:
            return listed((code(self.name(table)) for table in tables), "or")
        first = [code(_short(table)) for table in own if table in tables]
        return f"{listed(first, 'or')} or a table joined to it" if first else "a joined table"

    def name(self, table: str) -> str:
        """Return the name of a table, without the source that delivers it; a join keeps its own name."""
        return table if table in self.block.join and self.block.join[table].table else _short(table)

    def _special(self, reference: str) -> str:
        """Return what a reference is that is no column of a table; empty = it is one."""
        if reference.startswith(GROUP):
            return f"the part {code(reference.removeprefix(GROUP))} of the participant id"
        reshape = self.block.reshape
        if reshape is None or reference not in reshape.new_columns():
            return ""
        table = listed(code(_short(table)) for table in self.block.own_tables())
        return _reshaped(reshape, reference, table)

    def remarks(self, references: Iterable[str]) -> Iterator[str]:
        """Yield which rows count: of the joined tables that are surely read, and of the block."""
        used: dict[str, None] = {}
        for reference in (*references, *self.block.where_reads):
            tables = () if self._special(reference) else self.tables(reference)[0]
            if len(tables) == 1 and tables[0] in self.block.join:
                used[tables[0]] = None
        for table in used:
            join = self.block.join[table]
            if join.table:
                yield _alias(table, join)
            elif join.where or join.pick:
                yield _picked(_short(table), join)
        if self.block.where:
            yield f"Only rows count where {code(self.block.where)}"


def _alias(name: str, join: Join) -> str:
    """Return what stands behind a join that has a name of its own."""
    rows = f"{code(_short(join.table or name))}{_same(join)}"
    return (
        f"{code(name)} is, of the rows of {rows}, {_which(join)}"
        if join.pick
        else f"{code(name)} is the row of {rows}"
    )


def _picked(table: str, join: Join) -> str:
    """Return which rows of a joined table count."""
    rows = f"{code(table)}{_same(join)}"
    return f"of the rows of {rows}, {_which(join)} counts" if join.pick else f"only the row of {rows} counts"


def _same(join: Join) -> str:
    same = [code(a) if a == b else f"{code(a)} (there {code(b)})" for a, b in join.on.items()]
    return f" with the same {listed(same) if same else 'key'}" + (
        f" where {code(join.where)}" if join.where else ""
    )


def _which(join: Join) -> str:
    if join.pick != "nearest":
        return f"the {join.pick} by {code(join.by or '')}"
    near = f"the one whose {code(join.by or '')} is nearest to {code(join.to or '')}"
    return near + (f" (at most {join.within} away)" if join.within else "")


def _reshaped(reshape: Reshape, name: str, table: str) -> str:
    """Return what lies behind a column that reshaping makes."""
    if reshape.spread is not None:
        spread, values = code(reshape.spread), code(reshape.values or "")
        return f"column {values} of {table} where {spread} is {quoted(reshape.columns[name])}"
    if name == reshape.as_:
        return f"the slot ({listed(reshape.slots, 'or')}) from which the row is made"
    columns = listed((code(reshape.column(name, slot)) for slot in reshape.slots), "or")
    return f"that of columns {columns} of {table} from which the row is made"


def _holds(columns: Collection[str], name: str) -> bool:
    if "*" not in name:
        return name in columns
    pattern = name.replace("[", "[[]").replace("?", "[?]")
    return any(fnmatchcase(column, pattern) for column in columns)


def _short(table: str) -> str:
    return table.partition(".")[2] or table
