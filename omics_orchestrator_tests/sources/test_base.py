"""Admission of columns, and NUL characters."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.sources.base import admits, listed, without_nul


@pytest.mark.parametrize(
    ("admitted", "column", "answer"),
    [
        (None, "anything", True),
        (["a"], "a", True),
        (["a"], "ab", False),
        (["a*"], "ab", True),
        (["*_complete"], "form_complete", True),
        (["*_complete"], "form_completed", False),
        (["CRP..mg.L."], "CRPxxmgxLx", False),
        (["a.*"], "ab", False),
        (["x___*", "exact"], "exact", True),
        (["a*"], "a\nb", True),
        ([], "a", False),
    ],
)
def test_admits(admitted, column, answer):
    assert admits(admitted)(column) is answer


def test_nul_is_removed_and_counted():
    table = pa.table({"n": pa.array([1, 2, 3]), "a": ["x\0y", "\0", "z"], "b": ["1", "2", "3"]})
    clean, findings = without_nul(table)
    assert clean.to_pydict() == {"n": [1, 2, 3], "a": ["xy", "", "z"], "b": ["1", "2", "3"]}
    assert [(finding.subject, finding.count) for finding in findings] == [("a", 2)]


def test_listed_shows_the_first_numbers():
    assert listed([3]) == "3"
    assert listed(list(range(1, 9))) == "1, 2, 3, 4, 5 …"


def test_a_nul_beside_a_slice_is_none_of_its_own():
    table = pa.table({"a": pa.array(["x\0", "y", None, ""]).slice(1)})
    assert without_nul(table) == (table, [])
    clean, findings = without_nul(pa.table({"a": pa.chunked_array([["y"], ["z\0"]])}))
    assert clean["a"].to_pylist() == ["y", "z"]
    assert [finding.count for finding in findings] == [1]
