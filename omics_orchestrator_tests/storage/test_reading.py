from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from omics_orchestrator.errors import StorageError, UnknownKey
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.reading import read_query, read_table
from omics_orchestrator.storage.tables import TableWrite, write_tables

TABLE = pa.table({"id": [2, 1], "name": ["a", None], "flag": [True, False]})


@pytest.fixture
def filled(database: Database) -> Database:
    write_tables(database, [TableWrite("s", "things", TABLE, ("id",))])
    return database


def ask(database: Database, sql: str, *params):
    return read_query(database, sql, params).to_pylist()


def test_columns_are_chosen_in_the_order_asked_for(filled):
    assert read_table(filled, "s", "things", columns=["name", "id"]).to_pylist() == [
        {"name": None, "id": 1},
        {"name": "a", "id": 2},
    ]


def test_what_is_not_there_is_answered_with_the_nearest(filled):
    with pytest.raises(UnknownKey, match=r'no table "s.thing"; nearest: "s.things"'):
        read_table(filled, "s", "thing")
    with pytest.raises(UnknownKey, match=r'no table "t.things"'):
        read_table(filled, "t", "things")
    with pytest.raises(UnknownKey, match='no column "nam"; nearest: "name"'):
        read_table(filled, "s", "things", columns=["id", "nam"])


def test_tables_of_other_hands_are_read_as_they_are(database):
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create table t (n numeric(10,2), j jsonb); insert into t values (1.5, '{}')")
    assert read_table(database, "public", "t").to_pylist() == [{"n": Decimal("1.50"), "j": "{}"}]
    assert read_table(database, "public", "t", columns=["j"]).to_pylist() == [{"j": "{}"}]


def test_queries_take_parameters_as_psycopg2_does(filled):
    assert ask(filled, "select id from s.things where name = %s or id = any(%s) order by 1", "a", [1]) == [
        {"id": 1},
        {"id": 2},
    ]
    named = read_query(filled, "select %(x)s::text as x, 5 %% 3 as two", {"x": None})
    assert named.to_pylist() == [{"x": None, "two": 2}]
    assert ask(filled, "select 5 % 3 as two, 'a%' as like") == [{"two": 2, "like": "a%"}]


def test_numbers_come_as_numbers(database):
    sql = "select sum(n) as s, avg(n) as a, count(*) as c, 'NaN'::numeric as n from generate_series(1, 4) as x (n)"
    answer = read_query(database, sql)
    assert answer.to_pylist() == [{"s": 10, "a": Decimal("2.5"), "c": 4, "n": "nan"}]
    assert read_query(database, "select null::numeric as n where false").num_rows == 0


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("show transaction_read_only", "on"),
        ("explain (costs off) select 1", "Result"),
        ("select 'x' -- nothing more", "x"),
        ("  (select 'x');\n", "x"),
        ("values ('x')", "x"),
        ("with a as (select 'x') select * from a", "x"),
        ("-- a comment\n/* and\nanother */ (select 'x')", "x"),
    ],
)
def test_every_statement_that_answers_is_answered(database, sql, answer):
    assert list(ask(database, sql)[0].values()) == [answer]


@pytest.mark.parametrize(
    "sql",
    [
        "explain analyze delete from s.things",
        "with gone as (delete from s.things returning *) select * from gone",
        "select 1; delete from s.things",
        "select 1) to stdout; delete from s.things; copy (select 1",
        "select set_config('transaction_read_only', 'off', false)",
        "select 1/0",
        "select nothing",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(filled, sql):
    with pytest.raises(StorageError, match=r"^Postgres: .+") as caught:
        read_query(filled, sql)
    assert not caught.value.retry
    assert read_table(filled, "s", "things").num_rows == 2


@pytest.mark.parametrize(
    "sql",
    [
        "delete from s.things",
        "create table s.other (n int)",
        "commit; delete from s.things",
        "copy (select 1) to program 'true'",
        "do $$ begin copy (select 1) to program 'true'; end $$",
        "-- select\ncopy (select 1) to program 'true'",
        "",
    ],
)
def test_statements_that_only_do_something_are_not_sent(filled, sql):
    with pytest.raises(StorageError, match="begins with SELECT"):
        read_query(filled, sql)
    assert read_table(filled, "s", "things").num_rows == 2


def test_a_server_that_does_not_answer_may_answer_later():
    with pytest.raises(StorageError) as caught:
        read_query(Database("postgresql://nobody:secret@127.0.0.1:1/nothing"), "select 1")
    assert caught.value.retry
    assert "secret" not in str(caught.value)
