"""How a rule in YAML becomes what the models read."""

from __future__ import annotations

import pytest

from omics_orchestrator.verbs import normalise
from omics_orchestrator_tests.verbs.cells import rule


def test_a_plain_name_is_a_copy():
    assert normalise("age") == {"verb": "copy", "columns": ["age"]} == normalise({"copy": "age"})


def test_the_word_after_the_verb_fills_its_field():
    assert normalise({"derive": "a + b"}) == {"verb": "derive", "expression": "a + b"}
    assert normalise({"constant": "x"}) == {"verb": "constant", "value": "x"}
    assert normalise({"coalesce": ["a", {"number": "b"}]})["parts"] == [
        {"verb": "copy", "columns": ["a"]},
        {"verb": "number", "columns": ["b"]},
    ]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"recod": "sex", "map": {}}, "did you mean 'recode'"),
        ({"number": "a", "date": "b"}, "one verb"),
        ({}, "begins with its verb"),
        (["a"], "a rule is a column name"),
        (None, "a rule is a column name"),
    ],
)
def test_what_is_no_rule_is_told(raw, says):
    with pytest.raises(ValueError, match=says):
        normalise(raw)


def test_the_words_of_the_block_add_to_those_of_the_rule():
    block = {"NA": "unknown", "None": "not_asked"}
    assert rule("a", block).missing == block
    assert rule({"number": "a", "missing": {"999": "refused", "NA": "not_done"}}, block).missing == {
        "999": "refused", "NA": "not_done", "None": "not_asked",
    }  # fmt: skip
    assert rule({"copy": "a", "missing": {}}, block).missing == {}, "an empty map switches them off"


def test_a_word_that_the_rule_maps_is_no_missing_word():
    assert rule({"recode": "region", "map": {"NA": "north_america"}}, {"NA": "unknown"}).missing == {}
    assert rule({"any_of": ["a"], "yes": ["Y"], "no": ["None"]}, {"None": "unknown"}).missing == {}


def test_the_words_of_the_block_reach_the_parts_of_a_coalesce_and_no_formula():
    parts = rule({"coalesce": ["a", {"number": "b"}]}, {"NA": "unknown"}).parts
    assert all(part.missing == {"NA": "unknown"} for part in parts)
    assert "missing" not in normalise({"derive": "a"}, {"NA": "unknown"})
