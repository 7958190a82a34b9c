"""Totals, whole numbers, order and repeats, told piece by piece, against what numpy says of the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.formats.count_matrix import Counts, Order

entry = st.tuples(st.integers(0, 5), st.integers(0, 4), st.sampled_from([0, 1, 2, 7]))


def pieces(entries, size):
    for start in range(0, len(entries), size):
        rows = np.array(entries[start : start + size])
        yield rows[:, 0], rows[:, 1], rows[:, 2]


@given(st.lists(entry, max_size=60), st.integers(1, 7))
def test_any_pieces_give_the_same(entries, size):
    counts, whole = Counts(6, 5), np.zeros((6, 5))
    for cells, genes, values in pieces(entries, size):
        counts.add_entries(cells, values)
        np.add.at(whole, (cells, genes), values)
    facts = counts.facts()
    assert facts["median_counts_per_cell"] == np.median(whole.sum(axis=1))
    assert facts["entries"] == sum(value != 0 for _, _, value in entries)
    dense = Counts(6, 5)
    for first in range(0, 6, size):
        dense.add_rows(first, whole[first : first + size])
    assert dense.facts()["median_counts_per_cell"] == facts["median_counts_per_cell"]
    assert dense.nonzero == np.count_nonzero(whole)


@given(st.lists(entry, max_size=60), st.integers(1, 7))
def test_repeats_are_counted_whatever_the_order_within_a_cell(entries, size):
    entries = sorted(entries, key=lambda one: one[0])
    order = Order()
    for cells, genes, _ in pieces(entries, size):
        order.add(cells, genes)
    places = [one[:2] for one in entries]
    assert order.by_cell
    assert order.repeats == len(places) - len(set(places))
    assert order.ascending == (places == sorted(places))


def test_what_is_no_count():
    for values, whole in (
        ([1.0, 2.0], True),
        ([1.5], False),
        ([-1], False),
        ([np.nan], False),
        ([np.inf], False),
    ):
        counts = Counts(2, 2)
        counts.add_entries(np.zeros(len(values), int), np.array(values))
        assert counts.whole == whole
        assert ("median_counts_per_cell" in counts.facts()) == whole
    empty = Counts(0, 0).facts()
    assert (empty["entries"], empty["sparsity"]) == (0, None)
