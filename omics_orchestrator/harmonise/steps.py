"""What the steps of an entity's query share: names, outcomes, what a variable is made from. Their SQL: see below.

source_rows.py: rows → kept → keyed · cells.py: read → cells, one row per source row · merging.py: repeated, single,
several → merged, one row per key · here: level_0 … → harmonised.
Beside a variable `x` stand the columns `x|outcome`, `x|comparator`, `x|flaw`, `x|code`, `x|reason` …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from omics_orchestrator.dictionary import MISSING_REASONS, MissingReason
from omics_orchestrator.harmonise.columns import Columns
from omics_orchestrator.studies import EntityBlock
from omics_orchestrator.verbs.base import NULL, Cell, identifier

ROW = "#row"  # a source row's number over all raw tables of the block
OK, NO_KEY, UNREADABLE = "ok", "no_key", "unreadable_id"
BLANK, VALUE, NOT_PICKED, CONFLICTING = "blank", "value", "not_picked", "conflicting"
INVALID, UNMAPPED, MISSING = "invalid", "unmapped", "missing:"
# What becomes of a cell. In SQL each stands as its place in this list (one byte); from CONFLICTING on it is a loss.
OUTCOMES = (
    *(BLANK, VALUE, NOT_PICKED, CONFLICTING, INVALID, UNMAPPED),
    *(f"{MISSING}{reason}" for reason in MISSING_REASONS),
)


def coded(outcome: str) -> int:
    """Return an outcome as it stands in SQL."""
    return OUTCOMES.index(outcome)


@dataclass(frozen=True)
class Step:
    """One named query."""

    name: str
    sql: str


@dataclass(frozen=True)
class Shared:
    """A part of a cell's SQL that is computed once for all who ask for it, in a column of its own."""

    name: str
    sql: str
    level: int
    """How many steps of shared parts come before it."""


@dataclass(frozen=True)
class Repeats:
    """How the rows of one key are reduced to one value, where they need not agree.

    Attributes:
        pick: the word of the rule (first, worst, mean …).
        order: SQL by which rows are ordered, NULL = not picked; empty: by their value.
        codes: the codes of the variable, the least bad first.
    """

    pick: str
    order: str = ""
    codes: tuple[str, ...] = ()

    @property
    def chooses(self) -> bool:
        """Whether it takes one of the values (and does not compute another)."""
        return self.pick not in {"mean", "median", "count", "any"}

    @property
    def extreme(self) -> str:
        """The end of the order that is taken."""
        return "max" if self.pick in {"last", "max", "worst"} else "min"


@dataclass(frozen=True)
class Read:
    """A variable that is read from columns.

    Attributes:
        name: its name; `number(column)` and the like where an expression reads a source column.
        cell: the SQL of one cell.
        blank: the reason of a blank cell.
        shared: parts of the cell that are computed before it.
        repeats: how several rows become one value; None: they must agree.
        reads: the columns of the step `keyed` that its SQL names.
    """

    name: str
    cell: Cell
    blank: MissingReason = "not_collected"
    shared: tuple[Shared, ...] = ()
    repeats: Repeats | None = None
    reads: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether it has comparators."""
        return self.cell.comparator != NULL

    @property
    def coded(self) -> bool:
        """Whether unmapped codes are told."""
        return self.cell.code != NULL

    @property
    def torn(self) -> bool:
        """Whether one row alone may hold a conflict."""
        return self.cell.candidates != NULL


@dataclass(frozen=True)
class Derived:
    """A variable that is computed."""

    name: str
    cell: Cell


@dataclass(frozen=True)
class Shape:
    """What all steps share: the block, its columns, names of tables, the key of the result."""

    block: EntityBlock
    columns: Columns
    tables: Mapping[str, str]
    keys: tuple[str, ...]
    instruments: Mapping[str, str]

    @property
    def rows(self) -> tuple[str, ...]:
        """The columns that number the source rows: of the block's own tables, and of each joined one."""
        return (ROW, *(f"{ROW}:{table}" for table in self.block.join))

    @property
    def state(self) -> list[str]:
        """What is kept of a row beside its cells, as SQL."""
        return [self.key_list, f"r.{identifier('#key')}", *(f"r.{identifier(row)}" for row in self.rows)]

    @property
    def key_list(self) -> str:
        """The key columns as SQL."""
        return ", ".join(f"r.{identifier(key)}" for key in self.keys)


Pairs = tuple[tuple[str, str], ...]


def beside(name: str, what: str) -> str:
    """Return the column that tells `what` of a variable."""
    return identifier(f"{name}|{what}")


def column_of(name: str, what: str = "") -> str:
    """Return a variable's column, or one beside it, of the step before."""
    return "r." + (beside(name, what) if what else identifier(name))


def selected(expressions: Iterable[str], source: str, tail: str = "") -> str:
    """Return a SELECT of the expressions from the step `source`, known as `r`."""
    listed = ",\n  ".join(expressions)
    return f"SELECT {listed}\nFROM {source} AS r{tail}"


def with_steps(steps: Iterable[Step], asked: str) -> str:
    """Return one statement: a question, and the steps that it reads."""
    named = ",\n".join(f"{step.name} AS (\n{step.sql}\n)" for step in steps)
    return f"WITH {named}\n{asked}"


def final_steps(
    levels: Sequence[Sequence[Derived]], participant: Sequence[str], absent: Mapping[str, str]
) -> list[Step]:
    """Add the participant's columns, compute what is derived, level by level, and add absent variables."""
    columns = ", ".join(["r.*", *(f"p.{identifier(name)}" for name in participant)])
    joined = f"SELECT {columns} FROM merged AS r"
    if participant:
        joined += " LEFT JOIN participants AS p ON p.participant_id = r.participant_id"
    found = [Step("level_0", joined)]
    for number, level in enumerate(levels, 1):
        texts = [text for one in level for text in _derive(one)]
        found.append(Step(f"level_{number}", f"SELECT r.*, {', '.join(texts)} FROM level_{number - 1} AS r"))
    nulls = [f", CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in absent.items()]
    found.append(Step("harmonised", f"SELECT r.*{''.join(nulls)} FROM {found[-1].name} AS r"))
    return found


def _derive(one: Derived) -> list[str]:
    cell = one.cell
    return [
        f"{cell.value} AS {identifier(one.name)}",
        f"coalesce({cell.reason}, {cell.flaw}, 'unknown') AS {beside(one.name, 'reason')}",
        f"{cell.flaw} AS {beside(one.name, 'flaw')}",
    ]
