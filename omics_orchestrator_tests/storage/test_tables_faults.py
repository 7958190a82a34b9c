"""Postgres goes away or fills up in the middle of a write: the old table stands, and the next write repairs."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pyarrow as pa
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage import copying, state, tables
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.embedded import running
from omics_orchestrator.storage.tables import (
    TableWrite,
    fingerprint,
    read_query,
    read_table,
    table_state,
    write_tables,
)
from omics_orchestrator_tests.storage.conftest import settings_of
from omics_orchestrator_tests.storage.server_clients import Client, eventually, postmaster, query

ROWS = 120_000  # three blocks of about a megabyte
OLD = pa.table({"id": range(ROWS), "text": ["old"] * ROWS})
TARGETS = {
    "first": pa.table({"id": range(ROWS), "text": ["secret"] * ROWS}),
    "merge": pa.table({"id": range(ROWS), "text": ["old", "secret"] * (ROWS // 2)}),
    "shape": pa.table({"id": range(ROWS), "text": ["secret"] * ROWS, "more": range(ROWS)}),
}
POINTS = ("copy", "commit")
LEFT = """
    select nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace
    where (nspname = 's' or relname like 'omics_new%' or relname = 'omics_staged') order by 1
"""
Fault = Callable[[int], None]


def write(database: Database, table: pa.Table) -> None:
    write_tables(database, [TableWrite("s", "t", table, ("id",))])


def strike(monkeypatch: pytest.MonkeyPatch, point: str, database: Database, fault: Fault) -> None:
    """Provoke the fault once, after the first megabyte of rows or before the commit."""
    encoded, save = copying._encoded, state.save_state

    def writer() -> int:
        found = query(
            database.url,
            "select pid from pg_locks where locktype = 'advisory' and granted and database = "
            "(select oid from pg_database where datname = current_database())",
        )
        return int(found[0][0])

    def copied(wire: pa.Table) -> Iterator[bytes]:
        for number, block in enumerate(encoded(wire)):
            if number == 2 and point == "copy":
                fault(writer())
            yield block

    def saved(cursor, new) -> None:
        if point == "commit":
            fault(writer())
        save(cursor, new)

    monkeypatch.setattr(copying, "_encoded", copied)
    monkeypatch.setattr(tables, "save_state", saved)


def broken_write(monkeypatch, point: str, database: Database, kind: str, fault: Fault) -> StorageError:
    if kind != "first":
        write(database, OLD)
    with monkeypatch.context() as patch:
        strike(patch, point, database, fault)
        with pytest.raises(StorageError, match=r"^s\.t: |^Postgres") as caught:
            write(database, TARGETS[kind])
    assert "secret" not in str(caught.value)
    assert "run again" in str(caught.value)
    return caught.value


def assert_repaired(database: Database, kind: str) -> None:
    """The old table stands, the next write makes the new one, and nothing else is left."""
    if kind != "first":
        assert read_table(database, "s", "t").equals(OLD)
    write(database, TARGETS[kind])
    held = table_state(database, "s", "t")
    assert held
    assert held.fingerprint == fingerprint(read_table(database, "s", "t")) == fingerprint(TARGETS[kind])
    assert read_query(database, LEFT)["name"].to_pylist() == ["s.t", "s.t_pkey"]


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("kind", TARGETS)
def test_a_session_ended_by_the_server(database, monkeypatch, kind, point):
    error = broken_write(
        monkeypatch,
        point,
        database,
        kind,
        lambda pid: void(query(database.url, f"select pg_terminate_backend({pid}, 5000)")),
    )
    assert error.retry
    assert_repaired(database, kind)


@pytest.mark.faults
def test_a_disk_that_takes_no_more(database, monkeypatch):
    """The session may write no file beyond 1 MB, which Postgres meets as it meets a full disk."""
    error = broken_write(monkeypatch, "copy", database, "shape", narrow)
    assert not error.retry
    assert "free space" in str(error)
    assert_repaired(database, "shape")


def narrow(pid: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    except PermissionError:
        pytest.skip("the server's limits are not ours to set")


def void(_: object) -> None:
    pass


def crash(home: Path, pid: int) -> None:
    """One session dies, and Postgres ends all others and recovers."""
    psutil.Process(pid).kill()


def stop_at_once(home: Path, pid: int) -> None:
    """As `pg_ctl stop -m immediate` does."""
    process = postmaster(home)
    process.send_signal(signal.SIGQUIT)
    assert eventually(lambda: not psutil.pid_exists(pid))


def kill_all(home: Path, pid: int) -> None:
    """As when the machine loses its power, but for what the disk holds in its cache."""
    process = postmaster(home)
    for each in [process, *process.children(recursive=True)]:
        each.kill()


def serving(home: Path) -> Database:
    """Return the database once it answers; a server that is gone is started again."""
    settings: Settings = settings_of(home)

    def answer() -> Database | None:
        try:
            found = running(settings)
            if found:
                psycopg2.connect(found.url("postgres")).close()
        except psycopg2.Error:
            return None
        return Database(found.url("postgres")) if found else None

    assert eventually(answer, 60)
    found = answer()
    assert found
    return found


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("fault", [crash, stop_at_once, kill_all])
def test_a_server_that_goes(home, monkeypatch, fault, kind, point):
    client = Client(home).ready()
    try:
        error = broken_write(monkeypatch, point, serving(home), kind, lambda pid: fault(home, pid))
        assert error.retry
        Client(home).ready()
        assert_repaired(serving(home), kind)
    finally:
        for each in Client.started:
            if each.process.poll() is None:
                each.kill()
        assert client.process.poll() is not None
