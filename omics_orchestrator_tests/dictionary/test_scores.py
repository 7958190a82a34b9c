"""scores.yaml and thresholds.yaml: what they give, and each kind of mistake with its file, line and words."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.errors import DeclarationError, Problem
from omics_orchestrator_tests.studies.example import write

SCORES = """\
risk:
  label: Risk
  source: a page
  missing: unknown
  items:
    sex: {female: 1, male: 2, unknown: 0}
    crp: {times: 0.5}
raised:
  label: Raised
  source: a page
  missing: unknown
  derive: "crp > threshold.crp_high and active"
class:
  label: Class
  source: a page
  missing: unknown
  cases:
    - {if: "crp > threshold.crp_high", then: high}
    - {if: "crp > 5", then: low}
  else: none
"""
THRESHOLDS = """\
crp_high:
  value: 5
  unit: mg/L
  source: a page
age_old:
  value: 65
  source: a page
"""
# what is broken → file, text, what stands there instead, text on the line that is named, place, words
MISTAKES = {
    "unknown cut-off of a question": (
        "scores", "threshold.crp_high and", "threshold.crp_hihg and",
        "crp_hihg", "raised.derive", "there is no cut-off 'crp_hihg' in thresholds.yaml",
        "did you mean 'crp_high'? (age_old, crp_high)",
    ),
    "unknown cut-off of a case": (
        "scores", '{if: "crp > threshold.crp_high"', '{if: "crp > threshold.x"',
        "threshold.x", "class.cases[1].if", "there is no cut-off 'x' in thresholds.yaml", "(age_old, crp_high)",
    ),
    "cut-off that went": (
        "thresholds", "crp_high:", "crp_low:",
        "crp_high and", "raised.derive", "there is no cut-off 'crp_high'", "(age_old, crp_low)",
    ),
    "item that is no variable": (
        "scores", "    crp: {times", "    crpp: {times",
        "crpp", "risk.items.crpp", "'crpp' is not a variable of the dictionary", "did you mean 'crp'?",
    ),
    "code without points": (
        "scores", "male: 2, unknown: 0", "male: 2",
        "male: 2", "risk.items.sex", "'sex' needs points for each of its codes", "female, male, unknown",
    ),
    "points of a code that is none": (
        "scores", "male: 2, unknown", "man: 2, unknown",
        "man: 2", "risk.items.sex", "'sex' needs points for each of its codes", "female, male, unknown",
    ),
    "points for the codes of a number": (
        "scores", "crp: {times: 0.5}", "crp: {high: 1}",
        "high: 1", "risk.items.crp", "'crp' needs points for each of its codes", "times: 1 for a number",
    ),
    "points that are no number": (
        "scores", "{times: 0.5}", "{times: half}",
        "half", "risk.items.crp.times", "must be a number, not 'half'", "",
    ),
    "two rules": (
        "scores", "  else: none\n", "  derive: \"crp > 5\"\n",
        "class:", "class", "a score has either items, or derive, or cases", "",
    ),
    "else without cases": (
        "scores", "  derive: \"crp >", "  else: none\n  derive: \"crp >",
        "raised:", "raised", "else belongs to cases", "",
    ),
    "score without source": (
        "scores", "label: Risk\n  source: a page\n", "label: Risk\n",
        "risk:", "risk", "'source' is missing", "Where the rule was read.",
    ),
    "unknown unit": (
        "thresholds", "unit: mg/L", "unit: mg/Q",
        "mg/Q", "crp_high.unit", "'mg/Q' is not a unit of units.csv", "did you mean 'mg/L'?",
    ),
    "name that no expression can write": (
        "thresholds", "age_old:", "Age old:",
        "Age old", "Age old", "'Age old' is not a name for an expression", "small letters",
    ),
    "value that is no number": (
        "thresholds", "value: 65", "value: old",
        "value: old", "age_old.value", "must be a number, not 'old'", "",
    ),
    "value without end": (
        "thresholds", "value: 65", "value: inf",
        "value: inf", "age_old.value", "must be a finite number", "",
    ),
    "cut-off without source": (
        "thresholds", "value: 65\n  source: a page", "value: 65\n  source: ' '",
        "' '", "age_old.source", "must not be empty", "Where the number was read.",
    ),
    "unknown word": (
        "thresholds", "value: 65", "values: 65",
        "values", "age_old.values", "is not known here", "did you mean 'value'?",
    ),
}  # fmt: skip


def loaded(folder, stem="", old="", new="") -> Dictionary:
    write(folder)
    for name, text in (("scores", SCORES), ("thresholds", THRESHOLDS)):
        if name == stem:
            assert text.count(old) == 1
        (folder / f"{name}.yaml").write_text(text.replace(old, new) if name == stem else text)
    return load_dictionary(folder)


def problems(folder, *change: str) -> tuple[Problem, ...]:
    with pytest.raises(DeclarationError) as raised:
        loaded(folder, *change)
    return raised.value.problems


def test_scores_and_cut_offs_are_read(tmp_path):
    found = loaded(tmp_path)
    assert list(found.scores) == ["risk", "raised", "class"]
    crp = "0.5 * crp"
    cases = "(case sex when 'female' then 1 when 'male' then 2 when 'unknown' then 0 end)"
    assert found.scores["risk"].formula == f"{cases} + {crp}"
    assert (found.thresholds["crp_high"].value, found.thresholds["crp_high"].unit) == (5, "mg/L")


def test_a_dictionary_may_have_neither(tmp_path):
    found = load_dictionary(write(tmp_path))
    assert (found.scores, found.thresholds) == ({}, {})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(tmp_path, mistake):
    stem, old, new, marker, place, message, allowed = MISTAKES[mistake]
    found = [problem for problem in problems(tmp_path, stem, old, new) if message in problem.message]
    problem = found[0]
    told = tmp_path / problem.file.name
    assert problem.path == place
    assert marker in told.read_text().splitlines()[problem.line - 1]
    assert allowed in problem.allowed
    assert told.stem == ("scores" if mistake == "cut-off that went" else stem)


def test_every_unknown_cut_off_of_one_expression_is_told(tmp_path):
    found = problems(tmp_path, "scores", "threshold.crp_high and", "threshold.a or crp > threshold.b and")
    assert [problem.message.split("'")[1] for problem in found] == ["a", "b"]
