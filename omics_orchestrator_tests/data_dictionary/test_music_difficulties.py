"""The traps of DIFFICULTIES.md §3 that MUSIC shows, by number, counted from records.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.line import Line
from omics_orchestrator_tests.data_dictionary.music_line import HERE, at, at_first, changed, of, people, told
from omics_orchestrator_tests.data_dictionary.music_records import (
    CENTRES,
    DRUG_SLOTS,
    DRUGS,
    LABORATORY,
    LOCATIONS,
    OTHER_SLOTS,
    TEXT_SLOTS,
    Records,
    Row,
    boxes,
    count,
    old_flag,
    visit,
)

MINUS = "-1000"
FIFTH = {
    "6": "uncle",
    "8": "uncle_maternal",
    "14": "half_sister",
    "15": "nephew",
    "16": "niece",
    "29": "grandparent",
}
POINTS = {"0": 0, "1": 1, "2": 2, "3": 3}


@pytest.fixture(scope="module")
def music(redcap: Callable[[str], Line]) -> Line:
    return redcap("music")


@pytest.fixture(scope="module")
def records(music: Line) -> Records:
    return Records(HERE)


def named(row: Row) -> list[str]:
    """Return what the slots of drugs hold."""
    return [row[slot] for slot in (*DRUG_SLOTS, *OTHER_SLOTS, *TEXT_SLOTS) if row[slot]]


def test_difficulty_02_191_is_fate_cd_and_not_glasgow(music: Line, records: Records) -> None:
    counted = Counter(CENTRES[row["study_id"].split("-")[0]] for row in records.first)
    assert music.counts("participant", "study_center") == counted
    assert counted == {"edinburgh": 70, "glasgow": 25, "dundee": 15, "fate_cd": 8, "unknown": 2}


def test_difficulty_03_l4_and_p_are_read(music: Line, records: Records) -> None:
    upper = [row for row in records.first if row["montrlcdlocation_montrl"] in {"3", "4", "5", "6"}]
    assert len(upper) == 12
    assert of(music, "montreal_upper_gi", upper) == {True: 12}
    expected = Counter(LOCATIONS.get(row["montrlcdlocation_montrl"]) for row in upper)
    assert of(music, "montreal_cd_location", upper) == expected == {"L1": 4, "L2": 2, "L3": 4, None: 2}
    perianal = [row for row in records.first if row["montrlcdbehav_montrl"] == "3"]
    assert of(music, "montreal_perianal", perianal) == {True: 2}
    assert of(music, "montreal_cd_behaviour", perianal) == {None: 2}
    contradicting = count(upper, lambda row: row["montreal_upper_gi"] == "0")
    assert music.finding("participant", "upper_gi_twice").count == contradicting == 10
    assert music.finding("participant", "perianal_twice").count == 2
    assert told(music, "participant", "codes") == {}


def test_difficulty_05_a_drug_is_found_in_any_spelling(music: Line, records: Records) -> None:
    for flag, spellings in (
        ("baseline_risa", {"risankizumab", "risankisumab"}),
        ("baseline_filgo", {"filgotinib"}),
    ):
        having = [row for row in records.first if spellings & {row[slot].lower() for slot in TEXT_SLOTS}]
        assert of(music, flag, having) == {True: len(having)}
        assert music.counts("participant", flag)[True] == len(having)
    exact = {flag: sum(old_flag(row, flag) for row in records.first) for flag in DRUGS}
    ours = {flag: music.counts("participant", flag)[True] for flag in DRUGS}
    assert {flag: (exact[flag], ours[flag]) for flag in DRUGS if exact[flag] != ours[flag]} == {
        "baseline_risa": (1, 2),
        "baseline_filgo": (6, 10),
        "baseline_ada": (24, 29),
    }


def test_difficulty_06_minus_1000_enters_no_score(music: Line, records: Records) -> None:
    coded = [row for row in records.visits if row["hbinumber_of_liquid_stools"] == MINUS]
    assert len(coded) == 3
    for name in ("hbi_liquid_stools", "cd_pro2_raw", "cd_pro2_weighted", "hbi_computed"):
        assert at(music, name, coded) == {None: 3}, name
    many = [row for row in records.visits if row["hbinumber_of_liquid_stools"] == ">10"]
    assert at(music, "hbi_liquid_stools", many) == {None: 4}
    assert music.reasons("visit", "hbi_liquid_stools")["above_limit"] == 4
    raw = [
        int(row["hbinumber_of_liquid_stools"]) + POINTS[row["hbiabdominal_pain"]]
        for row in records.visits
        if row["hbinumber_of_liquid_stools"].isdecimal() and row["hbiabdominal_pain"] in POINTS
    ]
    found = {value: n for value, n in music.counts("visit", "cd_pro2_raw").items() if value is not None}
    assert found == Counter(raw)


def test_difficulty_07_the_colitis_criterion_is_and_and_missing_stays_unknown(
    music: Line, records: Records
) -> None:
    def expected(row: Row) -> bool | None:
        often = POINTS.get(row["mayo_stool_frequency"])
        bleeding = POINTS.get(row["mayo_rectal_bleeding"])
        answers = [None if often is None else often == 3, None if bleeding is None else bleeding > 0]
        return False if False in answers else None if None in answers else True

    counted = Counter(expected(row) for row in records.visits)
    assert music.counts("visit", "ibdresponse_criteria_uc_met") == counted
    crohn = {row["study_id"] for row in records.first if row["study_group_name"] == "1"}
    assert True not in at(
        music, "ibdresponse_criteria_uc_met", [row for row in records.visits if row["study_id"] in crohn]
    )


def test_difficulty_08_no_answer_is_no_zero(music: Line, records: Records) -> None:
    untreated = [row for row in records.first if row["baseline_drug_check"] == "0"]
    silent = [row for row in records.first if not named(row) and row["baseline_drug_check"] != "0"]
    assert (len(untreated), len(silent)) == (13, 0)
    for flag in DRUGS:
        assert of(music, flag, untreated) == {False: 13}, flag
        assert None not in music.counts("participant", flag), flag
    unanswered = count(records.visits, lambda row: not boxes(row, "hbicomplications"))
    assert music.counts("visit", "hbi_abscess")[None] == unanswered == 301


def test_difficulty_08_a_form_never_opened_gives_no_zero_flags(
    music: Line, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Twenty participants whose slots and gate are emptied: unknown, where the old rule gives 0."""
    emptied = [row["study_id"] for row in Records(HERE).first[:20]]
    cleared = dict.fromkeys((*DRUG_SLOTS, *OTHER_SLOTS, *TEXT_SLOTS, "baseline_drug_check"), "")
    line = changed(music, catalogue, tmp_path, at_first(cleared, emptied))
    for flag in DRUGS:
        found = people(line, flag)
        assert {found[person] for person in emptied} == {None}, flag
    assert line.counts("participant", "baseline_ifx")[None] == 20


def test_difficulty_09_an_outcome_is_looked_up_once_per_visit(music: Line, records: Records) -> None:
    for name, event in (("3_6", "timepoint_2_arm_1"), ("12", "timepoint_5_arm_1")):
        outcome = {
            row["study_id"]: row["endo_healing"]
            for row in records.visits
            if row["redcap_event_name"] == event
        }
        words = {"1": True, "2": False}
        expected = Counter(words.get(outcome.get(row["study_id"], "")) for row in records.visits)
        assert music.counts("visit", f"endoscopic_mucosal_healing_at_{name}_months") == expected
        complete = {
            row["study_id"]: row["cmh"] for row in records.visits if row["redcap_event_name"] == event
        }
        codes = {"1": "yes", "2": "no", "3": "partial"}
        degrees = Counter(codes.get(complete.get(row["study_id"], "")) for row in records.visits)
        assert music.counts("visit", f"complete_mucosal_healing_at_{name}_months") == degrees
    assert music.reasons("visit", "endoscopic_mucosal_healing_at_12_months")["withheld"] == count(
        records.visits, lambda row: (row["study_id"], "timepoint_5_arm_1") in records.withdrawn
    )


def test_difficulty_10_further_laboratory_forms_are_counted(music: Line, records: Records) -> None:
    further = count(records.laboratory, lambda row: row["redcap_repeat_instance"] != "1")
    assert further == 30
    assert told(music, "visit", "joins")[f"redcap.{LABORATORY}"] in {
        further,
        further - 1,
    }  # one is of a withdrawn visit
    first = {visit(row) for row in records.first_labs}
    assert len(first) == len(records.first_labs) == 353
    dates = Counter(row["blood_test_date_red"] for row in records.first_labs if row["blood_test_date_red"])
    found = {
        str(value): n for value, n in music.counts("visit", "nhs_bloods_date").items() if value is not None
    }
    assert found == dates


def test_difficulty_11_all_five_relatives_are_decoded(music: Line, records: Records) -> None:
    fifth = [row for row in records.first if row["relationship_pfh_5"]]
    assert len(fifth) == 6
    assert of(music, "fh_5_relationship", fifth) == Counter(FIFTH[row["relationship_pfh_5"]] for row in fifth)
    for n in range(1, 6):
        filled = sum(row[f"fhdiagnosis_pfh_other{n}"] not in {"", MINUS} for row in records.first)
        codes = music.counts("participant", f"fh_{n}_diagnosis_other")
        assert sum(codes.values()) - codes[None] == filled, n
    assert told(music, "participant", "codes") == {}


def test_difficulty_12_one_coding_for_one_name(music: Line, dictionary: Dictionary) -> None:
    for name in (
        "has_active_symptoms",
        "montreal_perianal",
        "previous_appendicectomy",
        "previous_tonsillectomy",
    ):
        assert dictionary.variables[name].type == "boolean"
    assert set(music.counts("visit", "has_active_symptoms")) == {True, False}
    assert set(music.counts("visit", "ada_antibody")) == {None, *dictionary.codes("ada_antibody")}


def test_difficulty_14_a_new_identifier_is_never_read(
    music: Line, catalogue: Catalogue, tmp_path: Path
) -> None:
    """A field that REDCap gets tomorrow is drift: told, and not fetched."""
    line = changed(music, catalogue, tmp_path, at_first({"passport_no": "X1"}), field="passport_no")
    assert line.undecided() == ["redcap.patient_details.passport_no"]
    assert "passport_no" not in line.deliveries["redcap.patient_details"].data.column_names


def test_difficulty_15_height_and_weight_0_are_not_measured(
    music: Line, catalogue: Catalogue, tmp_path: Path
) -> None:
    line = changed(music, catalogue, tmp_path, at_first({"bmi_height": "0", "bmi_weight": "0"}))
    for name in ("height", "weight"):
        assert line.reasons("visit", name) == {"not_done": 120}
    assert "height" not in told(line, "visit", "bounds")


def test_difficulty_16_first_of_january_is_a_year(music: Line, records: Records) -> None:
    marks = Counter(
        row["comparator"]
        for row in music.entity("participant").comparators.to_pylist()
        if row["variable"] == "date_of_diagnosis"
    )
    januaries = count(records.first, lambda row: row["date_of_diagnosis"].endswith("-01-01"))
    months = count(records.first, lambda row: row["date_of_diagnosis"].endswith("-01"))
    assert marks == {"year": januaries, "month": months - januaries} == {"year": 89, "month": 31}


def test_difficulty_17_labels_of_this_study_are_codes_of_the_dictionary(
    music: Line, records: Records
) -> None:
    found = count(records.first, lambda row: row["fhdiagnosis_pfh_1"] == "12")
    assert music.counts("participant", "fh_1_diagnosis")["possible_ibd"] == found == 2
