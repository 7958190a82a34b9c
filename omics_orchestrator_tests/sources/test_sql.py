"""The source kind `sql` on real SQLite files and a real Postgres."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.sources import sql_read
from omics_orchestrator.sources.base import Delivery, Held
from omics_orchestrator.sources.sql import Sql
from omics_orchestrator.sources.sql_open import refused
from omics_orchestrator.sources.sql_text import as_text, mark_of, mark_value, text_column
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores


@pytest.fixture
def cohort(folder: Path) -> Path:
    """An SQLite file with one small table."""
    file = folder / "cohort.db"
    with lite(file) as db:
        db.execute("create table visits (id integer primary key, name text, value real, changed integer)")
        db.execute("insert into visits values (1,'Zoë',0.1,1), (2,NULL,1e22,2), (3,'漢 :x %s','2.50',2)")
    return file


@pytest.fixture
def here(stores: Stores, database: Database) -> Stores:
    """Stores of a machine that knows the address of the test's own database."""
    return Stores(replace(stores.settings, environment={"CLINIC_URL": database.url}))


@contextmanager
def lite(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file)
    with connection:
        yield connection
    connection.close()


def run(database: Database, *statements: str) -> None:
    connection = psycopg2.connect(database.url)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def at(file: Path, **tables: object) -> Sql:
    return Sql.model_validate({"url": f"sqlite:///{file}", "tables": tables})


def clinic(**tables: object) -> Sql:
    return Sql.model_validate({"url": {"secret": "CLINIC_URL"}, "tables": tables})


def held_after(delivery: Delivery) -> Held:
    return Held(delivery.mark, delivery.data.select(list(delivery.key)))


def test_sqlite_cells_are_text_under_the_primary_key(cohort, stores):
    delivery = at(cohort, visits="visits").deliver("s", "visits", {"name", "value"}, stores)
    assert delivery.key == ("id",)
    assert delivery.seen == ("id", "name", "value", "changed")
    assert delivery.data.to_pydict() == {
        "id": ["1", "2", "3"],
        "name": ["Zoë", "", "漢 :x %s"],
        "value": ["0.1", "1e+22", "2.5"],
    }
    assert delivery.decisions["NULL cells made blank"] == "1"


def test_describes_its_columns_and_reads_no_cell(cohort, stores):
    found = at(cohort, visits="visits").described("s", stores)
    assert [(one.table, one.name, one.label) for one in found] == [
        ("visits", name, "") for name in ("id", "name", "value", "changed")
    ]


def test_postgres_writes_its_values_itself(here, database):
    run(
        database,
        """create table lab (id int primary key, yes boolean, price numeric(10,3), small real, at timestamp,
        zoned timestamptz, day date, span interval, doc jsonb, many int[], gone timestamp, name text, u uuid)""",
        """insert into lab values (1, true, 1.5, 0.1, '2020-01-02 03:04:05.5', '2020-01-02 03:04:05+02', '2020-02-29',
        '1 mon 2 days', '{"a": 1}', '{1,2}', 'infinity', 'Ünï', '00000000-0000-0000-0000-000000000001')""",
        "insert into lab (id, yes) values (2, false)",
    )
    rows = clinic(lab="lab").deliver("s", "lab", None, here).data.to_pylist()
    assert rows[0] == {
        "id": "1",
        "yes": "true",
        "price": "1.500",
        "small": "0.1",
        "at": "2020-01-02T03:04:05.5",
        "zoned": "2020-01-02T01:04:05+00:00",
        "day": "2020-02-29",
        "span": "P1M2D",
        "doc": '{"a": 1}',
        "many": "{1,2}",
        "gone": "infinity",
        "name": "Ünï",
        "u": "00000000-0000-0000-0000-000000000001",
    }
    assert rows[1] == dict.fromkeys(rows[0], "") | {"id": "2", "yes": "false"}


def test_bytes_are_refused_by_name(here, database, cohort, stores):
    run(database, "create table scans (id int primary key, picture bytea)")
    with pytest.raises(DeliveryError, match="'picture' holds bytes"):
        clinic(scans="scans").deliver("s", "scans", None, here)
    assert clinic(scans="scans").deliver("s", "scans", {"id"}, here).data.num_rows == 0
    with lite(cohort) as db:
        db.execute("update visits set name = x'00ff'")
    with pytest.raises(DeliveryError, match="'name' holds bytes"):
        at(cohort, visits="visits").deliver("s", "visits", None, stores)


def test_a_query_is_a_table(here, database):
    run(database, "create table t (a int, b text)", "insert into t values (1, 'x:y'), (2, '50%')")
    query = "select a, b::text as b, b like '%:y' as hit from t where a < 10 -- remark"
    delivery = clinic(q={"query": query, "key": ["a"]}).deliver("s", "q", {"*"}, here)
    assert sorted(delivery.data.to_pydict()["b"]) == ["50%", "x:y"]
    assert delivery.seen == ("a", "b", "hit")


@pytest.mark.parametrize(
    "query",
    [
        "delete from visits",
        "select 1; select 2",
        "with gone as (delete from visits returning *) select * from gone",
        "select * into other from visits",
        "select * from visits for update",
        "drop table visits",
        "selec 'Xq7secret'",
    ],
)
def test_a_query_only_reads(query, here):
    source = clinic(q={"query": query, "key": ["id"]})
    with pytest.raises(DeliveryError, match="query of q") as told:
        source.deliver("s", "q", None, here)
    assert "Xq7secret" not in str(told.value)


def test_what_a_function_would_write_is_refused_by_the_transaction(here, database):
    run(
        database,
        "create table t (a int)",
        "create function sly() returns int language sql as 'insert into t values (1) returning a'",
    )
    with pytest.raises(DeliveryError, match="only reading is allowed"):
        clinic(q={"query": "select sly() as a", "key": ["a"]}).deliver("s", "q", None, here)


def test_keys_name_each_row(cohort, stores):
    with pytest.raises(DeliveryError, match="'name' is NULL in 1 rows"):
        at(cohort, v={"table": "visits", "key": ["name"]}).deliver("s", "v", None, stores)
    with pytest.raises(DeliveryError, match="1 rows bear a key that is taken"):
        at(cohort, v={"table": "visits", "key": ["changed"]}).deliver("s", "v", None, stores)


def test_rows_without_a_key_are_numbered_alike_whatever_their_order(folder, stores):
    deliveries = []
    for number, rows in enumerate((("b", "a", "c"), ("c", "b", "a"))):
        with lite(folder / f"{number}.db") as db:
            db.execute("create table t (x text)")
            db.executemany("insert into t values (?)", [(row,) for row in rows])
        deliveries.append(at(folder / f"{number}.db", t="t").deliver("s", "t", None, stores))
    assert deliveries[0].data.equals(deliveries[1].data)
    assert deliveries[0].data.to_pydict() == {"row_number": [1, 2, 3], "x": ["a", "b", "c"]}


def test_only_what_is_new_is_read(cohort, stores):
    source = at(cohort, v={"table": "visits", "key": ["id"], "watermark": "changed"})
    first = source.deliver("s", "v", {"name"}, stores)
    assert first.replaced is None
    assert first.mark["watermark"] == "int 2"
    with lite(cohort) as db:
        db.execute("insert into visits values (4, 'new', 1, 3)")
        db.execute("update visits set name = 'changed', changed = 3 where id = 1")
    second = source.deliver("s", "v", {"name"}, stores, held=held_after(first))
    assert sorted(second.data.to_pydict()["id"]) == [
        "1",
        "2",
        "3",
        "4",
    ]  # 2 and 3 bear the last watermark itself
    third = source.deliver("s", "v", {"name"}, stores, held=Held(second.mark, second.data.select(["id"])))
    assert sorted(third.data.to_pydict()["id"]) == ["1", "4"]
    assert third.replaced is not None
    assert third.replaced.equals(third.data.select(["id"]))
    assert third.data.column_names == ["id", "name"]


def test_all_is_read_again_when_rows_vanished_or_it_is_time(cohort, stores):
    source = at(cohort, v={"table": "visits", "key": ["id"], "watermark": "changed"})
    first = source.deliver("s", "v", {"name"}, stores)
    again = source.model_copy(update={"full_pull_every": 0})
    assert again.deliver("s", "v", {"name"}, stores, held=held_after(first)).replaced is None
    with lite(cohort) as db:
        db.execute("delete from visits where id = 1")
    gone = source.deliver("s", "v", {"name"}, stores, held=held_after(first))
    assert gone.replaced is None
    assert sorted(gone.data.to_pydict()["id"]) == ["2", "3"]


def test_watermarks_in_postgres(here, database):
    run(
        database,
        "create table t (id int primary key, at timestamptz)",
        "insert into t select n, timestamptz '2020-01-01 00:00+01' + n * interval '1 us' from generate_series(1, 50) n",
        "insert into t values (99, null)",
    )
    source = clinic(t={"table": "t", "key": ["id"], "watermark": "at"})
    first = source.deliver("s", "t", set(), here)
    before = source.signature(here)
    assert source.signature(here) == before
    run(database, "insert into t values (51, '2021-01-01')")
    assert source.signature(here) != before
    second = source.deliver("s", "t", set(), here, held=held_after(first))
    assert sorted(second.data.to_pydict()["id"]) == [
        "50",
        "51",
        "99",
    ]  # one without a watermark is always read
    told = source.signature(here)
    run(database, "alter table t alter id type bigint")
    assert source.signature(here) != told
    assert source.deliver("s", "t", set(), here, held=held_after(first)).replaced is None


def test_schema_drift(cohort, stores):
    source = at(cohort, visits="visits")
    with lite(cohort) as db:
        db.execute("alter table visits add column extra text")
        db.execute("alter table visits rename column name to label")
    assert "extra" in source.deliver("s", "visits", {"value"}, stores).seen
    with pytest.raises(DeliveryError, match='no column "name"'):
        source.deliver("s", "visits", {"name"}, stores)
    with pytest.raises(DeliveryError, match='no table "visit"; nearest: "visits"'):
        at(cohort, v="visit").deliver("s", "v", None, stores)


def test_many_rows_and_a_writer_beside(here, database, monkeypatch):
    run(
        database,
        "create table t (id int primary key, x text)",
        "insert into t select n, 'a' from generate_series(1, 100000) n",
    )
    convert, batches = text_column, []

    def interfering(name, values):
        if name == "id":
            batches.append(len(values))
            if len(batches) == 2:
                run(database, "update t set x = 'b'", "delete from t where id % 2 = 0")
        return convert(name, values)

    monkeypatch.setattr(sql_read, "text_column", interfering)
    data = clinic(t="t").deliver("s", "t", None, here).data
    assert data.num_rows == 100_000
    assert set(data["x"].to_pylist()) == {"a"}
    assert max(batches) <= sql_read.BATCH


def test_a_backend_that_is_killed_may_be_asked_again(here, database, monkeypatch):
    run(database, "create table t (id int primary key)", "insert into t select generate_series(1, 100000)")
    convert = text_column

    def killing(name, values):
        run(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
        )
        return convert(name, values)

    with monkeypatch.context() as patch:
        patch.setattr(sql_read, "text_column", killing)
        with pytest.raises(DeliveryError, match="connection to the database was lost") as told:
            clinic(t="t").deliver("s", "t", None, here)
    assert told.value.retry
    assert clinic(t="t").deliver("s", "t", None, here).data.num_rows == 100_000


def test_rights_and_time(here, database):
    run(database, "create table t (id int primary key)", "create role stranger_q login password 'Xq7secret'")
    url = make_url(database.url).set(username="stranger_q", password="Xq7secret")
    stranger = Stores(
        replace(here.settings, environment={"CLINIC_URL": url.render_as_string(hide_password=False)})
    )
    try:
        with pytest.raises(DeliveryError, match="the right SELECT") as told:
            clinic(t="t").deliver("s", "t", None, stranger)
        assert "Xq7secret" not in str(told.value)
    finally:
        run(database, "drop role stranger_q")
    slow = Sql.model_validate(
        {
            "url": {"secret": "CLINIC_URL"},
            "timeout": 0.05,
            "tables": {"q": {"query": "select pg_sleep(60)::text as a", "key": ["a"]}},
        }
    )
    with pytest.raises(DeliveryError, match="longer than `timeout`"):
        slow.deliver("s", "q", None, here)


@pytest.mark.parametrize(
    ("changed", "told", "retry"),
    [
        ({"password": "Xq7wrong"}, "refuses user and password", False),
        ({"host": "no-such-host.invalid"}, "no machine bears the name", True),
        ({"host": "127.0.0.1", "port": 1}, "does not answer", True),
        ({"database": "nowhere"}, "no such database", False),
    ],
    ids=["password", "host", "port", "database"],
)
def test_a_server_that_refuses(changed, told, retry, here, database):
    url = make_url(database.url).set(**changed).render_as_string(hide_password=False)
    elsewhere = Stores(replace(here.settings, environment={"CLINIC_URL": url}))
    with pytest.raises(DeliveryError, match=told) as error:
        clinic(t="t").deliver("s", "t", None, elsewhere)
    assert "Xq7wrong" not in str(error.value)
    assert error.value.retry is retry


def test_a_server_that_is_not_ready_may_be_asked_again():
    words = psycopg2.OperationalError(
        "FATAL:  the database system is starting up"
    )  # no SQLSTATE comes with it
    assert refused(DBAPIError(None, None, words)).retry


def test_the_declared_watermark_is_no_drift(cohort, stores):
    marked = {"table": "visits", "key": ["id"], "watermark": "changed"}
    source = at(cohort, v=marked)
    assert source.deliver("s", "v", {"name"}, stores).seen == ("id", "name", "value")
    assert source.deliver("s", "v", {"name", "changed"}, stores).seen == ("id", "name", "value", "changed")


def test_files_that_are_no_database(folder, stores):
    with pytest.raises(DeliveryError, match="not there"):
        at(folder / "none.db", t="t").deliver("s", "t", None, stores)
    assert not (folder / "none.db").exists()
    (folder / "text.db").write_text("no database at all " * 100)
    with pytest.raises(DeliveryError, match="no SQLite database"):
        at(folder / "text.db", t="t").deliver("s", "t", None, stores)


def test_declarations_that_are_refused(cohort):
    with pytest.raises(ValidationError, match="is a secret") as told:
        Sql.model_validate({"url": "postgresql://u:Xq7secret@h/d", "tables": {"t": "t"}})
    assert "is a secret" in str(told.value)
    with pytest.raises(ValidationError, match="needs `key`"):
        at(cohort, q={"query": "select 1"})
    with pytest.raises(ValidationError, match="one of both"):
        at(cohort, q={"key": ["a"]})
    with pytest.raises(ValidationError, match="single SELECT"):
        at(cohort, q={"query": "drop table x", "key": ["a"]})


def test_a_machine_without_the_secret_or_the_driver(stores):
    source = clinic(t="t")
    assert source.needs(stores.settings) == "CLINIC_URL"
    with pytest.raises(NotConfigured, match="CLINIC_URL"):
        source.deliver("s", "t", None, stores)
    for url in ("nonsense+x://h/d", "mysql+aiomysql://h/d"):
        with pytest.raises(NotConfigured, match=r"install|driver"):
            Sql.model_validate({"url": url, "tables": {"t": "t"}}).deliver("s", "t", None, stores)


def test_signature_of_a_file(cohort, stores):
    source = at(cohort, visits="visits")
    before = source.signature(stores)
    assert source.signature(stores) == before
    with lite(cohort) as db:
        db.executemany("insert into visits values (?, 'x', 1, 1)", [(n,) for n in range(10, 1000)])
    assert source.signature(stores) != before


def test_text_of_values_and_marks():
    import datetime as dt
    from decimal import Decimal

    zone = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=zone)
    assert as_text(moment) == "2020-01-02T01:04:05+00:00"
    assert as_text(Decimal("1E+3")) == "1000"
    assert as_text(True) == "true"
    for value in (3, 0.1, Decimal("1.50"), "a b", moment, dt.date(2020, 2, 29)):
        assert mark_value(mark_of(value)) == value
