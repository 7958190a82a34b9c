"""Locks that tell who lives: freed by a kill, taken again after the connection broke, never by two."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psycopg2
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import Presence, holder

HOLD = """
import sys, time
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import Presence
with Presence(Database(sys.argv[1]), "run", "a"):
    print("held", flush=True)
    time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def cut(database: Database) -> int:
    """End the connections that hold locks; return how many there were."""
    with psycopg2.connect(database.url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 5000) from pg_locks join pg_stat_activity using (pid)"
            " where locktype = 'advisory' and datname = current_database()"
        )
        return cursor.rowcount


def test_a_killed_process_lets_go(database: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, database.url], stdout=subprocess.PIPE, cwd=WORKING_COPY
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    found = holder(database, "run", "a")
    assert found is not None
    assert found.name.endswith(f" {process.pid}")
    assert holder(database, "run", "b") is None
    assert not Presence(database, "run", "a").take()
    process.kill()
    process.communicate()
    assert eventually(lambda: holder(database, "run", "a") is None)


def test_a_lock_is_taken_again_after_its_connection_broke(database: Database) -> None:
    with Presence(database, "run", "a"):
        assert cut(database) == 1
        assert holder(database, "run", "a") is None
        assert eventually(lambda: holder(database, "run", "a") is not None)
    assert holder(database, "run", "a") is None


def test_who_finds_the_lock_taken_by_another_is_told(database: Database) -> None:
    told: list[bool] = []
    first, second = Presence(database, "daemon", lost=lambda: told.append(True)), Presence(database, "daemon")
    assert first.take()
    cut(database)
    assert second.take()
    assert eventually(lambda: bool(told))
    first.release()
    assert holder(database, "daemon") is not None
    second.release()


def test_a_server_that_does_not_answer_is_an_error_of_ours() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageError) as refused:
        Presence(nowhere, "run").take()
    assert refused.value.retry
    with pytest.raises(StorageError, match="needs a name"):
        Presence(nowhere)
