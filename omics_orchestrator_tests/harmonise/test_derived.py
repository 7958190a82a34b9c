"""Variables computed from variables: order, participants, censored numbers, expectations."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.harmonise.variables import in_order
from omics_orchestrator_tests.harmonise.invented import dictionary, reasons, study, table

DICTIONARY = dictionary(
    crp="censored", height="decimal", weight="decimal", bmi="decimal", heavy="boolean", both="boolean", day="date",
    duration="integer",
    diagnosed={"type": "partial_date", "entity": "participant"}, group={"type": "code", "entity": "participant"},
    ref="integer",
)  # fmt: skip
BASE = {"crp": "crp", "height": "height", "weight": "weight"}
RAW = table(
    "id|v|crp|height|weight|day",
    "A1|1|<20|200|100|2020-06-01",
    "A1|2|>1800|0|100|2020-06-01",
    "A2|1|7||50|2020-06-01",
)
PARTICIPANTS = pa.table(
    {"participant_id": ["A1", "A2"], "group": ["cd", "uc"], "diagnosed": [date(2019, 1, 1), date(2019, 6, 1)]}
)
PRECISION = pa.table({"participant_id": ["A1"], "variable": ["diagnosed"], "comparator": ["year"]})
OTHERS = {
    "participant": {
        "from": "file.b", "key": ["id"],
        "rules": {
            "group": {"verb": "copy", "columns": ["group"]},
            "diagnosed": {"verb": "date", "columns": ["d"], "formats": ["%Y"]},
        },
    }
}  # fmt: skip


def run(rules, **words):
    made = study({**BASE, **rules}, others=OTHERS, **words)
    return harmonise(
        made, "visit", DICTIONARY, {"file.a": RAW}, PARTICIPANTS, participant_comparators=PRECISION
    )


def test_a_derived_variable_may_need_another_in_any_order():
    found = run(
        {"heavy": {"derive": "bmi > 24"}, "bmi": {"derive": "weight / ((height / 100) * (height / 100))"}}
    )
    assert found.table["bmi"].to_pylist() == [25.0, None, None]
    assert found.table["heavy"].to_pylist() == [True, None, None]
    assert reasons(found) == {
        ("A1", "2", "bmi"): "unknown",
        ("A1", "2", "heavy"): "unknown",
        ("A2", "1", "bmi"): "unknown",
        ("A2", "1", "heavy"): "unknown",
        ("A2", "1", "height"): "not_collected",
    }


def test_a_censored_number_is_compared_as_what_it_is():
    assert run({"heavy": {"derive": "crp < 250"}}).table["heavy"].to_pylist() == [True, False, True]
    assert run({"heavy": {"derive": "crp > 10"}}).table["heavy"].to_pylist() == [None, True, False]


def test_participants_variables_and_their_precision_are_known():
    rules = {"both": {"derive": "participant.group = 'cd'"}, "day": {"date": "day"}}
    assert run(rules).table["both"].to_pylist() == [True, True, False]
    rules["duration"] = {"derive": "date_diff('day', participant.diagnosed, day)"}
    assert run(rules).table["duration"].to_pylist() == [None, None, 366]
    rules["duration"] = {"derive": "date_diff('year', participant.diagnosed, day)"}
    assert run(rules).table["duration"].to_pylist() == [1, 1, 1]


def test_what_waits_for_the_reference_date_is_pending():
    rules = {
        "day": {"date": "day"},
        "ref": {"derive": "coalesce(date_diff('day', day, reference_date), 0)"},
        "heavy": {"when": [{"if": "ref is null", "then": "yes"}], "else": "no"},
    }
    found = run(rules)
    for name in ("ref", "heavy"):
        assert found.table[name].to_pylist() == [None] * 3
        assert found.missing[name].to_pylist() == ["pending"] * 3


def test_an_expectation_counts_what_is_false_and_lets_the_unknown_pass():
    checks = {
        "small": {"expect": "weight < 60", "says": "too heavy"},
        "tall": {"expect": "height > 100", "severity": "error"},
    }
    found = {f.check: (f.count, f.severity, f.message) for f in run({}, checks=checks).findings}
    assert found["small"] == (2, "warning", "too heavy (2 rows)")
    assert found["tall"][:2] == (1, "error")


def test_a_computed_value_that_does_not_fit_is_a_finding():
    found = run({"duration": {"derive": "weight / 8"}})
    assert found.table["duration"].to_pylist() == [None, None, None]
    assert [(f.check, f.count, f.subject) for f in found.findings] == [("values", 3, "duration")]
    assert found.missing["duration"].to_pylist() == ["invalid"] * 3


def test_levels_need_only_earlier_levels_and_a_circle_is_told():
    needs = {"c": ["b", "x"], "b": ["a"], "a": ["x"], "p": ["q"], "q": ["p"], "r": ["p"]}
    assert in_order(needs) == ([["a"], ["b"], ["c"]], ["p", "q", "r"])
