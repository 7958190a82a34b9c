"""The declarations of checks."""

from __future__ import annotations

import pytest

from omics_orchestrator.checks import CHECKS, Expect


def test_a_check_explains_itself_and_survives_the_round_trip():
    for name, check in CHECKS.items():
        assert check.__module__ == f"omics_orchestrator.checks.{name}"
        assert len(check.explain()) > 20
        assert [n for n, field in check.model_fields.items() if n != "kind" and not field.description] == []
    made = Expect(expect="a > 1", severity="error", says="too small")
    assert Expect.model_validate(made.model_dump()) == made


def test_the_finding_tells_what_it_means_and_how_often():
    finding = Expect(expect="a > 1", severity="error", says="a is too small").finding("small_a", 3, 8)
    assert (finding.check, finding.count, finding.severity) == ("small_a", 3, "error")
    assert finding.message == "a is too small (3 rows, made from 8 source rows)"
    assert "small_a" in Expect(expect="a > 1").finding("small_a", 1, 1).message


def test_unknown_keys_and_severities_are_refused():
    with pytest.raises(ValueError, match="severity"):
        Expect(expect="a", severity="fatal")
    with pytest.raises(ValueError, match="Extra"):
        Expect.model_validate({"expect": "a", "expected": "b"})
