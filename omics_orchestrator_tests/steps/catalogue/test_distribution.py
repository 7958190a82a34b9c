"""How values are sorted into cells, and which of these are drawn."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.distribution import Distribution, closed, draw, sorted_into

FIVE = Coarse()
CODES = {"colour": {"r": "Red", "g": "Green", "b": "Blue", "x": "Infrared"}}


def variable(kind: str, **given: Any) -> Variable:
    given = {"code_list": "colour", **given} if kind == "code" else given
    return Variable.model_validate(
        {"name": "v", "entity": "visit", "domain": "d", "type": kind, "sensitivity": "open", **given}
    )


def drawn(
    one: Variable,
    values: list[Any],
    *,
    marks: list[str | None] | None = None,
    people: list[int] | None = None,
) -> Distribution:
    column = pa.chunked_array([pa.array(values, arrow_type(one.type))])
    found = sorted_into(one, Dictionary({"v": one}, CODES), column, marks, 5)
    numbers = np.array(people or range(len(values)), np.int64)
    return draw(found, numbers, FIVE, FIVE, entity="visit", single=people is None)


def told(distribution: Distribution) -> dict[str, int | None]:
    return {cell.label: cell.rows for cell in distribution.cells}


def test_codes_are_counted_by_their_labels_in_the_order_of_the_list():
    found = drawn(variable("code"), ["b"] * 33 + ["r"] * 57 + ["g"] * 42 + ["x"] + [None] * 10)
    assert told(found) == {"Red": 55, "Green": 40, "Blue": 35, "Infrared": None}
    assert [cell.label for cell in found.drawn] == ["Red", "Green", "Blue"]
    assert [cell.label for cell in found.hidden] == ["Infrared"]
    assert found.cells[0].percent == 100
    assert found.counts == "visits"


def test_yes_and_no():
    assert told(drawn(variable("boolean"), [True] * 34 + [False] * 51 + [None])) == {"yes": 35, "no": 50}
    assert drawn(variable("boolean"), [True] * 3 + [False] * 97).cells == ()


def test_years_of_dates():
    days = [date(2000 + number % 6, 3, 1) for number in range(120)]
    found = told(drawn(variable("date"), [*days, date(1901, 1, 1), None]))
    assert found == {
        "2000 or earlier": 20,
        "2001": 20,
        "2002": 20,
        "2003": 20,
        "2004": 20,
        "2005 or later": 20,
    }


def test_numbers_beyond_a_limit_have_cells_of_their_own():
    values = [float(number % 50) for number in range(200)] + [3.0] * 12 + [900.0] * 2
    marks: list[str | None] = [None] * 200 + ["<"] * 12 + [">"] * 2
    found = told(drawn(variable("censored", unit="mg/L"), values, marks=marks))
    assert found["below a limit"] == 10
    assert found["above a limit"] is None
    assert sum(number or 0 for number in found.values()) == pytest.approx(210, abs=15)
    assert not any("900" in label for label in found)


def test_whether_anything_is_censored_cannot_be_seen_from_the_cells():
    values = [float(number % 50) for number in range(200)]
    assert (
        list(told(drawn(variable("censored"), values)))[-2:]
        == list(told(drawn(variable("censored"), [*values, 1.0], marks=[*[None] * 200, "<"])))[-2:]
    )


def test_many_visits_of_few_people_are_not_shown():
    values = ["r"] * 60 + ["g"] * 60 + ["b"] * 60 + ["x"] * 12
    people = [*range(60), *range(60), *range(60), 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert told(drawn(variable("code"), values, people=people))["Infrared"] is None


@pytest.mark.parametrize("number", [0, 1, 19])
def test_too_few_people_have_no_distribution(number):
    found = drawn(variable("integer"), [*range(number), *[None] * 50])
    assert (found.cells, found.why_not) == ((), "Fewer than 20 participants have a value.")
    crowd = drawn(variable("integer"), list(range(300)), people=[one % 19 for one in range(300)])
    assert crowd.cells == ()


def test_values_that_are_no_numbers_count_as_none():
    found = drawn(variable("decimal"), [1.0, 2.0, 3.0, 4.0] * 20 + [float("nan"), float("inf")] * 30)
    assert sum(number or 0 for number in told(found).values()) == 80


@pytest.mark.parametrize("kind", ["text", "file"])
@pytest.mark.parametrize("sensitivity", ["open", "personal"])
def test_free_text_and_files_are_never_counted(kind, sensitivity):
    assert "never shown" in closed(variable(kind, sensitivity=sensitivity))


@pytest.mark.parametrize("kind", ["code", "integer", "date", "boolean"])
def test_what_identifies_or_is_restricted_is_never_counted(kind):
    assert "identifying" in closed(variable(kind, sensitivity="identifying"))
    assert "restricted" in closed(variable(kind, sensitivity="restricted"))
    assert closed(variable(kind, sensitivity="personal")) == ""


@given(st.lists(st.sampled_from("rgbx"), min_size=20, max_size=150), st.randoms())
def test_no_small_count_is_ever_drawn(codes, chance):
    people = [chance.randrange(len(codes)) for _ in codes]
    found = drawn(variable("code"), codes, people=people)
    for cell, code in zip(found.cells, "rgbx", strict=False):
        persons = {one for one, held in zip(people, codes, strict=True) if held == code}
        assert cell.rows is None or (len(persons) >= 5 and cell.rows % 5 == 0 and cell.rows > 0)
