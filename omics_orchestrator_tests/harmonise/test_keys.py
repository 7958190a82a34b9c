"""Keys: the id grammar, aliases, second keys of files and of REDCap."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.harmonise.keys import groups
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table, tally

DICTIONARY = dictionary(n="integer", site="text")
REDCAP = ("record_id", "event_name", "event_instance", "form_instance")


def visits(made, rows, header="id|v|n"):
    return harmonise(made, "visit", DICTIONARY, {"file.a": table(header, *rows)})


def keys(found):
    return [tuple(row[key] for key in found.table.column_names[:2]) for row in found.table.to_pylist()]


def test_the_id_is_written_by_its_groups():
    grammar = {"pattern": "(?:1939:)?M1-0*(?P<number>[0-9]+)(?P<tail>x)?", "written": "M1-{number}{tail}"}
    found = visits(study({"n": "n"}, participant_id=grammar), ("1939:M1-0741|1|1", "M1-741|1|1", "M1-3x|1|2"))
    assert keys(found) == [("M1-3x", "1"), ("M1-741", "1")]
    assert tally(found.ledger, "(rows)") == {"values_in": 3, "values_out": 2, "merged": 1}


def test_an_alias_comes_before_the_grammar_and_the_house_spelling_of_python_agrees():
    grammar = {"pattern": "G-(?P<n>[0-9]+)", "written": "G{n}", "aliases": {"old 1": "G-7"}}
    made = study({"n": "n"}, participant_id=grammar)
    found = visits(made, ("old 1|1|1", "G-7|2|1", " G-8 |1|1", "G-x|1|1"))
    assert keys(found) == [("G7", "1"), ("G7", "2"), ("G8", "1")]
    assert [made.participant_id.read(text) for text in ("old 1", "G-7", " G-8 ", "G-x")] == [
        "G7",
        "G7",
        "G8",
        None,
    ]


def test_rows_without_a_usable_key_are_lost_and_counted_with_their_values():
    found = visits(study({"n": "n"}), ("A1|1|1", "|1|2", "A1| |3", "a1|1|4", "A1x|1|"))
    assert keys(found) == [("A1", "1")]
    assert tally(found.ledger, "(rows)") == {"values_in": 5, "values_out": 1, "no_key": 2, "unreadable_id": 2}
    assert tally(found.ledger, "n") == {"values_in": 4, "values_out": 1, "no_key": 2, "unreadable_id": 1}
    assert [(f.check, f.count) for f in found.findings] == [("keys", 2), ("keys", 2)]


def test_several_columns_are_joined_as_they_are_written():
    made = study({"n": "n"}, key=("id", "v", "w"))
    assert keys(visits(made, ("A1|1.0|08|1", "A1|1|8|1"), "id|v|w|n")) == [("A1", "1-8"), ("A1", "1.0-08")]


def test_named_groups_of_the_grammar_are_columns():
    made = study({"site": "participant_id.letter"}, participant_id={"pattern": "(?P<letter>[A-Z])?[0-9]+"})
    found = visits(made, ("A1|1|", "12|1|"))
    assert found.table["site"].to_pylist() == [None, "A"]
    assert groups(made.participant_id) == ("letter",)


def redcap_table(*rows):
    columns = list(zip(*rows, strict=True))
    types = (pa.string(), pa.string(), pa.int64(), pa.int64(), pa.string())
    return pa.table(
        {
            name: pa.array(column, kind)
            for name, column, kind in zip((*REDCAP, "n"), columns, types, strict=True)
        }
    )


@pytest.mark.parametrize(
    ("row", "visit"),
    [
        (("A1", "", 0, 0, "1"), "sampling"),
        (("A1", "", 0, 3, "1"), "sampling#3"),
        (("A1", "week_2_arm_1", 0, 0, "1"), "week_2_arm_1"),
        (("A1", "week_2_arm_1", 2, 0, "1"), "week_2_arm_1#2"),
    ],
)
def test_a_redcap_visit_bears_event_or_instrument_and_instance(row, visit):
    made = study({"n": "n"}, key=(), kind="redcap_export", source="file.sampling")
    found = harmonise(made, "visit", DICTIONARY, {"file.sampling": redcap_table(row)})
    assert keys(found) == [("A1", visit)]


def test_a_redcap_key_may_be_given_and_a_participant_needs_none():
    made = study({"n": "n"}, key=("record_id", "form_instance"), kind="redcap_export", source="file.sampling")
    assert keys(
        harmonise(made, "visit", DICTIONARY, {"file.sampling": redcap_table(("A1", "e", 0, 2, "1"))})
    ) == [("A1", "sampling#2")]
    who = study({"n": "n"}, entity="participant", key=(), kind="redcap_export", source="file.sampling")
    both = redcap_table(("A1", "e1", 0, 0, "1"), ("A1", "e2", 0, 0, "1"))
    found = harmonise(who, "participant", dictionary("participant", n="integer"), {"file.sampling": both})
    assert found.table.to_pylist() == [{"participant_id": "A1", "n": 1}]


@pytest.mark.parametrize("entity", [entity for entity, house in KEYS.items() if len(house) == 2])
def test_every_entity_has_its_key(entity):
    found = harmonise(
        study({"n": "n"}, entity=entity),
        entity,
        dictionary(entity, n="integer"),
        {"file.a": table("id|v|n", "A1|x|1")},
    )
    assert found.table.column_names == [*KEYS[entity], "n"]


def test_a_visit_of_an_unknown_participant_is_a_finding():
    participants = pa.table({"participant_id": ["A1"]})
    raw = {"file.a": table("id|v|n", "A1|1|1", "B2|1|1")}
    found = harmonise(study({"n": "n"}), "visit", DICTIONARY, raw, participants)
    assert [(f.check, f.count) for f in found.findings] == [("keys", 1)]
