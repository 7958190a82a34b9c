"""derive and when: formulas over variables."""

from __future__ import annotations

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator.verbs.expression import translate
from omics_orchestrator.verbs.threevalued import Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION, rule

KNOWN = {
    "n": Typed("n", "number"),
    "b": Typed("b", "boolean"),
    "t": Typed("t", "text"),
    "d": Typed("d", "date"),
}


def target(kind: str, **options) -> Target:
    return Target("x", kind, formula=lambda text: translate(text, KNOWN.__getitem__), **options)


def answers(raw, kind, row, **options):
    cell = rule(raw).cell(target(kind, **options))
    return CONNECTION.execute(
        f"SELECT {cell.value}, {cell.reason}, {cell.flaw} FROM (SELECT {row})"
    ).fetchall()[0]


def test_a_computed_value_must_fit_the_variable():
    assert answers({"derive": "n / 2"}, "integer", "5.0::DOUBLE n") == (None, None, "invalid")
    assert answers({"derive": "n / 2"}, "integer", "4.0::DOUBLE n") == (2, None, None)
    assert answers({"derive": "t"}, "code", "'zz' t", codes=("cd",)) == (None, None, "invalid")
    assert answers({"derive": "d + n"}, "date", "DATE '2020-01-01' d, 99999999.0::DOUBLE n")[2] == "invalid"
    assert answers({"derive": "exp(n)"}, "decimal", "1000.0::DOUBLE n")[0] is None


def test_the_kind_of_an_expression_is_checked():
    assert list(rule({"derive": "n > 1"}).complaints(target("decimal")))
    assert not list(rule({"derive": "n > 1"}).complaints(target("boolean")))
    assert list(rule({"when": [{"if": "n", "then": "yes"}]}).complaints(target("boolean")))


CASES = {
    "when": [{"if": "n > 5", "then": "a"}, {"if": "b", "then": "c"}, {"if": "n = 1", "missing": "not_asked"}],
    "else": "d",
}


@pytest.mark.parametrize(
    ("n", "b", "value", "reason"),
    [
        (9, True, "a", None),
        (3, True, "c", None),
        ("NULL", True, None, None),
        (3, "NULL", None, None),
        (3, False, "d", None),
        (1, False, None, "not_asked"),
    ],
)
def test_the_first_true_case_wins_and_an_unknown_one_stops(n, b, value, reason):
    assert answers(CASES, "code", f"{n}::DOUBLE n, {b}::BOOLEAN b")[:2] == (value, reason)


def test_the_values_of_cases_are_checked_and_a_case_has_one_answer():
    assert len(list(rule(CASES).complaints(target("code", codes=("a", "c"))))) == 1
    with pytest.raises(ValueError, match="either then or missing"):
        rule({"when": [{"if": "b", "then": "a", "missing": "unknown"}]})
