"""Compiling: every mistake at once with its line, and SQL that no name and no text can break out of."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import HarmoniseError, compile_entity, harmonise
from omics_orchestrator.harmonise.run import locked_database
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(
    n="integer", m="decimal", t="text", b="boolean", g="code", crp={"type": "decimal", "unit": "mg/L"}
)
COLUMNS = {"file.a": ["id", "v", "n", "weight"]}


def complaints(rules, columns=COLUMNS, **words):
    with pytest.raises(DeclarationError) as told:
        compile_entity(study(rules, **words), "visit", DICTIONARY, columns)
    return [(problem.path, f"{problem.message}; {problem.allowed}") for problem in told.value.problems]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"n": "weigth"}, "did you mean 'weight'?"),
        ({"nn": "n"}, "no variable of visit; did you mean 'n'?"),
        ({"b": "n"}, "needs"),
        ({"g": {"recode": "n", "map": {"1": "CD"}}}, "allowed: cd, uc, hc"),
        ({"crp": {"number": "n", "unit": "mmol/L"}}, "convert 'mmol/L' to 'mg/L': they measure different things"),
        ({"m": {"derive": "x + 1"}}, "no variable 'x' here"),
        ({"m": {"derive": "participant.age"}}, "no variable 'participant.age' here"),
        ({"m": {"derive": "g = 'cd'", }, "g": {"recode": "n", "map": {"1": "cd"}}}, "gives a boolean"),
        ({"m": {"derive": "(select 1)"}}, "not allowed"),
        ({"n": {"derive": "m"}, "m": {"derive": "n"}}, "need each other"),
        ({"n": {"derive": "n + 1"}}, "need each other"),
        ({"b": {"any_of": ["drug*"], "yes": ["1"], "no": ["0"]}}, "no column of file.a fits 'drug*'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_is_right(rule, says):
    told = complaints(rule)
    if says == "needs":
        says = "use recode with a map of yes and no"
    assert says in told[0][1], told


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path):
    (tmp_path / "mapping.yaml").write_text(
        "visit:\n  from: file.a\n  key: [id, v]\n  n: nope\n  checks:\n    c: {expect: m > 1}\n  where: zz\n"
    )
    made = study({"n": "nope"}, folder=tmp_path, where="zz", checks={"c": {"expect": "m > 1"}})
    with pytest.raises(DeclarationError) as told:
        compile_entity(made, "visit", DICTIONARY, COLUMNS)
    found = [(problem.file.name, problem.line, problem.path) for problem in told.value.problems]
    assert found == [
        ("mapping.yaml", 4, "visit.n"),
        ("mapping.yaml", 6, "visit.checks.c"),
        ("mapping.yaml", 7, "visit.where"),
    ]


def test_mistakes_in_joins_families_and_keep_have_their_lines_too(tmp_path):
    (tmp_path / "mapping.yaml").write_text(
        "visit:\n"
        "  from: file.a\n"
        "  key: [id, v]\n"
        "  join:\n"
        "    labs:\n"
        "      table: file.b\n"
        "      on: {id: idd}\n"
        "      pick: last\n"
        "      by: whenn\n"
        '  "{x}": {for: {x: [m]}, number: labz.m}\n'
        "  keep:\n"
        '    - "{t,n}"\n'
    )
    join = {"labs": {"table": "file.b", "on": {"id": "idd"}, "pick": "last", "by": "whenn"}}
    made = study({"m": {"number": "labz.m"}, "t": "t"}, folder=tmp_path, join=join)
    columns = {"file.a": ["id", "v"], "labs": ["id", "when", "m"]}
    with pytest.raises(DeclarationError) as told:
        compile_entity(made, "visit", DICTIONARY, columns)
    found = [(problem.line, problem.path, problem.allowed) for problem in told.value.problems]
    lines = {path: line for line, path, _ in found}
    assert lines == {"visit.join.labs.on.id": 7, "visit.join.labs.by": 9, "visit.m": 10, "visit.t": 12}
    allowed = {path: said for _, path, said in found}
    assert "did you mean 'when'?" in allowed["visit.join.labs.by"]
    assert "did you mean 'id'?" in allowed["visit.join.labs.on.id"]
    assert "did you mean 'labs.m'?" in allowed["visit.m"]


NASTY = [
    'a"b; drop table cells; --',
    "a'); DELETE FROM cells; --",
    "ID",
    "n|outcome",
    "raw_0",
    "ü\n\t\\",
    "#key",
    "raw.n",
    "participant_id",
    "%s {0} $1 ?",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_strange_column_name_is_only_a_name(name):
    raw = pa.table(
        {"id": ["A1", "A1"], "v": ["1", "2"], "n": ["7", "8"], name: ["4", "x'); DROP TABLE cells; --"]}
    )
    rules = {"n": "n", "m": name, "t": name}
    found = harmonise(study(rules), "visit", DICTIONARY, {"file.a": raw}).table.to_pylist()
    assert [row["t"] for row in found] == ["4", "x'); DROP TABLE cells; --"]
    assert [(row["n"], row["m"]) for row in found] == [(7, 4), (8, None)]


def test_a_strange_column_name_in_an_expression_is_only_a_name():
    name = 'a"b; drop'
    raw = pa.table({"id": ["A1", "A2"], "v": ["1", "1"], name: ["x", "y"]})
    made = study({"t": name}, where='"a""b; drop" = \'x\'')
    assert harmonise(made, "visit", DICTIONARY, {"file.a": raw}).table["t"].to_pylist() == ["x"]


def test_words_of_the_mapping_are_only_texts():
    nasty = "'; DROP TABLE cells; --"
    rules = {
        "g": {"recode": "n", "map": {nasty: "cd"}, "missing": {nasty + "2": "refused"}},
        "t": {"constant": nasty},
    }
    found = harmonise(
        study(rules), "visit", DICTIONARY, {"file.a": pa.table({"id": ["A1"], "v": ["1"], "n": [nasty]})}
    )
    assert found.table.to_pylist() == [{"participant_id": "A1", "visit_id": "1", "t": nasty, "g": "cd"}]


def test_names_that_differ_in_case_alone_are_two_columns():
    raw = table("id|v|Height|height|HEIGHT", "A1|1|1|2|3")
    found = harmonise(
        study({"n": "height", "m": "HEIGHT", "t": "Height"}), "visit", DICTIONARY, {"file.a": raw}
    )
    assert found.table.to_pylist()[0] | {"participant_id": "", "visit_id": ""} == {
        "participant_id": "", "visit_id": "", "n": 2, "m": 3.0, "t": "1",
    }  # fmt: skip


def test_the_query_is_one_statement_that_gives_the_table_and_holds_no_alias():
    grammar = {"pattern": "A[0-9]+", "aliases": {"SECRET-1": "A1"}}
    made = study({"n": "n", "m": {"derive": "n / 2"}}, participant_id=grammar)
    query = compile_entity(made, "visit", DICTIONARY, COLUMNS)
    assert "SECRET" not in query.sql
    with duckdb.connect() as connection:
        raw = {"id": ["SECRET-1"], "v": ["1"], "n": ["3"], "weight": [""], "#row": [0]}
        connection.register("raw_0", pa.table(raw))
        connection.register("aliases", pa.table({"old": ["SECRET-1"], "new": ["A1"]}))
        assert connection.execute(query.sql).fetchall() == [("A1", "1", 3, 1.5)]
    assert query.sql == compile_entity(made, "visit", DICTIONARY, COLUMNS).sql


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true",
        "SELECT * FROM '/etc/passwd'",
        "SET threads = 8",
    ],
)  # fmt: skip
def test_the_database_is_locked(attempt):
    with pytest.raises(HarmoniseError) as told, locked_database() as connection:
        connection.execute(attempt).fetchall()
    assert "passwd" not in str(told.value)


def test_an_error_of_the_engine_tells_no_value():
    with pytest.raises(HarmoniseError) as told, locked_database() as connection:
        connection.execute("SELECT CAST('secret value' AS INTEGER)").fetchall()
    assert "secret" not in str(told.value)
    assert told.value.__suppress_context__
