"""risk: 80 children told in 214 rows of samples, a supplement with old-Mac line ends, `None` for what is not known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omics_orchestrator_tests.data_dictionary.line import Line, balanced, read_assay, unique_keys


@pytest.fixture(scope="module")
def risk(public: Callable[[str], Line]) -> Line:
    return public("risk")


def test_every_source_column_is_used_or_listed(risk: Line) -> None:
    assert risk.undecided() == []
    assert risk.deliveries["files.samples"].data.num_rows == 214


def test_old_mac_line_ends_are_read_and_told(risk: Line) -> None:
    supplement = risk.deliveries["files.supplement"]
    assert supplement.data.num_rows == 131
    assert supplement.decisions["line ends"] == "CR"
    (note,) = [one for one in supplement.findings if "CR" in one.message]
    assert note.count == 131


@pytest.mark.parametrize(("entity", "rows"), [("participant", 80), ("visit", 80), ("sample", 214)])
def test_one_row_per_key_and_a_balanced_ledger(risk: Line, entity: str, rows: int) -> None:
    table = risk.entity(entity).table
    assert table.num_rows == rows
    assert unique_keys(table, entity)
    balanced(risk, entity)


def test_both_spellings_are_one_id(risk: Line) -> None:
    ids = risk.entity("participant").table["participant_id"].to_pylist()
    assert all(one.startswith("M1-") for one in ids)


def test_diagnosis_and_sex(risk: Line) -> None:
    assert risk.counts("participant", "study_group") == {"cd": 40, "non_ibd": 26, "uc": 7, "ibdu": 7}
    assert risk.counts("participant", "sex") == {"female": 43, "male": 37}


@pytest.mark.parametrize(
    ("entity", "variable", "reason", "count"),
    [
        ("participant", "smoking_status", "not_collected", 80),
        ("participant", "age", "unknown", 1),
        ("participant", "race", "unknown", 4),
        ("participant", "montreal_cd_location", "unknown", 31),
        ("participant", "montreal_cd_behaviour", "unknown", 3),
        ("participant", "montreal_perianal", "unknown", 4),
        ("participant", "ileal_involvement", "unknown", 31),
        ("sample", "biopsy_inflamed", "unknown", 125),
    ],
)
def test_none_is_a_missing_reason(risk: Line, entity: str, variable: str, reason: str, count: int) -> None:
    assert risk.reasons(entity, variable) == {reason: count}
    assert risk.counts(entity, variable)[None] == count


def test_ages_of_children_keep_their_months(risk: Line) -> None:
    ages = [age for age in risk.entity("participant").table["age"].to_pylist() if age is not None]
    assert min(ages) == pytest.approx(1.75)
    assert max(ages) < 19
    assert any(age != int(age) for age in ages)


def test_pcdai_of_the_supplement_reaches_the_visit(risk: Line) -> None:
    scores = [score for score in risk.entity("visit").table["pcdai_total"].to_pylist() if score is not None]
    assert len(scores) == 35
    assert all(0 <= score <= 82.5 and score % 2.5 == 0 for score in scores)
    assert risk.reasons("participant", "baseline_pcdai_total") == {"not_asked": 25, "unknown": 20}


def test_location_without_crohns_disease_is_told(risk: Line) -> None:
    assert risk.finding("participant", "location_outside_cd").count == 14


def test_samples(risk: Line) -> None:
    assert risk.counts("sample", "biopsy_inflamed") == {"inflamed": 51, "uninflamed": 38, None: 125}
    assert risk.counts("sample", "biopsy_location")["terminal_ileum"] == 121
    dates = risk.entity("sample").table["sample_date"].to_pylist()
    assert all(2008 <= day.year <= 2012 for day in dates)


def test_taxa_are_of_known_samples(risk: Line) -> None:
    data, samples = read_assay(risk, "amplicon_biopsy")
    assert data.x.shape == (214, 401)
    assert set(samples) == set(risk.entity("sample").table["sample_id"].to_pylist())
