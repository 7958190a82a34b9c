"""Expressions: what is allowed, what is refused, and that unknown stays unknown."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from omics_orchestrator.verbs.expression import names, translate
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION

KNOWN = {
    "w": Typed("w", "number"),
    "h": Typed("h", "number"),
    "a": Typed("a", "boolean"),
    "b": Typed("b", "boolean"),
    "g": Typed("g", "text", ("cd", "uc")),
    "t": Typed("t", "text"),
    "d": Typed("d", "date"),
    "p": Typed("CASE WHEN pc IS NULL THEN p END", "date", bounds=("p", "p2")),
    "fc": Typed("CASE WHEN fcc IS NULL THEN fc END", "number", value="fc", comparator="fcc"),
    "participant.age": Typed("w", "number"),
}
ROW = "SELECT 10.0::DOUBLE w, NULL::DOUBLE h, true a, NULL::BOOLEAN b, 'cd' g, 'x' t, DATE '2020-05-01' d, "
ROW += "DATE '2019-01-01' p, DATE '2019-12-31' p2, 'year' pc, 20.0::DOUBLE fc, '<' fcc"


def lookup(name: str) -> Typed:
    if name not in KNOWN:
        raise ExpressionError(f"there is no variable {name!r}")
    return KNOWN[name]


def evaluated(text: str):
    return CONNECTION.execute(f"SELECT {translate(text, lookup).sql} FROM ({ROW})").fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w / (2 * 2)", 2.5), ("w / 0", None), ("w % 0", None), ("w + h", None), ("a or b", True), ("a and b", None),
        ("not b", None), ("g = 'cd'", True), ("g in ('cd', 'uc')", True), ("h is null", True),
        ("w between 1 and 10", True),
        ("coalesce(h, 3)", 3), ("greatest(w, h)", None), ("least(w, 3)", 3), ("round(2.567, 1)", 2.6), ("ln(0)", None),
        ("sqrt(-1)", None), ("upper(t)", "X"), ("concat(t, g)", "xcd"), ("t || null", None), ("length(t)", 1),
        ("case when b then 1 else 2 end", None), ("case when a then 1 else 2 end", 1), ("if(w > 5, 'cd', 'uc')", "cd"),
        ("case g when 'uc' then 1 when 'cd' then 2 end", 2), ("date_diff('day', d, d + 3)", 3), ("year(d)", 2020),
        ("year(p)", 2019), ("month(p)", None), ("p < d", True), ("p > d", False), ("p < '2019-06-01'", None),
        ("p = '2020-01-01'", False), ("date_diff('year', p, d)", 1), ("date_diff('day', p, d)", None),
        ("date_diff('day', earliest(p), latest(p))", 364), ("d > '2020-04-30'", True), ("number('1,5')", None),
        ("number(t) is null", True), ("try_cast('2.5' as double)", 2.5), ("fc < 250", True), ("fc > 10", None),
        ("fc > 20", False), ("fc + 1", None), ("fc is null", False), ("fc between 1 and 30", None),
        ("w is distinct from h", True), ("w is not distinct from 10", True), ("h is not distinct from h", True),
        ("fc is distinct from 10", None), ("fc is distinct from 30", True), ("fc is not distinct from h", False),
        ("p is distinct from d", True), ("p is not distinct from p", None), ("coalesce(fc, 3)", None),
        ("coalesce(h, fc)", None), ("coalesce(p, d)", None), ("coalesce(w, fc)", 10), ("fc is not null", True),
        ("t not like 'y%'", True), ("t not ilike 'X'", False), ("a is not true", False), ("b is true", False),
        ("d + 9999999999", None), ("participant.age > 3", True), ("t like 'x%'", True), ("-w", -10), ("2 <> 3", True),
    ],
)  # fmt: skip
def test_what_expressions_give(text, value):
    assert evaluated(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)", "w; w", "w;", "w from t", "w where 1=1", "w union select 1", "getenv('HOME')",
        "read_text('/etc/passwd')",
        "pg_sleep(1)", "w::int", "cast(w as int)", "count(*)", "*", "t.*", "sum(w) over ()", "random()", "current_date",
        "$1", "w = ?", "w in (select 1)", "exists(select 1)", "[1, 2]", "{'a': 1}", "t collate nocase",
        "list_transform([1], x -> x)",
        "g like 'c' escape 'x'", "interval 1 day", "w between symmetric 1 and 2", "trim(both 'x' from t)",
        "try_cast(t as int)",
        "w = null", "unnest([1])", "d[1]", "extract(year from d)",
        "regexp_matches(t, '(a+)+')", "w w", "", "foo.bar()", "a = 1 -- x\n; y",
        "abs()", "round()", "coalesce()", "date_diff('day', d)", "nullif(w)", "date_diff(w, d, d)", "least()", "if(a)",
        "case when a then end", "case end", "number()", "concat()", "not", "w between 1", "w in ()", "ln()", "if()",
        "query('select 1')", "getvariable('x')", "struct_pack(a := 1)", "w > any (select 1)",
        "(w, h) = (1, 2)", "t[1:2]", "w is 3",
    ],
)  # fmt: skip
def test_what_is_refused(text):
    with pytest.raises(ExpressionError):
        translate(text, lookup)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("g = 'CD'", "its codes: cd, uc"), ("t > 3", "number"), ("w = 'x'", "number"), ("a + 1", "needed is a number"),
        ("d > 'yesterday'", "2024-01-31"), ("w and a", "needed is a boolean"), ("nope > 1", "no variable 'nope'"),
        ("date_diff('hour', d, d)", "'day', 'week'"), ("foo(w)", "'foo' is not a function"), ("w = null", "is null"),
    ],
)  # fmt: skip
def test_refusals_say_what_is_right(text, says):
    with pytest.raises(ExpressionError, match=says):
        translate(text, lookup)


def test_text_in_an_expression_stays_text():
    nasty = "x'); DROP TABLE t; --"
    sql = translate("'" + nasty.replace("'", "''") + "'", lookup).sql
    assert CONNECTION.execute(f"SELECT {sql}").fetchall()[0] == (nasty,)


def test_a_text_that_grows_without_end_is_refused():
    with pytest.raises(ExpressionError, match="characters"):
        translate("1 + " * 1000 + "1", lookup)
    nested = "1"
    for _ in range(40):
        nested = f"if({nested} > 0, 1, 2)"
    with pytest.raises(ExpressionError, match="nested"):
        translate(nested, lookup)


def test_names_are_found_without_knowing_them():
    assert names('files.stool."CRP..mg.L." = \'x\' and number(week) > 1 and w is not null') == (
        "files.stool.CRP..mg.L.", "week", "w",
    )  # fmt: skip


SIGNS = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}
SIGNS |= {"=": lambda x, y: x == y, "<>": lambda x, y: x != y}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">=", None])
def test_a_censored_comparison_is_true_or_false_only_where_every_possible_number_agrees(sign, comparator):
    grid = [n / 2 for n in range(-20, 21)]
    for value, other in itertools.product((1.0, 2.0, 3.0), (1.0, 2.0, 3.0)):
        possible = [x for x in grid if SIGNS[comparator](x, value)] if comparator else [value]
        answers = {SIGNS[sign](x, other) for x in possible}
        expected = answers.pop() if len(answers) == 1 else None
        mark = f"'{comparator}'" if comparator else "NULL::VARCHAR"
        for text in (f"fc {sign} {other}", f"{other} {MIRRORED[sign]} fc"):
            sql = f"SELECT {translate(text, lookup).sql} FROM (SELECT {value}::DOUBLE fc, {mark} fcc)"
            assert CONNECTION.execute(sql).fetchall()[0][0] is expected, (value, comparator, text)


MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_partial_date_is_compared_only_where_every_possible_day_agrees(sign):
    days = [date.fromordinal(date(2019, 2, 1).toordinal() + n) for n in range(28)]
    for other in ("2019-01-31", "2019-02-01", "2019-02-14", "2019-02-28", "2019-03-01"):
        answers = {SIGNS[sign](day, date.fromisoformat(other)) for day in days}
        expected = answers.pop() if len(answers) == 1 else None
        row = "SELECT DATE '2019-02-01' p, DATE '2019-02-28' p2, 'month' pc"
        for text in (f"p {sign} '{other}'", f"'{other}' {MIRRORED[sign]} p"):
            assert (
                CONNECTION.execute(f"SELECT {translate(text, lookup).sql} FROM ({row})").fetchall()[0][0]
                is expected
            ), text
