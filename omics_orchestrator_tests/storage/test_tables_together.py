"""Several at once: writers, readers, and a writer that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pyarrow as pa
import pytest

from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.fingerprint import fingerprint
from omics_orchestrator.storage.tables import (
    TableWrite,
    list_tables,
    read_query,
    read_table,
    table_state,
    write_tables,
)

ROWS = 20_000
KILLED_WRITER = """
import sys, time
import pyarrow as pa
from omics_orchestrator.storage import copying
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, write_tables

def stalled(wire, encoded=copying._encoded):
    for number, block in enumerate(encoded(wire)):
        if number == 2:
            print("copying", flush=True)
            time.sleep(600)
        yield block

copying._encoded = stalled
table = pa.table({"id": range(200_000), sys.argv[2]: ["new"] * 200_000})
write_tables(Database(sys.argv[1]), [TableWrite("s", "t", table, ("id",))])
"""


def content(run: int, rows: int = ROWS) -> pa.Table:
    return pa.table({"id": range(rows), "run": [run] * rows})


def write(database: Database, *tables: pa.Table) -> None:
    names = ["t", "u"]
    write_tables(
        database, [TableWrite("s", n, table, ("id",)) for n, table in zip(names, tables, strict=False)]
    )


def waiting(database: Database) -> int:
    """The number of writers that wait for another one."""
    ours = "database = (select oid from pg_database where datname = current_database())"
    locks = f"select count(*) as n from pg_locks where locktype = 'advisory' and not granted and {ours}"
    return int(read_query(database, locks)["n"][0].as_py())


@pytest.mark.parametrize("column", ["run", "another_shape"])
def test_a_writer_killed_in_the_middle_leaves_the_old_table(database, tmp_path, column):
    """Once while rows are staged for a merge, once while the table is replaced; the next writer waits that long."""
    old = pa.table({"id": [1], "run": ["old"]})
    write(database, old)
    before = list_tables(database)
    script = tmp_path / "writer.py"
    script.write_text(KILLED_WRITER)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, str(script), database.url, column]
    with (
        ThreadPoolExecutor(1) as pool,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as writer,
    ):
        try:
            assert writer.stdout
            assert writer.stdout.readline() == "copying\n"
            both = pa.table({"id": [1, 2], "run": ["old", "new"]})
            following = pool.submit(write_tables, database, [TableWrite("s", "t", both, ("id",))])
            deadline = time.monotonic() + 20
            while not waiting(database):
                assert time.monotonic() < deadline, "the second writer does not wait for the first"
                time.sleep(0.05)
            assert list_tables(database) == before
        finally:
            writer.send_signal(signal.SIGKILL)
        (written,) = following.result(timeout=20)
    assert (written.inserted, written.updated, written.deleted) == (1, 0, 0)
    assert read_table(database, "s", "t").equals(both)


@pytest.mark.faults
def test_writers_of_one_table_wait_for_each_other(database):
    """They start in an empty database, so that they also race for the first schema and the state table."""
    writers = 4
    start = Barrier(writers)

    def run(number: int) -> None:
        start.wait()
        for lap in range(3):
            mine = content(10 * lap + number, ROWS // 10)
            if lap:  # another shape: the table is replaced
                mine = mine.append_column(f"by_{number % 2}", mine["run"])
            write(database, mine, mine) if number % 2 else write(database, mine)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(run, range(writers)))
    for name in ("t", "u"):
        table, state = read_table(database, "s", name), table_state(database, "s", name)
        assert state
        assert (state.fingerprint, state.rows) == (fingerprint(table), ROWS // 10)
        assert len(set(table["run"].to_pylist())) == 1


def test_readers_never_see_half_a_write(database):
    """The writer alternates between changed rows and changed shapes."""
    versions = [
        content(1),
        content(2),
        content(3).append_column("more", content(3)["run"]),
        content(4, ROWS // 2),
    ]
    allowed = {fingerprint(version) for version in versions}
    write(database, versions[0])
    done = Event()

    def read() -> set[str]:
        seen = set()
        while not done.is_set():
            seen.add(fingerprint(read_table(database, "s", "t")))
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(2):
                for version in versions:
                    write(database, version)
        finally:
            done.set()
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= allowed
    assert len(seen) > 1
