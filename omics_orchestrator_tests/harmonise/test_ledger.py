"""The ledger balances on every table, and both its sides are what plain counting over the raw rows gives."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.harmonise.ledger import Ledger
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table, tally

DICTIONARY = dictionary(
    crp="censored", group="code", day="partial_date", flag="boolean", n="integer", both="decimal"
)
RULES = {
    "crp": {"number": "x", "missing": {"999": "unknown", "no": "not_done"}},
    "group": {"recode": "y", "map": {"1": "cd", "2": "uc"}},
    "day": {"date": "x", "formats": ["%Y-%m-%d", "%Y"]},
    "flag": {"any_of": ["x", "y"], "yes": ["1"], "no": ["2"], "missing": {"NA": "unknown"}},
    "n": {"copy": "y", "missing": {"*": "refused"}},
    "both": {"coalesce": ["x", {"number": "y", "censored": "true"}]},
}
READS = {"crp": "x", "group": "y", "day": "x", "flag": "xy", "n": "y", "both": "xy"}
ID = st.sampled_from(["A1", "A2", "A3", "", " ", "a1", "A1 ", "??"])
CELL = st.sampled_from(
    ["", " ", "1", "2", "3", "<20", "20", "999", "999.0", "NA", "no", "x", "2014", "2014-03-04", "1.0"]
)
ROW = st.tuples(ID, st.sampled_from(["1", "2", ""]), CELL, CELL, st.sampled_from(["k", "d", ""]))


@settings(max_examples=35, deadline=None)
@given(st.lists(ROW, max_size=25))
def test_values_in_are_values_out_plus_what_is_accounted_for(rows):
    raw = table("id|v|x|y|w", *("|".join(row) for row in rows))
    found = harmonise(study(RULES, where="w = 'k' or w is null"), "visit", DICTIONARY, {"file.a": raw})
    kept = [dict(zip("ivxyw", row, strict=True)) for row in rows if row[4] != "d"]
    for variable, columns in READS.items():
        counts = tally(found.ledger, variable)
        assert counts["values_in"] == sum(any(row[c].strip() for c in columns) for row in kept)
        assert counts["values_in"] == sum(n for outcome, n in counts.items() if outcome != "values_in")
        assert counts["values_out"] == sum(value is not None for value in found.table[variable].to_pylist())
    counts = tally(found.ledger, "(rows)")
    usable = [row for row in kept if re.fullmatch("[A-Z][0-9]+", row["i"].strip()) and row["v"]]
    assert (
        counts["values_in"] == len(rows) == sum(n for outcome, n in counts.items() if outcome != "values_in")
    )
    assert counts.get("filtered", 0) == len(rows) - len(kept)
    assert (
        counts["values_out"] == len({(row["i"].strip(), row["v"]) for row in usable}) == found.table.num_rows
    )
    assert not [f for f in found.findings if f.check == "ledger"]


@settings(max_examples=10, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=15))
def test_options_at_their_defaults_change_nothing(rows):
    raw = {"file.a": table("id|v|x|y|w", *("|".join(row) for row in rows))}
    bare = harmonise(study({"crp": {"number": "x"}, "n": "y"}), "visit", DICTIONARY, raw)
    full = {
        "crp": {"number": "x", "decimal": ".", "missing": {}, "blank": None},
        "n": {"copy": "y", "missing": {}},
    }
    spelled = harmonise(study(full, where="true", join={}, checks={}, missing={}), "visit", DICTIONARY, raw)
    for name in ("table", "missing", "comparators", "conflicts", "ledger"):
        assert getattr(bare, name).equals(getattr(spelled, name)), name


def test_a_ledger_that_does_not_add_up_is_told():
    counts = {"a": {"values_in": 3, "values_out": 2}, "b": {"values_in": 3, "values_out": 2, "invalid": 1}}
    assert Ledger(counts, {}, {}).unbalanced() == ["a"]
