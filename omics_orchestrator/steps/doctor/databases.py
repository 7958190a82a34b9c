"""The databases: version, rights, revision of the fixed tables, clock, Dagster's daemon, what a restore left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from psycopg2 import extensions as pg

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings, without_password
from omics_orchestrator.steps.doctor.line import Line
from omics_orchestrator.storage.backup.programs import find_programs, major
from omics_orchestrator.storage.binaries import OLDEST_MAJOR
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.private import READER, ROLE
from omics_orchestrator.storage.schema import REVISION, current_revision

SKEW, TOO_MUCH_SKEW = 2.0, 60.0  # seconds
SILENT = 300.0  # seconds without a heartbeat
RIGHTS = """
    SELECT has_database_privilege(current_database(), 'CREATE'),
           (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
"""
ROLES = "SELECT rolname, pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname IN (%s, %s)"
LEFT = r"SELECT count(*) FROM pg_database WHERE datname LIKE %s OR datname LIKE %s"
HEARTBEAT = """
    SELECT count(*), extract(epoch FROM (now() AT TIME ZONE 'utc') - min(newest))::float
    FROM (SELECT max("timestamp") AS newest FROM daemon_heartbeats GROUP BY daemon_type) each
"""
RUNS = "SELECT count(*) FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING', 'QUEUED')"


def data_database(settings: Settings) -> Iterator[Line]:
    """Look at the data database."""
    database = Database.open(settings)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        version = str(connection.get_parameter_status("server_version"))
        yield from _server(settings, database, version)
        yield _clock(cursor)
        yield from _rights(cursor)
        yield from _left(cursor, database)
    yield _revision(database)


def dagster_database(settings: Settings) -> Iterator[Line]:
    """Look at Dagster's database, and whether its daemon lives."""
    url = dagster_database_url(settings)
    with Database(url).transaction(read_only=True) as connection, connection.cursor() as cursor:
        yield Line("ok", "dagster", without_password(url))
        if not _one(cursor, "SELECT to_regclass('daemon_heartbeats') IS NOT NULL")[0]:
            yield Line("ok", "daemon", "Dagster never ran here")
            return
        number, age = _one(cursor, HEARTBEAT)
        (open_runs,) = _one(cursor, RUNS)
        mend = "omics dev starts it (on a server: docker compose up -d)"
        if not number:
            yield Line("warn", "daemon", "never ran here: no schedule and no sensor works", mend)
        elif age > SILENT:
            told = f"silent for {age / 60:.0f} min: no schedule and no sensor works"
            yield Line("warn", "daemon", f"{told}, {open_runs} runs are open", mend)
        else:
            yield Line("ok", "daemon", f"last heartbeat {max(age, 0):.0f} s ago")


def _server(settings: Settings, database: Database, version: str) -> Iterator[Line]:
    where = f"{version} at {without_password(database.url)}"
    if major(version) < OLDEST_MAJOR:
        mend = f"upgrade the server to PostgreSQL {OLDEST_MAJOR} or newer"
        yield Line("fail", "postgres", f"{where}; {OLDEST_MAJOR} is the oldest that is supported", mend)
    else:
        yield Line("ok", "postgres", where)
    try:
        programs = find_programs(settings, version)
        yield Line("ok", "backup", f"pg_dump {programs.version} in {programs.folder}")
    except NotConfigured as error:
        yield Line("warn", "backup", "no pg_dump fits the server", str(error))


def _clock(cursor: pg.cursor) -> Line:
    before = now()
    (theirs,) = _one(cursor, "SELECT clock_timestamp()")
    after = now()
    skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if skew > SKEW:
        told = f"this machine and Postgres differ by {skew:,.0f} s"
        return Line(
            "fail" if skew > TOO_MUCH_SKEW else "warn", "clock", told, "set both by NTP (timedatectl)"
        )
    return Line("ok", "clock", "agrees with that of Postgres")


def now() -> datetime:
    """Return this machine's time in UTC."""
    return datetime.now(UTC)


def _rights(cursor: pg.cursor) -> Iterator[Line]:
    may_create, may_make_roles = _one(cursor, RIGHTS)
    if not may_create:
        (name,) = _one(cursor, "SELECT current_database()")
        mend = f"an administrator says: GRANT CREATE ON DATABASE {name} TO <this account>"
        yield Line("fail", "rights", "this account may not create schemas", mend)
    cursor.execute(ROLES, (ROLE, READER))
    roles = dict(cursor.fetchall())
    absent = [name for name in (ROLE, READER) if name not in roles]
    if absent and not may_make_roles:
        mend = f"an administrator says: {'; '.join(f'CREATE ROLE {name} NOLOGIN' for name in absent)}"
        yield Line("fail", "rights", f"the roles {', '.join(absent)} are missing", mend)
    elif READER in roles and not roles[READER]:
        mend = f"an administrator says: GRANT {READER} TO <this account>"
        yield Line("fail", "rights", f"this account is no member of {READER}: omics sql would fail", mend)
    elif may_create:
        yield Line("ok", "rights", "schemas can be created, roles are there or can be made")


def _left(cursor: pg.cursor, database: Database) -> Iterator[Line]:
    name = urlsplit(database.url).path.lstrip("/")
    (number,) = _one(cursor, LEFT, (f"{name}\\_restoring", f"{name}\\_replaced"))
    if number:
        mend = "omics restore again, or DROP DATABASE of those that end in _restoring or _replaced"
        yield Line("warn", "leftovers", f"{number} databases of a restore that was cut short", mend)


def _revision(database: Database) -> Line:
    found = current_revision(database)
    if found == REVISION:
        return Line("ok", "revision", f"{found} of the fixed tables")
    if found is None:
        return Line("ok", "revision", "no tables yet: the first omics materialize makes them")
    if found > REVISION:
        mend = "install the version of omics_orchestrator that wrote it, or a newer one"
        return Line("fail", "revision", f"{found} is newer than this code, which ends at {REVISION}", mend)
    told = f"{found}; {REVISION} is pending"
    return Line("warn", "revision", told, "omics backup FOLDER, then omics materialize: it migrates first")


def _one(cursor: pg.cursor, query: str, parameters: tuple[str, ...] = ()) -> tuple[Any, ...]:
    cursor.execute(query, parameters)
    return tuple(cursor.fetchone() or ())
