"""Which rules wait for a reference date."""

import pytest

from omics_orchestrator.studies.dating import dated_rules, reading_columns, words_in
from omics_orchestrator.studies.mapping import EntityBlock, Mapping
from omics_orchestrator.verbs import VERBS, normalise


def block(**rules):
    made = {}
    for name, rule in rules.items():
        raw = normalise(rule)
        made[name] = VERBS[raw["verb"]].model_validate(raw)
    return EntityBlock(from_="t", rules=made)


def mapping(participant, visit=None):
    entities = {"participant": block(**participant)}
    return Mapping(entities=entities | ({"visit": block(**visit)} if visit else {}))


AGE = {"derive": "date_diff('year', date_of_birth, reference_date)"}


def test_named_directly_and_through_others():
    found = mapping(
        {
            "old": {"when": [{"if": "age_now > 60", "then": "yes"}], "else": "no"},
            "age_now": AGE,
            "bmi": {"derive": "weight / height"},
            "date_of_birth": "dob",
        }
    )
    assert list(dated_rules(found, "participant")) == ["old", "age_now"]


def test_a_visit_may_need_the_participants():
    found = mapping({"age_now": AGE}, {"adult": {"derive": "participant.age_now >= 18"}, "crp": "crp"})
    assert list(dated_rules(found, "visit")) == ["adult"]


def test_the_participants_own_prefix_says_nothing():
    found = mapping({"age_now": AGE, "adult": {"derive": "participant.age_now >= 18"}})
    assert list(dated_rules(found, "participant")) == ["age_now", "adult"]


@pytest.mark.parametrize(
    "expression", ["sex = 'reference_date'", "sex = 'it''s reference_date'", "reference_date_of_visit > 1"]
)
def test_the_word_in_a_text_is_no_name(expression):
    assert dated_rules(mapping({"x": {"derive": expression}}), "participant") == {}


def test_quoted_names_count():
    assert "reference_date" in words_in('"reference_date" > dx')


def test_an_entity_without_rows_has_none():
    assert dated_rules(Mapping(), "visit") == {}


def test_columns_that_a_dated_rule_reads():
    found = mapping(
        {"x": {"derive": "number(age_text) + number(known) + year(reference_date)"}, "known": "k"}
    )
    assert list(reading_columns(found, "participant")) == [("x", "age_text")]
