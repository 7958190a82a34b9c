from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import (
    TableState,
    TableWrite,
    Written,
    drop_table,
    fingerprint,
    list_tables,
    read_query,
    read_table,
    table_state,
    write_tables,
)
from omics_orchestrator_tests.storage.arrow_tables import cells, schemas, tables

on_one_database = hypothesis_settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VISITS = pa.table({"visit": ["b", "a", "c"], "crp": [1.5, None, 3.0], "run_id": ["r1"] * 3})


def write(database: Database, table: pa.Table, key: tuple[str, ...] = ("visit",), **more) -> Written:
    return write_tables(database, [TableWrite("raw_x", "visits", table, key, ignore=("run_id",), **more)])[0]


def execute(database: Database, statement: str) -> None:
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def state_of(database: Database) -> TableState:
    state = table_state(database, "raw_x", "visits")
    assert state
    return state


def counts(written: Written) -> tuple[int, int, int]:
    return written.inserted, written.updated, written.deleted


def versions(database: Database) -> dict[str, str]:
    """Return key → the transaction that wrote the row."""
    return {
        r["visit"]: r["x"]
        for r in read_query(database, "select visit, xmin::text as x from raw_x.visits").to_pylist()
    }


@on_one_database
@given(data=st.data())
def test_read_gives_what_was_written(database, data):
    """Twice in a row: the first write replaces the table of another shape, the second changes its rows."""
    columns = data.draw(schemas)
    for _ in range(2):
        table = data.draw(tables(columns))
        written = write_tables(database, [TableWrite("any thing", 'ta"b%le', table, ("id",))])[0]
        read = read_table(database, "any thing", 'ta"b%le')
        assert read.schema.equals(table.schema, check_metadata=True)
        assert cells(read) == cells(table.sort_by("id"))
        (state,) = list_tables(database)
        assert fingerprint(read) == written.fingerprint == state.fingerprint


rows = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.none() | st.integers(0, 2), st.none() | st.just("x"))
)


@on_one_database
@given(old=rows, new=rows)
def test_exactly_the_rows_that_differ_are_touched(database, old, new):
    def table(content, run):
        columns = {
            "visit": list(content),
            "n": [n for n, _ in content.values()],
            "s": [s for _, s in content.values()],
        }
        fields = [("visit", pa.string()), ("n", pa.int64()), ("s", pa.string()), ("run_id", pa.string())]
        return pa.table({**columns, "run_id": [run] * len(content)}, schema=pa.schema(fields))

    drop_table(database, "raw_x", "visits")
    assert counts(write(database, table(old, "r1"))) == (len(old), 0, 0)
    written = write(database, table(new, "r2"))
    changed = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    assert counts(written) == (len(new.keys() - old.keys()), len(changed), len(old.keys() - new.keys()))
    read = {
        row["visit"]: (row["n"], row["s"], row["run_id"])
        for row in read_table(database, "raw_x", "visits").to_pylist()
    }
    kept = {key for key in new if old.get(key) == new[key]}
    assert read == {key: (*new[key], "r1" if key in kept else "r2") for key in new}
    assert written.rows == len(new)
    assert written.touched == sum(counts(written))


def test_unchanged_content_touches_nothing(database):
    first = write(database, VISITS)
    state, before = table_state(database, "raw_x", "visits"), versions(database)
    again = write(database, VISITS.take([2, 0, 1]).set_column(2, "run_id", pa.array(["r2"] * 3)))
    assert (again.touched, again.rows, again.fingerprint) == (0, 3, first.fingerprint)
    assert table_state(database, "raw_x", "visits") == state
    write(database, VISITS.set_column(1, "crp", pa.array([1.5, 2.0, 3.0])))
    after = versions(database)
    assert {key for key in before if before[key] != after[key]} == {"a"}


def test_rows_changed_by_another_hand_are_repaired(database):
    write(database, VISITS)
    execute(
        database,
        "delete from raw_x.visits where visit = 'a'; update raw_x.visits set crp = 7 where visit = 'b'",
    )
    assert counts(write(database, VISITS)) == (1, 1, 0)
    assert read_table(database, "raw_x", "visits")["crp"].to_pylist() == [None, 1.5, 3.0]
    execute(database, "truncate raw_x.visits")
    assert counts(write(database, VISITS)) == (3, 0, 0)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(VISITS.append_column("new", pa.array([1, 2, 3])), id="column more"),
        pytest.param(VISITS.drop_columns(["crp"]), id="column less"),
        pytest.param(VISITS.select(["crp", "visit", "run_id"]), id="other order"),
        pytest.param(VISITS.set_column(1, "crp", VISITS["crp"].cast(pa.string())), id="other type"),
    ],
)
def test_another_shape_replaces_the_table_and_keeps_its_comment(database, other):
    write(database, VISITS, description="All visits")
    assert counts(write(database, other)) == (3, 0, 3)
    assert read_table(database, "raw_x", "visits").equals(other.sort_by("visit"))
    comment = "select obj_description('raw_x.visits'::regclass, 'pg_class') as c"
    assert read_query(database, comment)["c"].to_pylist() == ["All visits"]


def test_another_key_replaces_the_table(database):
    table = pa.table({"a": ["x", "x", "y"], "b": [2, 1, 1]})
    write(database, table.append_column("visit", pa.array([1, 2, 3])))
    assert counts(write(database, table.append_column("visit", pa.array([1, 2, 3])), ("a", "b"))) == (3, 0, 3)
    assert read_table(database, "raw_x", "visits")["b"].to_pylist() == [1, 2, 1]
    with pytest.raises(StorageError, match='not null violation, table "visits", column "b"'):
        execute(database, "insert into raw_x.visits values ('z', null, 4)")


def test_types_that_lie_alike_need_no_new_table(database):
    write(database, VISITS)
    coded = VISITS.set_column(2, "run_id", VISITS["run_id"].dictionary_encode())
    assert write(database, coded).touched == 0
    assert read_table(database, "raw_x", "visits").schema == coded.schema


def test_comments_come_from_field_metadata_and_follow_them(database):
    for label in (b"C-reactive 100% 'protein'", b"CRP"):
        field = VISITS.schema.field("crp").with_metadata({b"description": label})
        table = VISITS.cast(VISITS.schema.set(1, field))
        write(database, table, description=f"It's {label!r}")
        of_table = "(select 'raw_x.visits'::regclass as c) as x"
        comments = f"select col_description(c, 2) as two, obj_description(c) as one from {of_table}"
        assert read_query(database, comments).to_pylist() == [
            {"two": label.decode(), "one": f"It's {label!r}"}
        ]
        assert read_table(database, "raw_x", "visits").schema.field("crp").metadata == {b"description": label}
        assert state_of(database).description == f"It's {label!r}"
    assert write(database, table).touched == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"visit": ["secret", "secret"]}), r"1 rows repeat the key \(visit\) of another row"),
        (pa.table({"visit": ["secret", None]}), 'key column "visit" is empty in 1 rows'),
        (pa.table({"visit": ["secret\0", "a\0", "b"]}), 'NUL bytes in 2 cells of column "visit"'),
        (pa.table({"visit": [1], "x": [["secret\0", "y"]]}), 'NUL bytes in 1 cells of column "x"'),
        (pa.table({"visit": [1], "x": [timedelta(1)]}), 'column "x": Arrow type duration.us. has no place'),
        (pa.table({"visit": [1], "x": [{"a": "secret"}]}), 'column "x": Arrow type struct<.*> has no place'),
        (
            pa.table({"visit": [1], "x": pa.array([1], pa.timestamp("ns"))}),
            r'column "x": timestamp\[ns\] holds values',
        ),
        (
            pa.table({"visit": [1], "x": pa.array([2**31 - 1]).cast(pa.int32()).cast(pa.date32())}),
            'datetime field overflow, column "x"',
        ),
        (
            pa.table({"visit": [1], "x": pa.array([-(2**31)]).cast(pa.int32()).cast(pa.date32())}),
            "a value is out of Postgres' range",
        ),
        (
            pa.table({"visit": [1], "x": pa.array(["secret"], pa.json_())}),
            'invalid text representation, column "x"',
        ),
        (pa.table({"visit": [1], "x" * 64: [1]}), 'column "x+": a name has 1 to 63 bytes'),
        (pa.table([[1], [1]], names=["visit", "visit"]), "two columns bear the same name"),
        (pa.table({"x": [1]}), r"the key \(visit\) must name columns"),
    ],
)
def test_content_that_cannot_be_stored_is_told_without_values(database, table, message):
    with pytest.raises(StorageError, match=f"^raw_x.visits: .*{message}") as caught:
        write(database, table)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert not caught.value.retry
    assert list_tables(database) == []


def test_all_writes_or_none(database):
    good, bad = VISITS, pa.table({"visit": ["a\0"]})
    write(database, good)
    writes = [
        TableWrite("raw_x", "visits", good.slice(0, 1), ("visit",)),
        TableWrite("raw_y", "z", bad, ("visit",)),
    ]
    with pytest.raises(StorageError, match=r"^raw_y\.z: "):
        write_tables(database, writes)
    assert read_table(database, "raw_x", "visits").num_rows == 3
    assert [state.name for state in list_tables(database)] == ["visits"]


def test_answers_come_in_the_order_of_the_writes(database):
    writes = [
        TableWrite("s", name, VISITS.slice(0, rows), ("visit",))
        for name, rows in (("z", 1), ("a", 2), ("m", 3))
    ]
    assert [(w.name, w.rows) for w in write_tables(database, writes)] == [("z", 1), ("a", 2), ("m", 3)]
    assert [state.name for state in list_tables(database)] == ["a", "m", "z"]
    assert write_tables(database, []) == []
    with pytest.raises(StorageError, match="two writes for one table"):
        write_tables(database, writes[:1] * 2)


def test_state_of_tables(database):
    assert table_state(database, "raw_x", "visits") is None
    assert list_tables(database) == []
    write(database, VISITS, description="All visits")
    state = state_of(database)
    assert (state.rows, state.key, state.description) == (3, ("visit",), "All visits")
    assert state.arrow_schema.equals(VISITS.schema)
    assert datetime.now(state.written_at.tzinfo) - state.written_at < timedelta(minutes=1)
    assert list_tables(database) == [state]
    drop_table(database, "raw_x", "visits")
    drop_table(database, "raw_x", "visits")
    assert list_tables(database) == []


def test_json_is_stored_as_jsonb(database):
    table = pa.table({"visit": [1, 2, 3], "facts": pa.array(['{"a":[1,null]}', None, '"x"'], pa.json_())})
    write(database, table)
    answer = read_query(database, "select facts->'a'->0 as a from raw_x.visits order by visit")
    assert answer["a"].to_pylist() == ["1", None, None]
    read = read_table(database, "raw_x", "visits")
    assert read.schema == table.schema
    assert read["facts"].cast(pa.string()).to_pylist() == ['{"a": [1, null]}', None, '"x"']
    assert write(database, table).touched == 0


def test_a_moment_is_the_same_moment_in_postgres(database):
    moments = pa.array(["2024-07-01T12:00:00.000005Z"]).cast(pa.timestamp("us", "Europe/London"))
    write(database, pa.table({"visit": [1], "at": moments}))
    answer = read_query(database, "select (at at time zone 'UTC')::text as at from raw_x.visits")
    assert answer["at"].to_pylist() == ["2024-07-01 12:00:00.000005"]


def test_wide_tables_are_merged_too(database):
    columns = {f"c{number}": pa.array([number, None]) for number in range(900)}
    write(database, pa.table({"visit": [1, 2], **columns}))
    columns["c899"] = pa.array([899, 5])
    assert counts(write(database, pa.table({"visit": [1, 2], **columns}))) == (0, 1, 0)


def test_a_table_of_keys_only(database):
    assert counts(write(database, pa.table({"visit": [1, 2]}))) == (2, 0, 0)
    assert counts(write(database, pa.table({"visit": [2, 3]}))) == (1, 0, 1)


def test_a_table_without_rows(database):
    empty = VISITS.slice(0, 0)
    assert counts(write(database, empty)) == (0, 0, 0)
    assert read_table(database, "raw_x", "visits").equals(empty)
    assert counts(write(database, VISITS)) == (3, 0, 0)
    assert counts(write(database, empty)) == (0, 0, 3)


def test_the_number_of_columns_has_a_limit(database):
    def wide(columns: int) -> pa.Table:
        return pa.table({"visit": [1], **{f"c{number}": [True] for number in range(columns - 1)}})

    assert counts(write(database, wide(1600))) == (1, 0, 0)
    assert read_table(database, "raw_x", "visits").equals(wide(1600))
    with pytest.raises(StorageError, match=r"^raw_x\.visits: 1601 columns; .* at most 1,600"):
        write(database, wide(1601))


@pytest.mark.parametrize(
    "type_",
    [
        pa.duration("s"),
        pa.decimal256(50, 2),
        pa.struct([("a", pa.int8())]),
        pa.map_(pa.string(), pa.int8()),
        pa.list_(pa.list_(pa.int8())),
        pa.list_(pa.int8(), 2),
        pa.list_(pa.uint64()),
        pa.month_day_nano_interval(),
        pa.binary(4),
        pa.string_view(),
        pa.binary_view(),
    ],
    ids=str,
)
def test_types_without_a_place_are_refused(database, type_):
    table = pa.table({"visit": pa.array([], pa.string()), "x": pa.array([], type_)})
    with pytest.raises(StorageError, match=r'^raw_x\.visits: column "x": Arrow type .* cast it first'):
        write(database, table)
