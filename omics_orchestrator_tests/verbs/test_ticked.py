"""ticked: one box of a checkbox field, beside the others."""

from __future__ import annotations

from typing import Any

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import Result, cells, rule

BOXES = ("eims___1", "eims___15", "eims____1000")
UVEITIS = {"ticked": "eims", "option": "1", "missing": {"-1000": "unknown", "no sample": "not_done"}}


def ticked(raw: dict[str, Any], *rows: tuple[str, ...]) -> list[Result]:
    return cells(rule(raw), "boolean", *rows, columns=BOXES, expand=lambda pattern: BOXES)


def test_yes_where_ticked_no_where_another_is_and_nothing_where_none_is() -> None:
    found = ticked(UVEITIS, ("1", "0", "0"), ("0", "1", "0"), ("1", "1", "0"), ("0", "0", "0"), ("", "", ""))
    assert [one.value for one in found] == [True, False, True, None, None]
    assert {one.reason for one in found} == {one.flaw for one in found} == {None}, (
        "no box ticked is a blank cell"
    )


def test_a_ticked_missing_data_box_gives_its_reason_unless_the_option_is_ticked_too() -> None:
    found = ticked(UVEITIS, ("0", "0", "1"), ("1", "0", "1"), ("0", "1", "1"))
    assert [(one.value, one.reason) for one in found] == [(None, "unknown"), (True, None), (None, "unknown")]


def test_what_is_no_box_is_a_finding() -> None:
    (found,) = ticked(UVEITIS, ("yes", "0", "0"))
    assert (found.value, found.flaw) == (None, "invalid")


def test_another_type_and_an_option_named_twice_are_told() -> None:
    made = rule({"ticked": "eims", "option": "1", "missing": {"1": "unknown"}})
    assert len(list(made.complaints(Target("x", "code")))) == 2
    assert made.references() == ("eims___*",)
