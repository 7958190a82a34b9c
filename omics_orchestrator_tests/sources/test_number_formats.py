"""Number formats of Excel: which of them show another text than the cell's value."""

from __future__ import annotations

import pytest

from omics_orchestrator.sources.number_formats import changes, shown_by


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("General", (None, 0)),
        ("@", (None, 0)),
        ("0", (None, 0)),
        ("0.00", (None, 0)),
        ("#,##0.00", (None, 0)),
        ("0.00E+00", (None, 0)),
        ("# ?/?", (None, 0)),
        ("yyyy-mm-dd", (None, 0)),
        ("[$-409]d mmm yyyy", (None, 0)),
        ("[Red]0;-0", (None, 0)),
        ("_-* #,##0.00_-", (None, 0)),
        ("0000", ("zeros", 4)),
        ("000-00", ("zeros", 5)),
        ('"P"0000', ("zeros", 4)),
        ("0%", ("percent", 0)),
        ("0.0%", ("percent", 0)),
        ("0,", ("scaled", 0)),
        ('#,##0.0,,"M"', ("scaled", 0)),
        (";;;", ("hidden", 0)),
        ('0" mg"', ("text", 0)),
        ('General" mg"', ("text", 0)),
        (r"\P0", ("text", 0)),
    ],
)
def test_what_a_format_shows(code: str, expected: tuple[str | None, int]) -> None:
    assert shown_by(code) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("7", True), ("-7.0", True), ("1234", False), ("12345", False), ("nan", False)]
)
def test_zeros_are_shown_before_short_numbers_only(value: str, expected: bool) -> None:
    assert changes("zeros", 4, value) == expected
    assert changes("percent", 0, value)
