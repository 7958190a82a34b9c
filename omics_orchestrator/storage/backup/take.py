"""Takes a back-up: both databases, our own objects, and what lies in the source stores (named, not copied).

The data database with the registry is one snapshot. Dagster's is dumped before it and the objects after it,
so that whatever changes meanwhile is newer than what Dagster knows, and is made again after a restore.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import WORKING_COPY, Settings, without_password
from omics_orchestrator.storage.backup.copies import Copied, copy_objects, known_copies, sweep
from omics_orchestrator.storage.backup.manifest import (
    DAGSTER,
    DATA,
    FORMAT,
    NAME,
    OBJECTS,
    Manifest,
    Part,
    read_manifest,
    write_manifest,
)
from omics_orchestrator.storage.backup.programs import find_programs
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.private import READER, ROLE, SCHEMA
from omics_orchestrator.storage.schema import REVISION_QUERY
from omics_orchestrator.storage.server_home import lock_file

LOCK = "backup.lock"
LAST = "last_backup"  # in the home: when, for `omics status`
IN_PROGRESS = "SELECT count(*) FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING')"
TABLES = "SELECT count(*), coalesce(sum(rows), 0)::bigint FROM omics.table_state"
MEMBERS = """
    SELECT pg_get_userbyid(roleid), pg_get_userbyid(member) FROM pg_auth_members
    WHERE pg_get_userbyid(roleid) IN (%s, %s) AND pg_get_userbyid(member) <> current_user ORDER BY 1, 2
"""
SOURCES = """
    SELECT store, study, assay, count(*), coalesce(sum(size), 0)::bigint
    FROM registry.file JOIN registry.file_set ON file_set.number = set_number
    JOIN registry.file_version ON file_number = file.number AND file_version.version = file.version
    WHERE missing_since IS NULL AND store <> 'store' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class Taken:
    """A finished back-up: its manifest, what was copied of our objects, runs that were in progress meanwhile."""

    manifest: Manifest
    copied: Copied
    running: int


def take(settings: Settings, folder: Path, *, tell: Callable[[str], None] = lambda _: None) -> Taken:
    """Write a back-up into `folder`, in place of an older one there, which stays usable until this one is whole.

    Raises:
        StorageError: the folder is no place for it, another back-up is being written there, Postgres or a store fails.
        NotConfigured: there is no pg_dump that is as new as the server.
    """
    folder = folder.expanduser().absolute()
    _refuse_unsafe(settings, folder)
    with _alone(folder):
        older = read_manifest(folder) if (folder / NAME).exists() else None
        _tidy(folder, older)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        taken = _take(settings, folder, stamp, older, tell)
        write_manifest(folder, taken.manifest)
        _tidy(folder, taken.manifest)
        sweep(folder, folder / taken.manifest.part(OBJECTS).name)
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / LAST).write_text(taken.manifest.taken_at)
    return taken


def last_backup(settings: Settings) -> datetime | None:
    """Return when this installation was backed up last; None = it never was."""
    try:
        return datetime.fromisoformat((settings.home / LAST).read_text())
    except (OSError, ValueError):
        return None


def _take(
    settings: Settings, folder: Path, stamp: str, older: Manifest | None, tell: Callable[[str], None]
) -> Taken:
    database, dagster_url = Database.open(settings), dagster_database_url(settings)
    tell("Dagster's database")
    running = _running(Database(dagster_url))
    parts = [_dump(settings, dagster_url, None, folder / f"dagster-{stamp}.dump", DAGSTER)]
    tell("data database")
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = _look(cursor, settings)
        (snapshot,) = _one(cursor, "SELECT pg_export_snapshot()")
        parts.append(_dump(settings, database.url, snapshot, folder / f"data-{stamp}.dump", DATA))
    tell("our object store")
    before = folder / older.part(OBJECTS).name if older else None
    index = folder / f"objects-{stamp}.jsonl"
    copied = copy_objects(Stores(settings).own, folder, known_copies(folder, before), index, tell)
    with index.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    parts.append(Part(index.name, OBJECTS, index.stat().st_size, digest))
    running = max(running, _running(Database(dagster_url)))
    manifest = Manifest(
        format=FORMAT,
        package=package_version(),
        program=find_programs(settings, seen["server"]).version,
        parts=tuple(parts),
        objects=copied.objects,
        object_bytes=copied.size,
        **seen,
    )
    return Taken(manifest, copied, running)


def _dump(settings: Settings, url: str, snapshot: str | None, file: Path, holds: str) -> Part:
    with Database(url).transaction(read_only=True) as connection, connection.cursor() as cursor:
        (server,) = _one(cursor, "SHOW server_version")
    size, digest = find_programs(settings, server).dump(url, file, snapshot=snapshot)
    return Part(file.name, holds, size, digest)


def _look(cursor: pg.cursor, settings: Settings) -> dict[str, Any]:
    """Return what the manifest tells of the data database, from the snapshot that is dumped."""
    (server,) = _one(cursor, "SHOW server_version")
    registry, tables = (_there(cursor, name) for name in ("registry.alembic_version", "omics.table_state"))
    revision = _one(cursor, REVISION_QUERY)[0] if registry else None
    number, rows = _one(cursor, TABLES) if tables else (0, 0)
    cursor.execute(MEMBERS, (ROLE, READER))
    members = tuple((str(role), str(member)) for role, member in cursor.fetchall())
    return {
        "revision": revision,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": server,
        "tables": number,
        "rows": rows,
        "identifiers": _one(cursor, "SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,))[0],
        "members": members,
        "sources": tuple(_sources(cursor, settings)) if registry else (),
    }


def _sources(cursor: pg.cursor, settings: Settings) -> Iterator[dict[str, Any]]:
    cursor.execute(SOURCES)
    for store, study, assay, objects, size in cursor.fetchall():
        name = store.removeprefix("store+")
        url = settings.source_stores.get(name)
        told = {"store": name, "url": without_password(url) if url else None}
        yield {**told, "study": study, "assay": assay, "objects": objects, "bytes": size}


def _running(dagster: Database) -> int:
    """Return how many runs are in progress."""
    with dagster.transaction(read_only=True) as connection, connection.cursor() as cursor:
        return int(_one(cursor, IN_PROGRESS)[0]) if _there(cursor, "runs") else 0


def _there(cursor: pg.cursor, table: str) -> bool:
    return bool(_one(cursor, "SELECT to_regclass(%s) IS NOT NULL", (table,))[0])


def _one(cursor: pg.cursor, query: str, parameters: tuple[str, ...] = ()) -> tuple[Any, ...]:
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    if row is None:
        raise StorageError("Postgres gives no answer to a question about itself")
    return tuple(row)


def _refuse_unsafe(settings: Settings, folder: Path) -> None:
    """Raise where the back-up would be lost together with what it saves, or would be saved itself."""
    places = {"OMICS_HOME": settings.home}
    if settings.store_url.startswith("file://"):
        places["OMICS_STORE_URL"] = Path(url2pathname(urlsplit(settings.store_url).path))
    for name, place in places.items():
        if folder.resolve().is_relative_to(place.resolve()):
            raise StorageError(
                f"{folder} lies in {name} ({place}): choose a folder elsewhere, best on another disk"
            )
    ours = (folder / NAME).exists() or (folder / LOCK).exists()
    if folder.is_dir() and not ours and any(folder.iterdir()):
        raise StorageError(f"{folder} holds other things and no back-up: choose an empty or a new folder")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, which only its owner may enter, for one back-up at a time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    lock = lock_file(folder / LOCK, fcntl.LOCK_EX)
    if lock is None:
        raise StorageError(f"another back-up is being written to {folder}: wait for it")
    try:
        yield
    finally:
        os.close(lock)


def package_version() -> str:
    """Return the version of this package; `make install` puts the working copy itself on the path."""
    try:
        return version("omics-orchestrator")
    except PackageNotFoundError:
        written = tomllib.loads((WORKING_COPY / "pyproject.toml").read_text(encoding="utf-8"))
        return str(written["project"]["version"])


def _tidy(folder: Path, manifest: Manifest | None) -> None:
    """Remove the files that the manifest does not name: of an older back-up, or of a killed one."""
    kept = {part.name for part in manifest.parts} if manifest else set()
    for pattern in ("*.dump", "objects-*.jsonl", "objects.new"):
        for file in folder.glob(pattern):
            if file.name not in kept:
                file.unlink()
