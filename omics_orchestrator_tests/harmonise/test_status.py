"""The status of a variable is computed: complete only where nothing was lost, and what was lost is counted."""

from __future__ import annotations

from typing import Any

import pytest

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.harmonise.status import STATUSES
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(
    sex={"type": "code", "code_list": "sex"},
    n="integer",
    w={"type": "decimal", "min": 1, "max": 300},
    doubled="decimal",
    later="boolean",
    absent="boolean",
    hidden="boolean",
    unheard="boolean",
    empty="text",
)
RULES = {
    "sex": {"recode": "sex", "map": {"1": "male"}},
    "n": "n",
    "w": {"number": "w", "missing": {"999": "unknown"}},
    "doubled": {"derive": "w * 2"},
    "later": {"derive": "reference_date > date(seen)"},
    "empty": "e",
}
NONE = {
    "absent": {"status": "impossible", "missing": "not_collected", "reason": "nobody asked"},
    "hidden": {"status": "restricted", "missing": "restricted", "reason": "not given to us"},
}
HEADER = "id|v|sex|n|w|e|seen"


def statuses(*rows: str, none: Any = NONE) -> dict[str, dict[str, Any]]:
    made = study(RULES, none=none)
    found = harmonise(made, "visit", DICTIONARY, {"file.a": table(HEADER, *rows)}).status
    return {row["variable"]: row for row in found.to_pylist()}


def test_complete_is_what_loses_nothing():
    found = statuses("A1|1|1|7|50||", "A2|1|||999||")
    assert {name: found[name]["status"] for name in ("sex", "n", "w", "doubled")} == dict.fromkeys(
        ("sex", "n", "w", "doubled"), "complete"
    )
    assert (found["sex"]["n_source"], found["sex"]["n_value"], found["sex"]["n_missing"]) == (1, 1, 1)
    assert found["sex"]["coverage"] == 0.5
    assert found["w"]["n_source"] == 2, "a word that stands for missing was read, not lost"
    assert (found["doubled"]["n_source"], found["doubled"]["n_value"]) == (None, 1)


@pytest.mark.parametrize(
    ("row", "variable", "count", "why"),
    [
        ("A2|1|9|7|50||", "sex", "n_unmapped", "codes that no rule names: 1"),
        ("A2|1|1|x|50||", "n", "n_invalid", "cells that cannot be read: 1"),
        ("A2|1|1|7|301||", "w", "n_out_of_range", "values out of bounds: 1"),
        ("A1|1|1|8|50||", "n", "n_conflict", "keys whose answers disagree: 1"),
    ],
)
def test_what_was_lost_makes_it_partial(row, variable, count, why):
    found = statuses("A1|1|1|7|50||", row)
    assert found[variable]["status"] == "partial"
    assert found[variable][count] == 1
    assert found[variable]["why"] == why
    others = {name for name, one in found.items() if one["status"] == "partial"} - {variable}
    assert others == set(), "nothing else is partial"


def test_what_no_rule_makes():
    found = statuses("A1|1|1|7|50||")
    assert {
        name: (found[name]["status"], found[name]["why"]) for name in ("absent", "hidden", "unheard")
    } == {
        "absent": ("impossible", "nobody asked"),
        "hidden": ("restricted", "not given to us"),
        "unheard": ("undetermined", "neither a rule nor an entry under none:"),
    }
    assert all(found["unheard"][name] is None for name in found["unheard"] if name.startswith("n_"))


def test_every_variable_of_the_entity_has_one_row():
    found = statuses("A1|1|1|7|50||")
    assert list(found) == list(DICTIONARY.variables)
    assert {one["status"] for one in found.values()} <= set(STATUSES)


def test_nothing_to_read_is_said():
    assert statuses("A1|1|1|7|50||")["empty"]["why"] == "no row has a value"
    assert statuses()["n"]["coverage"] is None


def test_what_waits_for_a_date_says_so():
    assert statuses("A1|1|1|7|50||")["later"]["why"] == "pending: no dataset gives the reference_date"


def test_nothing_of_a_participant_is_told():
    told = str(statuses("SECRET9|1|SECRETCODE|SECRETNUMBER|1e9|SECRETTEXT|"))
    assert "SECRET" not in told
