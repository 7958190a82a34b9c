"""coalesce: the first part with a value."""

from __future__ import annotations

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule


def test_the_first_value_wins_with_its_own_comparator():
    made = rule({"coalesce": [{"number": "a", "censored": "true"}, {"number": "b", "censored": "true"}]})
    found = cells(made, "decimal", ("<5", "7"), ("", ">9"), ("", ""))
    assert [(cell.value, cell.comparator) for cell in found] == [(5, "<"), (9, ">"), (None, None)]


def test_a_missing_word_passes_on_and_counts_only_without_a_value():
    made = rule({"coalesce": ["a", "b"]}, {"NA": "refused"})
    found = cells(made, "decimal", ("NA", "3"), ("NA", ""), ("", ""))
    assert [(cell.value, cell.reason, cell.flaw) for cell in found] == [
        (3, None, None),
        (None, "refused", None),
        (None, None, None),
    ]


def test_a_part_that_is_not_understood_stays_a_flaw_beside_the_value():
    made = rule({"coalesce": [{"recode": "a", "map": {"1": "yes"}}, {"recode": "b", "map": {"y": "yes"}}]})
    found = cells(made, "boolean", ("7", "y"), ("7", ""), ("1", "q"))
    assert [(cell.value, cell.flaw, cell.code) for cell in found] == [
        (True, "unmapped", "7"), (None, "unmapped", "7"), (True, "unmapped", "q"),
    ]  # fmt: skip


def test_references_are_those_of_the_parts_and_formulas_are_no_part():
    assert rule({"coalesce": ["a", {"number": "b"}, "a"]}).references() == ("a", "b")
    assert list(rule({"coalesce": ["a", {"derive": "x"}]}).complaints(Target("x", "decimal")))
