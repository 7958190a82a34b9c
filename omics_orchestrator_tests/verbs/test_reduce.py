"""reduce: what it reads, by what it orders, what it refuses. How rows are gathered: harmonise/."""

from __future__ import annotations

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator.verbs.reduce import window
from omics_orchestrator_tests.verbs.cells import CONNECTION, rule, values

NEAREST = {"reduce": {"number": "a"}, "pick": "nearest", "by": "b", "to": "c", "within": "14 days"}


def test_one_row_is_read_by_the_rule_inside():
    assert values(rule(NEAREST), "decimal", "3.5", "x") == [3.5, None]


def test_the_rule_inside_hears_of_the_block_s_missing_words():
    made = rule({"reduce": {"number": "a"}, "pick": "max"}, {"-1000": "unknown"})
    assert made.inner.missing == {"-1000": "unknown"}
    assert made.references() == ("a",)


def order(raw, *row):
    sql = rule(raw).order(Target("x", "decimal", column=lambda name: f"t.{name}"))
    cells = ", ".join(f"{text!r} AS {name}" for name, text in zip("abc", row, strict=False))
    return CONNECTION.execute(f"SELECT {sql} FROM (SELECT {cells}) AS t").fetchall()[0][0]


def test_instances_are_ordered_as_numbers_and_dates_as_texts():
    first = {"reduce": "a", "pick": "first", "by": "b"}
    assert order(first, "", "9") < order(first, "", "10")
    assert order(first, "", "2020-01-02") < order(first, "", "2020-01-10")


def test_the_nearest_lies_within_the_window_and_of_two_the_earlier_counts():
    near = [order(NEAREST, "", day, "2020-03-10") for day in ("2020-03-09", "2020-03-11", "2020-03-01")]
    assert near == sorted(near)
    assert order(NEAREST, "", "2020-02-01", "2020-03-10") is None
    assert order(NEAREST, "", "", "2020-03-10") is None


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        ({"to": None}, "decimal", "pick nearest needs to"),
        ({"pick": "first", "to": None}, "decimal", "pick first has no use for within"),
        ({"pick": "max", "by": None, "to": None, "within": None}, "text", "number makes no text"),
        ({"pick": "mean", "by": None, "to": None, "within": None}, "integer", "pick mean makes no integer"),
        ({"pick": "median"}, "decimal", "pick median has no use for by"),
        ({"reduce": {"derive": "x"}}, "decimal", "derive cannot be reduced"),
    ],
)
def test_mistakes_are_told(change, kind, complaint):
    raw = {key: value for key, value in {**NEAREST, **change}.items() if value is not None}
    assert complaint in " ".join(rule(raw).complaints(Target("x", kind)))


def test_a_window_is_written_in_days_or_weeks():
    assert (window("1 day"), window("2 weeks")) == (1, 14)
    with pytest.raises(ValueError, match="'a month' is no window; write `14 days`"):
        rule({**NEAREST, "within": "a month"})
