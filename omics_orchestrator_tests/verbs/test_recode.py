"""recode: mapped, unmapped, missing."""

from __future__ import annotations

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values

SEX = ("male", "female", "unknown")


def test_codes_are_translated_and_unmapped_ones_told():
    found = cells(
        rule({"recode": "a", "map": {"1": "male", "2": "female"}}), "code", "1", "2", "3", "", codes=SEX
    )
    assert [(cell.value, cell.flaw, cell.code) for cell in found] == [
        ("male", None, None), ("female", None, None), (None, "unmapped", "3"), (None, None, None),
    ]  # fmt: skip


def test_else_takes_every_other_code_but_no_blank_cell():
    made = rule({"recode": "a", "map": {"1": "male"}, "else": "unknown"})
    assert values(made, "code", "1", "7", "", codes=SEX) == ["male", "unknown", None]


def test_yes_and_no_make_a_boolean_and_08_is_not_8():
    made = rule({"recode": "a", "map": {"08": "yes", "2": "no"}})
    assert values(made, "boolean", "08", "8", "2") == [True, None, False]


def test_a_missing_word_is_no_unmapped_code():
    (cell,) = cells(
        rule({"recode": "a", "map": {"1": "male"}, "missing": {"9": "refused"}}), "code", "9", codes=SEX
    )
    assert (cell.value, cell.reason, cell.flaw, cell.code) == (None, "refused", None, None)


def test_targets_must_be_codes_of_the_variable():
    made = rule({"recode": "a", "map": {"1": "man", "2": "female"}, "else": "x", "missing": {"1": "unknown"}})
    complaints = list(made.complaints(Target("sex", "code", SEX)))
    assert [complaint.split("'")[1] for complaint in complaints] == ["man", "x", "1"]
    assert "male, female, unknown" in complaints[0]


def test_codes_full_of_quotes_stay_text():
    nasty = "'); DROP TABLE t; --"
    made = rule({"recode": "a", "map": {nasty: "male", "x'||'y": "female"}})
    assert values(made, "code", nasty, "x'||'y", codes=SEX) == ["male", "female"]
