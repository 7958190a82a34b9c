"""The only way tables are written: unchanged content touches nothing, changed content the rows that differ.

How a table is read is in reading.py, what was written last in state.py; both are offered here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg2
import pyarrow as pa
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.changes import (
    Counted,
    Declared,
    compare,
    ensure_changes,
    last_declared,
    record,
    same_columns,
)
from omics_orchestrator.storage.copying import copy_into, identifier, names
from omics_orchestrator.storage.database import Database, translated
from omics_orchestrator.storage.fingerprint import fingerprint, in_key_order
from omics_orchestrator.storage.layout import Layout, comment, find_layout
from omics_orchestrator.storage.reading import read_query, read_table
from omics_orchestrator.storage.replacing import Replacement
from omics_orchestrator.storage.state import (
    TableState,
    delete_state,
    ensure_schema,
    ensure_state,
    find_state,
    list_tables,
    lock,
    save_state,
    table_state,
)

__all__ = [
    "TableState",
    "TableWrite",
    "Written",
    "drop_table",
    "fingerprint",
    "list_tables",
    "read_query",
    "read_table",
    "table_state",
    "write_tables",
]
STAGED = "pg_temp.omics_staged"


@dataclass(frozen=True)
class TableWrite:
    """What a table shall hold.

    Attributes:
        schema: Postgres schema, created when missing.
        name: table name.
        table: the rows, in any order; `description` in the field metadata becomes the column's comment.
        key: columns that are never empty and name each row once.
        ignore: columns that make no row differ (`run_id`): written with rows that change, else left alone.
        description: comment of the table; empty keeps the comment there is.
        declared: what is declared of the table (changes.py); with it what each write changes is counted and kept.
    """

    schema: str
    name: str
    table: pa.Table
    key: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    description: str = ""
    declared: Declared | None = None


@dataclass(frozen=True)
class Written:
    """What a write did; a table of another shape is replaced: all its rows deleted, all new ones inserted."""

    schema: str
    name: str
    rows: int
    inserted: int
    updated: int
    deleted: int
    fingerprint: str

    @property
    def touched(self) -> int:
        """Rows written or removed."""
        return self.inserted + self.updated + self.deleted


def write_tables(database: Database, writes: Sequence[TableWrite]) -> list[Written]:
    """Make the tables hold what the writes say in one transaction: after an error or crash the old rows stand.

    Two writers of a table wait for each other; readers never see half a write, and wait only for the moment
    in which a table of another shape takes the place of the old one, after everything else is written.

    Raises:
        StorageError: content that cannot be stored, told by table, column and count; or the database failed.
    """
    ready = {(write.schema, write.name): _ready(write) for write in writes}
    if len(ready) < len(writes):
        raise StorageError("two writes for one table")
    with database.transaction() as connection, connection.cursor() as cursor:
        ensure_state(cursor)
        if any(write.declared is not None for write in writes):
            ensure_changes(cursor)
        for schema in sorted({schema for schema, _ in ready}):
            ensure_schema(cursor, schema)
        connection.commit()  # so that writers of other tables do not wait for us
        for place in sorted(ready):  # in one order for all, so that none waits for another in a circle
            lock(cursor, *place)
        done = {}
        for place in sorted(ready):
            with _named(ready[place].write):
                done[place] = _write(cursor, ready[place])
        for place in sorted(ready):
            if done[place].replaces:
                with _named(ready[place].write):
                    Replacement(*place).put_in_place(cursor)
    return [done[place].written for place in ready]


def drop_table(database: Database, schema: str, name: str) -> None:
    """Drop a table and what is known of it; nothing happens when there is none."""
    with database.transaction() as connection, connection.cursor() as cursor:
        ensure_state(cursor)
        lock(cursor, schema, name)
        cursor.execute(f"DROP TABLE IF EXISTS {identifier(schema)}.{identifier(name)}")
        delete_state(cursor, schema, name)


@dataclass(frozen=True)
class _Ready:
    """A write checked and brought into key order before any lock is taken."""

    write: TableWrite
    table: pa.Table
    layout: Layout
    fingerprint: str

    @property
    def target(self) -> str:
        return f"{identifier(self.write.schema)}.{identifier(self.write.name)}"

    def state(self, description: str) -> TableState:
        write, now = self.write, datetime.now(UTC)
        rows, fields = self.table.num_rows, self.table.schema
        return TableState(
            write.schema, write.name, self.fingerprint, rows, fields, write.key, description, now
        )


@dataclass(frozen=True)
class _Done:
    """A write that is done, but for putting the new table in its place if it `replaces` another."""

    written: Written
    replaces: bool


@contextmanager
def _named(write: TableWrite) -> Iterator[None]:
    """Put the table's name before errors."""
    try:
        yield
    except psycopg2.Error as error:
        told = translated(error)
        raise StorageError(f"{write.schema}.{write.name}: {told}", retry=told.retry) from None
    except StorageError as error:
        raise StorageError(f"{write.schema}.{write.name}: {error}", retry=error.retry) from None


def _ready(write: TableWrite) -> _Ready:
    with _named(write):
        layout = Layout.of(write.table.schema, write.key)
        table = in_key_order(write.table, write.key)
        return _Ready(write, table, layout, fingerprint(table, ignore=write.ignore))


def _write(cursor: pg.cursor, ready: _Ready) -> _Done:
    write, rows = ready.write, ready.table.num_rows
    state = find_state(cursor, write.schema, write.name)
    found = find_layout(cursor, write.schema, write.name)
    same_layout = found is not None and found[0] == ready.layout
    held = _count(cursor, ready.target) if found else 0
    inserted, updated, deleted = 0, 0, 0
    target, counted = ready.target, Counted()
    if not same_layout:
        replacement = Replacement(write.schema, write.name)
        replacement.build(cursor, ready.layout, ready.table)
        target = replacement.built
        inserted, deleted = rows, held
        counted = _counted(cursor, ready, found[0], target) if found else Counted(added=rows)
    elif held == 0:
        copy_into(cursor, ready.target, ready.table)
        inserted, counted = rows, Counted(added=rows)
    elif state is None or (state.fingerprint, state.rows) != (ready.fingerprint, held):
        inserted, updated, deleted, counted = _merge(cursor, ready)
    description = write.description or (found[1] if found else "")
    _remember(cursor, ready, state if same_layout else None, target, description)
    if write.declared is not None:
        before = held if found else None
        record(cursor, (write.schema, write.name), (before, rows), counted, write.declared)
    written = Written(write.schema, write.name, rows, inserted, updated, deleted, ready.fingerprint)
    return _Done(written, replaces=not same_layout)


def _counted(cursor: pg.cursor, ready: _Ready, old: Layout, built: str) -> Counted:
    """Count how the new rows differ from the old ones, if the write asks for it."""
    write = ready.write
    if write.declared is None:
        return Counted()
    last = last_declared(cursor, write.schema, write.name)
    same = same_columns(old, last[1] if last else None, write.declared)
    return compare(cursor, (ready.target, old), (built, ready.layout), same)


def _merge(cursor: pg.cursor, ready: _Ready) -> tuple[int, int, int, Counted]:
    """Delete, update and insert the rows that differ; return inserted, updated, deleted, and what differed."""
    columns, key, target = ready.table.column_names, ready.write.key, ready.target
    compared = [column for column in columns if column not in (*key, *ready.write.ignore)]
    same_key = f"({names(key, 'held.')}) = ({names(key, 'staged.')})"
    cursor.execute(
        f"SET LOCAL work_mem = '64MB'; CREATE TEMPORARY TABLE {STAGED} (LIKE {target}) ON COMMIT DROP"
    )
    copy_into(cursor, STAGED, ready.table)
    counted = _counted(cursor, ready, ready.layout, STAGED)
    cursor.execute(
        f"DELETE FROM {target} held WHERE NOT EXISTS (SELECT FROM {STAGED} staged WHERE {same_key})"
    )
    deleted = cursor.rowcount
    updated = 0
    if compared:
        changes = ", ".join(f"{identifier(c)} = staged.{identifier(c)}" for c in columns if c not in key)
        differs = f"ROW({names(compared, 'held.')}) IS DISTINCT FROM ROW({names(compared, 'staged.')})"
        cursor.execute(
            f"UPDATE {target} held SET {changes} FROM {STAGED} staged WHERE {same_key} AND {differs}"
        )
        updated = cursor.rowcount
    fresh = f"NOT EXISTS (SELECT FROM {target} held WHERE {same_key})"
    cursor.execute(
        f"INSERT INTO {target} ({names(columns)}) SELECT {names(columns)} FROM {STAGED} staged WHERE {fresh}"
    )
    inserted = cursor.rowcount
    cursor.execute(f"DROP TABLE {STAGED}")
    return inserted, updated, deleted, counted


def _remember(
    cursor: pg.cursor, ready: _Ready, old: TableState | None, target: str, description: str
) -> None:
    """Store state and comments, each only when it changed."""
    new = ready.state(description)
    told = (
        old
        and old.description == description
        and old.arrow_schema.equals(new.arrow_schema, check_metadata=True)
    )
    if not told:
        comment(cursor, target, ready.table.schema, description)
    if not told or old is None or (old.fingerprint, old.rows) != (new.fingerprint, new.rows):
        save_state(cursor, new)


def _count(cursor: pg.cursor, target: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {target}")
    row = cursor.fetchone()
    return int(row[0]) if row else 0
