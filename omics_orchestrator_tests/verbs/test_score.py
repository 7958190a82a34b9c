"""score: sums of items, questions and classes that the dictionary defines."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary.scores import ScoreRule
from omics_orchestrator.verbs.base import Target
from omics_orchestrator.verbs.expression import translate
from omics_orchestrator.verbs.threevalued import Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION, rule

WORDS = {"label": "S", "source": "here", "missing": "unknown"}
ITEMS = {"pain": {"none": 0, "mild": 1}, "flag": {"yes": 1, "no": 0}, "stools": {"times": 2}}
KINDS = {
    "pain": Typed("pain", "text", ("none", "mild")),
    "flag": Typed("flag", "boolean"),
    "stools": Typed("CASE WHEN mark IS NULL THEN stools END", "number", value="stools", comparator="mark"),
}


def computed(definition, kind, **row):
    made = rule({"score": "s", "definition": {**WORDS, **definition}})
    target = Target("x", kind, formula=lambda text: translate(text, KINDS.__getitem__))
    cells = ", ".join(f"{sql} AS {name}" for name, sql in row.items())
    return CONNECTION.execute(f"SELECT {made.cell(target).value} FROM (SELECT {cells})").fetchall()[0][0]


@pytest.mark.parametrize(
    ("row", "points"),
    [
        ({"pain": "'mild'", "flag": "true", "stools": "3.0", "mark": "NULL"}, 8),
        ({"pain": "'none'", "flag": "false", "stools": "0.0", "mark": "NULL"}, 0),
        ({"pain": "NULL::VARCHAR", "flag": "true", "stools": "3.0", "mark": "NULL"}, None),
        ({"pain": "'mild'", "flag": "NULL::BOOLEAN", "stools": "3.0", "mark": "NULL"}, None),
        ({"pain": "'mild'", "flag": "true", "stools": "10.0", "mark": "'>'"}, None),
    ],
)
def test_items_are_added_and_a_missing_or_censored_one_makes_the_score_unknown(row, points):
    assert computed({"items": ITEMS}, "integer", **row) == points


def test_cases_are_tried_in_order():
    cases = {
        "cases": [{"if": "flag and stools > 2", "then": "bad"}, {"if": "flag", "then": "fair"}],
        "else": "good",
    }
    shown = {"pain": "'none'", "mark": "NULL"}
    assert computed(cases, "text", flag="true", stools="3.0", **shown) == "bad"
    assert computed(cases, "text", flag="true", stools="1.0", **shown) == "fair"
    assert computed(cases, "text", flag="false", stools="NULL::DOUBLE", **shown) == "good"
    assert computed(cases, "text", flag="true", stools="NULL::DOUBLE", **shown) is None


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"items": ITEMS, "derive": "flag"},
        {"derive": "flag", "else": "x"},
        {"derive": "flag", "missing": "zero"},
        {"derive": "flag", "source": ""},
    ],
)
def test_a_definition_says_one_rule_its_source_and_what_a_missing_item_gives(definition):
    with pytest.raises(ValueError, match="definition"):
        rule({"score": "s", "definition": {**WORDS, **definition}})


def test_the_formula_is_written_in_the_language_of_derive():
    formula = ScoreRule.model_validate({**WORDS, "items": ITEMS}).formula
    assert formula.endswith("(case when flag then 1 else 0 end) + 2 * stools")
