"""What each write changed in a table that asks for it: counts, never values, and what was declared of the table then.

Kept in `omics.table_change` in the transaction of the table itself: no record without its rows, no rows without their
record. A declaration is kept once, by its digest. How tables are written: tables.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from psycopg2 import extensions as pg

from omics_orchestrator.storage.copying import identifier
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.layout import Layout
from omics_orchestrator.storage.state import lock

CREATE = """
    CREATE TABLE IF NOT EXISTS omics.declared (digest text PRIMARY KEY, content json NOT NULL);
    COMMENT ON TABLE omics.declared IS 'What was declared of tables when omics_orchestrator wrote them';
    CREATE TABLE IF NOT EXISTS omics.table_change (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "schema" text NOT NULL, name text NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now(), rows_before bigint, rows bigint NOT NULL,
        counted json NOT NULL, declared text NOT NULL REFERENCES omics.declared);
    CREATE INDEX IF NOT EXISTS table_change_place_idx ON omics.table_change ("schema", name, number);
    COMMENT ON TABLE omics.table_change IS 'What each write changed, as counts'
"""
THERE = "SELECT to_regclass('omics.table_change') IS NOT NULL"
LAST = """
    SELECT declared, content FROM omics.table_change JOIN omics.declared ON digest = declared
    WHERE "schema" = %s AND name = %s ORDER BY number DESC LIMIT 1
"""
SAVE = """
    INSERT INTO omics.table_change ("schema", name, rows_before, rows, counted, declared)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
LIST = """
    SELECT written_at, rows_before, rows, counted, now.content, before.content
    FROM (SELECT *, lag(declared) OVER (ORDER BY number) AS former FROM omics.table_change
          WHERE "schema" = %s AND name = %s) change
    JOIN omics.declared now ON now.digest = change.declared
    LEFT JOIN omics.declared before ON before.digest = change.former
    WHERE written_at >= %s ORDER BY number DESC LIMIT %s
"""
Declared = Mapping[str, Any]  # of a table; `columns`: name → {`is`: what it shows, whatever its name, …}


@dataclass(frozen=True)
class Counted:
    """How two contents of a table differ.

    Attributes:
        added: rows whose key is new.
        removed: rows whose key is gone.
        changed: rows with a changed cell in a column that both have.
        cells: column, by its new name → changed cells; those without any are left out.
        came: columns that are new.
        went: columns that are gone.
        comparable: False where the key is another one: then no row can be followed, and nothing is counted.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: Mapping[str, int] = field(default_factory=dict)
    came: Sequence[str] = ()
    went: Sequence[str] = ()
    comparable: bool = True

    @property
    def any(self) -> bool:
        """Whether they differ at all."""
        return bool(
            self.added or self.removed or self.changed or self.came or self.went or not self.comparable
        )


@dataclass(frozen=True)
class TableChange:
    """One write that changed something.

    Attributes:
        written_at: start of its transaction.
        rows_before: rows before; None = there was no table.
        rows: rows since then.
        counted: what it changed.
        declared: what was declared of the table then.
        former: what was declared before; None = no record was kept.
    """

    written_at: datetime
    rows_before: int | None
    rows: int
    counted: Counted
    declared: Declared
    former: Declared | None


def list_changes(
    database: Database, schema: str, name: str, *, since: datetime | None = None, last: int | None = None
) -> list[TableChange]:
    """Return the recorded changes of a table since a moment, or the `last` few of them; the first one first."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(THERE)
        if cursor.fetchone() != (True,):
            return []
        cursor.execute(LIST, (schema, name, since or "-infinity", last))
        return [
            TableChange(at, before, rows, Counted(**counted), declared, former)
            for at, before, rows, counted, declared, former in reversed(cursor.fetchall())
        ]


def ensure_changes(cursor: pg.cursor) -> None:
    """Create the tables of changes when they are missing."""
    cursor.execute(THERE)
    if cursor.fetchone() != (True,):
        lock(cursor, "omics")
        cursor.execute(CREATE)


def last_declared(cursor: pg.cursor, schema: str, name: str) -> tuple[str, Declared] | None:
    """Return digest and content of what was declared when the table's last change was recorded."""
    cursor.execute(LAST, (schema, name))
    row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def record(
    cursor: pg.cursor,
    place: tuple[str, str],
    rows: tuple[int | None, int],
    counted: Counted,
    declared: Declared,
) -> None:
    """Keep what a write changed, if it changed anything: rows, columns or what is declared of them.

    Args:
        cursor: in the transaction of the write.
        place: schema and name of the table.
        rows: their number before (None = no table) and now.
        counted: what differs.
        declared: what is declared of the table now.
    """
    text = json.dumps(declared, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    last = last_declared(cursor, *place)
    if last is not None and last[0] == digest and rows[0] is not None and not counted.any:
        return
    cursor.execute("INSERT INTO omics.declared VALUES (%s, %s) ON CONFLICT DO NOTHING", (digest, text))
    cursor.execute(SAVE, (*place, *rows, json.dumps(asdict(counted)), digest))


def compare(
    cursor: pg.cursor, old: tuple[str, Layout], new: tuple[str, Layout], same: Mapping[str, str]
) -> Counted:
    """Count how the table `new` differs from `old`; both are quoted names with their layouts.

    Args:
        cursor: a transaction that sees both.
        old: the table as it was.
        new: the table as it shall be.
        same: new column → the old one that shows the same, under whatever name.
    """
    (before, held), (now, made) = old, new
    types_before, types_now = dict(held.columns), dict(made.columns)
    met = {name: same[name] for name in types_now if same.get(name) in types_before}
    came = [name for name in types_now if name not in met]
    went = [name for name in types_before if name not in {*met.values()}]
    alike = {name: was for name, was in met.items() if types_now[name] == types_before[was]}
    key = [(name, alike.get(name)) for name in made.key]
    if {was for _, was in key} != {*held.key}:
        return Counted(came=came, went=went, comparable=False)
    cells = {name: was for name, was in alike.items() if name not in made.key}
    joined = " AND ".join(f"o.{identifier(was or '')} = n.{identifier(name)}" for name, was in key)
    first, first_was = identifier(made.key[0]), identifier(key[0][1] or "")
    both = f"o.{first_was} IS NOT NULL AND n.{first} IS NOT NULL"
    differ = [f"n.{identifier(name)} IS DISTINCT FROM o.{identifier(was)}" for name, was in cells.items()]
    asked = [f"o.{first_was} IS NULL", f"n.{first} IS NULL", f"{both} AND ({' OR '.join(differ) or 'false'})"]
    asked += [f"{both} AND {one}" for one in differ]
    counts = ", ".join(f"count(*) FILTER (WHERE {one})" for one in asked)
    cursor.execute(f"SELECT {counts} FROM {before} o FULL JOIN {now} n ON {joined}")
    added, removed, changed, *numbers = cursor.fetchone() or ()
    found = {name: number for name, number in zip(cells, numbers, strict=True) if number}
    return Counted(added, removed, changed, found, came, went)


def same_columns(old: Layout, former: Declared | None, declared: Declared) -> dict[str, str]:
    """Return new column → old column that shows the same; without a record of then columns meet by their names."""
    if former is None:
        return {name: name for name, _ in old.columns}
    was = {one["is"]: name for name, one in former["columns"].items()}
    return {name: was[one["is"]] for name, one in declared["columns"].items() if one["is"] in was}
