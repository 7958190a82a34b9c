"""A table of another shape takes the old one's place: who waits for whom, and what passes over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg2
import pyarrow as pa
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage import copying, replacing, state
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, list_tables, read_query, read_table, write_tables

ROWS = 40_000
OLD = pa.table({"id": range(ROWS), "a": [1] * ROWS, "b": ["old"] * ROWS})
NEW = OLD.append_column("c", pa.array([True] * ROWS))
LOCKS = """
    select mode, granted from pg_locks where relation = to_regclass('s.t') and mode = 'AccessExclusiveLock'
    and database = (select oid from pg_database where datname = current_database())
"""


def write(database: Database, table: pa.Table, name: str = "t") -> None:
    write_tables(database, [TableWrite("s", name, table, ("id",))])


def execute(database: Database, statement: str) -> None:
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def pausing(monkeypatch) -> Iterator[tuple[Event, Event]]:
    """The next copies stop after their second block: `reached` is set then, and they go on with `go`."""
    reached, go, encoded = Event(), Event(), copying._encoded

    def stopping(wire: pa.Table) -> Iterator[bytes]:
        for number, block in enumerate(encoded(wire)):
            if number == 2:
                reached.set()
                assert go.wait(60)
            yield block

    monkeypatch.setattr(copying, "_encoded", stopping)
    yield reached, go
    go.set()


def test_readers_are_not_locked_out_while_the_new_shape_is_written(database, pausing):
    reached, go = pausing
    go.set()
    write(database, OLD)
    reached.clear(), go.clear()
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write, database, NEW)
        assert reached.wait(60)
        assert read_query(database, LOCKS).num_rows == 0
        assert read_table(database, "s", "t").schema == OLD.schema
        go.set()
        seen = [read_table(database, "s", "t") for _ in iter(writer.done, True)]
        writer.result()
    assert all(table.equals(OLD) or table.equals(NEW) for table in seen)
    assert read_table(database, "s", "t").equals(NEW)


def test_a_reader_that_holds_the_old_table_delays_the_swap_only(database, monkeypatch):
    """The writer asks for the lock for a moment, lets others pass, asks again; new readers are served meanwhile."""
    write(database, OLD)
    tried = Event()

    def pause(_: float) -> None:
        tried.set()
        sleep(0.05)

    sleep = time.sleep
    monkeypatch.setattr("omics_orchestrator.storage.replacing.time.sleep", pause)
    holder = psycopg2.connect(database.url)
    holder.cursor().execute("select count(*) from s.t")
    with ThreadPoolExecutor(1) as pool:
        try:
            writer = pool.submit(write, database, NEW)
            assert tried.wait(60)
            assert read_table(database, "s", "t").equals(OLD)
            assert not writer.done()
        finally:
            holder.close()
        writer.result()
    assert read_table(database, "s", "t").equals(NEW)


def test_readers_that_never_let_go_are_told(database, monkeypatch):
    write(database, OLD)
    monkeypatch.setattr(replacing, "TRIES", 2)
    monkeypatch.setattr(replacing, "PAUSE", 0)
    holder = psycopg2.connect(database.url)
    holder.cursor().execute("select count(*) from s.t")
    try:
        told = rf"^s\.t: its columns changed, but readers .*processes {holder.info.backend_pid}\)"
        with pytest.raises(StorageError, match=told) as caught:
            write(database, NEW)
    finally:
        holder.close()
    assert caught.value.retry
    assert read_table(database, "s", "t").equals(OLD)
    write(database, NEW)


def test_writers_of_other_tables_do_not_wait(database, pausing):
    """Not even for the schema, which the first of them creates."""
    reached, go = pausing
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write, database, OLD)
        assert reached.wait(60)
        write(database, OLD.slice(0, 2), "u")
        assert [found.name for found in list_tables(database)] == ["u"]
        go.set()
        writer.result()


def test_waiting_for_another_writer_has_an_end(database, pausing, monkeypatch):
    reached, go = pausing
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write, database, OLD)
        assert reached.wait(60)
        monkeypatch.setattr(state, "WAIT", "50ms")
        with pytest.raises(
            StorageError, match=r"^s\.t: another run is writing it for more than 50ms"
        ) as caught:
            write(database, NEW)
        go.set()
        writer.result()
    assert caught.value.retry
    assert read_table(database, "s", "t").equals(OLD)


def test_grants_comments_and_views_pass_over(database):
    write(database, OLD.slice(0, 2))
    execute(
        database,
        """
        create role "a reader"; grant usage on schema s to "a reader";
        grant select on s.t to "a reader"; grant update (a) on s.t to "a reader" with grant option;
        comment on column s.t.a is 'by hand 100%';
        create view s.v with (security_barrier=true) as select id, a from s.t;
        create view s.w as select sum(a) as total from s.v; grant select on s.w to "a reader";
        comment on view s.w is 'The total'
        """,
    )
    facts = """
        select has_table_privilege('a reader', 's.t', 'select') as t,
        has_table_privilege('a reader', 's.w', 'select') w,
        has_column_privilege('a reader', 's.t', 'a', 'update with grant option') a,
        has_table_privilege('a reader', 's.t', 'delete') d, obj_description('s.w'::regclass) comment,
        col_description('s.t'::regclass, 2) col, (select reloptions from pg_class where oid = 's.v'::regclass) options,
        (select conname::text from pg_constraint where conrelid = 's.t'::regclass and contype = 'p') as key,
        (select total::int from s.w) total
    """
    try:
        before = read_query(database, facts).to_pylist()
        assert (before[0]["t"], before[0]["d"]) == (True, False)
        write(database, NEW.slice(0, 2))
        assert read_query(database, facts).to_pylist() == before
        with pytest.raises(StorageError, match=r"^s\.t: its columns changed, and the view s\.v does not fit"):
            write(database, NEW.slice(0, 2).drop_columns(["a"]))
        execute(database, "create materialized view s.m as select a from s.t")
        with pytest.raises(StorageError, match=r"materialized view s\.m depends on .* drop that"):
            write(database, OLD.slice(0, 2))
        assert read_table(database, "s", "t").equals(NEW.slice(0, 2))
    finally:
        execute(database, 'drop owned by "a reader"; drop role "a reader"')


def test_nothing_but_the_table_is_left(database):
    for table in (OLD, NEW, OLD):
        write(database, table.slice(0, 5))
    relations = "select relname::text as name from pg_class where relnamespace = 's'::regnamespace order by 1"
    assert read_query(database, relations)["name"].to_pylist() == ["t", "t_pkey"]
