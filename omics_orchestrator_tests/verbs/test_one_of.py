"""one_of: the ticked option of a checkbox field; two ticks are a conflict."""

from __future__ import annotations

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values

LOCATION = {"one_of": "loc", "map": {"0": "L1", "1": "L2"}, "missing": {"-1000": "unknown"}}
COLUMNS = ("loc___0", "loc___1", "loc____1000")


def test_the_ticked_option_is_the_code_and_an_unticked_field_is_blank():
    found = values(
        rule(LOCATION),
        "code",
        ("1", "0", "0"),
        ("0", "1", ""),
        ("0", "0", "0"),
        ("", "", ""),
        columns=COLUMNS,
    )
    assert found == ["L1", "L2", None, None]


def test_two_ticked_options_are_a_conflict_with_both_candidates():
    (found,) = cells(rule(LOCATION), "code", ("1", "1", "0"), columns=COLUMNS)
    assert (found.value, found.reason, found.flaw) == (None, None, "conflicting")
    assert "L2" in rule(LOCATION).cell(Target("x", "code")).candidates


def test_two_options_of_one_meaning_agree():
    same = {"one_of": "loc", "map": {"0": "L1", "1": "L1"}}
    assert values(rule(same), "code", ("1", "1"), columns=COLUMNS) == ["L1"]


def test_a_declared_precedence_takes_the_first_that_is_ticked():
    assert values(rule({**LOCATION, "several": ["L2", "L1"]}), "code", ("1", "1", "0"), columns=COLUMNS) == [
        "L2"
    ]


def test_a_ticked_missing_data_option_gives_its_reason_and_another_content_is_invalid():
    missing, odd = cells(rule(LOCATION), "code", ("0", "0", "1"), ("2", "0", "0"), columns=COLUMNS)
    assert (missing.value, missing.reason) == (None, "unknown")
    assert (odd.value, odd.flaw) == (None, "invalid")


def test_only_the_options_of_the_map_are_read():
    assert rule(LOCATION).references() == COLUMNS


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"one_of": "loc", "map": {"0": "L9"}}, "'L9' is no value of this variable; allowed: L1, L2"),
        ({**LOCATION, "several": ["L1", "L7"]}, "'L7' is no value"),
        (
            {"one_of": "loc", "map": {"0": "L1"}, "several": ["L2"]},
            "'L2' stands in several but not in the map",
        ),
        (
            {"one_of": "loc", "map": {"0": "L1"}, "missing": {"0": "unknown"}},
            "'0' stands in map and in missing",
        ),
    ],
)
def test_mistakes_are_told(raw, complaint):
    assert complaint in " ".join(rule(raw).complaints(Target("x", "code", ("L1", "L2"))))


def test_only_a_code_or_text_can_be_one_of():
    assert "makes no boolean" in next(rule(LOCATION).complaints(Target("x", "boolean")))
