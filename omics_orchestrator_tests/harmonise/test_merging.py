"""Several rows of one key: picks, what is computed from all, conflicts within one row."""

from __future__ import annotations

import json

import pytest

from omics_orchestrator.harmonise import harmonise, run
from omics_orchestrator_tests.harmonise.invented import dictionary, reasons, study, table, tally

DICTIONARY = dictionary(
    crp="censored", mean="decimal", times="integer", ever="boolean", dx="code", day="date", site="code"
)
HEADER = "id|v|x|on|visited|dx|yes"
ROWS = (
    "A1|1|5|2020-01-03|2020-01-10|cd|no",
    "A1|1|<20|2020-01-09|2020-01-10|uc|yes",
    "A1|1|7||2020-01-10||",
    "A1|2|8|2020-02-01|2020-06-01|hc|no",
    "A2|1||||cd|",
    "A2|1|refused||||refused",
    "A2|2|1|2020-01-01|2020-01-01|uc|no",
    "A2|2|2|2020-01-01|2020-01-01||no",
)


def reduced(pick, rows=ROWS, *, rule=None, name="crp", **words):
    inner = rule or {"number": "x", "missing": {"refused": "refused"}}
    made = study({name: {"reduce": inner, "pick": pick, **words}})
    return harmonise(made, "visit", DICTIONARY, {"file.a": table(HEADER, *rows)})


@pytest.mark.parametrize(
    ("pick", "words", "values"),
    [
        ("first", {"by": "on"}, [5, 8, None, None]),
        ("last", {"by": "on"}, [20, 8, None, None]),
        ("min", {}, [5, 8, None, 1]),
        ("max", {}, [20, 8, None, 2]),
        ("worst", {}, [20, 8, None, 2]),
        ("best", {}, [5, 8, None, 1]),
        ("nearest", {"by": "on", "to": "visited"}, [20, 8, None, None]),
        ("nearest", {"by": "on", "to": "visited", "within": "14 days"}, [20, None, None, None]),
    ],
)
def test_one_of_the_values_is_picked_and_the_others_are_told(pick, words, values):
    found = reduced(pick, **words)
    assert found.table["crp"].to_pylist() == values
    counts = tally(found.ledger, "crp")
    assert counts["values_in"] == 7 == sum(counts.values()) - 7
    assert counts["values_out"] == sum(value is not None for value in values)
    equally_near = pick in {"first", "last", "nearest"}
    assert counts.get("conflicting", 0) == (2 if equally_near else 0), "the rows of A2, 2 bear the same date"
    left = 6 - counts["values_out"] - counts.get("conflicting", 0)
    assert counts.get("not_picked", 0) == left


def test_the_comparator_of_the_picked_value_goes_along():
    assert [row["comparator"] for row in reduced("last", by="on").comparators.to_pylist()] == ["<"]
    assert reduced("first", by="on").comparators.num_rows == 0


def test_the_reason_where_nothing_is_picked():
    within = reasons(reduced("nearest", by="on", to="visited", within="14 days"))
    assert within[("A1", "2", "crp")] == "not_collected", "no value lies within the window"
    assert within[("A2", "1", "crp")] == "refused"
    assert within[("A2", "2", "crp")] == "unknown", "two values of one day disagree"


def test_equally_first_values_that_disagree_are_a_conflict_between_them_alone():
    rows = (*ROWS, "A2|2|9|2020-03-01|2020-01-01||")
    (conflict,) = reduced("first", rows, by="on").conflicts.to_pylist()
    assert json.loads(conflict["candidates"]) == ["1.0", "2.0"]


def test_the_worst_code_is_the_last_of_its_list():
    rule = {"copy": "dx"}
    assert reduced("worst", rule=rule, name="dx").table["dx"].to_pylist() == ["uc", "hc", "cd", "uc"]
    assert reduced("best", rule=rule, name="dx").table["dx"].to_pylist() == ["cd", "hc", "cd", "uc"]


def test_mean_and_count_are_computed_from_all_values_and_a_censored_one_gives_no_mean():
    rule = {"number": "x", "censored": "true", "missing": {"refused": "refused"}}
    found = reduced("mean", rule=rule, name="mean")
    assert found.table["mean"].to_pylist() == [None, 8, None, 1.5]
    assert found.missing["mean"].to_pylist() == ["unknown", None, "refused", None]
    assert tally(found.ledger, "mean") == {
        "values_in": 7, "values_out": 2, "not_picked": 4, "missing:refused": 1,
    }  # fmt: skip
    plain = ("A1|1|3||||", "A1|1|5||||", "A1|2|9||||", "A1|3|||||")
    assert reduced("median", plain, rule=rule, name="mean").table["mean"].to_pylist() == [4, 9, None]
    found = reduced("count", plain, rule={"copy": "x"}, name="times")
    assert found.table["times"].to_pylist() == [2, 1, None]


def test_any_is_no_only_where_nothing_is_unknown():
    rule = {"recode": "yes", "map": {"yes": "yes", "no": "no"}, "missing": {"refused": "refused"}}
    rows = (*ROWS, "A3|1|||||no", "A3|1|||||refused")
    found = reduced("any", rows, rule=rule, name="ever")
    assert found.table["ever"].to_pylist() == [True, False, None, False, None]
    assert found.missing["ever"].to_pylist() == [None, None, "refused", None, "refused"]


def test_several_ticked_boxes_are_a_conflict_of_one_row():
    rule = {"one_of": "s", "map": {"1": "cd", "2": "uc", "3": "hc"}}
    raw = table(
        "id|v|s___1|s___2|s___3", "A1|1|1|1|0", "A1|2|1|0|0", "A1|3|0|0|0", "A2|1|1|0|0", "A2|1|0|1|0",
        "A2|2|1|1|0", "A2|2|0|0|1", "A2|3|0|0|1", "A2|3|0|0|1",
    )  # fmt: skip
    found = harmonise(study({"site": rule}), "visit", DICTIONARY, {"file.a": raw})
    assert found.table["site"].to_pylist() == [None, "cd", None, None, None, "hc"]
    assert found.missing["site"].to_pylist() == ["unknown", None, "not_collected", "unknown", "unknown", None]
    told = {
        (r["participant_id"], r["visit_id"]): json.loads(r["candidates"]) for r in found.conflicts.to_pylist()
    }
    assert told == {("A1", "1"): ["cd", "uc"], ("A2", "1"): ["cd", "uc"], ("A2", "2"): ["cd", "hc", "uc"]}
    assert tally(found.ledger, "site") == {"values_in": 8, "values_out": 2, "conflicting": 5, "repeated": 1}
    (disagree,) = [f for f in found.findings if f.check == "conflicts"]
    assert (disagree.count, disagree.severity) == (3, "warning")
    causes = "several boxes are ticked at 2 keys and the rows of 1 key disagree"
    assert disagree.message == f"site: {causes}; the value is left unknown"


def told_conflicts(rule, *rows):
    found = harmonise(
        study({"site": rule}), "visit", DICTIONARY, {"file.a": table("id|v|s___1|s___2|x", *rows)}
    )
    conflicts = [json.loads(row["candidates"]) for row in found.conflicts.to_pylist()]
    told = [(f.message, f.count, f.severity) for f in found.findings if f.check == "conflicts"]
    partial = {row["variable"] for row in found.status.to_pylist() if row["status"] == "partial"}
    assert partial == ({"site"} if conflicts else set()), "what a rule decides is no loss"
    return found.table["site"].to_pylist(), conflicts, told


BOXES = {"one_of": "s", "map": {"1": "cd", "2": "uc"}}


def test_one_row_with_several_ticked_boxes_is_not_told_as_rows_that_disagree():
    values, conflicts, ((message, count, _),) = told_conflicts(BOXES, "A1|1|1|1|")
    assert (values, conflicts, count) == ([None], [["cd", "uc"]], 1)
    assert message == "site: several boxes are ticked at 1 key; the value is left unknown"


@pytest.mark.parametrize("inside", [False, True])
def test_a_box_that_gives_way_to_another_is_told_in_a_note(inside):
    boxes = {**BOXES, "several": ["uc", "cd"]}
    rule = {"coalesce": [boxes, {"recode": "x", "map": {"hc": "hc"}}]} if inside else boxes
    values, conflicts, told = told_conflicts(rule, "A1|1|1|1|", "A1|2|1|1|", "A1|3|1|0|", "A1|4|0|0|")
    assert (values, conflicts) == (["uc", "uc", "cd", None], [])
    words = "site: 2 cells have several ticked boxes; the one that the rule names first is taken"
    assert told == [(words, 2, "note")]


def test_a_box_that_gave_way_is_no_candidate_among_rows_that_disagree():
    rule = {"reduce": {**BOXES, "several": ["uc", "cd"]}, "pick": "first", "by": "x"}
    rows = ("A1|1|1|1|3", "A1|1|1|0|1", "A1|1|0|1|1")
    values, conflicts, told = told_conflicts(rule, *rows)
    assert (values, conflicts) == ([None], [["cd", "uc"]])
    assert [severity for _, _, severity in told] == ["warning", "note"]


def test_keys_of_several_rows_may_be_merged_a_part_at_a_time(monkeypatch):
    rows = [f"A{n}|1|{n % 7}|2020-01-01|2020-01-0{1 + n % 2}|cd|no" for n in range(50)] * 2
    raw = {"file.a": table(HEADER, *rows, "A1|1|99||||")}
    made = study({"crp": "x", "dx": "dx", "day": {"reduce": {"date": "visited"}, "pick": "min"}})
    whole = harmonise(made, "visit", DICTIONARY, raw)
    monkeypatch.setattr(run, "GATHERED", 20)
    parts = harmonise(made, "visit", DICTIONARY, raw)
    for name in ("table", "missing", "conflicts", "ledger"):
        assert getattr(whole, name).equals(getattr(parts, name)), name
    assert whole.table.num_rows == 50
    assert whole.findings == parts.findings
