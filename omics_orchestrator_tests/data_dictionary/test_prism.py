"""prism: 155 participants of PRISM and 65 of the validation cohort, one visit and one sample each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omics_orchestrator_tests.data_dictionary.line import Line, balanced, read_assay, unique_keys


@pytest.fixture(scope="module")
def prism(public: Callable[[str], Line]) -> Line:
    return public("prism")


def test_every_source_column_is_used_or_listed(prism: Line) -> None:
    assert prism.undecided() == []
    assert prism.deliveries["clinical"].data.num_rows == 220


@pytest.mark.parametrize("entity", ["participant", "visit", "sample"])
def test_one_row_per_key_and_a_balanced_ledger(prism: Line, entity: str) -> None:
    table = prism.entity(entity).table
    assert table.num_rows == 220
    assert unique_keys(table, entity)
    balanced(prism, entity)


def test_both_cohorts(prism: Line) -> None:
    assert prism.counts("participant", "subcohort") == {"prism": 155, "validation": 65}


def test_diagnosis_and_sex(prism: Line) -> None:
    assert prism.counts("participant", "study_group") == {"cd": 88, "uc": 76, "control": 56}
    assert prism.counts("participant", "sex") == {None: 220}
    assert prism.reasons("participant", "sex") == {"not_collected": 220}


def test_na_is_missing_with_a_reason(prism: Line) -> None:
    assert prism.reasons("visit", "calprotectin") == {"unknown": 67}
    assert prism.counts("visit", "sampling_abx") == {True: 18, False: 199, None: 3}
    assert prism.counts("visit", "sampling_imm") == {True: 67, False: 131, None: 22}
    assert prism.counts("visit", "sampling_asa") == {True: 63, False: 133, None: 24}
    assert prism.counts("visit", "sampling_steroids") == {True: 39, False: 157, None: 24}


def test_every_sample_has_its_visit(prism: Line) -> None:
    assert set(prism.entity("sample").table["visit_id"].to_pylist()) == set(
        prism.entity("visit").table["visit_id"].to_pylist()
    )


def test_nothing_is_found_wrong(prism: Line) -> None:
    wrong = [one for entity in ("participant", "visit", "sample") for one in prism.entity(entity).findings]
    assert [one.message for one in wrong if one.severity != "note"] == []


def test_the_metabolites_names_are_samples_by_the_declared_spelling(prism: Line) -> None:
    data, samples = read_assay(prism, "metabolomics")
    assert data.x.shape == (102, 900)
    assert data.sample_ids[0] == "P7122"
    assert samples[0] == "PRISM.7122"
    assert set(samples) <= set(prism.entity("sample").table["sample_id"].to_pylist())
