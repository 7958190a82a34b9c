"""Findings become check results."""

from __future__ import annotations

import dagster as dg
import pytest

from omics_orchestrator.checks import Expect
from omics_orchestrator.findings import Finding
from omics_orchestrator.orchestration.checks import BLOCKING, DESCRIPTIONS, check_results, check_specs

KEY = dg.AssetKey(["raw", "a", "b", "c"])


def test_note_passes_warning_fails_error_fails_hard() -> None:
    specs = check_specs("raw", KEY, {})
    findings = [
        Finding("delivery", "told", 3, "note"),
        Finding("drift", "two columns", 2, "warning"),
        Finding("keys", "repeated", 1, "error"),
    ]
    results = {result.check_name: result for result in check_results(specs, findings)}
    assert results["delivery"].passed
    assert results["delivery"].description == "told"
    assert not results["drift"].passed
    assert results["drift"].severity == dg.AssetCheckSeverity.WARN
    assert not results["keys"].passed
    assert results["keys"].severity == dg.AssetCheckSeverity.ERROR


def test_every_check_is_reported_even_without_findings() -> None:
    for layer, described in DESCRIPTIONS.items():
        results = check_results(check_specs(layer, KEY, {}), [])
        assert {result.check_name for result in results} == set(described)
        assert all(result.passed for result in results)


def test_finding_without_its_check_does_not_vanish() -> None:
    with pytest.raises(KeyError):
        check_results(check_specs("raw", KEY, {}), [Finding("nonsense", "x")])


def test_declared_expectation_of_severity_error_blocks() -> None:
    declared = {"soft": Expect(expect="a > 1"), "hard": Expect(expect="a > 1", severity="error")}
    blocking = {spec.name: spec.blocking for spec in check_specs("harmonised", KEY, declared)}
    assert not blocking["soft"]
    assert blocking["hard"]


def test_what_blocks_exists() -> None:
    assert all(name in DESCRIPTIONS[layer] for layer, name in BLOCKING)
