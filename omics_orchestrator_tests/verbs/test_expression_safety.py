"""Expressions that try to leave the language: each is refused, in words that name what is allowed."""

from __future__ import annotations

import re

import pytest

from omics_orchestrator.verbs.expression import names, translate
from omics_orchestrator.verbs.nodes import NODES
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION

KNOWN = {
    "w": Typed("w", "number"),
    "a": Typed("a", "boolean"),
    "t": Typed("t", "text"),
    "d": Typed("d", "date"),
}
ATTACKS = {
    "two statements": [
        "a;b", "w;", ";w", "w;;", "w; drop table x", "w; -- x", "w; /* x */", "'x'; attach 'y'",
    ],
    "comments": [
        "w -- x", "-- x\nw", "w /* x */", "/*+ hint */ w", "w /* number(hidden) */", "w {# x #}", "/* x */",
        "w /*",
        "w --; drop table x", "w /* /* */ */ > 1",
    ],
    "functions that nobody named": [
        "foo(w)", "main.foo(w)", "t.lower()", "w.read_csv('x')", "random()", "now()", "today()",
        "current_date", "uuid()",
        "error('x')", "sleep_ms(1)", "nextval('s')", "pg_sleep(1)", "version()", "current_setting('x')",
        "query('x')",
        "getvariable('x')", "sql_auto_complete('x')", "hash(t)", "regexp_matches(t, '(a+)+')", "t ~ 'a'",
        "repeat(t, 99)",
        "t similar to 'a'", "t glob 'a*'", "range(9)", "pow(w, 2)", "w ** 2", "w // 2", "w << 1", "log(w)",
    ],
    "what reads": [
        "read_csv('x')", "read_csv_auto('x')", "read_text('/etc/passwd')", "read_blob('x')", "read_parquet('x')",
        "read_json('x')", "parquet_scan('x')", "sqlite_scan('x', 'y')", "postgres_query('x', 'y')", "glob('*')",
        "getenv('HOME')", "duckdb_secrets()", "which_secret('x', 's3')", "'/etc/passwd'.read_text()",
    ],
    "statements": [
        "copy t to 'x'", "attach 'x'", "pragma version", "install httpfs", "load httpfs", "call x()", "set x = 1",
        "from t", "select w", "values (1)", "w from t", "w where 1 = 1", "w union select 1", "w limit 1",
        "w order by w",
        "describe t", "explain select 1", "drop table t", "export database 'x'", "checkpoint", "use x", "if",
        "begin",
    ],
    "subqueries": [
        "(select 1)", "w in (select 1)", "w in t", "exists(select 1)", "exists(from t)", "w > any (select 1)",
        "w > all(select 1)", "array(select 1)", "(from t)", "(values (1))", "(table t)", "coalesce(w, (select 1))",
        "case when a then (select 1) end", "(with x as (select 1) select * from x)",
    ],
    "casts that raise": [
        "w::int", "cast(w as int)", "t::double", "cast(t as date)", "date '2020-01-01'", "timestamp '2020-01-01'",
        "t::json", "'x'::regclass", "try_cast(t as int)", "try_cast(t as json)", "try_cast(t as blob)",
        "cast(t as double default 0 on conversion error)",
    ],
    "aggregates and windows": [
        "count(*)", "sum(w)", "max(w)", "any_value(w)", "first(w)", "list(w)", "string_agg(t)", "sum(w) over ()",
        "row_number() over ()", "lag(w) over (order by w)", "lower(t) over ()", "sum(w) filter (where a)",
        "coalesce(distinct w)", "least(w, w order by w)", "coalesce(w, w) ignore nulls",
        "case when a then 1 end over ()",
    ],
    "lists, structs, lambdas": [
        "[1, 2]", "list_value(1)", "t[0]", "t[1:2]", "d[1]", "unnest([1])", "[x for x in [1]]", "{'a': 1}", "{w}",
        "{{ w }}", "{% w %}", "row(w, w)", "(w, w) = (1, 2)", "struct_pack(x := w)",
        "struct_extract(t, 'x')", "map {1: 2}",
        "list_transform([1], x -> x)", "list_filter([1], lambda x: x)", "x -> x", "lambda x: x",
        "t -> '$.a'", "t.a.b.c.d",
        "*", "t.*", "columns('x')", "columns(*)", "* exclude (w)", "w: 1",
    ],
    "parameters": [
        "$1", "$w", "?", "w = ?", ":w", ":1", "%s", "%(w)s", "#1", "#1 > 2", "${w}",
    ],
    "other ways of writing": [
        "e'\\x00'", "x'1F'", "0x1F", "$$abc$$", "$tag$abc$tag$", "t collate nocase", "d at time zone 'utc'",
        "interval 1 day",
        "interval '1' day", "1e999", "w as x", "w x", "w w", "", "   ", "\n", "'", '"', "(", "w)", "a and", "not",
        "case end", "w between 1", "w between symmetric 1 and 2", "w is 3", "w is true", "w in ()",
        "t like 'x' escape 'y'",
    ],
}  # fmt: skip


def lookup(name: str) -> Typed:
    if name not in KNOWN:
        raise ExpressionError(f"there is no variable {name!r}; there are {', '.join(KNOWN)}")
    return KNOWN[name]


@pytest.mark.parametrize(
    ("what", "text"), [(what, text) for what, texts in ATTACKS.items() for text in texts]
)
def test_it_is_refused_and_told_what_is_allowed(what: str, text: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        translate(text, lookup)
    said = str(refused.value)
    assert re.search(
        r"; (allowed|there are|write)|gives double, date or text|has at most|is needed|needed is|after `",
        said,
    ), said


@pytest.mark.parametrize("text", [text for texts in ATTACKS.values() for text in texts])
def test_names_are_not_sought_in_what_is_refused(text: str) -> None:
    """A rule's columns are found before the dictionary is known: what is no expression must fail there too."""
    try:
        found = names(text)
    except ExpressionError:
        return
    assert found, f"{text!r} passes and names nothing"


@pytest.mark.parametrize(
    "text",
    [
        "1+" * 999 + "1",
        "not " * 499 + "a",
        "(" * 990 + "w" + ")" * 990,
        "- " * 999 + "w",
        "abs(" * 300 + "w" + ")" * 300,
        "case when a then " * 100 + "1" + " end" * 100,
        "a and " * 333 + "a",
        "if(a," * 250 + "1" + ",2)" * 250,
        "w" * 2001,
    ],
)
def test_what_is_too_deep_or_too_long_is_refused_and_no_crash(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested too deeply|at most 2000 characters"):
        translate(text, lookup)


def test_the_deepest_that_is_allowed_is_computed() -> None:
    row = "SELECT 2.0::DOUBLE w, true a"
    for text, value in (
        ("1 + " * 140 + "w", 142),
        ("a and " * 140 + "a", True),
        ("abs(" * 20 + "w" + ")" * 20, 2),
    ):
        found = CONNECTION.execute(f"SELECT {translate(text, lookup).sql} FROM ({row})").fetchall()
        assert found == [(value,)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("w -- x", "a comment is not allowed in an expression; allowed are"),
        ("w; w", "';' is not allowed in an expression; allowed are"),
        ("read_text('x')", "'read_?text' is not (a function|allowed).*; allowed are"),
        ("sum(w)", "'sum' is not allowed in an expression; allowed are"),
        ("w::int", "'cast' is not allowed in an expression; allowed are .* try_cast"),
        ("(select 1)", "'subquery' is not allowed|'select' is not allowed"),
        ("nope > 1", "there is no variable 'nope'"),
    ],
)  # fmt: skip
def test_the_refusal_names_what_was_written(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        translate(text, lookup)


def test_nothing_of_the_text_reaches_the_database_as_it_was_written() -> None:
    sql = translate("w>1 AND t LIKE 'a''b%'", lookup).sql
    assert sql == "TRY(((w > CAST(1.0 AS DOUBLE)) AND (t LIKE 'a''b%')))"


def test_every_allowed_node_is_a_node_of_the_parser() -> None:
    from sqlglot import exp

    assert [name for name in NODES if not hasattr(exp, name)] == []
