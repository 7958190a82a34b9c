"""Back-ups that are damaged, too new or cut short: nothing is restored from them, and the one before stays good."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from omics_orchestrator.errors import NotConfigured, StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.backup import read_manifest, restore, take, verify
from omics_orchestrator.storage.backup.manifest import write_manifest
from omics_orchestrator.storage.backup.programs import _known_to, find_programs, variables
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator_tests.installation import Installation


@pytest.fixture
def saved(installation: Installation, tmp_path: Path) -> Path:
    """A back-up of a table, a migrated registry and three objects."""
    database = Database.open(installation.settings)
    migrate(database)
    database.engine.dispose()
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA raw; CREATE TABLE raw.p AS SELECT generate_series(1, 1000) AS id")
    for name in ("a", "b", "c"):
        Stores(installation.settings).own.put(name, name.encode() * 100)
    take(installation.settings, tmp_path / "backup")
    return tmp_path / "backup"


def spoil(file: Path, whole: bytes, harm: str) -> None:
    place = len(whole) // 2
    changed = {"a bit": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], "the end": whole[:-1]}
    if harm == "all":
        file.unlink()
    else:
        file.write_bytes(changed[harm])


def test_every_kind_of_damage_is_refused_before_anything_is_touched(
    installation: Installation, saved: Path
) -> None:
    manifest = verify(saved)
    files = [saved / part.name for part in manifest.parts]
    copies = sorted(path for path in (saved / "objects").rglob("*") if path.is_file())
    for file in [*files, copies[0], saved / "backup.json"]:
        whole = file.read_bytes()
        for harm in ("a bit", "the end", "all"):
            spoil(file, whole, harm)
            with pytest.raises(StorageError, match=r"damaged|no finished back-up"):
                restore(installation.settings, saved, force=True)
            file.write_bytes(whole)
    verify(saved)
    with Database.open(installation.settings).transaction() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw.p")
        assert cursor.fetchone() == (1000,)
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname ~ '_(restoring|replaced)$'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"revision": "9999"}, "revision 9999.*ends at.*install omics_orchestrator 7.0"),
        ({"format": 9}, "written by omics_orchestrator 7.0.*install that version"),
        ({"server": "99.1"}, "comes from PostgreSQL 99.1, this server is"),
        ({"program": "99.1"}, "pg_dump, pg_restore and psql of PostgreSQL 99 or newer are needed"),
    ],
)
def test_what_is_newer_is_refused_in_words(
    installation: Installation, saved: Path, change: dict[str, object], told: str
) -> None:
    write_manifest(saved, replace(read_manifest(saved), package="7.0", **change))  # type: ignore[arg-type]
    with pytest.raises((StorageError, NotConfigured), match=told):
        restore(installation.settings, saved, force=True)


def test_a_dump_that_postgres_refuses_leaves_the_old_databases(
    installation: Installation, saved: Path
) -> None:
    manifest = read_manifest(saved)
    data, dagster = (manifest.parts[1], manifest.parts[0])
    (saved / data.name).write_bytes(b"no dump at all")
    wrong = replace(data, size=14, sha256=hashlib.sha256(b"no dump at all").hexdigest())
    write_manifest(saved, replace(manifest, parts=(dagster, wrong, manifest.parts[2])))
    with pytest.raises(StorageError, match="the dump cannot be read: pg_restore"):
        restore(installation.settings, saved, force=True)
    with Database.open(installation.settings).transaction() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw.p")
        assert cursor.fetchone() == (1000,)
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname ~ '_(restoring|replaced)$'")
        assert cursor.fetchone() == (0,)


KILLED = """
import importlib, os, signal, sys
from omics_orchestrator.storage.backup import copies
taking = importlib.import_module("omics_orchestrator.storage.backup.take")
from omics_orchestrator.settings import Settings
place = sys.argv[2]
if place == "objects":
    whole = copies._copy
    done = []
    def copy(*given):
        done.append(1)
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*given)
    copies._copy = copy
else:
    taking.write_manifest = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
taking.take(Settings.from_environment(), __import__("pathlib").Path(sys.argv[1]))
"""


@pytest.mark.parametrize("place", ["objects", "manifest"])
def test_a_killed_back_up_leaves_the_one_before_and_goes_on(
    installation: Installation, saved: Path, place: str
) -> None:
    before = read_manifest(saved)
    own = Stores(installation.settings).own
    for number in range(5):
        own.put(f"new/{number}", b"%d" % number)
    environment = {**os.environ, **installation.environment()}
    done = subprocess.run([sys.executable, "-c", KILLED, str(saved), place], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert verify(saved) == before
    again = take(installation.settings, saved)
    assert (again.copied.objects, again.copied.new) == (8, 3 if place == "objects" else 0)
    assert verify(saved) == again.manifest
    assert len(list(saved.glob("*.dump"))) == 2
    assert not list(saved.glob("*.draft"))


KILLED_RESTORE = """
import importlib, os, signal, sys
from pathlib import Path
from omics_orchestrator.settings import Settings
restoring = importlib.import_module("omics_orchestrator.storage.backup.restore")
restoring.put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
restoring.restore(Settings.from_environment(), Path(sys.argv[1]), force=True)
"""


def test_a_killed_restore_leaves_the_old_databases_and_is_repeated(
    installation: Installation, saved: Path
) -> None:
    database = Database.open(installation.settings)
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM raw.p WHERE id > 7")
    environment = {**os.environ, **installation.environment()}
    done = subprocess.run([sys.executable, "-c", KILLED_RESTORE, str(saved)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    for count, left in ((7, 2), (1000, 0)):
        with database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM raw.p")
            assert cursor.fetchone() == (count,)
            cursor.execute("SELECT count(*) FROM pg_database WHERE datname ~ '_(restoring|replaced)$'")
            assert cursor.fetchone() == (left,)
        if left:
            restore(installation.settings, saved, force=True)


def test_one_at_a_time_and_not_into_what_it_saves(installation: Installation, saved: Path) -> None:
    settings = installation.settings
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", hold, str(saved / "backup.lock")], stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    with pytest.raises(StorageError, match="another back-up is being written"):
        take(settings, saved)
    other.kill()
    other.communicate()
    with pytest.raises(StorageError, match="lies in OMICS_HOME"):
        take(settings, settings.home / "backup")
    with pytest.raises(StorageError, match="lies in OMICS_STORE_URL"):
        take(settings, installation.folder / "store" / "x")
    with pytest.raises(StorageError, match="holds other things"):
        take(settings, installation.source)


def test_older_programs_are_refused(settings: Settings, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore", "psql"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.2'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(NotConfigured, match=r"PostgreSQL 18 or newer.*found: 14\.2.*postgresql-client-18"):
        find_programs(replace(settings, postgres_bin=tmp_path), "18.6")
    assert find_programs(replace(settings, postgres_bin=tmp_path), "14.9").version == "14.2"


def test_the_password_travels_in_the_environment_and_old_servers_get_what_they_know() -> None:
    given = variables("postgresql://me:p%40ss@db.example.org:5433/om%20ics?sslmode=require")
    assert given == {
        "PGUSER": "me",
        "PGPASSWORD": "p@ss",
        "PGHOST": "db.example.org",
        "PGPORT": "5433",
        "PGDATABASE": "om ics",
        "PGSSLMODE": "require",
    }
    script = [b"SET lock_timeout = 0;\n", b"SET transaction_timeout = 0;\n", b"SELECT 1;\n"]
    assert list(_known_to("16.4", iter(script))) == [script[0], script[2]]
    assert list(_known_to("17.1", iter(script))) == script
