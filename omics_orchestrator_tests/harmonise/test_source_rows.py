"""Rows of a block: named joins with `where` and `pick`, slots as rows, long tables as columns; nothing multiplies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(crp="decimal", late="decimal", day="date", name="text", slot="text", wcc="decimal")
VISITS = table("id|v|seen", "A1|1|2020-01-10", "A1|2|2020-06-01", "A2|1|", "A3|1|2020-01-01")
LABS = table(
    "id|v|n|drawn|crp",
    "A1|1|2|2020-01-09|5",
    "A1|1|10|2020-01-12|7",
    "A1|2|1|2020-05-01|9",
    "A2|1|1|2020-01-01|3",
    "|1|1|2020-01-01|99",
)


def run(rules, *, visits=VISITS, labs=LABS, **words):
    made = study(rules, **words)
    return harmonise(
        made, "visit", DICTIONARY, {"file.a": visits, "file.b": labs, "labs": labs, "late": labs}
    )


def told(found, check="joins"):
    return [(one.severity, one.subject, one.count) for one in found.findings if one.check == check]


@pytest.mark.parametrize(
    ("pick", "values"), [("first", [5.0, 9.0, 3.0, None]), ("last", [7.0, 9.0, 3.0, None])]
)
def test_the_first_or_last_instance_is_taken_as_numbers_go_and_the_others_are_told(pick, values):
    found = run({"crp": {"number": "crp"}}, join={"file.b": {"on": ["id", "v"], "pick": pick, "by": "n"}})
    assert found.table["crp"].to_pylist() == values
    assert told(found) == [("note", "file.b", 2)], "one of A1's and the one without id"


def test_the_nearest_within_a_window_is_taken_and_a_blank_date_meets_nothing():
    join = {"on": "id", "pick": "nearest", "by": "drawn", "to": "seen", "within": "14 days"}
    found = run({"crp": {"number": "crp"}}, join={"file.b": join})
    assert found.table["crp"].to_pylist() == [5.0, None, None, None]
    assert told(found) == [("note", "file.b", 4)]


def test_of_two_equally_near_the_earlier_is_taken():
    labs = table("id|v|n|drawn|crp", "A1|1|1|2020-01-12|7", "A1|1|2|2020-01-08|5")
    join = {"on": "id", "pick": "nearest", "by": "drawn", "to": "seen"}
    assert (
        run({"crp": {"number": "crp"}}, labs=labs, join={"file.b": join}).table["crp"].to_pylist()[0] == 5.0
    )


def test_one_table_is_joined_twice_under_names_with_conditions():
    rules = {"crp": {"number": "labs.crp"}, "late": {"number": "late.crp"}}
    join = {
        "labs": {"table": "file.b", "cardinality": "one_to_one", "on": ["id", "v"], "where": "n = '1'"},
        "late": {"table": "file.b", "cardinality": "many_to_one", "on": "id", "where": "v = '2'"},
    }
    found = run(rules, join=join)
    assert found.table["crp"].to_pylist() == [None, 9.0, 3.0, None]
    assert found.table["late"].to_pylist() == [9.0, 9.0, None, None], "the value of visit 2 on all rows of A1"


def test_without_a_pick_rows_that_share_a_key_are_told_and_not_joined():
    found = run({"crp": {"number": "crp"}}, join={"file.b": {"cardinality": "one_to_one", "on": ["id", "v"]}})
    assert found.table["crp"].to_pylist() == [None, 9.0, 3.0, None]
    assert ("error", "file.b", 2) in told(found)


SLOTS = table("id|drug_1|day_1|drug_2|day_2", "A1|ifx|2020-01-01|ada|", "A2||||", "A3||2021-01-01||")


def test_slots_become_rows_and_empty_slots_none():
    reshape = {"slots": "1..2", "columns": {"drug": "drug_{slot}", "start": "day_{slot}"}}
    rules = {"name": "drug", "day": {"date": "start"}, "slot": "slot"}
    made = study(rules, key=["id", "slot"], reshape=reshape)
    found = harmonise(made, "visit", DICTIONARY, {"file.a": SLOTS}).table.to_pylist()
    assert [(row["participant_id"], row["visit_id"], row["name"]) for row in found] == [
        ("A1", "1", "ifx"), ("A1", "2", "ada"), ("A3", "1", None)
    ]  # fmt: skip


def test_a_long_table_becomes_columns():
    long = table("id|v|test|result", "A1|1|CRP|5", "A1|1|White cells|7", "A1|2|CRP|8", "A2|1|ESR|9")
    reshape = {"spread": "test", "values": "result", "columns": {"c": "CRP", "w": "White cells"}}
    made = study({"crp": {"number": "c"}, "wcc": {"number": "w"}}, reshape=reshape)
    found = harmonise(made, "visit", DICTIONARY, {"file.a": long})
    assert found.table["crp"].to_pylist() == [5.0, 8.0, None]
    assert found.table["wcc"].to_pylist() == [7.0, None, None]
    assert not found.conflicts.num_rows


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"join": {"file.b": {"on": "id", "pick": "first", "by": "nn"}}}, "no column 'nn' in file.b"),
        ({"join": {"file.b": {"on": "id", "pick": "nearest", "by": "n", "to": "sen"}}}, "no column 'sen'"),
        (
            {"join": {"file.b": {"cardinality": "one_to_one", "on": "id", "where": "x = '1'"}}},
            "no column 'x' in file.b",
        ),
        ({"reshape": {"slots": ["1"], "columns": {"d": "drug_{slot}"}}}, "no column 'drug_1' in file.a"),
    ],
)
def test_unknown_columns_are_told(words, complaint):
    with pytest.raises(DeclarationError, match=complaint):
        run({"crp": {"number": "v"}}, **words)


@pytest.mark.parametrize(
    ("join", "complaint"),
    [
        ({"on": "id", "pick": "first"}, "pick and by belong together"),
        ({"on": "id", "pick": "nearest", "by": "n"}, "to belongs to pick: nearest"),
        ({"on": "id", "pick": "first", "by": "n", "within": "3 days"}, "within belongs to pick: nearest"),
        ({"on": "id", "pick": "nearest", "by": "n", "to": "seen", "within": "soon"}, "'soon' is no window"),
        ({"on": "id", "cardinality": "one_to_many", "pick": "first", "by": "n"}, "pick takes one row"),
    ],
)
def test_words_that_do_not_fit_together_are_told(join, complaint):
    with pytest.raises(ValueError, match=complaint):
        study({"crp": {"number": "crp"}}, join={"file.b": join})


ids = st.sampled_from(["A1", "A2", "A3", "", "a1"])
rows = st.lists(st.tuples(ids, st.sampled_from("12"), st.sampled_from(["1", "2", "", "x"])), max_size=12)


@settings(max_examples=40, deadline=None)
@given(rows, rows, st.sampled_from(["first", "last", None]))
def test_no_join_multiplies_rows(left, right, pick):
    visits = table("id|v|seen", *("|".join(row) for row in left)) if left else table("id|v|seen").slice(0, 0)
    labs = table("id|v|n|crp", *("|".join((*row, "1")) for row in right)) if right else table("id|v|n|crp")
    how = {"pick": pick, "by": "n"} if pick else {"cardinality": "many_to_one"}
    found = run(
        {"crp": {"number": "crp"}}, visits=visits, labs=labs, join={"file.b": {"on": ["id", "v"], **how}}
    )
    assert found.table.num_rows == len({(i, v) for i, v, _ in left if i.startswith("A")})
    counted = {
        row["outcome"]: row["count"] for row in found.ledger.to_pylist() if row["variable"] == "(rows)"
    }
    assert counted["values_in"] == len(left)
