"""The traps of TRAPS.md that MUSIC shows, by number, counted from records.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.line import Line
from omics_orchestrator_tests.data_dictionary.music_line import HERE, at, changed, told
from omics_orchestrator_tests.data_dictionary.music_records import (
    DRUG_SLOTS,
    LABS,
    LOCATIONS,
    NUMBER,
    OTHER_SLOTS,
    SIGNED,
    Records,
    Row,
    count,
    visit,
)

MINUS = "-1000"
SPOILED = {"insufficient", "haemolysed", "not processed"}
HBI = ("hbigeneral_well_being_as", "hbiabdominal_pain", "hbiabdominal_mass1")


@pytest.fixture(scope="module")
def music(redcap: Callable[[str], Line]) -> Line:
    return redcap("music")


@pytest.fixture(scope="module")
def records(music: Line) -> Records:
    return Records(HERE)


def test_trap_01_withdrawn_is_coded_the_other_way_round(music: Line, records: Records) -> None:
    assert music.ledger("visit", "(rows)")["filtered"] == len(records.withdrawn) == 13
    assert count(records.visits, lambda row: row["withdrawn"] == "1") == 123
    assert count(records.visits, lambda row: row["withdrawn"] == "") == 263
    three = Counter({"1": "yes", "2": "no", "3": "partial"}.get(row["cmh"]) for row in records.visits)
    assert music.counts("visit", "complete_mucosal_healing") == three
    missing = [row for row in records.visits if row["sccaicomplications____1000"] == "1"]
    assert at(music, "sccai_uveitis", missing) == {None: len(missing)} == {None: 1}
    assert music.reasons("visit", "sccai_uveitis")["unknown"] == 1


def test_trap_02_montreal_counts_from_0(music: Line, records: Records) -> None:
    extent = {"0": "E1", "1": "E2", "2": "E3"}
    assert music.counts("participant", "montreal_uc_extent") == Counter(
        extent.get(row["montrlucextent_montrl"]) for row in records.first
    )
    location = Counter(LOCATIONS.get(row["montrlcdlocation_montrl"]) for row in records.first)
    assert music.counts("participant", "montreal_cd_location") == location


def test_trap_04_the_physician_s_assessment_counts_from_1(music: Line, records: Records) -> None:
    words = {"1": "remission", "2": "mild", "3": "moderate", "4": "severe"}
    expected = Counter(words.get(row["clinician_perform_stat"]) for row in records.visits)
    assert music.counts("visit", "physician_global_assessment") == expected
    coded = count(records.visits, lambda row: row["clinician_perform_stat"] == MINUS)
    assert music.reasons("visit", "physician_global_assessment")["unknown"] == coded


def test_trap_05_the_study_s_own_activity_stands_beside_the_common_one(music: Line, records: Records) -> None:
    words = {
        "1": "biochem_remission",
        "2": "remission",
        "3": "active",
        "4": "biochem_active",
        "5": "not_applicable",
    }
    expected = Counter(words.get(row["disease_activity"]) for row in records.visits)
    assert music.counts("visit", "disease_activity") == expected
    assert "activity_class" in music.entity("visit").table.column_names


def test_trap_06_a_drug_s_code_means_what_its_list_says(music: Line, records: Records) -> None:
    """5 is 5-ASA in the second list only; 13 is budesonide there and among steroids, as is 21 among steroids only."""
    expected = count(
        records.first,
        lambda row: (
            "21" in {row[slot] for slot in DRUG_SLOTS}
            or {"4", "5", "6"} & {row[slot] for slot in OTHER_SLOTS}
        ),
    )
    assert music.counts("participant", "baseline_asa")[True] == expected
    budesonide = count(records.visits, lambda row: row["dt_seroid_drug_cu1"] in {"13", "21"})
    assert music.counts("visit", "steroid_use_1_drug")["budesonide"] == budesonide
    unnamed = count(
        records.first,
        lambda row: any(
            row[drug] == "99" and not row[other] for drug, other in zip(DRUG_SLOTS, OTHER_SLOTS, strict=True)
        ),
    )
    assert music.finding("participant", "other_drug_without_a_name").count == unnamed == 10


def test_trap_08_stop_reasons_have_the_list_of_their_field(music: Line, records: Records) -> None:
    found = music.counts("visit", "steroid_use_1_reason_stopped")
    of_code = Counter(row["stop_steroid_res1"] for row in records.visits)
    assert found["significant_dose_change_of_existing_steroid"] == of_code["3"]
    assert (found["intolerance"], found["adverse_effects"]) == (of_code["9"], of_code["7"])


def test_trap_09_activity_is_unknown_where_a_laboratory_value_is(music: Line, records: Records) -> None:
    measured = {visit(row) for row in records.first_labs if row["crp"] or row["calprotectin"]}
    lacking = [
        row for row in records.visits if row["patient_active_symptomyn"] == "0" and visit(row) not in measured
    ]
    assert at(music, "activity_class", lacking) == {None: len(lacking)}
    assert len(lacking) == 20


def test_trap_10_missing_bleeding_is_no_bleeding_seen(music: Line, records: Records) -> None:
    lacking = [
        row
        for row in records.visits
        if row["mayo_rectal_bleeding"] in {"", MINUS} and row["mayo_stool_frequency"] in {"", "3"}
    ]
    assert at(music, "ibdresponse_criteria_uc_met", lacking) == {None: len(lacking)}
    assert len(lacking) > 150


def test_trap_11_limits_and_words_of_laboratory_values(music: Line, records: Records) -> None:
    signed = Counter(
        name for row in records.first_labs for name, column in LABS.items() if SIGNED.fullmatch(row[column])
    )
    found = Counter(
        row["variable"] for row in music.entity("visit").comparators.to_pylist() if row["variable"] in LABS
    )
    assert found == signed
    assert (signed["egfr"], signed["calprotectin"]) == (220, 21)
    for name, column in LABS.items():
        cells = [row[column] for row in records.first_labs]
        numbers = sum(bool(NUMBER.fullmatch(cell)) and cell != MINUS for cell in cells)
        values = music.counts("visit", name)
        assert sum(values.values()) - values[None] == numbers + signed[name], name
    spoiled = sum(row[column] in SPOILED for row in records.first_labs for column in LABS.values())
    not_done = sum(music.ledger("visit", name).get("missing:not_done", 0) for name in LABS)
    assert not_done == spoiled > 0
    assert [name for name in told(music, "visit", "values") if name in LABS] == []


def test_trap_13_ids_are_read_by_a_grammar(music: Line, records: Records) -> None:
    read = {row["study_id"]: music.study.participant_id.read(row["study_id"]) for row in records.first}
    assert read == {written: f"MID-{written}" for written in read}
    assert music.study.participant_id.read("MID-191-7") == "MID-191-7"
    for foreign in ("GID-7", "94-1", "1191-7", "191-", "mid-91-7", "91-7-P"):
        assert music.study.participant_id.read(foreign) is None, foreign


def test_trap_14_a_misleading_name_holds_the_ses_cd(music: Line, records: Records) -> None:
    def expected(row: Row) -> float | None:
        for text in (row["cdeis_total_score"], row["sescd_noncalc"].removeprefix("SES-CD ")):
            if NUMBER.fullmatch(text):
                return int(text)
        return None

    assert music.counts("visit", "sescd") == Counter(expected(row) for row in records.visits)
    by_hand = count(
        records.visits, lambda row: row["sescd_noncalc"].startswith("SES-CD") and not row["cdeis_total_score"]
    )
    assert by_hand == 10


def test_trap_15_baseline_now_and_level_stay_apart(music: Line, records: Records) -> None:
    before = count(records.first, lambda row: "3" in {row[slot] for slot in DRUG_SLOTS})
    now = count(records.visits, lambda row: row["sampling_ifx"] == "1")
    level = count(records.first_labs, lambda row: row["drug_level_inflxi"])
    assert music.counts("participant", "baseline_ifx")[True] == before
    assert music.counts("visit", "sampling_ifx")[True] == now
    assert music.counts("visit", "ifx_level")[None] == len(records.visits) - level


def test_trap_16_partial_dates_keep_their_precision(music: Line, records: Records) -> None:
    cells = [row[f"mh_{n}{end}"] for row in records.first for n in range(1, 8) for end in ("sd", "ed")]
    marks = Counter(
        row["comparator"]
        for row in music.entity("participant").comparators.to_pylist()
        if row["variable"].startswith("pmh_")
    )
    words = [cell for cell in cells if cell and not cell[0].isdecimal()]
    months = [cell for cell in cells if len(cell) == 7 and cell[0].isdecimal()]
    written = [cell for cell in words if not cell.startswith(("approx", "unknown"))]
    assert marks["month"] == len(months) + len(written) == 25
    assert marks["year"] == sum(len(cell) == 4 or cell.endswith("-01-01") for cell in cells)
    unreadable = {
        name: n for name, n in told(music, "participant", "values").items() if str(name).startswith("pmh_")
    }
    assert sum(unreadable.values()) == sum(cell.startswith("approx") for cell in cells) == 3


def test_trap_17_no_row_and_no_column_is_lost(music: Line, records: Records) -> None:
    assert music.entity("sample").table.num_rows == count(
        records.saliva, lambda row: visit(row) not in records.withdrawn
    )
    assert music.entity("visit").table.num_rows == len({visit(row) for row in records.visits})
    assert music.counts("visit", "ibd_surgery_procedure_other_text") == {None: 386}, "an empty column stays"


def test_trap_18_a_total_of_some_items_is_no_total(music: Line, records: Records) -> None:
    totals = [row for row in records.visits if row["hbi_total_calculation"]]
    lacking = [row for row in totals if any(row[item] in {"", MINUS} for item in HBI)]
    assert music.counts("visit", "hbi_total")[None] == len(records.visits) - len(totals)
    assert at(music, "hbi_computed", lacking) == {None: len(lacking)}
    assert len(lacking) > 30


def test_trap_20_a_non_smoker_may_have_smoked(music: Line, records: Records) -> None:
    words = {"1": "smoker", "2": "ex_smoker", "3": "non_smoker"}
    expected = Counter(words.get(row["smokeryn"]) for row in records.visits)
    assert music.counts("visit", "smoking_status_at_visit") == expected
    assert music.counts("participant", "smoking_status") == Counter(
        words.get(row["smokeryn"]) for row in records.first
    )
    several: dict[str, set[str]] = {row["study_id"]: set() for row in records.first}
    for row in records.visits:
        several[row["study_id"]] |= {row["smokeryn"]} - {"", MINUS}
    assert sum(len(found) > 1 for found in several.values()) > 75, "so a visit keeps its own answer"


def test_trap_22_units_beside_the_values_are_the_declared_ones(
    music: Line, catalogue: Catalogue, records: Records, tmp_path: Path
) -> None:
    columns = [name for name in records.rows[0] if name.startswith("unit_")]
    assert len(columns) == 17
    assert all(len({row[name] for row in records.laboratory} - {""}) == 1 for name in columns)
    assert [one for one in music.entity("visit").findings if one.check == "units_are_the_declared_ones"] == []
    other = changed(music, catalogue, tmp_path, lambda row: {"unit_hb": "g/dL"} if row["unit_hb"] else {})
    found = other.finding("visit", "units_are_the_declared_ones")
    assert (found.severity, found.count) == ("error", count(records.first_labs, lambda row: row["unit_hb"]))


def test_trap_23_free_text_is_never_open(music: Line, dictionary: Dictionary) -> None:
    made = [name for block in music.study.mapping.entities.values() for name in block.rules]
    texts = [name for name in made if dictionary.variables[name].type == "text"]
    assert len(texts) == 78
    assert {dictionary.variables[name].sensitivity for name in texts} == {"personal"}
