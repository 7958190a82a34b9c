from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.fingerprint import fingerprint, in_key_order
from omics_orchestrator_tests.storage.arrow_tables import CELLS, cells, chunked, schemas, tables


@given(st.data())
def test_chunks_slices_and_metadata_leave_no_trace(data):
    table = data.draw(schemas.flatmap(tables))
    same = chunked(table.combine_chunks(), data.draw(st.integers(0, table.num_rows)))
    padded = pa.concat_tables([table.slice(0, 2), table, table.slice(0, 1)]).combine_chunks()
    sliced = padded.slice(min(2, table.num_rows), table.num_rows)
    described = table.replace_schema_metadata({"a": "b"})
    assert fingerprint(table.schema.empty_table()) == fingerprint(table.slice(0, 0).combine_chunks())
    assert fingerprint(table) == fingerprint(same) == fingerprint(sliced) == fingerprint(described)


@given(st.data())
def test_every_cell_counts(data):
    table = data.draw(schemas.flatmap(tables).filter(lambda table: table.num_rows))
    row = data.draw(st.integers(0, table.num_rows - 1))
    name = data.draw(st.sampled_from(table.column_names))
    type_ = table.schema.field(name).type
    column = table[name].to_pylist()
    column[row] = data.draw(st.none() | CELLS[type_])
    position = table.column_names.index(name)
    other = table.set_column(position, table.schema.field(name), pa.array(column, type_))
    assert (fingerprint(table) == fingerprint(other)) == (cells(table) == cells(other))


def test_what_must_differ_differs():
    columns = {
        "strings": pa.array(["ab", "c", "", None]),
        "moved": pa.array(["a", "bc", "", None]),
        "empty": pa.array(["ab", "c", None, ""]),
        "large": pa.array(["ab", "c", "", None], pa.large_string()),
        "binary": pa.array([b"ab", b"c", b"", None]),
        "lists": pa.array([["a", "b"], ["c"], [], None]),
        "other lists": pa.array([["a"], ["b", "c"], [], None]),
        "null list": pa.array([["a", "b"], ["c"], None, []]),
        "zero": pa.array([0, 0, 0, 0]),
        "null": pa.array([None, 0, 0, 0], pa.int64()),
        "narrow": pa.array([0, 0, 0, 0], pa.int32()),
        "false": pa.array([False] * 4),
        "nothing": pa.nulls(4),
    }
    prints = {fingerprint(pa.table({"x": column})) for column in columns.values()}
    prints |= {fingerprint(pa.table({"x": columns["zero"][:length]})) for length in range(4)}
    prints |= {fingerprint(pa.table({"y": columns["zero"]})), fingerprint(pa.table({}))}
    assert len(prints) == len(columns) + 4 + 2


def test_what_lies_under_nulls_and_forms_of_one_number_do_not_count():
    mask = np.array([False, True])
    under = [pa.table({"x": pa.array(np.array([1, hidden]), mask=mask)}) for hidden in (5, 6)]
    assert fingerprint(under[0]) == fingerprint(under[1])
    offsets = pa.py_buffer(np.array([0, 1, 2], np.int32))
    texts = [
        pa.StringArray.from_buffers(2, offsets, pa.py_buffer(bytes_), pa.py_buffer(b"\1"))
        for bytes_ in (b"ab", b"ac")
    ]
    assert texts[0].to_pylist() == ["a", None]
    assert fingerprint(pa.table({"x": texts[0]})) == fingerprint(pa.table({"x": texts[1]}))
    numbers = [pa.table({"x": pa.array(values)}) for values in ([0.0, np.nan], [-0.0, -np.nan])]
    assert fingerprint(numbers[0]) == fingerprint(numbers[1])


def test_ignored_columns_do_not_count():
    table = pa.table({"id": [1], "run_id": ["a"]})
    assert fingerprint(table, ignore=("run_id",)) == fingerprint(table.select(["id"]))


def test_structs_are_hashed_field_by_field():
    one, two = (pa.table({"x": pa.array([{"a": 1, "b": b}, None])}) for b in "xy")
    assert len({fingerprint(one), fingerprint(two), fingerprint(chunked(two, 1))}) == 2


@given(schemas.flatmap(tables))
def test_key_order_is_bytewise_and_complete(table):
    ordered = in_key_order(table, ["id"])
    assert ordered["id"].to_pylist() == sorted(table["id"].to_pylist(), key=str.encode)
    rows = {row["id"]: repr(row) for row in table.to_pylist()}
    assert {row["id"]: repr(row) for row in ordered.to_pylist()} == rows


def test_key_of_several_columns():
    table = pa.table({"a": ["x", "y", "x"], "b": pa.array([2, 1, 1], pa.int8()), "flag": [True, False, True]})
    assert in_key_order(table, ["a", "b"])["b"].to_pylist() == [1, 2, 1]
    assert in_key_order(table, ["flag", "b"])["b"].to_pylist() == [1, 1, 2]
    assert in_key_order(table.slice(0, 1), ["a"]) == table.slice(0, 1)
    coded = table.set_column(0, "a", table["a"].dictionary_encode())
    assert in_key_order(coded, ["a", "b"])["b"].to_pylist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["secret", "other", "secret", "secret"], r"^2 rows repeat the key \(k\) of another row$"),
        (["secret", None, "x", None], '^key column "k" is empty in 2 rows$'),
        ([1.5, 2.5], '^column "k": double cannot be part of a key$'),
        ([["a"]], '^column "k": list<.*> cannot be part of a key$'),
    ],
)
def test_keys_that_name_no_row_are_told_without_values(column, message):
    with pytest.raises(StorageError, match=message):
        in_key_order(pa.table({"k": column}), ["k"])
