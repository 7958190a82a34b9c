"""Rows and values of wide tables, on tables made by hand."""

from datetime import date

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.steps.wide import Part
from omics_orchestrator.steps.wide_rows import first_of_each, of_rows
from omics_orchestrator.steps.wide_values import PublishError, number_text, published
from omics_orchestrator.studies.datasets import DatasetColumn


def variable(name, type_):
    return Variable(name=name, entity="visit", domain="test", type=type_, label=name)


def part():
    keys = {"participant_id": ["A", "A", "B"], "visit_id": ["1", "2", "1"]}
    table = pa.table({**keys, "crp": [20.0, None, 5.5], "dx": [date(2014, 1, 1), date(2014, 5, 1), None]})
    # the side tables come in another order than the rows
    order = [2, 0, 1]
    missing = pa.table({**keys, "crp": [None, "not_done", None], "dx": [None, None, "refused"]}).take(order)
    comparators = pa.table(
        {
            "participant_id": ["A", "A", "A"],
            "visit_id": ["2", "1", "1"],
            "variable": ["dx", "crp", "dx"],
            "comparator": ["month", "<", "year"],
        }
    )
    variables = (variable("crp", "censored"), variable("dx", "partial_date"))
    return Part.of(table, missing, comparators, ("participant_id", "visit_id"), variables)


def column(name, type_, **fields):
    return DatasetColumn(name, name, "visit", type_, **fields)


def test_side_tables_meet_their_rows_by_key():
    made = part()
    assert made.comparators["crp"].to_pylist() == ["<", None, None]
    assert made.comparators["dx"].to_pylist() == ["year", "month", None]
    assert made.reason("crp").to_pylist() == [None, "not_done", None]
    assert made.reason("dx").to_pylist() == [None, None, "refused"]


def test_keys_that_only_look_alike_do_not_meet():
    keys = ("participant_id", "visit_id")
    table = pa.table({"participant_id": ["A1", "A"], "visit_id": ["1", "11"], "x": [1.0, 2.0]})
    marks = pa.table({"participant_id": ["A"], "visit_id": ["11"], "variable": ["x"], "comparator": ["<"]})
    missing = table.select(list(keys)).append_column("x", pa.array([None, None], pa.string()))
    made = Part.of(table, missing, marks, keys, (variable("x", "censored"),))
    assert made.comparators["x"].to_pylist() == [None, "<"]


def test_a_missing_value_without_a_told_reason_is_unknown():
    made = part()
    bare = Part(made.table, {}, made.comparators)
    assert bare.reason("crp").to_pylist() == [None, "unknown", None]


def test_what_has_no_row_was_not_collected():
    rows = pa.table({"participant_id": ["B", "C"], "visit_id": ["1", "1"]})
    taken = of_rows(part(), Part(rows, {}, {}))
    assert taken.table["crp"].to_pylist() == [5.5, None]
    assert taken.reason("crp").to_pylist() == [None, "not_collected"]
    assert taken.comparators["dx"].to_pylist() == [None, None]


def test_inexact_values_as_text():
    crp = column("crp", "text", declared="censored")
    assert published(part(), crp, pa.string()).to_pylist() == ["<20", None, "5.5"]
    dx = column("dx", "text", declared="partial_date")
    assert published(part(), dx, pa.string()).to_pylist() == ["2014", "2014-05", None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20.0, "20"),
        (-0.5, "-0.5"),
        (1e15, "1000000000000000.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0.0, "0"),
    ],
)
def test_numbers_lose_nothing_in_text(value, text):
    assert number_text(value) == text
    assert float(text) == value


def test_sets_are_recoded_one_by_one():
    lists = pa.table({"drugs": pa.array([["a", "b"], [], None], pa.list_(pa.string()))})
    made = Part(lists, {}, {})
    coded = column("drugs", "set", declared="set", codes={"a": "1", "b": "2"})
    assert published(made, coded, pa.list_(pa.string())).to_pylist() == [["1", "2"], [], None]
    with pytest.raises(PublishError, match="drugs holds a code"):
        published(made, column("drugs", "set", declared="set", codes={"a": "1"}), pa.list_(pa.string()))


def test_numbers_in_sample_ids_count_by_size():
    samples = pa.table(
        {
            "participant_id": ["A", "A", "A", "B", "B"],
            "visit_id": ["1", "1", "1", "1", None],
            "sample_id": ["S10", "S9", "S9b", "x", "a"],
        }
    )
    assert first_of_each(samples) == {("A", "1"): 1, ("B", "1"): 3}
