"""text: parts joined, one text split into a set, spellings."""

from __future__ import annotations

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values

PROCEDURE = {"text": [{"recode": "a", "map": {"2": "colectomy"}}, "b"]}
SET = {"text": "a", "split": ";", "synonyms": {"Risankisumab": "risankizumab"}}


def test_the_parts_that_have_a_text_are_joined():
    rows = [("2", "stoma"), ("2", ""), ("", "stoma"), ("", "")]
    assert values(rule(PROCEDURE), "text", *rows) == ["colectomy, stoma", "colectomy", "stoma", None]


def test_a_part_that_is_not_understood_stays_a_finding():
    (found,) = cells(rule(PROCEDURE), "text", ("7", "stoma"))
    assert (found.value, found.flaw, found.code) == ("stoma", "unmapped", "7")


def test_synonyms_are_found_in_any_case():
    made = rule({"text": ["a"], "synonyms": {"Risankisumab": "risankizumab"}})
    assert values(made, "text", "RISANKISUMAB", "Filgotinib") == ["risankizumab", "Filgotinib"]


def test_a_text_is_split_into_a_set_of_codes():
    codes = ("risankizumab", "filgotinib")
    found = cells(rule(SET), "set", "filgotinib; risankisumab;; filgotinib", "aspirin", ";", codes=codes)
    assert [one.value for one in found] == [["filgotinib", "risankizumab"], None, None] or found[
        2
    ].value == []
    assert (found[1].flaw, found[1].code) == ("unmapped", "aspirin")


@pytest.mark.parametrize(
    ("raw", "kind", "complaint"),
    [
        ({"text": ["a"]}, "integer", "text makes no integer"),
        ({"text": ["a"]}, "set", "split belongs to a variable of type set"),
        ({"text": ["a"], "split": ";"}, "text", "split belongs to a variable of type set"),
        ({"text": ["a", {"derive": "x"}]}, "text", "derive cannot stand in text"),
    ],
)
def test_mistakes_are_told(raw, kind, complaint):
    assert complaint in " ".join(rule(raw).complaints(Target("x", kind)))
