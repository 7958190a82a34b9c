"""The shape of a table: columns, Postgres types, primary key, comments. Its rows are for tables.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from psycopg2 import extensions as pg

from omics_orchestrator.columns import LIMIT
from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.columntypes import place
from omics_orchestrator.storage.copying import identifier, names

MOST = 1600  # columns
FIND = """
    SELECT c.oid::regclass::text, obj_description(c.oid, 'pg_class'),
        array(SELECT ARRAY[attname, format_type(atttypid, atttypmod)] FROM pg_attribute
              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
        array(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
              JOIN pg_attribute a USING (attnum)
              WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY k.place)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


@dataclass(frozen=True)
class Layout:
    """Columns as (name, Postgres type) in their order, and the columns of the primary key."""

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @classmethod
    def of(cls, fields: pa.Schema, key: Sequence[str]) -> Layout:
        """Return the layout that holds `fields`.

        Raises:
            StorageError: a name that Postgres would cut, a key that is no column, a type without a place.
        """
        if len(set(fields.names)) < len(fields.names):
            raise StorageError("two columns bear the same name")
        if not key or not set(key) <= set(fields.names):
            raise StorageError(f"the key ({', '.join(key)}) must name columns of the table")
        if len(fields) > MOST:
            raise StorageError(f"{len(fields)} columns; a Postgres table has at most {MOST:,}")
        return cls(tuple((field.name, _type(field)) for field in fields), tuple(key))


def _type(field: pa.Field) -> str:
    if not 0 < len(field.name.encode()) <= LIMIT or "\0" in field.name:
        raise StorageError(f'column "{field.name}": a name has 1 to {LIMIT} bytes')
    if found := place(field.type):
        return found.sql
    raise StorageError(
        f'column "{field.name}": Arrow type {field.type} has no place in Postgres; cast it first'
    )


def find_layout(cursor: pg.cursor, schema: str, name: str) -> tuple[Layout, str] | None:
    """Return the layout and comment of an existing table; None when there is none."""
    cursor.execute(FIND, (schema, name))
    if (row := cursor.fetchone()) is None:
        return None
    _, text, columns, key = row
    return Layout(tuple((column, type_) for column, type_ in columns), tuple(key)), text or ""


def create(cursor: pg.cursor, target: str, layout: Layout) -> None:
    """Create the table without its key, which is cheaper to add after the rows; text keys sort bytewise."""
    columns = []
    for name, type_ in layout.columns:
        collation = ' COLLATE "C" NOT NULL' if type_ == "text" else " NOT NULL"
        columns.append(f"{identifier(name)} {type_}{collation if name in layout.key else ''}")
    cursor.execute(f"CREATE TABLE {target} ({', '.join(columns)})")


def add_key(cursor: pg.cursor, target: str, layout: Layout) -> None:
    """Make the key columns the primary key."""
    cursor.execute(f"ALTER TABLE {target} ADD PRIMARY KEY ({names(layout.key)})")


def comment(cursor: pg.cursor, target: str, fields: pa.Schema, description: str) -> None:
    """Comment the table, and every column whose field metadata hold a `description`."""
    statements = list(_comments(target, fields, description))
    texts = [cursor.mogrify("%s", (text or None,)).decode() for _, text in statements]
    if statements:
        cursor.execute(
            "; ".join(f"COMMENT ON {on} IS {text}" for (on, _), text in zip(statements, texts, strict=True))
        )


def _comments(target: str, fields: pa.Schema, description: str) -> Iterator[tuple[str, str]]:
    if description:
        yield f"TABLE {target}", description
    for field in fields:
        if text := (field.metadata or {}).get(b"description", b"").decode():
            yield f"COLUMN {target}.{identifier(field.name)}", text
