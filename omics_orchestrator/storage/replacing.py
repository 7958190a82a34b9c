"""A table of another shape: built beside the old one while that is read, then put in its place under a short lock.

Grants, comments and views of the old table are kept; indexes, triggers and policies made by hand are not.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from psycopg2 import errors
from psycopg2 import extensions as pg

from omics_orchestrator.columns import LIMIT
from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.copying import copy_into, identifier
from omics_orchestrator.storage.layout import Layout, add_key, create

PATIENCE = 0.25  # seconds for which readers that come queue behind us, before they are let pass
PAUSE = 0.5  # seconds in which they pass
TRIES = 240  # about three minutes
GRANTEE = "CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END"
OPTION = "CASE WHEN given.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
KEPT = f"""
    SELECT 1 AS place, format('REVOKE ALL ON %%s FROM %%s', %(new)s, {GRANTEE})
    FROM pg_class, aclexplode(relacl) given WHERE oid = to_regclass(%(new)s) AND given.grantee <> relowner
    AND to_regclass(%(old)s) IS NOT NULL  -- a table that is quite new keeps the default privileges
    UNION
    SELECT 2, format('GRANT %%s ON %%s TO %%s%%s', given.privilege_type, %(new)s, {GRANTEE}, {OPTION})
    FROM pg_class, aclexplode(relacl) given WHERE oid = to_regclass(%(old)s) AND given.grantee <> relowner
    UNION
    SELECT 3, format('GRANT %%s (%%I) ON %%s TO %%s%%s', given.privilege_type, attname, %(new)s, {GRANTEE}, {OPTION})
    FROM pg_attribute held JOIN pg_attribute made USING (attname), aclexplode(held.attacl) given
    WHERE held.attrelid = to_regclass(%(old)s) AND made.attrelid = to_regclass(%(new)s)
    UNION
    SELECT 4, format('COMMENT ON COLUMN %%s.%%I IS %%L', %(new)s, attname, col_description(held.attrelid, held.attnum))
    FROM pg_attribute held JOIN pg_attribute made USING (attname)
    WHERE held.attrelid = to_regclass(%(old)s) AND made.attrelid = to_regclass(%(new)s)
    AND col_description(held.attrelid, held.attnum) IS NOT NULL
    ORDER BY place
"""
VIEWS = f"""
    WITH RECURSIVE above (oid, depth) AS (
        SELECT to_regclass(%s)::oid, 0
        UNION
        SELECT ev_class, depth + 1 FROM above JOIN pg_depend d ON d.refobjid = above.oid
        JOIN pg_rewrite r ON r.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND ev_class <> above.oid)
    SELECT v.oid::regclass::text, 'CREATE VIEW ' || v.oid::regclass
            || coalesce(' WITH (' || array_to_string(v.reloptions, ', ') || ')', '') || ' AS ' || pg_get_viewdef(v.oid),
        array(SELECT format('GRANT %%s ON %%s TO %%s%%s', given.privilege_type, v.oid::regclass, {GRANTEE}, {OPTION})
              FROM aclexplode(v.relacl) given WHERE given.grantee <> v.relowner)
        || format('ALTER VIEW %%s OWNER TO %%s', v.oid::regclass, v.relowner::regrole)
        || format('COMMENT ON VIEW %%s IS %%L', v.oid::regclass, obj_description(v.oid, 'pg_class'))
    FROM (SELECT oid, max(depth) AS depth FROM above GROUP BY oid) a JOIN pg_class v USING (oid)
    WHERE relkind = 'v' ORDER BY a.depth
"""
HOLDERS = """
    SELECT string_agg(DISTINCT pid::text, ', ') FROM pg_locks
    WHERE relation = to_regclass(%s) AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True)
class Replacement:
    """The place of a table; `built` is the name under which its successor waits, seen by no other transaction."""

    schema: str
    name: str

    @property
    def old(self) -> str:
        """The table, quoted."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    @property
    def built(self) -> str:
        """Its successor, quoted."""
        return f"{identifier(self.schema)}.{identifier(self._built)}"

    @property
    def _built(self) -> str:
        return f"omics_new_{hashlib.sha256(self.name.encode()).hexdigest()[:16]}"

    def build(self, cursor: pg.cursor, layout: Layout, table: pa.Table) -> None:
        """Write the new table with its key; the old one's grants and comments of columns pass over to it."""
        cursor.execute(f"DROP TABLE IF EXISTS {self.built}")
        create(cursor, self.built, layout)
        copy_into(cursor, self.built, table, freeze=True)
        add_key(cursor, self.built, layout)
        cursor.execute(KEPT, {"old": self.old, "new": self.built})
        for _, statement in cursor.fetchall():
            cursor.execute(statement)

    def put_in_place(self, cursor: pg.cursor) -> None:
        """Drop the old table and give its name to the new one; readers wait from here to the end of the transaction.

        Raises:
            StorageError: readers do not let go of the old table, or something but a view hangs on it.
        """
        _patiently(cursor, self.old, lambda: self._swap(cursor))

    def _swap(self, cursor: pg.cursor) -> None:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (self.old,))
        if cursor.fetchone() == (True,):
            cursor.execute(f"LOCK TABLE {self.old} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(VIEWS, (self.old,))
        views = cursor.fetchall()
        for view, _, _ in reversed(views):
            cursor.execute(f"DROP VIEW {view}")
        try:
            cursor.execute(f"DROP TABLE IF EXISTS {self.old}")
        except errors.DependentObjectsStillExist as error:
            raise StorageError(
                f"its columns changed, and what hangs on it keeps the old table: {error.diag.message_detail}; "
                "drop that, then run again"
            ) from None
        cursor.execute(f"ALTER TABLE {self.built} RENAME TO {identifier(self.name)}")
        self._name_key(cursor)
        for view, statement, rest in views:
            _restore(cursor, view, statement, rest)

    def _name_key(self, cursor: pg.cursor) -> None:
        """Call the primary key after the table, unless another index bears that name."""
        wanted = self.name.encode()[: LIMIT - len("_pkey")].decode(errors="ignore") + "_pkey"
        quoted = f"{identifier(self.schema)}.{identifier(wanted)}"
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p' "
            "AND to_regclass(%s) IS NULL",
            (self.old, quoted),
        )
        if row := cursor.fetchone():
            cursor.execute(
                f"ALTER TABLE {self.old} RENAME CONSTRAINT {identifier(row[0])} TO {identifier(wanted)}"
            )


def _patiently(cursor: pg.cursor, target: str, run: Callable[[], None]) -> None:
    """Run what needs the table for itself; who waits for long lets others pass and tries again."""
    cursor.execute("SHOW lock_timeout")
    row = cursor.fetchone()
    for left in reversed(range(TRIES)):
        cursor.execute(f"SAVEPOINT swap; SET LOCAL lock_timeout = '{PATIENCE * 1000:.0f}ms'")
        try:
            run()
            break
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            cursor.execute("ROLLBACK TO SAVEPOINT swap")
            if not left:
                raise _held(cursor, target) from None
            time.sleep(PAUSE)
    cursor.execute("SET LOCAL lock_timeout = %s", (row[0] if row else "0",))


def _held(cursor: pg.cursor, target: str) -> StorageError:
    cursor.execute(HOLDERS, (target,))
    row = cursor.fetchone()
    return StorageError(
        f"its columns changed, but readers hold the old table for more than {TRIES * (PATIENCE + PAUSE):.0f} s "
        f"(Postgres processes {row[0] if row else '?'}); end their transactions, then run again",
        retry=True,
    )


def _restore(cursor: pg.cursor, view: str, statement: str, rest: list[str]) -> None:
    try:
        cursor.execute(statement)
    except (errors.UndefinedColumn, errors.SyntaxErrorOrAccessRuleViolation) as error:
        raise StorageError(
            f"its columns changed, and the view {view} does not fit any more ({error.diag.message_primary}); "
            "drop or change the view, then run again"
        ) from None
    for more in rest:
        cursor.execute(more)
