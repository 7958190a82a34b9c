"""The Postgres text of expressions: on 1,000 random rows each allowed function gives what DuckDB gives,
or has none."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg2
import pyarrow as pa
import pytest

from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator.verbs.expression import parsed, translate
from omics_orchestrator.verbs.nodes import NODES
from omics_orchestrator.verbs.postgres import POSTGRES, WITHOUT, translate_postgres
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION

ROWS = 1000
KINDS = {"n": "number", "t": "text", "d": "date", "b": "boolean"}
TYPES = {
    "number": ("DOUBLE", "double precision", pa.float64()),
    "text": ("VARCHAR", "text", pa.string()),
    "date": ("DATE", "date", pa.date32()),
    "boolean": ("BOOLEAN", "boolean", pa.bool_()),
}
# a, b and o are also names inside the Postgres texts: a column of that name must stay the column.
NUMBERS, TEXTS, DATES, BOOLEANS = ("x", "y", "a", "o"), ("s", "t", "m"), ("d", "e"), ("p", "q", "b")
COLUMNS = {
    **dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(TEXTS, "text"), **dict.fromkeys(DATES, "date"),
    **dict.fromkeys(BOOLEANS, "boolean"),
}  # fmt: skip
LETTERS = "abzAZ019 _%\\.,;'\"-\t\n\u00a0\u2003\u3000éÉßẞİıſΣςǅ中👨\u200d👩é\u0301"
EDGES = (
    0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.49999999999999994, 1.005, 2.675, 5e-324, -5e-324,
    2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 8.98846567431158e307, 1e154,
    1e-154, 1e-162, 1e200, -1e200, 1e-200,
    9007199254740993.0, 4503599627370496.5, 709.782712893384, 709.7827128933841, -745.1332191019411,
    -745.1332191019412,
)  # fmt: skip

# Node → expressions that are made of it.
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "Column": ("x", "s", "d", "p", "a", "o", "b"),
    "Literal": ("1.5", "'a''b'", "'a\\b'", "x + 0.1", "s = 'a'", "d > '1970-01-01'"),
    "Boolean": ("true", "p = true", "p is false"),
    "Null": ("null", "coalesce(null, x)", "null and p", "abs(null)", "null || s", "null + x"),
    "Paren": ("(x + y) * a", "(p)"),
    "And": ("p and q", "p and x > y and b"),
    "Or": ("p or q", "p or x > y or b"),
    "Not": ("not p", "not (p and q)"),
    "Is": ("x is null", "s is not null", "p is true", "p is not true", "q is false", "d is null"),
    "EQ": ("x = y", "s = t", "d = e", "p = q", "x = 0"),
    "NEQ": ("x <> y", "s <> t", "d <> e", "p <> q"),
    "LT": ("x < y", "s < t", "d < e", "p < q", "s < 'b'", "x < 0"),
    "LTE": ("x <= y", "s <= t", "d <= e"),
    "GT": ("x > y", "s > t", "d > e", "d > '2000-02-29'"),
    "GTE": ("x >= y", "s >= t", "d >= e"),
    "NullSafeEQ": ("x is not distinct from y", "s is not distinct from t"),
    "NullSafeNEQ": ("x is distinct from y", "s is distinct from t", "d is distinct from e", "p is distinct from q"),
    "Between": ("x between y and a", "s between 'A' and t", "d between e and '2020-01-01'", "x not between -1 and 1"),
    "In": ("x in (0, 1, y)", "s in ('a', 'b', t)", "d in ('1970-01-01', e)", "s not in ('a', t)"),
    "Case": (
        "case when p then x when q then y end", "case when x > y then s else t end",
        "case s when 'a' then 1 when t then 2 end", "case when p then 'yes' when q then null else 'no' end",
    ),
    "If": ("if(p, x, y)", "if(x > 0, 'a', s)", "if(p, d)"),
    "Coalesce": ("coalesce(x, y, 0)", "coalesce(s, 'none')", "coalesce(d, e)", "coalesce(p, false)"),
    "Nullif": ("nullif(x, y)", "nullif(s, t)", "nullif(x, 0)", "nullif(d, e)"),
    "Date": ("date(d)",),
    "Neg": ("-x", "-(x - y)"),
    "Add": ("x + y", "x + y + a + o", "d + 30", "d + 10000", "length(s) + 1", "x + x"),
    "Sub": ("x - y", "x - (y - a)", "d - 1", "d - 10000"),
    "Mul": ("x * y", "x * y * a", "x * x", "x * 1e300 * 1e300", "length(s) * length(t)", "2 * x + 5 * y"),
    "Div": ("x / y", "x / y / a", "1 / x", "x / 0", "length(s) / length(t)", "x / ((y / 100) * (y / 100))"),
    "Abs": ("abs(x)",),
    "Floor": ("floor(x)", "floor(x / y)"),
    "Ceil": ("ceil(x)", "ceil(x * 0.1)"),
    "Exp": ("exp(x)", "exp(x / 1e3)", "exp(a)", "exp(length(s))"),
    "Ln": ("ln(x)", "ln(abs(y))", "ln(x * y)"),
    "Sqrt": ("sqrt(x)", "sqrt(abs(x))", "sqrt(x * x + y * y)"),
    "Round": ("round(x)", "round(x, 0)", "round(x, 1)", "round(a, 2)", "round(x / 3, 3)", "round(x, 15)"),
    "Trim": ("trim(s)", "trim(s) = s"),
    "Length": ("length(s)", "length(trim(t))"),
    "Concat": ("concat(s, t)", "concat(s, ' ', t)"),
    "DPipe": ("s || t", "s || '-' || t"),
    "Least": ("least(x, y, a)", "least(s, t)", "least(d, e)", "least(x, 0)"),
    "Greatest": ("greatest(x, y, a)", "greatest(s, t)", "greatest(d, e)"),
    "Like": ("s like m", "s like 'a%'", "s like '%\\%'", "s not like '_'", "s like '%'"),
    "Year": ("year(d)", "year(d) - year(e)"),
    "Month": ("month(d)",),
    "DateDiff": tuple(f"date_diff('{unit}', d, e)" for unit in ("day", "week", "month", "year")),
    "Anonymous": ("earliest(d)", "latest(d)", "text(s)", "code(s)"),
}  # fmt: skip

# Node (or use of one) → an expression of it, and the Postgres text that one would write; it differs or raises.
DIFFERENT = {
    "Mod": ("x % y", "CAST(mod(CAST(x AS numeric), CAST(nullif(y, 0) AS numeric)) AS double precision)"),
    "Lower": ("lower(s)", 'lower(s COLLATE "C")'),
    "Upper": ("upper(s)", "upper(s)"),
    "ILike": ("s ilike m", "s ILIKE m COLLATE \"C\" ESCAPE ''"),
    "TryCast": ("try_cast(x as text)", "CAST(x AS text)"),
    "TryCast to a number": ("try_cast(s as double)", "CAST(s AS double precision)"),
    "TryCast to a date": ("try_cast(s as date)", "CAST(s AS date)"),
    "number(…)": ("number(u)", "CASE WHEN u ~ '^[0-9.]+(e[0-9]+)?$' THEN CAST(u AS double precision) END"),
    "computed digits": (
        "round(x, a)",
        "CAST(round(CAST(x AS numeric), CAST(a AS integer)) AS double precision)",
    ),
    "computed days": ("d + x", "d + CAST(x AS integer)"),
    "a plain product": ("x * y", "x * y"),
    "a plain sum": ("x + y", "x + y"),
    "a plain quotient": ("x / y", "x / nullif(y, 0)"),
    "a plain exp": ("exp(x)", "exp(x)"),
    "round to half": ("round(x)", "round(x)"),
}


def lookup(name: str) -> Typed:
    if name == "u":
        return Typed("u", "text")
    if name not in COLUMNS:
        raise ExpressionError(f"there is no variable {name!r}")
    return Typed(name, COLUMNS[name])  # type: ignore[arg-type]


def rows(seed: int) -> dict[str, list[Any]]:
    """Random rows: nulls, zeros, negatives, every magnitude of doubles, texts in many scripts,
    days of 9,999 years."""
    chance = random.Random(seed)

    def number(small: bool) -> float:
        if small:
            return chance.choice(
                (chance.randint(-20, 20), round(chance.uniform(-500, 500), 2), chance.gauss(0, 1))
            )
        magnitude = chance.choice((chance.uniform(-12, 12), chance.uniform(-320, 308)))
        value = chance.choice((-1, 1)) * chance.uniform(1, 10) * 10.0**magnitude
        return chance.choice((chance.choice(EDGES), value if math.isfinite(value) else 1.0))

    def text() -> str:
        return "".join(chance.choice(LETTERS) for _ in range(chance.choice((0, 1, 1, 2, 3, 8))))

    def pattern() -> str:
        return "".join(chance.choice("a%_\\éÉ中Aß") for _ in range(chance.randint(0, 3)))

    def day() -> date:
        near = date(1970, 1, 1).toordinal() + chance.randint(-400, 400)
        return date.fromordinal(chance.choice((near, chance.randint(1, date.max.toordinal()))))

    def column(make: Any) -> list[Any]:
        return [None if chance.random() < 0.1 else make() for _ in range(ROWS)]

    found = {name: column(lambda name=name: float(number(name in "ao"))) for name in NUMBERS}
    found |= {"s": column(text), "t": column(text), "m": column(pattern)}
    found |= {name: column(day) for name in DATES}
    found |= {name: column(lambda: chance.random() < 0.5) for name in BOOLEANS}
    found["u"] = column(lambda: chance.choice(("1", "2.5", "x", "", "1e999", "1" * 400)))
    return found


class Both:
    """The same rows in a real DuckDB and a real Postgres."""

    def __init__(self, database: Database) -> None:
        self.rows = rows(20261121)
        types = {**{name: TYPES[kind] for name, kind in COLUMNS.items()}, "u": TYPES["text"]}
        CONNECTION.register(
            "two_rows", pa.table({name: pa.array(self.rows[name], types[name][2]) for name in types})
        )
        self.connection = psycopg2.connect(database.url)
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            columns = ", ".join(f"{name} {types[name][1]}" for name in types)
            cursor.execute(f"CREATE TABLE two_rows (row_number integer PRIMARY KEY, {columns})")
            places = ", ".join(["%s"] * (len(types) + 1))
            listed = zip(range(ROWS), *(self.rows[name] for name in types), strict=True)
            cursor.executemany(f"INSERT INTO two_rows VALUES ({places})", list(listed))

    def duckdb(self, sql: str) -> list[Any]:
        return [one[0] for one in CONNECTION.execute(f"SELECT {sql} FROM two_rows").fetchall()]

    def postgres(self, sql: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql} FROM two_rows ORDER BY row_number")
            return [one[0] for one in cursor.fetchall()]


@pytest.fixture(scope="module")
def both(settings: Settings) -> Iterator[Both]:
    url = ensure_server(settings).url("test_postgres_texts")
    made = Both(Database.open(replace(settings, database_url=url)))
    yield made
    with made.connection.cursor() as cursor:
        cursor.execute("DROP TABLE two_rows")
    made.connection.close()
    CONNECTION.unregister("two_rows")


def same(one: Any, other: Any) -> bool:
    """Whether two cells are the same value; numbers to the last bit, the sign of zero apart."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other) and (one is None) == (other is None)


def differences(both: Both, text: str, sql: str) -> list[tuple[Any, Any]]:
    made = translate(text, lookup)
    day = " - DATE '0001-01-01'" if made.kind == "date" else ""  # Python knows no days before it
    found = zip(both.duckdb(f"({made.sql}){day}"), both.postgres(f"({sql}){day}"), strict=True)
    return [(one, other) for one, other in found if not same(one, other)]


def test_every_allowed_node_has_a_postgres_text_or_a_reason_why_not() -> None:
    assert set(POSTGRES) | set(WITHOUT) == set(NODES)
    assert not set(POSTGRES) & set(WITHOUT)
    assert set(EXPRESSIONS) == set(POSTGRES)
    assert set(WITHOUT) <= set(DIFFERENT)


@pytest.mark.parametrize(
    ("node", "text"), [(node, text) for node, texts in EXPRESSIONS.items() for text in texts]
)
def test_it_gives_the_same_on_a_thousand_rows(both: Both, node: str, text: str) -> None:
    assert node in {type(part).__name__ for part in parsed(text).walk()}, "the expression is made of the node"
    assert differences(both, text, translate_postgres(text, lookup))[:3] == []


def test_the_rows_say_something(both: Both) -> None:
    """No expression passes because every row is NULL."""
    for texts in EXPRESSIONS.values():
        for text in texts:
            if text not in {"null", "null || s", "null + x", "abs(null)", "x / 0"}:
                found = both.duckdb(f"({translate(text, lookup).sql}) IS NOT NULL")
                assert any(found), text


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_has_no_text_differs_or_raises(both: Both, what: str) -> None:
    text, sql = DIFFERENT[what]
    try:
        found = differences(both, text, sql)
    except psycopg2.Error:
        return
    assert found, f"{what} gives the same in Postgres: write its text"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x % y", "'mod' has no Postgres text"), ("lower(s) = 'a'", "'lower' has no"), ("upper(s)", "'upper' has no"),
        ("s ilike 'a'", "'ilike' has no"), ("try_cast(s as double)", "'trycast' has no"),
        ("number(s)", "'number' has no"), ("round(x, y)", "'round' has no"),
        ("round(x, -1)", "'round' has no"), ("round(x, 16)", "'round' has no"),
        ("d + x", "'date . days' has no"), ("d + 10001", "at most 10000"), ("d - 1.5", "'date . days' has no"),
        ("read_text('x')", "not allowed|not a function"), ("s > 1", "number"), ("nope", "no variable"),
        ("x; y", "';'"),
        ("d * 2", "needed is a number"), ("date_diff('hour', d, e)", "'day', 'week'"),
    ],
)  # fmt: skip
def test_what_has_none_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        translate_postgres(text, lookup)


def invented(chance: random.Random, kind: str, depth: int) -> str:
    """Return a random expression of a kind, of everything that has a Postgres text."""
    names = {"number": NUMBERS, "text": TEXTS[:2], "date": DATES, "boolean": BOOLEANS}[kind]
    if depth == 0:
        return chance.choice(names)

    def part(of: str) -> str:
        return invented(chance, of, depth - 1)

    some = chance.choice(("number", "text", "date"))
    shapes = {
        "number": lambda: (
            f"({part('number')} {chance.choice('+-*/')} {part('number')})",
            f"{chance.choice(('abs', 'floor', 'ceil', 'round', 'sqrt', 'ln', 'exp', '-'))}({part('number')})",
            f"round({part('number')}, {chance.randint(0, 4)})",
            f"length({part('text')})",
            f"date_diff('{chance.choice(('day', 'week', 'month', 'year'))}', {part('date')}, {part('date')})",
            f"year({part('date')})",
        ),
        "text": lambda: (f"trim({part('text')})", f"({part('text')} || {part('text')})"),
        "date": lambda: (f"({part('date')} {chance.choice('+-')} {chance.randint(0, 400)})",),
        "boolean": lambda: (
            f"({part('boolean')} {chance.choice(('and', 'or'))} {part('boolean')})",
            f"not ({part('boolean')})",
            f"({part(some)} {chance.choice(('=', '<>', '<', '<=', '>', '>='))} {part(some)})",
            f"({part(some)} is {chance.choice(('', 'not '))}null)",
            f"({part(some)} in ({part(some)}, {part(some)}))",
            f"({part(some)} between {part(some)} and {part(some)})",
            f"({part(some)} is distinct from {part(some)})",
        ),
    }
    shared = (
        f"coalesce({part(kind)}, {part(kind)})",
        f"case when {part('boolean')} then {part(kind)} else {part(kind)} end",
        f"if({part('boolean')}, {part(kind)}, {part(kind)})",
        f"nullif({part(kind)}, {part(kind)})",
        f"greatest({part(kind)}, {part(kind)})",
    )
    return chance.choice((*shapes[kind](), *shared)) if chance.random() < 0.85 else chance.choice(names)


def test_nested_in_each_other_they_still_give_the_same(both: Both) -> None:
    chance = random.Random(7)
    tried = 0
    while tried < 150:
        text = invented(chance, chance.choice(("number", "text", "date", "boolean")), chance.randint(1, 3))
        try:
            sql = translate_postgres(text, lookup)
        except ExpressionError:  # nested too deeply, or too long
            continue
        tried += 1
        assert differences(both, text, sql)[:3] == [], text


def test_inexact_values_are_compared_alike(both: Both) -> None:
    """A censored number and a partial date, their SQL given for each server."""
    mark = "CASE WHEN p THEN '<' WHEN q THEN '>' END"
    span = "CASE WHEN p THEN e + 40 ELSE e END"
    inexact = {
        "fc": Typed(f"CASE WHEN {mark} IS NULL THEN x END", "number", value="x", comparator=f"({mark})"),
        "pd": Typed("CASE WHEN NOT p THEN e END", "date", bounds=("e", f"({span})")),
    }
    known = lambda name: inexact.get(name) or lookup(name)  # noqa: E731 - as short as it is
    for text in (
        "fc > 5", "fc < y", "fc = 0", "fc between 0 and a", "fc is null", "fc is distinct from y", "coalesce(fc, y)",
        "fc + 1", "pd < d", "pd = d", "year(pd)", "month(pd)", "date_diff('day', pd, d)", "latest(pd)",
        "pd in (d, e)",
    ):  # fmt: skip
        first = both.duckdb(translate(text, known).sql)
        second = both.postgres(translate_postgres(text, known))
        assert all(map(same, first, second)), text
        assert any(cell is not None for cell in first), text
