"""Rows are put into the order of their keys, bytewise, blank last, and left alone where they have it."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.harmonise.ordering import key_order, whole

KEY = st.tuples(st.one_of(st.none(), st.text("aBé_", max_size=2)), st.text("ab", max_size=1))


def blank_last(key):
    return [(part is None, (part or "").encode()) for part in key]


@given(st.lists(KEY, max_size=30))
def test_rows_are_in_the_order_of_their_keys(keys):
    columns = [pa.chunked_array([pa.array(part, pa.string())]) for part in zip(*keys, strict=True)]
    columns = columns or [pa.chunked_array([], pa.string())]
    with duckdb.connect() as connection:
        order = key_order(connection, columns)
    places = list(range(len(keys))) if order is None else order.to_pylist()
    assert [keys[place] for place in places] == sorted(keys, key=blank_last)
    assert sorted(places) == list(range(len(keys)))


def test_rows_that_are_in_order_are_left_alone():
    with duckdb.connect() as connection:
        assert (
            key_order(connection, [pa.chunked_array([["a", "a", "b"]]), pa.chunked_array([["1", "2", "1"]])])
            is None
        )


def test_a_column_in_pieces_becomes_whole():
    assert whole(pa.chunked_array([["a"], ["b"]])).to_pylist() == ["a", "b"]
    piece = pa.array(["a"])
    assert whole(pa.chunked_array([piece])).buffers()[2].address == piece.buffers()[2].address
