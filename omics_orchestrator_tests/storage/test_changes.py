"""What writes change is counted in their own transaction: rows by key, cells by column, whatever the shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.changes import TableChange, list_changes
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, drop_table, read_table, write_tables


def declared(**names: str) -> dict[str, Any]:
    """Return a declaration: column → what it shows."""
    return {"columns": {name: {"is": shows} for name, shows in names.items()}}


ONE = declared(id="id", a="a", b="b")
ROWS: dict[str, Any] = {"id": ["1", "2", "3"], "a": ["x", None, "z"], "b": [1.0, 2.0, None]}


def write(
    database: Database, columns: Mapping[str, Any], told: Mapping[str, Any], *key: str
) -> list[TableChange]:
    """Write the table and return every recorded change."""
    write_tables(database, [TableWrite("notes", "t", pa.table(dict(columns)), key or ("id",), declared=told)])
    return list_changes(database, "notes", "t")


def numbers(change: TableChange) -> tuple[int, int, int, dict[str, int]]:
    return change.counted.added, change.counted.removed, change.counted.changed, dict(change.counted.cells)


def test_nothing_is_known_of_a_table_that_was_never_written(database: Database) -> None:
    assert list_changes(database, "notes", "t") == []


def test_the_first_write_and_one_that_changes_nothing(database: Database) -> None:
    (first,) = write(database, ROWS, ONE)
    assert (first.rows_before, first.rows, first.former) == (None, 3, None)
    assert numbers(first) == (3, 0, 0, {})
    assert first.declared == ONE
    assert write(database, ROWS, ONE) == [first]


def test_rows_and_cells_are_counted(database: Database) -> None:
    write(database, ROWS, ONE)
    changed = {"id": ["2", "3", "4", "5"], "a": ["y", "z", "n", None], "b": [2.0, 3.0, 4.0, 5.0]}
    _, second = write(database, changed, ONE)
    assert numbers(second) == (2, 1, 2, {"a": 1, "b": 1})
    assert (second.rows_before, second.rows) == (3, 4)
    assert second.former == second.declared == ONE


def test_a_renamed_column_is_followed(database: Database) -> None:
    write(database, ROWS, ONE)
    renamed = {"key": ROWS["id"], "A": ["x", "y", "z"], "b": ROWS["b"]}
    _, second = write(database, renamed, declared(key="id", A="a", b="b"), "key")
    assert numbers(second) == (0, 0, 1, {"A": 1})
    assert (second.counted.came, second.counted.went) == ([], [])


def test_columns_that_come_and_go_change_no_row(database: Database) -> None:
    write(database, ROWS, ONE)
    other = {"id": ROWS["id"], "a": ROWS["a"], "c": ["k", "l", "m"]}
    _, second = write(database, other, declared(id="id", a="a", c="c"))
    assert numbers(second) == (0, 0, 0, {})
    assert (second.counted.came, second.counted.went) == (["c"], ["b"])


def test_of_another_type_no_cell_is_counted(database: Database) -> None:
    write(database, ROWS, ONE)
    _, second = write(database, {**ROWS, "b": ["1", "2", None]}, {**ONE, "reference_date": "2025-01-01"})
    assert numbers(second) == (0, 0, 0, {})


def test_another_key_follows_no_row(database: Database) -> None:
    write(database, ROWS, ONE)
    _, second = write(database, {**ROWS, "a": ["x", "y", "z"]}, ONE, "id", "a")
    assert not second.counted.comparable
    assert (second.rows_before, second.rows) == (3, 3)
    assert numbers(second) == (0, 0, 0, {})


def test_a_declaration_alone_is_a_change(database: Database) -> None:
    write(database, ROWS, ONE)
    told = {"columns": {**ONE["columns"], "a": {"is": "a", "label": "A"}}}
    _, second = write(database, ROWS, told)
    assert numbers(second) == (0, 0, 0, {})
    assert (second.former, second.declared) == (ONE, told)


def test_a_table_from_before_records_were_kept(database: Database) -> None:
    table = pa.table(ROWS)
    write_tables(database, [TableWrite("notes", "t", table, ("id",))])
    assert list_changes(database, "notes", "t") == []
    (only,) = write(database, {**ROWS, "a": ["x", "y", "z"]}, ONE)
    assert (only.rows_before, only.former) == (3, None)
    assert numbers(only) == (0, 0, 1, {"a": 1})


def test_only_the_last_or_those_since_a_moment(database: Database) -> None:
    write(database, ROWS, ONE)
    write(database, {**ROWS, "a": ["k", "l", "m"]}, ONE)
    first, second, third = write(database, ROWS, ONE)
    assert list_changes(database, "notes", "t", last=1) == [third]
    assert list_changes(database, "notes", "t", since=second.written_at) == [second, third]
    assert list_changes(database, "notes", "t", since=second.written_at, last=1) == [third]
    assert first.written_at < second.written_at


def test_empty_tables_and_dropped_ones(database: Database) -> None:
    write(database, ROWS, ONE)
    empty = pa.table(ROWS).slice(0, 0)
    write_tables(database, [TableWrite("notes", "t", empty, ("id",), declared=ONE)])
    _, second, third = write(database, ROWS, ONE)
    assert (numbers(second), numbers(third)) == ((0, 3, 0, {}), (3, 0, 0, {}))
    drop_table(database, "notes", "t")
    assert [change.rows_before for change in write(database, ROWS, ONE)] == [None, 3, 0, None]


def test_a_write_that_fails_leaves_no_record(database: Database) -> None:
    write(database, ROWS, ONE)
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE MATERIALIZED VIEW notes.above AS SELECT a FROM notes.t")
    wider = {**ROWS, "c": ["k", "l", "m"]}
    with pytest.raises(StorageError, match="what hangs on it keeps the old table"):
        write(database, wider, declared(id="id", a="a", b="b", c="c"))
    assert len(list_changes(database, "notes", "t")) == 1
    assert read_table(database, "notes", "t").column_names == ["id", "a", "b"]


def test_a_record_that_cannot_be_kept_keeps_the_old_rows(database: Database) -> None:
    write(database, ROWS, ONE)
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE omics.table_change ADD CHECK (rows < 4)")
    with pytest.raises(StorageError, match="table_change"):
        write(database, {"id": list("1234"), "a": list("abcd"), "b": [1.0] * 4}, ONE)
    assert read_table(database, "notes", "t").num_rows == 3
    assert len(list_changes(database, "notes", "t")) == 1
