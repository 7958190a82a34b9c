"""What was written last into each table: `omics.table_state`, changed in the transaction of the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from psycopg2 import errors
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database

WAIT = "30min"  # longer than any write takes; a writer that hangs is told, not waited for
SELECT = """
    SELECT "schema", name, fingerprint, rows, arrow_schema, "key", description, written_at
    FROM omics.table_state
"""
CREATE = """
    CREATE TABLE IF NOT EXISTS omics.table_state (
        "schema" text, name text, fingerprint text NOT NULL, rows bigint NOT NULL,
        arrow_schema bytea NOT NULL, "key" text[] NOT NULL, description text NOT NULL,
        written_at timestamptz NOT NULL, PRIMARY KEY ("schema", name));
    COMMENT ON TABLE omics.table_state IS 'What omics_orchestrator wrote last into each table'
"""
SAVE = """
    INSERT INTO omics.table_state VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT ("schema", name) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, rows = EXCLUDED.rows,
        arrow_schema = EXCLUDED.arrow_schema, "key" = EXCLUDED."key", description = EXCLUDED.description,
        written_at = EXCLUDED.written_at
"""


@dataclass(frozen=True)
class TableState:
    """What the table `schema.name` holds since `written_at`.

    Attributes:
        schema: Postgres schema.
        name: table name.
        fingerprint: of the content in key order, without the columns that the writer ignored.
        rows: their number.
        arrow_schema: as written, field metadata included.
        key: columns of the primary key.
        description: the table's comment as the writer gave it.
        written_at: when content or description changed last.
    """

    schema: str
    name: str
    fingerprint: str
    rows: int
    arrow_schema: pa.Schema
    key: tuple[str, ...]
    description: str
    written_at: datetime

    @classmethod
    def of(cls, row: Iterable[Any]) -> TableState:
        """Return the state in one row of `SELECT`."""
        schema, name, fingerprint, rows, arrow_schema, key, description, written_at = row
        fields = pa.ipc.read_schema(pa.py_buffer(bytes(arrow_schema)))
        return cls(schema, name, fingerprint, rows, fields, tuple(key), description, written_at)


def table_state(database: Database, schema: str, name: str) -> TableState | None:
    """Return what was written last into a table; None when it was never written or was dropped."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        return find_state(cursor, schema, name)


def list_tables(database: Database) -> list[TableState]:
    """Return the state of every written table that still exists, by schema and name."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        if not _exists(cursor):
            return []
        still_there = """WHERE ("schema", name) IN (SELECT schemaname, tablename FROM pg_tables)"""
        cursor.execute(f"{SELECT} {still_there} ORDER BY 1, 2")
        return [TableState.of(row) for row in cursor]


def find_state(cursor: pg.cursor, schema: str, name: str) -> TableState | None:
    """Return the state of one table within a transaction."""
    if not _exists(cursor):
        return None
    cursor.execute(f"""{SELECT} WHERE "schema" = %s AND name = %s""", (schema, name))
    row = cursor.fetchone()
    return TableState.of(row) if row else None


def save_state(cursor: pg.cursor, state: TableState) -> None:
    """Store `state`."""
    fields = state.arrow_schema.serialize().to_pybytes()
    content = (state.fingerprint, state.rows, fields, list(state.key))
    cursor.execute(SAVE, (state.schema, state.name, *content, state.description, state.written_at))


def delete_state(cursor: pg.cursor, schema: str, name: str) -> None:
    """Forget a table that was dropped."""
    cursor.execute('DELETE FROM omics.table_state WHERE "schema" = %s AND name = %s', (schema, name))


def ensure_state(cursor: pg.cursor) -> None:
    """Create the state table when it is missing."""
    if not _exists(cursor):
        lock(cursor, "omics")
        ensure_schema(cursor, "omics")
        cursor.execute(CREATE)


def ensure_schema(cursor: pg.cursor, name: str) -> None:
    """Create a Postgres schema when it is missing; the lock keeps two first writers from colliding."""
    cursor.execute("SELECT FROM pg_namespace WHERE nspname = %s", (name,))
    if not cursor.fetchone():
        lock(cursor, name)
        quoted = name.replace('"', '""')
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{quoted}"')


def lock(cursor: pg.cursor, *path: str) -> None:
    """Wait for the right to change what bears this name; held to the end of the transaction.

    No statement of the transaction waits longer than `WAIT` for what others hold.

    Raises:
        StorageError: another run holds it for longer.
    """
    name = "\n".join(("omics", *path))
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (WAIT,))
    try:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
    except errors.LockNotAvailable:
        raise StorageError(
            f"{'.'.join(path)}: another run is writing it for more than {WAIT}; wait for that run or end it "
            "(pg_stat_activity shows it as application omics), then run again",
            retry=True,
        ) from None


def _exists(cursor: pg.cursor) -> bool:
    cursor.execute("SELECT to_regclass('omics.table_state') IS NOT NULL")
    row = cursor.fetchone()
    return row is not None and bool(row[0])
