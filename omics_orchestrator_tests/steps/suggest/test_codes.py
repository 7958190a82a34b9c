"""Code lists beside each other: labels decide, each code serves once, what says nothing becomes a reason."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.suggest.codes import BOOLEAN, CodeList, code_lists, recoding


@pytest.fixture(scope="module")
def lists() -> dict[str, CodeList]:
    return code_lists(load_dictionary(WORKING_COPY / "data_dictionary"))


def test_labels_decide_and_not_the_codes(lists):
    found = recoding({"1": "Female", "2": "Male"}, lists["sex"])
    assert found.map == {"1": "female", "2": "male"}
    assert found.overlap == pytest.approx(2 * 2 / 5)  # the dictionary also has `unknown`


def test_case_plural_and_abbreviation(lists):
    choices = {
        "a": "CD",
        "b": "Ulcerative Colitis",
        "c": "Non-IBD",
        "d": "healthy controls",
        "e": "something else",
    }
    found = recoding(choices, lists["study_group"])
    assert found.map == {"a": "cd", "b": "uc", "c": "non_ibd", "d": "hc"}
    assert found.open == ("e",)


def test_yes_and_no_in_every_spelling(lists):
    for yes, no in (("Yes", "No"), ("yes", "no"), ("TRUE", "FALSE"), ("Y", "N"), ("Checked", "Unchecked")):
        assert recoding({"1": yes, "2": no}, lists[BOOLEAN]).map == {"1": "yes", "2": "no"}


def test_what_says_nothing_becomes_a_reason(lists):
    choices = {"1": "Yes", "0": "No", "9": "Unknown", "8": "Refused", "7": "Not done", "6": "Sometimes"}
    found = recoding(choices, lists[BOOLEAN])
    assert found.map == {"1": "yes", "0": "no"}
    assert found.missing == {"9": "unknown", "8": "refused", "7": "not_done"}
    assert found.open == ("6",)
    assert recoding({"1": "Male", "9": "Unknown"}, lists["sex"]).map["9"] == "unknown"  # a code of that list


def test_labels_that_are_only_alike_are_told(lists):
    found = recoding({"1": "Asian", "2": "White", "3": "Black or african"}, lists["race"])
    assert found.map == {"1": "east_asian", "2": "white", "3": "black"}
    assert found.alike == ("1",)


def test_a_negation_is_never_its_opposite():
    codes = CodeList({"inflamed": "Inflamed", "uninflamed": "Not inflamed", "ibd": "IBD"})
    assert recoding({"1": "not inflamed", "2": "inflamed"}, codes).map == {"1": "uninflamed", "2": "inflamed"}
    assert recoding({"1": "no IBD"}, codes).map == {}


def test_each_code_serves_once(lists):
    found = recoding({"1": "Male", "2": "male "}, lists["sex"])
    assert found.map == {"1": "male"}
    assert found.open == ("2",)


def test_nothing_to_compare(lists):
    assert recoding({}, lists["sex"]).map == {}
    assert recoding({"1": "a"}, CodeList({})).overlap == 0
    assert lists["sex"].share_of([]) == 0
    assert lists["sex"].share_of(["Male"]) == 0  # one word in common says nothing
    assert lists["sex"].share_of(["Male", "FEMALE", "other", "x"]) == 0.5
