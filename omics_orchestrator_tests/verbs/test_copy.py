"""copy: the raw text in the dictionary's type, and nothing more."""

from __future__ import annotations

from datetime import date

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values


def test_each_type_is_read_strictly():
    made = rule("a")
    assert values(made, "text", "L3+L4") == ["L3+L4"]
    assert values(made, "integer", "9.0", "x") == [9, None]
    assert values(made, "date", "2014-03-04", "04/03/2014") == [date(2014, 3, 4), None]
    assert values(made, "censored", "<20") == [20]
    assert values(made, "boolean", "1", "0", "2") == [True, False, None]
    assert values(made, "set", "b; a;b") == [["a", "b"]]


def test_codes_must_be_codes_of_the_list():
    found = cells(rule("a"), "code", "cd", "CD", codes=("cd", "uc"))
    assert [(cell.value, cell.flaw) for cell in found] == [("cd", None), (None, "invalid")]
    assert values(rule("a"), "set", "cd;uc", "cd;xx", codes=("cd", "uc")) == [["cd", "uc"], None]


def test_a_boolean_needs_a_declared_column():
    assert "recode" in next(iter(rule("a").complaints(Target("x", "boolean"))))
    assert not list(rule("a").complaints(Target("x", "boolean", flag_columns=lambda name: name == "a")))
