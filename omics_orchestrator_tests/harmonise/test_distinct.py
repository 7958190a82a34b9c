"""Asking each different text once gives what asking every row gives."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from omics_orchestrator.harmonise import compile_entity, distinct, harmonise
from omics_orchestrator.harmonise.distinct import texts_of
from omics_orchestrator_tests.harmonise.invented import dictionary, study

DICTIONARY = dictionary(n="integer", m="censored", g="code", t="text", b="boolean", s="text", again="integer")
RULES = {
    "n": "n",
    "again": {"number": "n", "missing": {"7": "refused"}},
    "m": {"number": "other.m", "censored": True},
    "g": {"recode": "g", "map": {"1": "cd", "2": "uc"}},
    "t": {"text": ["t", "g"], "join": " "},
    "b": {"any_of": ["f_*"], "yes": ["1"], "no": ["0"]},
    "s": {"coalesce": ["t", "other.m"]},
}
JOIN = {"other": {"table": "file.b", "on": {"id": "id"}, "cardinality": "many_to_one"}}
WORDS = ["", "1", "2", " 1", "7", "<5", ">9", "x", "ä\n", "no such"]


def raw(seed: int, rows: int) -> dict[str, pa.Table]:
    chance = random.Random(seed)
    cells: dict[str, list[str | None]] = {}
    cells |= {name: [chance.choice(WORDS) for _ in range(rows)] for name in ("n", "g", "t", "f_1", "f_2")}
    cells["n"] = [word if chance.random() < 0.9 else None for word in cells["n"]]
    ids = [f"A{chance.randrange(rows)}" for _ in range(rows)]
    visits = [chance.choice(["1", "2", ""]) for _ in range(rows)]
    others = sorted({one for one in ids if chance.random() < 0.7})
    return {
        "file.a": pa.table(
            {"id": ids, "v": visits, **{k: pa.array(v, pa.string()) for k, v in cells.items()}}
        ),
        "other": pa.table(
            {
                "id": pa.array(others, pa.string()),
                "m": pa.array([chance.choice(WORDS) for _ in others], pa.string()),
            }
        ),
    }


def everything(found):
    sides = ("table", "missing", "comparators", "conflicts", "ledger", "provenance")
    return {side: getattr(found, side) for side in sides} | {"findings": found.findings}


@pytest.mark.parametrize("seed", range(12))
def test_texts_that_are_searched_for_repeats_give_what_texts_give_that_are_not(seed, monkeypatch):
    made, tables = study(RULES, join=JOIN), raw(seed, 40 * seed)
    repeats = everything(harmonise(made, "visit", DICTIONARY, tables))
    monkeypatch.setattr(distinct, "MANY", 0)
    assert everything(harmonise(made, "visit", DICTIONARY, tables)) == repeats


def test_the_order_of_rows_changes_no_value():
    made, tables = study(RULES, join=JOIN), raw(3, 200)
    turned = {name: table.take(list(reversed(range(table.num_rows)))) for name, table in tables.items()}
    found, other = (harmonise(made, "visit", DICTIONARY, one) for one in (tables, turned))
    for side in ("table", "missing", "comparators", "ledger"):
        assert getattr(found, side) == getattr(other, side)


def test_a_column_is_carried_as_numbers_unless_a_step_that_makes_rows_needs_its_texts():
    made = study({**RULES, "t": "v"}, join=JOIN, where="f_1 = '1'")
    columns = {
        "file.a": ("id", "v", "n", "g", "t", "f_1", "f_2"),
        "other": ("id", "m"),
    }
    carried = compile_entity(made, "visit", DICTIONARY, columns).carried
    assert {origin for origins in carried.values() for origin in origins} == {
        ("file.a", "n"),
        ("file.a", "g"),
        ("file.a", "t"),
        ("file.a", "f_2"),
        ("other", "m"),
    }


def test_texts_of_columns_that_stand_one_after_the_other():
    first, second = pa.chunked_array([["a", None], ["b"]]), pa.chunked_array([["b", "a"]])
    found = texts_of([first, second])
    assert found.words.to_pylist() == ["a", "b", None]
    assert found.numbers.to_pylist() == [0, 2, 1, 1, 0]


def test_texts_of_no_rows():
    found = texts_of([pa.chunked_array([], pa.string())])
    assert (found.words.to_pylist(), found.numbers.to_pylist()) == ([None], [])
