from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.embedded import ensure_server


def one(database: Database, sql: str) -> object:
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        assert row
        return row[0]


def test_databases_are_created_when_missing(settings):
    for _ in range(2):
        database = Database.open(settings)
        assert one(database, "select current_database()") == "omics"
        assert one(Database(dagster_database_url(settings)), "select current_database()") == "dagster"


def test_another_server_may_be_named(settings):
    server = ensure_server(settings)
    elsewhere = replace(settings, database_url=server.url("data base"))
    assert one(Database.open(elsewhere), "select current_database()") == "data base"
    assert dagster_database_url(elsewhere) == server.url("dagster")
    both = replace(elsewhere, dagster_database_url=server.url("other"))
    assert dagster_database_url(both) == server.url("other")


def test_an_error_rolls_back(database):
    one(database, "create table t (n int); select 1")

    def fail():
        with database.transaction() as connection:
            connection.cursor().execute("insert into t values (1)")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    assert one(database, "select count(*) from t") == 0


def test_a_read_only_transaction_writes_nothing(database):
    refused = pytest.raises(StorageError, match="cannot execute CREATE TABLE in a read-only transaction")
    with refused as caught, database.transaction(read_only=True) as connection:
        connection.cursor().execute("create table t (n int)")
    assert not caught.value.retry


def test_values_stay_out_of_messages(database):
    one(database, "create table t (n int check (n < 5) unique); insert into t values (4); select 1")
    for statement, told in {
        "insert into t values (4)": 'unique violation, table "t", constraint "t_n_key"',
        "insert into t values (77)": 'check violation, table "t", constraint "t_n_check"',
        "select 'secret'::int": "invalid text representation",
    }.items():
        with pytest.raises(StorageError, match=f"^Postgres refused the content: {told}$") as caught:
            one(database, statement)
        assert caught.value.__suppress_context__


def test_passing_troubles_say_so(database):
    with pytest.raises(StorageError) as caught:
        one(Database("postgresql://nobody:secret@127.0.0.1:1/nothing"), "select 1")
    assert caught.value.retry
    assert "secret" not in str(caught.value)
    with pytest.raises(StorageError) as caught:
        one(database, "select pg_terminate_backend(pg_backend_pid())")
    assert caught.value.retry
    with pytest.raises(StorageError) as caught:
        one(database, "set lock_timeout = 1; select nothing")
    assert not caught.value.retry


def test_it_travels_to_other_processes(database):
    assert one(database, "select 1") == 1
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("select 2").scalar() == 2
    assert pickle.loads(pickle.dumps(database)) == database
    database.engine.dispose()
