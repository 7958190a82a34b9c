"""The SQL of each step of an entity's query. What goes in was checked in compile.py.

rows → kept → keyed → read → cells (one row per source row) → merged (one row per key) → … → harmonised.
Beside a variable `x` stand the columns `x|outcome`, `x|reason`, `x|comparator`, `x|flaw`, `x|code`,
`x|conflict`, `x|rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from omics_orchestrator.dictionary import MissingReason
from omics_orchestrator.harmonise.columns import Columns
from omics_orchestrator.studies import EntityBlock
from omics_orchestrator.verbs.base import NULL, Cell, identifier, literal

ROW = "#row"  # a source row's number over all raw tables of the block
OK, NO_KEY, UNREADABLE = "ok", "no_key", "unreadable_id"
BLANK, VALUE, MISSING, INVALID, UNMAPPED = "blank", "value", "missing:", "invalid", "unmapped"


@dataclass(frozen=True)
class Step:
    """One named query."""

    name: str
    sql: str


@dataclass(frozen=True)
class Read:
    """A variable that is read from columns, and the reason of a blank cell."""

    name: str
    cell: Cell
    blank: MissingReason = "not_collected"

    @property
    def marked(self) -> bool:
        """Whether it has comparators."""
        return self.cell.comparator != NULL

    @property
    def coded(self) -> bool:
        """Whether unmapped codes are told."""
        return self.cell.code != NULL


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


def selected(shape: Shape, expressions: Iterable[str], source: str, tail: str = "", *, only: str = "") -> str:
    """Return a SELECT of the keys (or `only`) and the expressions, from the step `source`."""
    listed = ",\n  ".join([only or shape.key_list, *expressions])
    return f"SELECT {listed}\nFROM {source} AS r{tail}"


def cell_steps(shape: Shape, read: Sequence[Read]) -> list[Step]:
    """Read every rule on every row, tell each cell's outcome, then merge the rows of a key."""
    state = ", ".join(
        [shape.key_list, f"r.{identifier('#key')}", *(f"r.{identifier(row)}" for row in shape.rows)]
    )
    texts = [text for one in read for text in _read(one)]
    cells = [text for one in read for text in _cell(one)]
    gathered = [text for one in read for text in _gather(one)]
    merged = [text for one in read for text in _merge(one)]
    grouped = f"\nWHERE r.{identifier('#key')} = '{OK}' GROUP BY {shape.key_list}"
    return [
        Step("read", selected(shape, texts, "keyed", only=state)),
        Step("cells", selected(shape, cells, "read", only=state)),
        Step("gathered", selected(shape, ['count(*) AS "#rows"', *gathered], "cells", grouped)),
        Step("merged", selected(shape, ['r."#rows"', *merged], "gathered")),
    ]


def _read(one: Read) -> list[str]:
    cell = one.cell
    found = {"": cell.value, "reason": cell.reason, "answered": cell.answered}
    found |= {"comparator": cell.comparator} if one.marked else {}
    found |= {"flaw": cell.flaw} if cell.hides else {}
    found |= {"code": cell.code} if one.coded else {}
    return [
        f"{sql} AS {beside(one.name, what) if what else identifier(one.name)}" for what, sql in found.items()
    ]


def _cell(one: Read) -> list[str]:
    name, cell = one.name, one.cell
    value, reason, answered = column_of(name), column_of(name, "reason"), column_of(name, "answered")
    lost = (
        literal(MISSING + cell.otherwise)
        if cell.otherwise
        else column_of(name, "flaw")
        if cell.hides
        else cell.flaw
    )
    outcome = (
        f"CASE WHEN NOT ({answered}) THEN '{BLANK}' WHEN {reason} IS NOT NULL THEN '{MISSING}' || {reason} "
        f"WHEN {value} IS NOT NULL THEN '{VALUE}' ELSE {lost} END"
    )
    found = [f"CASE WHEN {reason} IS NULL THEN {value} END AS {identifier(name)}"]
    found.append(f"{outcome} AS {beside(name, 'outcome')}")
    kept = ["comparator"] * one.marked + ["code"] * one.coded + ["flaw"] * cell.hides
    return found + [column_of(name, what) for what in kept]


def _gather(one: Read) -> list[str]:
    name = one.name
    value, outcome = column_of(name), column_of(name, "outcome")
    lost = f"CASE WHEN {value} IS NULL AND {outcome} <> '{BLANK}' THEN {outcome} END"
    found = [
        f"min({value}) AS {identifier(name)}",
        f"max({value}) AS {beside(name, 'max')}",
        f"count({value}) AS {beside(name, 'rows')}",
        f"CASE WHEN min({lost}) = max({lost}) THEN min({lost}) "
        f"WHEN min({lost}) IS NOT NULL THEN '{MISSING}unknown' END AS {beside(name, 'lost')}",
    ]
    if one.marked:
        mark = f"CASE WHEN {value} IS NOT NULL THEN coalesce({column_of(name, 'comparator')}, '') END"
        found += [f"min({mark}) AS {beside(name, 'comparator')}", f"max({mark}) AS {beside(name, 'mark')}"]
    return found


def _merge(one: Read) -> list[str]:
    name = one.name
    value, lost = column_of(name), column_of(name, "lost")
    differs = f"{value} IS DISTINCT FROM {column_of(name, 'max')}"
    if one.marked:
        differs += f" OR {column_of(name, 'comparator')} IS DISTINCT FROM {column_of(name, 'mark')}"
    reason = (
        f"CASE WHEN {differs} THEN 'unknown' WHEN {value} IS NOT NULL THEN NULL "
        f"WHEN {lost} LIKE '{MISSING}%' THEN substr({lost}, {len(MISSING) + 1}) "
        f"WHEN {lost} IS NOT NULL THEN '{INVALID}' ELSE {literal(one.blank)} END"
    )
    found = [
        f"CASE WHEN NOT ({differs}) THEN {value} END AS {identifier(name)}",
        f"({differs}) AS {beside(name, 'conflict')}",
        column_of(name, "rows"),
        f"{reason} AS {beside(name, 'reason')}",
    ]
    if one.marked:
        mark = f"nullif({column_of(name, 'comparator')}, '')"
        found.append(f"CASE WHEN NOT ({differs}) THEN {mark} END AS {beside(name, 'comparator')}")
    return found


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
    why = f"CASE WHEN ({cell.value}) IS NULL THEN coalesce({cell.reason}, {cell.flaw}, 'unknown') END"
    return [
        f"{cell.value} AS {identifier(one.name)}",
        f"{why} AS {beside(one.name, 'reason')}",
        f"{cell.flaw} AS {beside(one.name, 'flaw')}",
    ]
