"""The traps of DIFFICULTIES.md §3 and TRAPS.md that MUSIC shows, by number, counted from records.json alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.line import DATA, Line, stores_at
from omics_orchestrator_tests.data_dictionary.music_records import (
    CENTRES,
    DRUG_SLOTS,
    DRUGS,
    LABORATORY,
    LABS,
    LOCATIONS,
    NUMBER,
    OTHER_SLOTS,
    SIGNED,
    TEXT_SLOTS,
    Records,
    Row,
    boxes,
    count,
    house_key,
    old_flag,
    visit,
)

HERE = DATA / "redcap" / "music_synthetic"
MINUS = "-1000"
FIFTH = {"6": "uncle", "8": "uncle_maternal", "14": "half_sister", "15": "nephew", "16": "niece", "29": "grandparent"}
POINTS = {"0": 0, "1": 1, "2": 2, "3": 3}
HBI = ("hbigeneral_well_being_as", "hbiabdominal_pain", "hbiabdominal_mass1")


@pytest.fixture(scope="module")
def music(redcap: Callable[[str], Line]) -> Line:
    return redcap("music")


@pytest.fixture(scope="module")
def records(music: Line) -> Records:
    return Records(HERE)


def people(music: Line, variable: str) -> dict[str, object]:
    """Return participant as the source writes it → value."""
    rows = music.entity("participant").table.select(["participant_id", variable]).to_pylist()
    return {row["participant_id"].removeprefix("MID-"): row[variable] for row in rows}


def of(music: Line, variable: str, rows: Iterable[Row]) -> Counter[object]:
    """Return value → how many of these participants got it."""
    found = people(music, variable)
    return Counter(found[row["study_id"]] for row in rows)


def at(music: Line, variable: str, rows: Iterable[Row]) -> Counter[object]:
    """Return value → how many of these visits got it."""
    table = music.entity("visit").table.select(["participant_id", "visit_id", variable]).to_pylist()
    found = {(row["participant_id"], row["visit_id"]): row[variable] for row in table}
    return Counter(found[house_key(row)] for row in rows)


def told(music: Line, entity: str, check: str) -> dict[str | None, int]:
    """Return variable → count, of the findings of one check."""
    return {one.subject: one.count for one in music.entity(entity).findings if one.check == check}


def named(row: Row) -> list[str]:
    """Return what the slots of drugs hold."""
    return [row[slot] for slot in (*DRUG_SLOTS, *OTHER_SLOTS, *TEXT_SLOTS) if row[slot]]


# -- DIFFICULTIES.md §3


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
    exact = {flag: count(records.first, lambda row, flag=flag: old_flag(row, flag)) for flag in DRUGS}
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


def test_difficulty_07_the_colitis_criterion_is_and_and_missing_stays_unknown(music: Line, records: Records) -> None:
    def expected(row: Row) -> bool | None:
        often = POINTS.get(row["mayo_stool_frequency"])
        bleeding = POINTS.get(row["mayo_rectal_bleeding"])
        answers = [None if often is None else often == 3, None if bleeding is None else bleeding > 0]
        return False if False in answers else None if None in answers else True

    counted = Counter(expected(row) for row in records.visits)
    assert music.counts("visit", "ibdresponse_criteria_uc_met") == counted
    crohn = {row["study_id"] for row in records.first if row["study_group_name"] == "1"}
    assert True not in at(music, "ibdresponse_criteria_uc_met", [row for row in records.visits if row["study_id"] in crohn])


def test_difficulty_08_no_answer_is_no_zero(music: Line, records: Records) -> None:
    untreated = [row for row in records.first if row["baseline_drug_check"] == "0"]
    silent = [row for row in records.first if not named(row) and row["baseline_drug_check"] != "0"]
    assert (len(untreated), len(silent)) == (13, 0)
    for flag in DRUGS:
        assert of(music, flag, untreated) == {False: 13}, flag
        assert None not in music.counts("participant", flag), flag
    unanswered = count(records.visits, lambda row: not boxes(row, "hbicomplications"))
    assert music.counts("visit", "hbi_abscess")[None] == unanswered == 301


def test_difficulty_08_a_form_never_opened_gives_no_zero_flags(music: Line, catalogue: Catalogue, tmp_path: Path) -> None:
    """Twenty participants whose slots and gate are emptied: unknown, where the old rule gives 0."""
    emptied = [row["study_id"] for row in Records(HERE).first[:20]]
    cleared = {slot: "" for slot in (*DRUG_SLOTS, *OTHER_SLOTS, *TEXT_SLOTS, "baseline_drug_check")}
    line = changed(music, catalogue, tmp_path, lambda row: cleared if row["study_id"] in emptied else {})
    for flag in DRUGS:
        found = people(line, flag)
        assert {found[person] for person in emptied} == {None}, flag
    assert line.counts("participant", "baseline_ifx")[None] == 20


def test_difficulty_09_an_outcome_is_looked_up_once_per_visit(music: Line, records: Records) -> None:
    for name, event in (("3_6", "timepoint_2_arm_1"), ("12", "timepoint_5_arm_1")):
        outcome = {row["study_id"]: row["endo_healing"] for row in records.visits if row["redcap_event_name"] == event}
        words = {"1": True, "2": False}
        expected = Counter(words.get(outcome.get(row["study_id"], "")) for row in records.visits)
        assert music.counts("visit", f"endoscopic_mucosal_healing_at_{name}_months") == expected
        complete = {row["study_id"]: row["cmh"] for row in records.visits if row["redcap_event_name"] == event}
        codes = {"1": "yes", "2": "no", "3": "partial"}
        expected = Counter(codes.get(complete.get(row["study_id"], "")) for row in records.visits)
        assert music.counts("visit", f"complete_mucosal_healing_at_{name}_months") == expected
    assert music.reasons("visit", "endoscopic_mucosal_healing_at_12_months")["withheld"] == count(
        records.visits, lambda row: (row["study_id"], "timepoint_5_arm_1") in records.withdrawn
    )


def test_difficulty_10_further_laboratory_forms_are_counted(music: Line, records: Records) -> None:
    further = count(records.laboratory, lambda row: row["redcap_repeat_instance"] != "1")
    assert further == 30
    assert told(music, "visit", "joins")[f"redcap.{LABORATORY}"] in {further, further - 1}  # one is of a withdrawn visit
    first = {visit(row) for row in records.first_labs}
    assert len(first) == len(records.first_labs) == 353
    dates = Counter(row["blood_test_date_red"] for row in records.first_labs if row["blood_test_date_red"])
    found = {str(value): n for value, n in music.counts("visit", "nhs_bloods_date").items() if value is not None}
    assert found == dates


def test_difficulty_11_all_five_relatives_are_decoded(music: Line, records: Records) -> None:
    fifth = [row for row in records.first if row["relationship_pfh_5"]]
    assert len(fifth) == 6
    assert of(music, "fh_5_relationship", fifth) == Counter(FIFTH[row["relationship_pfh_5"]] for row in fifth)
    for n in range(1, 6):
        filled = count(records.first, lambda row, n=n: row[f"fhdiagnosis_pfh_other{n}"] not in {"", MINUS})
        codes = music.counts("participant", f"fh_{n}_diagnosis_other")
        assert sum(codes.values()) - codes[None] == filled, n
    assert told(music, "participant", "codes") == {}


def test_difficulty_12_one_coding_for_one_name(music: Line, dictionary: Dictionary) -> None:
    for name in ("has_active_symptoms", "montreal_perianal", "previous_appendicectomy", "previous_tonsillectomy"):
        assert dictionary.variables[name].type == "boolean"
    assert set(music.counts("visit", "has_active_symptoms")) == {True, False}
    assert set(music.counts("visit", "ada_antibody")) == {None, *dictionary.codes("ada_antibody")}


def test_difficulty_14_a_new_identifier_is_never_read(music: Line, catalogue: Catalogue, tmp_path: Path) -> None:
    """A field that REDCap gets tomorrow is drift: told, and not fetched."""
    line = changed(music, catalogue, tmp_path, lambda row: {"passport_no": "X1"}, field="passport_no")
    assert line.undecided() == ["redcap.patient_details.passport_no"]
    assert "passport_no" not in line.deliveries["redcap.patient_details"].data.column_names


def changed(
    music: Line, catalogue: Catalogue, folder: Path, change: Callable[[Row], Row], field: str = ""
) -> Line:
    """Return the study's line over a copy of the export, with cells of the first visit changed and perhaps a new field."""
    copy = folder / HERE.name
    shutil.copytree(HERE, copy)
    copy.chmod(0o755)
    for name in ("metadata", "records", "exportFieldNames"):
        file = copy / f"{name}.json"
        file.chmod(0o644)
        found = json.loads(file.read_text(encoding="utf-8"))
        if name == "records":
            found = [{**row, **dict.fromkeys([field] if field else [], ""), **of_first(row, change)} for row in found]
        elif field and name == "metadata":
            found.append({**found[1], "field_name": field, "form_name": "patient_details"})
        elif field:
            found.append({"original_field_name": field, "choice_value": "", "export_field_name": field})
        file.write_text(json.dumps(found), encoding="utf-8")
    return Line(catalogue.studies["music"], music.dictionary, stores_at(folder, store="redcap"))


def of_first(row: Row, change: Callable[[Row], Row]) -> Row:
    first = row["redcap_event_name"] == "timepoint_1_arm_1" and row["redcap_repeat_instrument"] == ""
    return change(row) if first else {}


def test_difficulty_15_height_and_weight_0_are_not_measured(music: Line, catalogue: Catalogue, tmp_path: Path) -> None:
    line = changed(music, catalogue, tmp_path, lambda row: {"bmi_height": "0", "bmi_weight": "0"})
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


def test_difficulty_17_labels_of_this_study_are_codes_of_the_dictionary(music: Line, records: Records) -> None:
    found = count(records.first, lambda row: row["fhdiagnosis_pfh_1"] == "12")
    assert music.counts("participant", "fh_1_diagnosis")["possible_ibd"] == found == 2


# -- TRAPS.md


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
    words = {"1": "biochem_remission", "2": "remission", "3": "active", "4": "biochem_active", "5": "not_applicable"}
    expected = Counter(words.get(row["disease_activity"]) for row in records.visits)
    assert music.counts("visit", "disease_activity") == expected
    assert "activity_class" in music.entity("visit").table.column_names


def test_trap_06_a_drug_s_code_means_what_its_list_says(music: Line, records: Records) -> None:
    """5 is 5-ASA in the second list only; 13 is budesonide there and among steroids, as is 21 among steroids only."""
    expected = count(
        records.first,
        lambda row: "21" in {row[slot] for slot in DRUG_SLOTS} or {"4", "5", "6"} & {row[slot] for slot in OTHER_SLOTS},
    )
    assert music.counts("participant", "baseline_asa")[True] == expected
    budesonide = count(records.visits, lambda row: row["dt_seroid_drug_cu1"] in {"13", "21"})
    assert music.counts("visit", "steroid_use_1_drug")["budesonide"] == budesonide
    unnamed = count(
        records.first,
        lambda row: any(row[drug] == "99" and not row[other] for drug, other in zip(DRUG_SLOTS, OTHER_SLOTS, strict=True)),
    )
    assert music.finding("participant", "other_drug_without_a_name").count == unnamed == 10


def test_trap_08_stop_reasons_have_the_list_of_their_field(music: Line, records: Records) -> None:
    found = music.counts("visit", "steroid_use_1_reason_stopped")
    of_code = Counter(row["stop_steroid_res1"] for row in records.visits)
    assert found["significant_dose_change_of_existing_steroid"] == of_code["3"]
    assert (found["intolerance"], found["adverse_effects"]) == (of_code["9"], of_code["7"])


def test_trap_09_activity_is_unknown_where_a_laboratory_value_is(music: Line, records: Records) -> None:
    measured = {visit(row) for row in records.first_labs if row["crp"] or row["calprotectin"]}
    lacking = [row for row in records.visits if row["patient_active_symptomyn"] == "0" and visit(row) not in measured]
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
    signed = Counter(name for row in records.first_labs for name, column in LABS.items() if SIGNED.fullmatch(row[column]))
    found = Counter(row["variable"] for row in music.entity("visit").comparators.to_pylist() if row["variable"] in LABS)
    assert found == signed
    assert (signed["egfr"], signed["calprotectin"]) == (SIGNS["egfr"], SIGNS["calprotectin"])
    for name, column in LABS.items():
        numbers = count(records.first_labs, lambda row, c=column: NUMBER.fullmatch(row[c]) and row[c] != MINUS)
        values = music.counts("visit", name)
        assert sum(values.values()) - values[None] == numbers + signed[name], name
    spoiled = sum(row[column] in SPOILED for row in records.first_labs for column in LABS.values())
    not_done = sum(music.ledger("visit", name).get("missing:not_done", 0) for name in LABS)
    assert not_done == spoiled > 0
    assert [name for name in told(music, "visit", "values") if name in LABS] == []


SIGNS = {"egfr": 220, "calprotectin": 21}
SPOILED = {"insufficient", "haemolysed", "not processed"}


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
    by_hand = count(records.visits, lambda row: row["sescd_noncalc"].startswith("SES-CD") and not row["cdeis_total_score"])
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
    unreadable = {name: n for name, n in told(music, "participant", "values").items() if str(name).startswith("pmh_")}
    assert sum(unreadable.values()) == sum(cell.startswith("approx") for cell in cells) == 3


def test_trap_17_no_row_and_no_column_is_lost(music: Line, records: Records) -> None:
    assert music.entity("sample").table.num_rows == count(records.saliva, lambda row: visit(row) not in records.withdrawn)
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
    assert music.counts("participant", "smoking_status") == Counter(words.get(row["smokeryn"]) for row in records.first)
    several = {row["study_id"]: set() for row in records.first}
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
    line = Line(catalogue.studies["music"], music.dictionary, music.stores)
    data = music.deliveries[f"redcap.{LABORATORY}"].data
    assert {"unit_hb", "unit_qfit"} <= set(data.column_names)
    assert line.block("visit").checks["units_are_the_declared_ones"].severity == "error"


def test_trap_23_free_text_is_never_open(music: Line, dictionary: Dictionary) -> None:
    made = [name for block in music.study.mapping.entities.values() for name in block.rules]
    texts = [name for name in made if dictionary.variables[name].type == "text"]
    assert len(texts) == 78
    assert {dictionary.variables[name].sensitivity for name in texts} == {"personal"}
