"""The schema of direct identifiers: who may read it. What lies in it is written like any other table (tables.py)."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
from psycopg2 import extensions as pg
from psycopg2.extras import execute_values

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.copying import identifier
from omics_orchestrator.storage.database import Database, translated
from omics_orchestrator.storage.state import ensure_schema, lock

SCHEMA = "identifiers"
ROLE = "omics_identifiers"  # may read that schema; given to people by hand: GRANT omics_identifiers TO …
READER = "omics_reader"  # may read everything else: `omics sql` puts it on where its account could read all
READY = """
    SELECT FROM pg_namespace space, aclexplode(space.nspacl) given JOIN pg_roles ON pg_roles.oid = given.grantee
    WHERE nspname = %s AND rolname = %s AND privilege_type = 'USAGE'
"""
UNLOCKED = """
    SELECT FROM pg_namespace JOIN pg_roles ON pg_roles.rolname = session_user
    WHERE nspname = %s AND (rolsuper OR nspowner = pg_roles.oid)
"""
LEAKING = """
    SELECT FROM pg_class held JOIN pg_namespace space ON space.oid = relnamespace, aclexplode(held.relacl) given
    JOIN pg_roles ON pg_roles.oid = given.grantee WHERE nspname = %s AND rolname = %s
"""
CROSSWALK = """
    CREATE TABLE IF NOT EXISTS {target} (
        participant_id text, pseudonym text, PRIMARY KEY (participant_id, pseudonym));
    COMMENT ON TABLE {target} IS 'Participant ids as the house spells them, and what stands for them elsewhere'
"""
OBJECTS = """
    CREATE TABLE IF NOT EXISTS {target} (written text PRIMARY KEY, original text NOT NULL);
    COMMENT ON TABLE {target} IS 'Object keys and names inside files, and what the registry writes for them'
"""
OTHERS = """
    SELECT quote_ident(nspname) FROM pg_namespace
    WHERE nspname <> %s AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""


def ensure_private(database: Database) -> None:
    """Create the schema of direct identifiers with its two roles, and close it to all but one of them.

    Raises:
        StorageError: the database's account may not create the roles; nothing is kept without them.
    """
    with database.transaction() as connection, connection.cursor() as cursor:
        if _found(cursor, READY, (SCHEMA, ROLE)):
            return
        lock(cursor, SCHEMA)
        for role in (ROLE, READER):
            _ensure_role(cursor, role)
        ensure_schema(cursor, SCHEMA)
        _open_all(cursor)
        cursor.execute(f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC, {READER}")
        cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {ROLE}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}")
        cursor.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}")


def reading_role(database: Database) -> str | None:
    """Return the role that a reader must put on; None = Postgres itself keeps this account from the identifiers."""
    with database.transaction() as connection, connection.cursor() as cursor:
        if not _found(cursor, UNLOCKED, (SCHEMA,)):
            return None
        if _found(
            cursor, LEAKING, (SCHEMA, READER)
        ):  # a new table: pg_stats asks for the table's grants alone
            lock(cursor, SCHEMA)
            cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {READER}")
        return READER


def remember_pseudonyms(database: Database, name: str, given: Mapping[str, str]) -> None:
    """Add ids and their pseudonyms to a table of the private schema; what it holds already stays, also of ids gone.

    Raises:
        StorageError: the schema cannot be closed to others.
    """
    _add(database, name, CROSSWALK, given)


def remember_objects(database: Database, name: str, originals: Mapping[str, str]) -> None:
    """Add what is written for object keys and names inside files, and what they are, to a table of the private schema.

    Raises:
        StorageError: the schema cannot be closed to others.
    """
    _add(database, name, OBJECTS, originals)


def _add(database: Database, name: str, made: str, pairs: Mapping[str, str]) -> None:
    """Add pairs to a table, which `made` makes where it is not there."""
    ensure_private(database)
    target = f"{SCHEMA}.{identifier(name)}"
    with database.transaction() as connection, connection.cursor() as cursor:
        lock(cursor, SCHEMA, name)
        cursor.execute(made.format(target=target))
        statement = f"INSERT INTO {target} VALUES %s ON CONFLICT DO NOTHING"
        execute_values(cursor, statement, sorted(pairs.items()), page_size=10_000)


def read_crosswalk(database: Database, name: str) -> dict[str, str]:
    """Return the rows of a table of the private schema of two columns; empty where there is none."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{identifier(name)}",))
        if (cursor.fetchone() or (None,))[0] is None:
            return {}
        cursor.execute(f"SELECT * FROM {SCHEMA}.{identifier(name)}")
        return dict(cursor.fetchall())


def _open_all(cursor: pg.cursor) -> None:
    """Let the reader read every schema there is and every one to come (the one of identifiers is closed after)."""
    cursor.execute(OTHERS, (SCHEMA,))
    for (schema,) in cursor.fetchall():
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}")
    cursor.execute(f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {READER}")
    cursor.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}")
    cursor.execute(f"GRANT {READER} TO CURRENT_USER")


def _ensure_role(cursor: pg.cursor, role: str) -> None:
    """Create a role that nobody logs in with; roles belong to the whole server, so another database may be faster."""
    if _found(cursor, "SELECT FROM pg_roles WHERE rolname = %s", (role,)):
        return
    cursor.execute("SAVEPOINT before_role")
    try:
        cursor.execute(f"CREATE ROLE {role} NOLOGIN")
    except (psycopg2.errors.DuplicateObject, psycopg2.errors.UniqueViolation):
        cursor.execute("ROLLBACK TO SAVEPOINT before_role")
    except psycopg2.errors.InsufficientPrivilege as error:
        told = f"an administrator of the server must say: CREATE ROLE {ROLE} NOLOGIN; CREATE ROLE {READER} NOLOGIN"
        raise StorageError(f"{translated(error)}; {told}; GRANT {READER} TO <this account>") from None


def _found(cursor: pg.cursor, query: str, parameters: tuple[str, ...]) -> bool:
    cursor.execute(query, parameters)
    return cursor.fetchone() is not None
