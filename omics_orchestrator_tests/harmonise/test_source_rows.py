"""Rows of a block: named joins with `where` and `pick`, slots as rows, long tables as columns; nothing multiplies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.studies import IdGrammar
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


def test_one_slot_names_the_only_visit_of_each_row_and_the_other_columns_are_read_as_ever():
    rows = table("id|crp|note", "A1|5|", "A2||b", "A3|7|c")
    made = study(
        {"crp": {"number": "crp"}, "name": "note"},
        key=["id", "slot"],
        reshape={"slots": ["first"], "columns": {"row": "id"}},
    )
    found = harmonise(made, "visit", DICTIONARY, {"file.a": rows}).table.to_pylist()
    assert [(row["participant_id"], row["visit_id"], row["crp"], row["name"]) for row in found] == [
        ("A1", "first", 5.0, None), ("A2", "first", None, "b"), ("A3", "first", 7.0, "c")
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
        ({"join": {"file.b": {"on": {"file.b.id": "id"}, "pick": "first", "by": "n"}}}, "lies in file.b"),
        (
            {"join": {"file.b": {"on": "id", "pick": "nearest", "by": "drawn", "to": "drawn"}}},
            "a join goes from a column of the block's own table",
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


SPELLED = {"pattern": "(S:)?(?P<letter>[A-Z])-?(?P<number>[0-9]+)", "written": "{letter}{number}"}


@pytest.mark.parametrize("on", [["id", "v"], {"id": "who", "v": "v"}])
def test_participant_ids_of_a_join_meet_in_the_house_spelling(on):
    labs = table("id|v|who|crp", "A1|1|A1|5", "S:A-2|1|S:A-2|7", "old three|1|old three|9", "A4 x|1|A4 x|4")
    visits = table("id|v", "A-1|1", "A2|1", "S:A3|1", "A4|1")
    grammar = {**SPELLED, "aliases": {"old three": "A3"}}
    join = {"file.b": {"cardinality": "one_to_one", "on": on}}
    found = run({"crp": {"number": "crp"}}, visits=visits, labs=labs, join=join, participant_id=grammar)
    assert found.table["participant_id"].to_pylist() == ["A1", "A2", "A3", "A4"]
    assert found.table["crp"].to_pylist() == [5.0, 7.0, 9.0, None], "what is no id is compared as it stands"
    assert told(found) == [("note", "file.b", 1)]


def test_two_spellings_of_one_participant_share_a_key_of_the_joined_table():
    labs = table("id|v|crp", "A1|1|5", "A-1|1|6")
    join = {"file.b": {"cardinality": "one_to_one", "on": ["id", "v"]}}
    visits = table("id|v", "A1|1")
    found = run({"crp": {"number": "crp"}}, visits=visits, labs=labs, join=join, participant_id=SPELLED)
    assert found.table["crp"].to_pylist() == [None]
    assert told(found) == [("error", "file.b", 2)]


def test_only_the_participant_id_is_spelled_and_other_keys_are_compared_as_text():
    labs = table("other|crp", "A-1|5", "A2|7")
    visits = table("id|v|other", "A1|1|A1", "A2|1|A2")
    join = {"file.b": {"cardinality": "one_to_one", "on": "other"}}
    found = run({"crp": {"number": "crp"}}, visits=visits, labs=labs, join=join, participant_id=SPELLED)
    assert found.table["crp"].to_pylist() == [None, 7.0]


def test_a_picked_row_is_met_in_the_house_spelling_too():
    labs = table("id|n|crp", "A-1|1|5", "S:A1|2|6")
    join = {"file.b": {"on": "id", "pick": "last", "by": "n"}}
    visits = table("id|v", "A1|1", "A1|2")
    found = run({"crp": {"number": "crp"}}, visits=visits, labs=labs, join=join, participant_id=SPELLED)
    assert found.table["crp"].to_pylist() == [6.0, 6.0]
    assert told(found) == [("note", "file.b", 1)]


ids = st.sampled_from(["A1", "A2", "A3", "A-1", "S:A2", "", "a1"])
marks = st.sampled_from(["1", "2", "", "x", "2020-01-01", "2020-02-01"])
rows = st.lists(st.tuples(ids, st.sampled_from("12"), marks), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    rows,
    rows,
    st.sampled_from(["first", "last", "nearest", None, "one_to_one", "one_to_many"]),
    st.sampled_from([{"pattern": "[A-Z][0-9]+"}, SPELLED]),
)
def test_no_join_multiplies_rows(left, right, pick, grammar):
    visits = table("id|v|seen", *("|".join(row) for row in left)) if left else table("id|v|seen").slice(0, 0)
    labs = table("id|v|n|crp", *("|".join((*row, "1")) for row in right)) if right else table("id|v|n|crp")
    how = {"cardinality": pick or "many_to_one"} if "to" in (pick or "to") else {"pick": pick, "by": "n"}
    how |= {"to": "seen"} if pick == "nearest" else {}
    found = run(
        {"crp": {"number": "crp"}},
        visits=visits,
        labs=labs,
        join={"file.b": {"on": ["id", "v"], **how}},
        participant_id=grammar,
    )
    read = IdGrammar.model_validate(grammar).read
    assert found.table.num_rows == len({(read(i), v) for i, v, _ in left if read(i)})
    counted = {
        row["outcome"]: row["count"] for row in found.ledger.to_pylist() if row["variable"] == "(rows)"
    }
    if pick != "one_to_many":  # its rows are several before the merge of keys, never after
        assert counted["values_in"] == len(left)


slots = st.lists(
    st.lists(st.sampled_from(["", "ifx", "ada"]), min_size=3, max_size=3), min_size=1, max_size=5
)


@settings(max_examples=25, deadline=None)
@given(slots)
def test_slots_give_a_row_for_each_that_holds_anything(people):
    rows = [f"A{number}|{'|'.join(drugs)}" for number, drugs in enumerate(people)]
    reshape = {"slots": "1..3", "as": "n", "columns": {"drug": "drug_{n}"}}
    made = study({"name": "drug"}, key=["id", "n"], reshape=reshape)
    found = harmonise(made, "visit", DICTIONARY, {"file.a": table("id|drug_1|drug_2|drug_3", *rows)})
    assert {(row["participant_id"], row["visit_id"]): row["name"] for row in found.table.to_pylist()} == {
        (f"A{number}", str(slot)): drug
        for number, drugs in enumerate(people)
        for slot, drug in enumerate(drugs, 1)
        if drug
    }
    assert not found.conflicts.num_rows
