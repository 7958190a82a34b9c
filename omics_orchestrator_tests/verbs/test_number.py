"""number: what is a number, what is censored, what is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.dictionary import Conversion
from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values


def test_numbers_as_files_write_them():
    texts = ["1", "-2.5", "+.5", "3.", "1e+05", "9.0"]
    assert values(rule({"number": "a"}), "decimal", *texts) == [1, -2.5, 0.5, 3, 100_000, 9]


@pytest.mark.parametrize(
    "text", ["inf", "nan", "1_000", "0x10", "1e999", "12 mg", "1,5", "<5", "1.2.3", "e5", "."]
)
def test_what_is_no_number_is_invalid(text):
    (cell,) = cells(rule({"number": "a"}), "decimal", text)
    assert (cell.value, cell.flaw) == (None, "invalid")


def test_a_blank_cell_has_neither_value_nor_flaw():
    (cell,) = cells(rule({"number": "a"}), "decimal", "")
    assert (cell.value, cell.reason, cell.flaw) == (None, None, None)


def test_an_integer_must_be_whole():
    found = cells(rule({"number": "a"}), "integer", "9.0", "9.5", "1e+05", "99999999999999999999")
    assert [cell.value for cell in found] == [9, None, 100_000, None]
    assert [cell.flaw for cell in found] == [None, "invalid", None, "invalid"]


@pytest.mark.parametrize(
    ("text", "value", "sign"),
    [
        ("<20", 20, "<"),
        (">1800", 1800, ">"),
        ("<= 5", 5, "<="),
        ("≥3", 3, ">="),
        ("7", 7, None),
        ("<", None, None),
    ],
)
def test_a_censored_number_keeps_its_sign_apart(text, value, sign):
    (cell,) = cells(rule({"number": "a", "censored": "true"}), "decimal", text)
    assert (cell.value, cell.comparator) == (value, sign if value is not None else cell.comparator)


def test_variables_of_type_censored_are_read_so_without_being_told():
    assert [(c.value, c.comparator) for c in cells(rule({"number": "a"}), "censored", "<20", "20")] == [
        (20, "<"),
        (20, None),
    ]


def test_a_comma_is_the_decimal_character_where_it_is_declared():
    found = cells(rule({"number": "a", "decimal": ","}), "decimal", "1,5", "2", "1.5", "1.234,5")
    assert [cell.value for cell in found] == [1.5, 2, None, None]


def test_a_missing_number_matches_every_spelling_of_it():
    made = rule({"number": "a", "missing": {"999": "unknown", "no sample": "not_done"}})
    found = cells(made, "decimal", "999", "999.0", "9.99e2", "99.9", "no sample")
    assert [cell.reason for cell in found] == ["unknown", "unknown", "unknown", None, "not_done"]
    assert [cell.value for cell in found] == [None, None, None, 99.9, None]
    assert all(cell.flaw is None for cell in found)


def test_a_star_gives_a_reason_to_whatever_is_not_understood():
    found = cells(
        rule({"number": "a", "missing": {"*": "not_done", "9": "refused"}}), "decimal", "haemolysed", "9", "1"
    )
    assert [(cell.value, cell.reason, cell.flaw) for cell in found] == [
        (None, "not_done", None), (None, "refused", None), (1, None, None),
    ]  # fmt: skip


def test_a_unit_is_a_factor_and_missing_words_are_meant_in_the_source_unit():
    made = rule({"number": "a", "unit": "mg/dL", "missing": {"999": "unknown"}})
    assert values(made, "decimal", "1.5", "999", conversion=lambda unit: Conversion(10.0)) == [15, None]


def test_only_numbers_are_made():
    assert list(rule({"number": "a"}).complaints(Target("x", "code")))
    assert not list(rule({"number": "a"}).complaints(Target("x", "censored")))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_what_python_writes_is_read_exactly(numbers):
    assert values(rule({"number": "a"}), "decimal", *map(repr, numbers)) == numbers


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="0123456789.,<>-e ≤x", max_size=8), min_size=1, max_size=20))
def test_options_at_their_defaults_change_nothing(texts):
    bare = cells(rule({"number": "a"}), "decimal", *texts)
    full: dict[str, Any] = {
        "number": "a",
        "unit": None,
        "decimal": ".",
        "censored": "false",
        "missing": {},
        "blank": None,
    }
    assert cells(rule(full), "decimal", *texts) == bare


def test_a_number_too_large_for_its_unit_is_invalid():
    (cell,) = cells(
        rule({"number": "a", "unit": "mg/dL"}), "decimal", "1e308", conversion=lambda unit: Conversion(10.0)
    )
    assert (cell.value, cell.flaw) == (None, "invalid")


@pytest.mark.parametrize("power", [-6, -3, -2, -1, 1, 2, 3])
def test_a_power_of_ten_moves_the_point_and_nothing_else(power):
    made = rule({"number": "a", "unit": "u"})
    texts = ["0.56", "0.1", "-7.3", "12", "5.", ".7", "4.35e2", "29E-1", ""]
    expected = [float(Decimal(text).scaleb(power)) if text else None for text in texts]
    found = values(made, "decimal", *texts, conversion=lambda unit: Conversion(float(f"1e{power}")))
    assert found == [pytest.approx(one, rel=1e-15) for one in expected[:-1]] + [None]
    assert [one for one, text in zip(found, texts, strict=True) if "e" not in text.lower()] == [
        one for one, text in zip(expected, texts, strict=True) if "e" not in text.lower()
    ]


def test_what_is_shifted_may_have_a_sign_a_comma_and_a_limit():
    found = cells(
        rule({"number": "a", "unit": "u", "decimal": ","}), "censored", "<0,56", ">= 1,1", "viel",
        conversion=lambda unit: Conversion(10.0),
    )  # fmt: skip
    assert [(cell.value, cell.comparator, cell.flaw) for cell in found] == [
        (5.6, "<", None), (11.0, ">=", None), (None, None, "invalid"),
    ]  # fmt: skip


def test_other_conversions_multiply_divide_and_add():
    days = rule({"number": "a", "unit": "d"})
    weeks = values(
        days, "decimal", *(str(7 * n) for n in range(60)), conversion=lambda unit: Conversion(1 / 7)
    )
    assert weeks == list(range(60))
    hba1c = rule({"number": "a", "unit": "%"})
    (found,) = values(hba1c, "decimal", "7.0", conversion=lambda unit: Conversion(10.93, -23.5))
    assert found == pytest.approx(53.01)


def test_a_factor_of_one_leaves_the_sql_as_it_is():
    made = rule({"number": "a", "unit": "u"})
    same = made.cell(Target("x", "decimal", conversion=lambda unit: Conversion(rule="another spelling")))
    assert same == rule({"number": "a"}).cell(Target("x", "decimal"))


def test_words_before_the_number_add_nothing():
    made = rule(
        {"number": "a", "after": ["SES-CD", "c. (about)"], "missing": {"SES-CD": "not_done", "99": "unknown"}}
    )
    texts = ("SES-CD 4", "SES-CD: 10", "7", "c. (about) 3", "UCEIS 4", "SES-CD", "SES-CD 4 5", "99")
    found = cells(made, "integer", *texts)
    assert [cell.value for cell in found] == [4, 10, 7, 3, None, None, None, None]
    assert [cell.reason for cell in found] == [None] * 5 + ["not_done", None, "unknown"]
    assert [cell.flaw for cell in found] == [None] * 4 + ["invalid", None, "invalid", None]
