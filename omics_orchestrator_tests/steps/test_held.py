"""A delivery of changes is laid over what is held; a delivery of everything replaces it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.steps.held import Before
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, read_table, write_tables

KEY = ("record_id", "form_instance")


def rows(*found: tuple[str, int, str]) -> pa.Table:
    names = (*KEY, "cell")
    kinds = pa.schema([("record_id", pa.string()), ("form_instance", pa.int64()), ("cell", pa.string())])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in found], kinds)


def before(database: Database, declared: str = "one") -> Before:
    return Before(database, "raw_held", "redcap__form", declared)


@pytest.fixture
def stored(database: Database) -> Database:
    table = rows(("1", 0, "a"), ("2", 1, "b"), ("2", 2, "c"), ("3", 0, "d"))
    made = before(database)
    write_tables(
        database, [TableWrite("raw_held", "redcap__form", table, KEY), made.marked({"begun": "yesterday"})]
    )
    return database


def test_a_source_is_told_its_mark_and_the_keys_that_are_held(stored: Database) -> None:
    held = before(stored).held()
    assert held is not None
    assert held.mark == {"begun": "yesterday"}
    assert held.keys.to_pylist() == [
        {"record_id": record, "form_instance": number}
        for record, number in (("1", 0), ("2", 1), ("2", 2), ("3", 0))
    ]


def test_nothing_is_built_upon_another_declaration_or_a_table_that_is_gone(stored: Database) -> None:
    assert before(stored, "two").held() is None
    with stored.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("drop table raw_held.redcap__form")
    assert before(stored).held() is None


def test_nothing_is_held_before_the_first_delivery(database: Database) -> None:
    assert before(database).held() is None


def test_rows_of_the_replaced_give_way_and_all_others_stay(stored: Database) -> None:
    changes = rows(("2", 1, "new"), ("4", 0, "added"))
    gone = pa.table({"record_id": ["2", "3", "4"]})
    merged = before(stored).over(changes, gone)
    assert sorted(merged.to_pylist(), key=str) == sorted(
        rows(("1", 0, "a"), ("2", 1, "new"), ("4", 0, "added")).to_pylist(), key=str
    )


def test_one_row_of_a_key_of_two_columns_gives_way(stored: Database) -> None:
    changes = rows(("2", 2, "new"))
    merged = before(stored).over(changes, changes.select(list(KEY)))
    assert {(row["record_id"], row["form_instance"], row["cell"]) for row in merged.to_pylist()} == {
        ("1", 0, "a"), ("2", 1, "b"), ("2", 2, "new"), ("3", 0, "d"),
    }  # fmt: skip


def test_no_change_at_all_leaves_the_table_as_it_is(stored: Database) -> None:
    merged = before(stored).over(rows(), pa.table({"record_id": pa.array([], pa.string())}))
    assert merged.equals(read_table(stored, "raw_held", "redcap__form"))


def test_a_whole_table_replaces_all(stored: Database) -> None:
    assert before(stored).over(rows(("9", 0, "z")), None).num_rows == 1


def side(
    database: Database, name: str, table: pa.Table, key: tuple[str, ...], gone: pa.Table | None
) -> pa.Table:
    write = before(database).side(name, table, key, gone)
    write_tables(database, [write])
    return read_table(database, write.schema, write.name)


def test_side_tables_follow_the_rows_that_changed(stored: Database) -> None:
    side(stored, "issues", rows(("1", 0, "x"), ("2", 1, "y")), KEY, None)
    found = side(stored, "issues", rows(("4", 0, "z")), KEY, pa.table({"record_id": ["2", "4"]}))
    assert found["record_id"].to_pylist() == ["1", "4"]


def test_a_side_table_without_the_columns_of_the_key_is_replaced(stored: Database) -> None:
    gone = pa.table({"record_id": ["2"]})
    side(stored, "choices", pa.table({"field": ["a", "b"]}), ("field",), None)
    assert side(stored, "choices", pa.table({"field": ["b"]}), ("field",), gone)["field"].to_pylist() == ["b"]


def test_the_dictionary_keeps_its_earlier_versions(stored: Database) -> None:
    for version, fields in (("v1", ["a", "b"]), ("v2", ["a"]), ("v1", ["a", "b"])):
        table = pa.table({"metadata_hash": [version] * len(fields), "field_name": fields})
        found = side(stored, "fields", table, ("metadata_hash", "field_name"), None)
    assert [tuple(row.values()) for row in found.to_pylist()] == [("v1", "a"), ("v1", "b"), ("v2", "a")]
