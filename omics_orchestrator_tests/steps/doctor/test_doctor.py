"""The doctor finds faults that were really made: a full disk, a stopped server, a store without rights …"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import psycopg2
import pytest

from omics_orchestrator.errors import AccessDenied
from omics_orchestrator.orchestration import current
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.doctor import Line, databases, examine, machine
from omics_orchestrator.steps.doctor.line import guarded
from omics_orchestrator.steps.doctor.places import declarations, own_store, source_stores
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.folder import STAGING, FolderStore
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator_tests.installation import Installation

SECRET = "hunter2-of-the-test"


def run_sql(settings: Settings, sql: str) -> None:
    connection = psycopg2.connect(str(settings.database_url))
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def of(lines: list[Line], subject: str) -> Line:
    """Return the worst line about a subject."""
    order = ("fail", "warn", "ok")
    return min((line for line in lines if line.subject == subject), key=lambda line: order.index(line.state))


def faulty(lines: list[Line]) -> set[tuple[str, str]]:
    return {(line.state, line.subject) for line in lines if line.state == "fail"}


@contextmanager
def tmpfs(place: Path, options: str) -> Iterator[None]:
    """Mount a small file system; without the right to mount there is nothing to test."""
    place.mkdir(parents=True, exist_ok=True)
    told = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True, check=False
    )
    if told.returncode:
        pytest.skip(f"this account may not mount: {told.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_sound_installation_has_no_fault_and_no_trace_is_left(installation: Installation) -> None:
    lines = examine(installation.workspace())
    assert faulty(lines) == set()
    assert of(lines, "own store").state == of(lines, "clock").state == of(lines, "rights").state == "ok"
    assert of(lines, "source").told.startswith("tiny: ")
    assert list(Stores(installation.settings).own.list()) == []
    assert all(line.mend for line in lines if line.state != "ok")
    assert all(line.told for line in lines)


def test_the_command_ends_with_one_when_something_fails_and_prints_no_secret(
    installation: Installation,
) -> None:
    installation.declare("wrong", mapping="participant: nonsense\n")
    url = str(installation.settings.database_url).replace("@", f"{SECRET}@")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **installation.environment()}
    command = [sys.executable, "-m", "omics_orchestrator.cli", "doctor"]
    broken = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "fail  studies    broken declarations: wrong" in broken.stdout
    assert "→ omics check" in broken.stdout
    refused = subprocess.run(
        command, env={**environment, "OMICS_DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "fail  postgres" in refused.stdout
    password = str(installation.settings.database_url).split("@")[0].rsplit(":", 1)[1]
    for told in (broken, refused):
        assert SECRET not in told.stdout + told.stderr
        assert password not in told.stdout + told.stderr


def test_a_full_disk(installation: Installation, tmp_path: Path) -> None:
    home = tmp_path / "small"
    with tmpfs(home, "size=1m"):
        (line, *_) = machine.disks(replace(installation.settings, home=home))
        assert (line.state, line.subject) == ("fail", "disk")
        assert "0.0 GiB free" in line.told
        assert "set OMICS_HOME to a larger disk" in line.mend
    with tmpfs(home, "size=2g,nr_inodes=20"):
        (line, *_) = machine.disks(replace(installation.settings, home=home))
        assert "no room for more files" in line.told


def test_a_disk_that_fills_is_a_warning(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """statvfs is replaced: a file system of gigabytes is too much for a test."""
    real = os.statvfs

    def statvfs(path: Path) -> os.statvfs_result:
        state = list(real(path))
        state[4] = (1 << 30) // real(path).f_frsize
        return os.statvfs_result(state)

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert {line.state for line in machine.disks(installation.settings)} == {"warn"}


def test_a_store_that_cannot_be_written(installation: Installation, tmp_path: Path) -> None:
    place = tmp_path / "read only"
    with tmpfs(place, "ro"):
        settings = replace(installation.settings, store_url=place.as_uri())
        (line,) = guarded("own store", lambda: own_store(Workspace(settings)), "mend it")
        assert (line.state, line.mend) == ("fail", "mend it")
        assert ("fail", "disk") in faulty(list(machine.disks(settings)))
    full = tmp_path / "full"
    with tmpfs(full, "size=64k"):
        (full / "ballast").write_bytes(b"x" * 65536)
        settings = replace(installation.settings, store_url=full.as_uri())
        (line,) = guarded("own store", lambda: own_store(Workspace(settings)))
        assert line.state == "fail"


def test_a_stopped_server(installation: Installation) -> None:
    away = replace(
        installation.settings,
        database_url=f"postgresql://me:{SECRET}@127.0.0.1:1/omics",
        dagster_database_url=f"postgresql://me:{SECRET}@127.0.0.1:1/dagster",
    )
    current.forget()
    lines = examine(Workspace(away))
    assert faulty(lines) == {("fail", "postgres"), ("fail", "dagster"), ("fail", "runs")}
    assert "OMICS_DATABASE_URL" in of(lines, "postgres").mend
    assert SECRET not in str(lines)


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-10, "warn"), (10, "warn"), (-7200, "fail"), (90, "fail")]
)
def test_a_wrong_clock(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, seconds: int, state: str
) -> None:
    monkeypatch.setattr(databases, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    line = of(list(databases.data_database(installation.settings)), "clock")
    assert line.state == state
    if seconds:
        assert f"differ by {abs(seconds):,} s" in line.told


@pytest.mark.parametrize(
    ("sql", "state", "told"),
    [
        ("UPDATE registry.alembic_version SET version_num = '9999'", "fail", "9999 is newer than this code"),
        ("UPDATE registry.alembic_version SET version_num = '0001'", "warn", "is pending"),
    ],
)
def test_a_newer_and_a_pending_revision(installation: Installation, sql: str, state: str, told: str) -> None:
    database = Database.open(installation.settings)
    migrate(database)
    database.engine.dispose()
    run_sql(installation.settings, sql)
    line = of(list(databases.data_database(installation.settings)), "revision")
    assert line.state == state
    assert told in line.told


def test_an_account_without_rights(installation: Installation) -> None:
    settings = installation.settings
    run_sql(settings, f"DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN PASSWORD '{SECRET}'")
    try:
        host = str(settings.database_url).split("@")[1]
        poor = replace(settings, database_url=f"postgresql://poor:{SECRET}@{host}")
        lines = [line for line in databases.data_database(poor) if line.subject == "rights"]
        assert {line.state for line in lines} == {"fail"}
        assert "may not create schemas" in lines[0].told
        assert "GRANT CREATE ON DATABASE" in lines[0].mend
        assert "omics_reader" in lines[1].mend
    finally:
        run_sql(settings, "DROP ROLE poor")


def test_a_silent_daemon_and_what_a_restore_left(installation: Installation) -> None:
    settings = installation.settings
    name = str(settings.database_url).rsplit("/", 1)[1]
    connection = psycopg2.connect(str(settings.database_url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}_restoring")
        try:
            line = of(list(databases.data_database(settings)), "leftovers")
        finally:
            cursor.execute(f"DROP DATABASE {name}_restoring")
    connection.close()
    assert "1 databases of a restore" in line.told

    tables = """
        CREATE TABLE daemon_heartbeats (daemon_type text, "timestamp" timestamp);
        CREATE TABLE runs (status text)
    """
    dagster = replace(settings, database_url=settings.dagster_database_url)
    list(databases.dagster_database(settings))  # makes the database
    run_sql(dagster, tables)
    assert of(list(databases.dagster_database(settings)), "daemon").told.startswith("never ran here")
    for age, state in ((20, "ok"), (3600, "warn")):
        run_sql(
            dagster,
            "DELETE FROM daemon_heartbeats; INSERT INTO daemon_heartbeats "
            f"VALUES ('SENSOR', (now() AT TIME ZONE 'utc') - interval '{age} s')",
        )
        assert of(list(databases.dagster_database(settings)), "daemon").state == state


def test_half_written_objects_of_killed_runs(installation: Installation) -> None:
    settings = installation.settings
    staging = installation.folder / "store" / STAGING
    staging.mkdir(parents=True)
    for name, age in (("old", 2 * 86400), ("of now", 0)):
        (staging / name).write_bytes(b"x" * 10)
        os.utime(staging / name, (time.time() - age, time.time() - age))
    (line,) = machine.leftovers(settings)
    assert (line.state, line.told) == ("warn", f"1 half-written objects in {STAGING}, 10 bytes")
    assert of(list(own_store(Workspace(settings))), "own store").state == "ok"
    assert of(list(machine.leftovers(settings)), "leftovers").state == "ok"
    assert [file.name for file in staging.iterdir()] == ["of now"]


def test_a_source_store_that_is_not_there(installation: Installation) -> None:
    empty = replace(installation.settings, source_stores={"tiny": "file:///nowhere/at/all"})
    (line,) = source_stores(Workspace(empty))
    assert (line.state, line.mend) == ("warn", "mount it, or correct OMICS_STORE_TINY_URL")
    away = replace(
        installation.settings,
        source_stores={"tiny": "az://container"},
        environment={"AZURE_STORAGE_SAS_KEY_FILE": "/nowhere", "OMICS_STORE_TINY_SAS_FILE": "/nowhere"},
    )
    (line,) = source_stores(Workspace(away))
    assert (line.state, line.mend) == ("fail", "check OMICS_STORE_TINY_URL and its credentials")


def test_a_source_folder_that_may_not_be_read(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal itself is replaced, since root reads everything; studies/test_closed_folders.py asks the system."""

    def refuse(_: FolderStore, *__: object) -> NoReturn:
        raise AccessDenied("file:///sources/tiny: Permission denied to user 1000")

    monkeypatch.setattr(FolderStore, "list", refuse)
    closed = replace(installation.settings, source_stores={"tiny": tmp_path.as_uri()})
    (line,) = source_stores(Workspace(closed))
    assert line.state == "fail"
    assert "Permission denied to user 1000" in line.told
    assert "chmod -R a+rX" in line.mend


def test_studies_that_lack_the_same_setting_are_one_line(installation: Installation) -> None:
    for name in ("east", "west"):
        installation.declare(
            name,
            study=f"study: {name}\ntitle: T\nstewards: [t@example.org]\nparticipant_id: {{pattern: 'P[0-9]+'}}\n"
            "sources: {people: {kind: delimited, location: 'store+away://people.csv'}}\n",
            mapping="participant:\n  from: people\n  key: [id]\n  age: {number: age, unit: a}\n",
        )
    lines = list(declarations(Workspace(installation.settings)))
    told = [line.told for line in lines if line.subject == "settings"]
    assert told == ["east, west are not available here: OMICS_STORE_AWAY_URL is not set"]


def test_secrets_that_are_missing_or_cannot_be_read(installation: Installation, tmp_path: Path) -> None:
    study = (
        "study: far\ntitle: Far\nstewards: [far@example.org]\nparticipant_id: {pattern: 'P[0-9]+'}\n"
        "sources: {live: {kind: redcap, url: 'https://redcap.example.org/api/', token: {secret: FAR_TOKEN}}}\n"
    )
    mapping = "participant:\n  from: live.people\n  age: {number: age}\n"
    installation.declare("far", study=study, mapping=mapping)

    def lines(**environment: str) -> list[Line]:
        current.forget()
        return examine(Workspace(replace(installation.settings, environment=environment)))

    assert of(lines(), "settings").told == "far is not available here: FAR_TOKEN is not set"
    gone = of(lines(FAR_TOKEN_FILE=str(tmp_path / "gone")), "secrets")
    assert gone.state == "fail"
    assert "FAR_TOKEN_FILE cannot be read" in gone.told
    (tmp_path / "empty").write_text("\n")
    assert "is empty" in of(lines(FAR_TOKEN_FILE=str(tmp_path / "empty")), "secrets").told
    (tmp_path / "good").write_text(SECRET)
    assert SECRET not in str(lines(FAR_TOKEN_FILE=str(tmp_path / "good")))
