"""hmp2: 24 participants, 420 visits told in 1,131 rows, samples in two files, five feature tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omics_orchestrator_tests.data_dictionary.line import Line, balanced, read_assay, unique_keys

VISIT_CELLS = ("Participant.ID", "visit_num", "fecalcal")


@pytest.fixture(scope="module")
def hmp2(public: Callable[[str], Line]) -> Line:
    return public("hmp2")


def test_every_source_column_is_used_or_listed(hmp2: Line) -> None:
    assert hmp2.undecided() == []
    assert {reference: delivery.data.num_rows for reference, delivery in hmp2.deliveries.items()} == {
        "files.participants": 24,
        "files.stool": 1131,
        "files.biopsy": 376,
        "files.runs": 6,
    }


@pytest.mark.parametrize(("entity", "rows"), [("participant", 24), ("visit", 420), ("sample", 789)])
def test_one_row_per_key(hmp2: Line, entity: str, rows: int) -> None:
    table = hmp2.entity(entity).table
    assert table.num_rows == rows
    assert unique_keys(table, entity)


@pytest.mark.parametrize("entity", ["participant", "visit", "sample"])
def test_the_ledger_balances(hmp2: Line, entity: str) -> None:
    balanced(hmp2, entity)


def test_diagnosis_and_sex(hmp2: Line) -> None:
    assert hmp2.counts("participant", "study_group") == {"cd": 8, "uc": 8, "non_ibd": 8}
    assert hmp2.counts("participant", "sex") == {"female": 15, "male": 9}


def test_other_codes_of_participants(hmp2: Line) -> None:
    assert hmp2.counts("participant", "race") == {"white": 20, "black": 2, "more_than_one": 1, "other": 1}
    assert hmp2.counts("participant", "hispanic_or_latino") == {False: 24}
    assert hmp2.counts("participant", "smoking_status") == {
        None: 14,
        "never_smoker": 8,
        "smoker": 1,
        "ex_smoker": 1,
    }
    assert hmp2.reasons("participant", "education_level") == {"unknown": 1}
    assert hmp2.counts("participant", "montreal_cd_location") == {None: 17, "L1": 2, "L2": 2, "L3": 3}
    assert hmp2.counts("participant", "montreal_upper_gi") == {None: 17, False: 5, True: 2}


def test_weight_999_is_unknown_and_not_a_weight(hmp2: Line) -> None:
    assert hmp2.reasons("participant", "baseline_weight")["unknown"] == 3
    weights = [weight for weight in hmp2.entity("participant").table["baseline_weight"].to_pylist() if weight]
    assert len(weights) == 19
    assert max(weights) < 200


def test_the_25_visits_whose_calprotectin_differs_are_told_and_lose_nothing(hmp2: Line) -> None:
    stool = hmp2.deliveries["files.stool"].data
    cells: dict[tuple[str, str], set[str]] = {}
    for person, visit, cell in zip(*(stool[name].to_pylist() for name in VISIT_CELLS), strict=True):
        cells.setdefault((person, visit), set()).add(cell)
    assert sum(len(found) > 1 for found in cells.values()) == 25
    assert max(len(found - {""}) for found in cells.values()) == 1  # what differs are blank rows, not numbers
    found = hmp2.finding("visit", "calprotectin_in_two_columns")
    assert (found.count, found.severity) == (25, "warning")
    assert [one for one in hmp2.entity("visit").findings if one.check == "calprotectin_differs"] == []
    assert hmp2.entity("visit").conflicts.num_rows == 0
    values = hmp2.entity("visit").table["calprotectin"].to_pylist()
    assert sum(value is not None for value in values) == sum(bool(found - {""}) for found in cells.values())


def test_sccai_of_crohns_disease_is_told(hmp2: Line) -> None:
    """53 rows of the file, which are 18 visits."""
    stool = hmp2.deliveries["files.stool"].data
    groups = hmp2.entity("participant").table
    crohn = {
        person
        for person, group in zip(
            *(groups[name].to_pylist() for name in ("participant_id", "study_group")), strict=True
        )
        if group == "cd"
    }
    columns = (stool[name].to_pylist() for name in ("Participant.ID", "visit_num", "sccai"))
    rows = [
        (person, visit) for person, visit, score in zip(*columns, strict=True) if score and person in crohn
    ]
    assert (len(rows), len(set(rows))) == (53, 18)
    found = hmp2.finding("visit", "sccai_in_cd")
    assert (found.count, found.severity) == (18, "warning")


def test_hbi_of_ulcerative_colitis_does_not_occur_here(hmp2: Line) -> None:
    assert [
        one for one in hmp2.entity("visit").findings if one.check == "hbi_in_uc" and one.severity != "note"
    ] == []


def test_scores_and_drugs_of_visits(hmp2: Line) -> None:
    visits = hmp2.entity("visit").table
    assert visits["visit_number"].to_pylist() == [int(visit) for visit in visits["visit_id"].to_pylist()]
    assert set(hmp2.counts("visit", "sampling_abx")) == {True, False}
    assert hmp2.counts("visit", "sampling_asa") == {None: 420}
    assert hmp2.counts("visit", "crp") == {None: 420}


def test_samples_come_from_both_files(hmp2: Line) -> None:
    types = hmp2.counts("sample", "sample_type")
    assert types["stool"] == 504
    assert sum(types.values()) == 789
    assert hmp2.counts("sample", "biopsy_location")["rectum"] > 0
    assert (
        sum(accession is not None for accession in hmp2.entity("sample").table["run_accession"].to_pylist())
        == 6
    )
    assert set(hmp2.counts("sample", "biopsy_inflamed")) == {None, "inflamed", "uninflamed"}


@pytest.mark.parametrize(
    ("assay", "shape"),
    [
        ("metabolomics", (135, 507)),
        ("mgx_species", (391, 151)),
        ("mgx_pathways", (24, 466)),
        ("amplicon_stool", (36, 881)),
        ("amplicon_biopsy", (65, 2752)),
    ],
)
def test_assays_hold_known_samples_only(hmp2: Line, assay: str, shape: tuple[int, int]) -> None:
    data, samples = read_assay(hmp2, assay)
    assert data.x.shape == shape
    assert len(set(data.feature_ids)) == shape[1]
    assert set(samples) <= set(hmp2.entity("sample").table["sample_id"].to_pylist())


def test_metabolites_that_repeat_are_told_and_empty_is_nan(hmp2: Line) -> None:
    data, _ = read_assay(hmp2, "metabolomics")
    assert data.facts["repeated_features"] == 41
    assert data.facts["missing"] == 5200
