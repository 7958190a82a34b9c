"""Where rows come from: where, stack, join."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table, tally

DICTIONARY = dictionary(n="integer", m="integer", t="text")
A = table("id|v|n|kind", "A1|1|1|x", "A1|2|2|y", "A2|1|3|", "A3|1|4|x")


def run(made, **raw):
    return harmonise(made, "visit", DICTIONARY, {f"file.{name}": found for name, found in raw.items()})


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("kind = 'x'", 2),
        ("kind is null", 1),
        ("kind <> 'x'", 1),
        ("number(n) >= 2", 3),
        ("\"kind\" in ('x', 'y') or id = 'A2'", 4),
    ],
)
def test_where_keeps_what_is_true_over_raw_texts(where, kept):
    found = run(study({"n": "n"}, where=where), a=A)
    assert found.table.num_rows == kept
    rows = tally(found.ledger, "(rows)")
    assert rows["values_in"] == 4 == rows["values_out"] + rows.get("filtered", 0)
    assert tally(found.ledger, "n")["values_in"] == kept


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("n > 1", r"number\("),
        ("n", "a question"),
        ("nope = 'x'", "no column 'nope'"),
        ("n = 1;", "not allowed"),
    ],
)
def test_a_where_that_cannot_be_used_is_told(where, says):
    with pytest.raises(DeclarationError, match=says):
        run(study({"n": "n"}, where=where), a=A)


def test_stacked_tables_lend_each_other_empty_columns():
    made = study({"n": "n", "m": "m", "t": "file.b.kind"}, stack=["file.a", "file.b"])
    found = run(made, a=A, b=table("id|v|m|kind", "A1|1|9|z", "B1|1|8|z"))
    rows = {(r["participant_id"], r["visit_id"]): (r["n"], r["m"], r["t"]) for r in found.table.to_pylist()}
    assert rows[("A1", "1")] == (1, 9, "z")
    assert rows[("A2", "1")] == (3, None, None), "a column named with its table is read from that table only"
    assert tally(found.ledger, "(rows)") == {"values_in": 6, "values_out": 5, "merged": 1}


def test_a_join_brings_columns_and_never_rows():
    made = study(
        {"n": "n", "m": "file.b.m", "t": "t"}, join={"file.b": {"cardinality": "many_to_one", "on": "id"}}
    )
    found = run(made, a=A, b=table("id|m|t", "A1|7|k", "A2|8|", "A3|1|", "A3|2|", "|5|", "Z9|6|"))
    rows = {(r["participant_id"], r["visit_id"]): (r["n"], r["m"], r["t"]) for r in found.table.to_pylist()}
    assert rows == {
        ("A1", "1"): (1, 7, "k"),
        ("A1", "2"): (2, 7, "k"),
        ("A2", "1"): (3, 8, None),
        ("A3", "1"): (4, None, None),
    }
    assert [(f.check, f.severity, f.count) for f in found.findings] == [
        ("joins", "error", 2),
        ("joins", "note", 2),
    ]


def test_a_blank_key_never_joins():
    made = study(
        {"m": "m"}, key=("id", "v"), join={"file.b": {"cardinality": "many_to_one", "on": {"kind": "kind"}}}
    )
    found = run(made, a=A, b=table("kind|m", "|9", "x|1"))
    assert found.table["m"].to_pylist() == [1, None, None, 1]


def test_one_to_one_is_checked_on_both_sides():
    made = study({"m": "m"}, join={"file.b": {"cardinality": "one_to_one", "on": "id"}})
    found = run(made, a=A, b=table("id|m", "A1|1", "A2|2", "A3|3"))
    assert [(f.check, f.severity, f.count) for f in found.findings] == [("joins", "warning", 1)]
    assert found.table["m"].to_pylist() == [1, 1, 2, 3]


def test_one_to_many_rows_become_one_row_per_key_again():
    made = study({"n": "n", "m": "m"}, join={"file.b": {"cardinality": "one_to_many", "on": "id"}})
    found = run(made, a=table("id|v|n", "A1|1|5", "A2|1|6"), b=table("id|m", "A1|1", "A1|2", "A2|3", "A2|3"))
    assert [(r["n"], r["m"]) for r in found.table.to_pylist()] == [(5, None), (6, 3)]
    assert tally(found.ledger, "m") == {"values_in": 4, "values_out": 1, "repeated": 1, "conflicting": 2}


def test_a_column_in_two_joined_tables_must_be_named_with_its_table():
    joins = {name: {"cardinality": "many_to_one", "on": "id"} for name in ("file.b", "file.c")}
    raw = {"a": A, "b": table("id|m", "A1|1"), "c": table("id|m", "A1|2")}
    with pytest.raises(DeclarationError, match=r"lies in file.b and file.c"):
        run(study({"m": "m"}, join=joins), **raw)
    assert run(study({"m": "file.c.m"}, join=joins), **raw).table["m"].to_pylist()[0] == 2


def test_columns_with_dots_are_names_and_the_longest_table_wins():
    raw = table("id|v|CRP..mg.L.|file.a.n", "A1|1|5|6")
    found = run(study({"n": "CRP..mg.L.", "m": "file.a.file.a.n"}), a=raw)
    assert (found.table["n"][0].as_py(), found.table["m"][0].as_py()) == (5, 6)
