"""What an installation holds, as hashes: every table of both databases, every object of its own store."""

from __future__ import annotations

import hashlib

from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.objects import Stores

TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1
"""


def tables(url: str) -> dict[str, str]:
    """Return table → hash of its rows as text, columns and types."""
    found = {}
    with Database(url).transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (name,) in cursor.fetchall():
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {name} t"
            )
            rows = cursor.fetchone()
            cursor.execute(
                "SELECT array_agg(attname || format_type(atttypid, atttypmod) ORDER BY attnum)::text, "
                "obj_description(%s::regclass) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                (name, name),
            )
            found[name] = f"{rows} {cursor.fetchone()}"
    return found


def objects(settings: Settings) -> dict[str, str]:
    """Return key → hash of the object."""
    own = Stores(settings).own
    return {found.key: hashlib.sha256(own.get(found.key)).hexdigest() for found in own.list()}


def everything(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the hashes of both databases and of the store."""
    return {
        "data": tables(Database.open(settings).url),
        "dagster": tables(dagster_database_url(settings)),
        "objects": objects(settings),
    }
