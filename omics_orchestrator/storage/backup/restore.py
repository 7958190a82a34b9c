"""Restores a back-up: into new databases beside the old ones, which change names only when all went well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.backup.copies import put_back
from omics_orchestrator.storage.backup.manifest import DAGSTER, DATA, OBJECTS, Manifest
from omics_orchestrator.storage.backup.programs import find_programs, major
from omics_orchestrator.storage.backup.swapping import create_beside, end_beside, in_use, put_in_place
from omics_orchestrator.storage.backup.verify import verify
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.private import ensure_private
from omics_orchestrator.storage.schema import REVISION, migrate

BESIDE = "_restoring"
HELD = {  # what makes an installation not empty
    DATA: """
        SELECT count(*) FROM pg_class JOIN pg_namespace space ON space.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname !~ '^pg_'
        AND nspname NOT IN ('information_schema', 'registry')
    """,
    "registry": "SELECT count(*) FROM registry.file_set",
    DAGSTER: "SELECT count(*) FROM event_logs",
}


@dataclass(frozen=True)
class Restored:
    """A finished restore: what the back-up held, bytes written to our store, grants that nobody was given again."""

    manifest: Manifest
    written: int
    grants: tuple[tuple[str, str], ...]


def restore(
    settings: Settings, folder: Path, *, force: bool = False, tell: Callable[[str], None] = lambda _: None
) -> Restored:
    """Verify the back-up in `folder` and put it in the place of the installation of `settings`.

    Args:
        settings: where it goes: the two databases and our own store.
        folder: the back-up.
        force: also where something is there already; that is lost.
        tell: hears of the progress.

    Raises:
        StorageError: the back-up is damaged or too new, the installation is not empty or in use, Postgres fails.
            The databases are then as before; objects that were written stay, the next restore replaces them.
        NotConfigured: there are no programs that can read the dump.
    """
    folder = folder.expanduser().absolute()
    manifest = verify(folder, tell=tell)
    _refuse_newer(manifest)
    urls = {DATA: Database.open(settings).url, DAGSTER: dagster_database_url(settings)}
    if not force:
        _refuse_full(settings, urls)
    for url in urls.values():
        _refuse_older_server(manifest, Database(url))
        if told := in_use(url):
            raise StorageError(told)
    beside = {holds: _named(url, BESIDE) for holds, url in urls.items()}
    try:
        for holds, url in beside.items():
            tell(f"restoring: {holds}")
            create_beside(url)
            _load(settings, manifest, folder, holds, url)
        tell("restoring: fixed tables and roles")
        if manifest.revision:
            _migrate(Database(beside[DATA]))
        if manifest.identifiers:
            ensure_private(Database(beside[DATA]))
        tell("restoring: our object store")
        written = put_back(Stores(settings).own, folder, folder / manifest.part(OBJECTS).name)
        put_in_place({beside[holds]: urls[holds] for holds in urls})
    finally:
        for url in beside.values():
            end_beside(url)
    return Restored(manifest, written, _missing_grants(Database(urls[DATA]), manifest))


def _load(settings: Settings, manifest: Manifest, folder: Path, holds: str, url: str) -> None:
    server = _server(Database(url))
    programs = find_programs(settings, server, written_by=manifest.program)
    programs.load(folder / manifest.part(holds).name, url, server)


def _migrate(database: Database) -> None:
    if migrate(database):
        database.engine.dispose()  # a database that somebody is connected to keeps its name


def _refuse_newer(manifest: Manifest) -> None:
    if (manifest.revision or "") > REVISION:
        raise StorageError(
            f"the back-up has revision {manifest.revision} of the fixed tables, this code ends at {REVISION}: "
            f"install omics_orchestrator {manifest.package}, which wrote it, or a newer version"
        )


def _refuse_older_server(manifest: Manifest, database: Database) -> None:
    server = _server(database)
    if major(server) < major(manifest.server):
        raise StorageError(
            f"the back-up comes from PostgreSQL {manifest.server}, this server is {server}: "
            f"restore to PostgreSQL {major(manifest.server)} or newer"
        )


def _refuse_full(settings: Settings, urls: dict[str, str]) -> None:
    """Raise when anything of an installation is there."""
    there = [
        holds
        for holds, query in HELD.items()
        if _count(Database(urls[DAGSTER if holds == DAGSTER else DATA]), query)
    ]
    if next(Stores(settings).own.list(), None):
        there.append("our object store")
    if there:
        raise StorageError(
            f"this installation is not empty ({', '.join(there)}): choose another OMICS_HOME, "
            "or say --force, and what is there is lost"
        )


def _count(database: Database, query: str) -> int:
    from psycopg2.errors import UndefinedTable

    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(query)
        except UndefinedTable:
            return 0
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def _server(database: Database) -> str:
    with database.transaction(read_only=True) as connection:
        return str(connection.get_parameter_status("server_version"))


def _missing_grants(database: Database, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return the roles that people had been given and lack on this server: such rights are given by hand."""
    query = "SELECT pg_get_userbyid(roleid), pg_get_userbyid(member) FROM pg_auth_members"
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        have = set(cursor.fetchall())
    return tuple(given for given in manifest.members if given not in have)


def _named(url: str, suffix: str) -> str:
    """Return the URL of the database of the same server whose name ends so."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}{suffix}"))
