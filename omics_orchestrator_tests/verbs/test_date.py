"""date: formats, partial dates."""

from __future__ import annotations

from datetime import date

import pytest

from omics_orchestrator.verbs import Target
from omics_orchestrator_tests.verbs.cells import cells, rule, values


def test_the_first_format_that_fits_wins():
    made = rule({"date": "a", "formats": ["%m/%d/%y", "%d/%m/%Y"]})
    assert values(made, "date", "9/2/09", "31/12/2014", "2014-01-01") == [
        date(2009, 9, 2),
        date(2014, 12, 31),
        None,
    ]


def test_days_that_do_not_exist_are_invalid():
    assert [cell.flaw for cell in cells(rule({"date": "a"}), "date", "2015-02-29", "2016-02-29")] == [
        "invalid",
        None,
    ]


def test_partial_formats_give_the_first_day_and_what_is_known():
    made = rule({"date": "a", "formats": ["%Y-%m-%d", "%Y-%m", "%Y"]})
    found = cells(made, "partial_date", "2014-03-05", "2014-03", "2014", "x")
    assert [(cell.value, cell.comparator) for cell in found] == [
        (date(2014, 3, 5), None), (date(2014, 3, 1), "month"), (date(2014, 1, 1), "year"), (None, None),
    ]  # fmt: skip


def test_written_days_that_mean_less():
    made = rule({"date": "a", "partial": {"01-01": "year", "15": "month"}})
    found = cells(made, "partial_date", "2014-01-01", "2014-03-15", "2014-03-16")
    assert [(cell.value, cell.comparator) for cell in found] == [
        (date(2014, 1, 1), "year"), (date(2014, 3, 1), "month"), (date(2014, 3, 16), None),
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["%Q", "2014", "%d/%m", "%Y-%"])
def test_what_is_no_format_is_refused(form):
    with pytest.raises(ValueError, match="date format|no year"):
        rule({"date": "a", "formats": [form]})


def test_a_full_date_needs_full_formats():
    assert list(rule({"date": "a", "formats": ["%Y"]}).complaints(Target("x", "date")))
    assert list(rule({"date": "a"}).complaints(Target("x", "integer")))
    assert not list(rule({"date": "a", "formats": ["%Y"]}).complaints(Target("x", "partial_date")))


def test_a_year_has_four_digits_and_words_are_no_dates():
    made = rule({"date": "a", "formats": ["%d/%m/%Y", "%d/%m/%y"]})
    assert values(made, "date", "1/2/24", "01/02/0024", "infinity", "epoch") == [
        date(2024, 2, 1),
        None,
        None,
        None,
    ]


def test_the_ninth_month_is_read_as_the_british_write_it():
    made = rule({"date": "a", "formats": ["%b %Y", "%d %b %Y"]})
    found = cells(made, "partial_date", "Sept 2011", "sept 2011", "Sep 2011", "3 Sept 2011", "Septic 2011")
    assert [(cell.value, cell.comparator) for cell in found] == [
        *[(date(2011, 9, 1), "month")] * 3, (date(2011, 9, 3), None), (None, None),
    ]  # fmt: skip
