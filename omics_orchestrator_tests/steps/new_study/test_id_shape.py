"""A pattern takes every id that it was made of, and tells no more than their shape."""

from __future__ import annotations

import re

import pytest

from omics_orchestrator.steps.new_study.id_shape import pattern_of


@pytest.mark.parametrize(
    ("ids", "pattern"),
    [
        (["NC-001", "NC-002"], "NC-(?P<number>[0-9]+)"),
        (["1", "22", "333"], "(?P<number>[0-9]+)"),
        (["A1", "A2", "B1", "B2", "B3"], "(B[0-9]+|A[0-9]+)"),
        (["A1-2", "A3-4"], "A[0-9]+-[0-9]+"),
        (["a.b(1)", "a.b(2)"], "a\\.b\\((?P<number>[0-9]+)\\)"),
        ([], ""),
    ],
)
def test_the_shape(ids, pattern):
    assert pattern_of(ids) == pattern
    assert all(re.fullmatch(pattern, one) for one in ids)


def test_letters_of_one_id_alone_are_not_told():
    names = ["Anna", "Bert", "Cleo7", "GID-1", "GID-2"]
    pattern = pattern_of(names)
    assert all(re.fullmatch(pattern, one) for one in names)
    assert not any(name in pattern for name in ("Anna", "Bert", "Cleo"))
    assert "GID" in pattern
    assert "GID" not in pattern_of(names, letters=False)


def test_too_many_shapes_tell_only_which_signs_occur():
    ids = ["-".join("1" * (n + 1)) + "." for n in range(9)]
    assert pattern_of(ids) == "[A-Za-z0-9\\.-]+"
    assert pattern_of([*ids, "Zoë"]) == ".+"
    assert re.fullmatch(pattern_of(["Zoë 1", "Zoë 2"], letters=False), "Zoë 1")
