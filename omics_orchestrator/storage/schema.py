"""Brings the fixed tables (schema `registry`, see migrations/tables.py) to the revision of this code.

Neither SQLAlchemy nor Alembic is imported unless a revision must be applied: `migrate` stands at every door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2.errors

from omics_orchestrator.errors import StorageError

if TYPE_CHECKING:
    from omics_orchestrator.storage.database import Database

REVISION = "0004"
REVISION_QUERY = "select version_num from registry.alembic_version"
LOCK = 0x6F6D696373  # "omics": every migrating client asks for this one advisory lock


def migrate(database: Database) -> bool:
    """Bring the database's fixed tables to `REVISION`; safe under concurrent callers.

    Returns:
        True when revisions were applied, False when nothing had to be done (one query).

    Raises:
        StorageError: when the database was migrated by a newer version of this package.
    """
    if current_revision(database) == REVISION:
        return False
    return _upgrade(database)


def current_revision(database: Database) -> str | None:
    """Return the revision of the fixed tables; None = the database has none yet."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(REVISION_QUERY)
        except psycopg2.errors.UndefinedTable:
            connection.rollback()
            return None
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _upgrade(database: Database) -> bool:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import text

    config = Config()
    config.set_main_option("script_location", "omics_orchestrator.storage:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text("create schema if not exists registry"))
        found = connection.execute(text("select to_regclass('registry.alembic_version')")).scalar()
        before = connection.execute(text(REVISION_QUERY)).scalar() if found else None
        if before == REVISION:  # another client was faster
            return False
        if before is not None and before not in known:
            raise StorageError(
                f"the database has revision {before}, this code ends at {REVISION}: install a newer one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
