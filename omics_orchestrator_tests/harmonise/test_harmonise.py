"""One entity from raw rows to a typed table: merging, conflicts, missing reasons, what stands beside the table."""

from __future__ import annotations

import json

import pyarrow as pa

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, reasons, study, table, tally

DICTIONARY = dictionary(
    crp={"type": "censored", "unit": "mg/L"},
    group="code",
    done="boolean",
    day="date",
    count="integer",
    absent="decimal",
)
RULES = {
    "crp": {"number": "crp", "unit": "mg/dL", "missing": {"999": "unknown"}},
    "group": {"recode": "dx", "map": {"C": "cd", "U": "uc"}},
    "done": {"recode": "done", "map": {"y": "yes", "n": "no"}},
    "day": {"date": "day"},
    "count": "n",
}
ROWS = (
    "A1|1|<2|C|y|2020-01-02|3",
    "A1|1|<2|C|||3.0",
    "A1|2|999|U|n|x|",
    "A2|1|2|C|y|2020-02-02|4.5",
    "A2|1|<2|U|y|2020-02-03|4",
    "A2|2|  |Z||| ",
)


def run(rules=RULES, rows=ROWS, **words):
    absent = {"absent": {"status": "impossible", "missing": "not_asked", "reason": "not in the protocol"}}
    made = study(rules, none=absent, **words)
    return harmonise(made, "visit", DICTIONARY, {"file.a": table("id|v|crp|dx|done|day|n", *rows)})


def test_rows_of_one_key_become_one_row():
    found = run().table.to_pylist()
    assert [(row["participant_id"], row["visit_id"]) for row in found] == [
        ("A1", "1"),
        ("A1", "2"),
        ("A2", "1"),
        ("A2", "2"),
    ]
    assert found[0]["crp"] == 20.0
    assert found[0]["count"] == 3
    assert found[0]["done"] is True
    assert [row["group"] for row in found] == ["cd", "uc", None, None]


def test_columns_follow_the_dictionary_in_arrow_types():
    assert run().table.schema == pa.schema(
        {
            "participant_id": pa.string(), "visit_id": pa.string(), "crp": pa.float64(), "group": pa.string(),
            "done": pa.bool_(), "day": pa.date32(), "count": pa.int64(), "absent": pa.float64(),
        }
    )  # fmt: skip


def test_cells_that_disagree_become_a_conflict_and_no_value():
    found = run()
    conflicts = {
        (r["participant_id"], r["visit_id"], r["variable"]): json.loads(r["candidates"])
        for r in found.conflicts.to_pylist()
    }
    assert conflicts == {
        ("A2", "1", "crp"): ["20.0", "<20.0"],
        ("A2", "1", "group"): ["cd", "uc"],
        ("A2", "1", "day"): ["2020-02-02", "2020-02-03"],
    }
    assert [f.count for f in found.findings if f.check == "conflicts"] == [1, 1, 1]


def test_every_missing_value_has_a_reason_in_a_table_of_the_same_shape():
    found, why = run(), reasons(run())
    assert found.missing.schema == pa.schema([(name, pa.string()) for name in found.table.column_names])
    assert why[("A1", "2", "crp")] == "unknown"
    assert why[("A1", "2", "day")] == "invalid"
    assert why[("A2", "1", "group")] == "unknown", "a conflict"
    assert why[("A2", "2", "group")] == "invalid", "an unmapped code"
    assert why[("A2", "2", "crp")] == "not_collected", "a blank cell for which no reason is declared"
    assert [why[key] for key in why if key[2] == "absent"] == ["not_asked"] * 4
    for name in found.table.column_names:
        assert (
            found.table[name].is_null().equals(found.missing[name].is_valid())
            or name in found.table.column_names[:2]
        )


def test_provenance_names_the_source_rows_of_each_key():
    found = run().provenance.to_pylist()
    assert [(r["participant_id"], r["visit_id"], r["record"]) for r in found] == [
        ("A1", "1", '{"row_number": 1}'),
        ("A1", "1", '{"row_number": 2}'),
        ("A1", "2", '{"row_number": 3}'),
        ("A2", "1", '{"row_number": 4}'),
        ("A2", "1", '{"row_number": 5}'),
        ("A2", "2", '{"row_number": 6}'),
    ]
    assert {r["source_table"] for r in found} == {"file.a"}


def test_provenance_names_stacked_and_joined_rows_by_the_keys_of_their_raw_tables():
    a = table("id|v|n", "A1|1|1", "A1|1|2", "??|1|3")
    a = a.add_column(0, "row_number", pa.array([7, 8, 9]))
    b = table("id|v|n", "A1|1|").add_column(0, "row_number", pa.array([3]))
    c = table("id|crp", "A1|5", "A9|6")
    joins = {"file.c": {"cardinality": "many_to_one", "on": "id"}}
    made = study({"count": "file.a.n", "crp": "crp"}, stack=["file.a", "file.b"], join=joins)
    found = harmonise(made, "visit", DICTIONARY, {"file.a": a, "file.b": b, "file.c": c}).provenance
    assert [(r["source_table"], json.loads(r["record"])) for r in found.to_pylist()] == [
        ("file.a", {"row_number": 7}),
        ("file.a", {"row_number": 8}),
        ("file.b", {"row_number": 3}),
        ("file.c", {"row_number": 1}),
    ]


def test_the_rules_stand_beside_the_table_with_their_versions():
    rules = {row["variable"]: row for row in run().rules.to_pylist()}
    assert list(rules) == list(RULES)
    assert json.loads(rules["group"]["rule"]) == {
        "verb": "recode",
        "columns": ["dx"],
        "map": {"C": "cd", "U": "uc"},
    }
    assert (rules["group"]["verb"], rules["group"]["columns"]) == ("recode", "dx")
    assert {row["dictionary_version"] for row in rules.values()} == {DICTIONARY.digest_of_all[:12]}


def test_a_rule_has_another_version_when_it_or_its_dictionary_row_changed():
    def versions(rules, words):
        found = harmonise(study(rules), "visit", words, {"file.a": table("id|v|dx|n", "A1|1||")}).rules
        return {row["variable"]: row["rule_version"] for row in found.to_pylist()}

    before = versions({"group": "dx", "count": "n"}, dictionary(group="code", count="integer"))
    assert before == versions({"count": "n", "group": "dx"}, dictionary(count="integer", group="code"))
    ruled = versions(
        {"group": {"copy": "dx", "blank": "refused"}, "count": "n"}, dictionary(group="code", count="integer")
    )
    assert (ruled["count"], ruled["group"] == before["group"]) == (before["count"], False)
    typed = versions({"group": "dx", "count": "n"}, dictionary(group="code", count="decimal"))
    assert (typed["group"], typed["count"] == before["count"]) == (before["group"], False)


def test_a_blank_cell_gets_the_reason_that_its_rule_declares():
    found = run({"done": {"recode": "done", "map": {"y": "yes", "n": "no"}, "blank": "not_asked"}})
    assert found.missing["done"].to_pylist() == [None, None, None, "not_asked"]
    assert tally(found.ledger, "done")["values_in"] == 4


def test_different_reasons_for_one_key_are_unknown():
    rows = ("A1|1|refused||||", "A1|1|late||||", "A1|2|refused||||", "A1|2|refused||||")
    found = run({"crp": {"number": "crp", "missing": {"refused": "refused", "late": "pending"}}}, rows)
    assert found.missing["crp"].to_pylist() == ["unknown", "refused"]


def test_comparators_stand_beside_the_table():
    assert run().comparators.to_pylist() == [
        {"participant_id": "A1", "visit_id": "1", "variable": "crp", "comparator": "<"}
    ]


def test_the_ledger_says_what_became_of_each_value():
    ledger = run().ledger
    assert tally(ledger, "(rows)") == {"values_in": 6, "values_out": 4, "merged": 2}
    assert tally(ledger, "crp") == {
        "values_in": 5,
        "values_out": 1,
        "repeated": 1,
        "conflicting": 2,
        "missing:unknown": 1,
    }
    assert tally(ledger, "group") == {
        "values_in": 6,
        "values_out": 2,
        "repeated": 1,
        "conflicting": 2,
        "unmapped": 1,
    }
    assert tally(ledger, "count") == {"values_in": 4, "values_out": 2, "repeated": 1, "invalid": 1}


def test_the_result_is_the_same_whatever_the_order_of_rows():
    first, second = run(), run(rows=ROWS[::-1])
    for name in ("table", "missing", "comparators", "conflicts", "ledger", "rules"):
        assert getattr(first, name).equals(getattr(second, name)), name
    assert first.findings == second.findings


def test_words_of_the_block_are_missing_words_of_every_rule():
    found = run({"crp": {"number": "crp"}, "count": "n"}, ("A1|1|NA||||NA",), missing={"NA": "not_done"})
    assert {name: reason for (*_, name), reason in reasons(found).items()} == {
        "crp": "not_done", "count": "not_done", "absent": "not_asked",
    }  # fmt: skip


def test_an_empty_delivery_gives_an_empty_table_of_the_same_shape():
    found = run(rows=("A1|1|||||",))
    empty = harmonise(study(RULES), "visit", DICTIONARY, {"file.a": table("id|v|crp|dx|done|day|n")})
    assert empty.table.num_rows == 0
    assert empty.table.schema == found.table.drop_columns(["absent"]).schema
    assert tally(empty.ledger, "(rows)") == {"values_in": 0, "values_out": 0}


def test_a_block_without_rules_still_gives_its_keys():
    found = run({})
    assert found.table.num_rows == 4
    assert found.table.column_names == ["participant_id", "visit_id", "absent"]
