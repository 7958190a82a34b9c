"""Three-valued logic against Kleene's truth tables: what is unknown stays unknown, unless it cannot matter."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import and_, or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.verbs.expression import source_calls, translate
from omics_orchestrator.verbs.threevalued import Typed
from omics_orchestrator_tests.verbs.cells import CONNECTION

TRUTH = (True, False, None)


def answer(text, **values):
    cells = ", ".join(
        f"CAST({'NULL' if v is None else v} AS {'BOOLEAN' if k in 'abc' else 'DOUBLE'}) AS {k}"
        for k, v in values.items()
    )
    kinds = {name: Typed(name, "boolean" if name in "abc" else "number") for name in values}
    return CONNECTION.execute(
        f"SELECT {translate(text, kinds.__getitem__).sql} FROM (SELECT {cells})"
    ).fetchall()[0][0]


def kleene(test, values):
    """Return what every way of filling in the unknown agrees on, else None."""
    ways = [[v] if v is not None else [True, False] for v in values]
    found = {test(*way) for way in itertools.product(*ways)}
    return found.pop() if len(found) == 1 else None


@pytest.mark.parametrize(("a", "b"), list(itertools.product(TRUTH, TRUTH)))
def test_and_or_not(a, b):
    assert answer("a and b", a=a, b=b) == kleene(and_, (a, b))
    assert answer("a or b", a=a, b=b) == kleene(or_, (a, b))
    assert answer("not a", a=a) == kleene(lambda x: not x, (a,))


@given(st.lists(st.sampled_from(TRUTH), min_size=3, max_size=3))
def test_chains_of_one_operator(values):
    named = dict(zip("abc", values, strict=True))
    assert answer("a or b or c", **named) == kleene(lambda *v: reduce(or_, v), values)
    assert answer("a and b and c", **named) == kleene(lambda *v: reduce(and_, v), values)


@pytest.mark.parametrize("a", TRUTH)
def test_an_unknown_case_makes_the_answer_unknown(a):
    expected = {True: 1.0, False: 2.0, None: None}[a]
    assert answer("case when a then 1 else 2 end", a=a) == expected
    assert answer("if(a, 1, 2)", a=a) == expected


@given(st.sampled_from([1.0, 2.0, None]), st.sampled_from([1.0, 2.0, None]))
def test_comparisons_in_and_between(x, y):
    both = x is not None and y is not None
    assert answer("x = y", x=x, y=y) == ((x == y) if both else None)
    assert answer("x < y", x=x, y=y) == ((x < y) if both else None)
    among = None if x is None or (y is None and x != 1) else x in (1, y)
    assert answer("x in (1, y)", x=x, y=y) == among
    assert answer("x between 1 and y", x=x, y=y) == kleene_between(x, y)


def kleene_between(x, y):
    low = None if x is None else x >= 1
    high = None if x is None or y is None else x <= y
    return kleene(and_, (low, high))


def test_source_columns_are_found_outside_texts():
    text = """number(crp_text) > 5 and text("my col") = 'code(b)' and Date(a.b) is null"""
    assert source_calls(text) == (("number", "crp_text"), ("text", "my col"), ("date", "a.b"))
