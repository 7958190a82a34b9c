"""any_of: several columns, one flag, three values."""

from __future__ import annotations

import itertools

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values

BRANDS = {"any_of": ["a", "b"], "yes": ["Current", "Taken since last visit"], "no": ["Never taken"]}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Current", "Never taken", True),
        ("Never taken", "Taken since last visit", True),
        ("Never taken", "Never taken", False),
        ("Current", "", True),
        ("Never taken", "", None),
        ("", "", None),
    ],
)
def test_yes_if_any_no_only_if_all_are_known(a, b, expected):
    assert values(rule(BRANDS), "boolean", (a, b)) == [expected]


def test_a_blank_among_answers_is_unknown_and_an_unnamed_word_unmapped():
    half, strange, both = cells(
        rule(BRANDS), "boolean", ("Never taken", ""), ("Never taken", "Perhaps"), ("Current", "Perhaps")
    )
    assert (half.reason, half.flaw) == ("unknown", None)
    assert (strange.reason, strange.flaw, strange.code) == (None, "unmapped", "Perhaps")
    assert (both.value, both.flaw, both.code) == (True, "unmapped", "Perhaps"), "told even beside a value"


def test_boxes_that_stay_empty_when_unticked():
    made = rule({"any_of": ["a", "b", "c"], "yes": ["1"], "no": ["0"], "blank": "no"})
    assert values(made, "boolean", ("1", "", ""), ("0", "", ""), ("", "", "")) == [True, False, None]


def test_missing_words_leave_it_unknown():
    made = rule({**BRANDS, "missing": {"NA": "refused"}})
    (cell,) = cells(made, "boolean", ("Never taken", "NA"))
    assert (cell.value, cell.reason, cell.flaw) == (None, "refused", None)


def test_patterns_stand_for_columns():
    made = rule({"any_of": ["drug*"], "yes": ["1"], "no": ["0"]})
    assert values(made, "boolean", ("0", "1"), expand=lambda pattern: ("a", "b")) == [True]


def test_it_agrees_with_kleenes_or_on_every_row():
    kleene = {"1": True, "0": False, "": None}
    rows = list(itertools.product(kleene, repeat=3))
    made = rule({"any_of": ["a", "b", "c"], "yes": ["1"], "no": ["0"]})
    for row, found in zip(rows, values(made, "boolean", *rows), strict=True):
        known = [kleene[text] for text in row]
        expected = True if True in known else None if None in known else False
        assert found is expected, row


def test_a_word_named_twice_and_another_type_are_told():
    made = rule({"any_of": ["a"], "yes": ["1"], "no": ["1"]})
    assert len(list(made.complaints(Target("x", "code")))) == 2
