"""constant: one value, of the variable's type."""

from __future__ import annotations

from datetime import date

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import rule, values


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "no", False),
        ("integer", "3", 3),
        ("decimal", "2.5", 2.5),
        ("date", "2014-01-02", date(2014, 1, 2)),
        ("text", "it's", "it's"),
    ],
)
def test_every_row_gets_it(kind, text, value):
    assert values(rule({"constant": text}), kind, "anything", "") == [value, value]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("boolean", "true"), ("integer", "2.5"), ("decimal", "inf"), ("date", "2014-13-01"), ("code", "x")],
)
def test_another_type_is_told(kind, text):
    assert list(rule({"constant": text}).complaints(Target("x", kind, ("cd", "uc"))))
