"""Which columns name participant, visit and sample, and what is none of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.steps.new_study.rows import guesses, ids_of, joins, rows_of, seems_identifying


def table(**columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


VISITS = table(
    crp=["1.5", "2", "3", "4"],
    patient=["P1", "P1", "P2", "P3"],
    seen_on=["2024-01-01", "2024-02-01", "2024-01-01", "2024-01-01"],
    sample_id=["S1", "S2", "", "S4"],
)
PEOPLE = table(Subject=["P1", "P2", "P3"], age=["1", "2", "3"])


def test_a_participant_that_repeats_with_a_date_has_visits_and_samples():
    found = guesses([rows_of("v", VISITS)])
    assert {entity: guess.key for entity, guess in found.items()} == {
        "participant": ("patient",),
        "visit": ("patient", "seen_on"),
        "sample": ("patient", "sample_id"),
    }
    assert "patient names 3 participants, in 4 rows" in found["participant"].why
    assert "blank in 1 row" in found["sample"].why


def test_visits_that_share_a_row_are_told():
    twice = table(pid=["1", "1", "1"], visit=["1", "1", "2"])
    assert "1 row shares both with another one" in guesses([rows_of("t", twice)])["visit"].why


def test_one_row_each_is_a_visit_only_where_a_column_names_it():
    assert list(guesses([rows_of("p", PEOPLE)])) == ["participant"]
    named = PEOPLE.append_column("event_name", pa.array(["base"] * 3, pa.string()))
    assert guesses([rows_of("p", named)])["visit"].key == ("Subject", "event_name")


def test_the_table_of_people_gives_the_participants_and_the_other_one_joins_it():
    rows = [rows_of("f.v", VISITS), rows_of("f.p", PEOPLE)]
    found = guesses(rows)
    assert found["participant"].table == "f.p"
    assert found["visit"].table == "f.v"
    assert joins(rows, found, "visit", "f.p") == "{cardinality: many_to_one, on: {patient: Subject}}"
    assert joins(rows, found, "participant", "f.v") == "{cardinality: one_to_many, on: {Subject: patient}}"
    assert joins(rows, found, "participant", "f.p") == ""
    assert joins(rows, found, "procedure", "f.p") == ""


@pytest.mark.parametrize(
    ("columns", "person"),
    [
        ({"hospid": ["1", "1", "2"], "x": ["a", "b", "c"]}, "hospid"),
        ({"mail": ["a@b.org", "c@b.org", "d@b.org"], "code": ["a1", "a2", "a3"]}, "code"),
        ({"weight": ["1.5", "2.5", "3.5"], "pulse": ["60", "61", "62"]}, None),
        ({"id": ["1", "", "2"], "x": ["1", "1", "1"]}, None),
        ({"only": ["a"]}, None),
        ({"id": []}, None),
    ],
)
def test_the_column_of_the_participant(columns, person):
    found = rows_of("t", table(**columns))
    assert found.person == person
    assert bool(guesses([found])) == (person is not None)


def test_ids_and_whether_they_name_people():
    found = rows_of("t", table(patient=["Ann Hall ", "Bob Ito", "Eve Long", "Dan Moss"]))
    assert ids_of(found)[0] == "Ann Hall"
    assert seems_identifying(found)
    assert not seems_identifying(rows_of("v", VISITS))
