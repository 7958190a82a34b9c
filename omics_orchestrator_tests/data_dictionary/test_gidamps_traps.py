"""The traps of DIFFICULTIES.md §3 and TRAPS.md that GI-DAMPs shows, by number, counted from records.json alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.gidamps_records import (
    CLASSES,
    DRUG_DATES,
    HBI,
    LABS,
    MERGED,
    SCCAI,
    SIGNED,
    TWICE_CODED,
    Records,
    Row,
    count,
    house_id,
    ticked,
)
from omics_orchestrator_tests.data_dictionary.line import DATA, Line, stores_at

HERE = DATA / "redcap" / "gidamps_synthetic"
CENTRES = {"1": "edinburgh", "2": "glasgow", "3": "dundee"}


@pytest.fixture(scope="module")
def gidamps(redcap: Callable[[str], Line]) -> Line:
    return redcap("gidamps")


@pytest.fixture(scope="module")
def records(gidamps: Line) -> Records:
    return Records(HERE)


def people(gidamps: Line, variable: str) -> dict[str, object]:
    """Return participant → value."""
    table = gidamps.entity("participant").table
    return dict(zip(table["participant_id"].to_pylist(), table[variable].to_pylist(), strict=True))


def of(gidamps: Line, variable: str, rows: list[Row]) -> Counter[object]:
    """Return value → how many of these base rows got it; people with several records are left out."""
    found = people(gidamps, variable)
    mine = [house_id(row["study_id"]) for row in rows]
    return Counter(found[person] for person in mine if person != MERGED)


def told(gidamps: Line, entity: str, check: str) -> dict[str | None, int]:
    """Return variable → count, of the findings of one check."""
    return {one.subject: one.count for one in gidamps.entity(entity).findings if one.check == check}


# -- DIFFICULTIES.md §3


def test_difficulty_01_old_edinburgh_ids_stay_in_edinburgh(gidamps: Line, records: Records) -> None:
    centres = people(gidamps, "study_center")
    assert (centres["GID-136"], centres["GID-138"]) == ("edinburgh", "edinburgh")
    places = {"GID-136-": "glasgow", "GID-138-": "dundee"}
    counted = Counter(places.get(person[:8], "edinburgh") for person in records.people)
    assert gidamps.counts("participant", "study_center") == counted == {"edinburgh": 75, "glasgow": 31, "dundee": 13}
    moved = [
        row for row in records.single() if CENTRES[row["registration_location"]] != centres[house_id(row["study_id"])]
    ]
    assert sorted(row["study_id"] for row in moved) == ["GID-136-P", "GID-138-P"]
    assert gidamps.finding("participant", "registered_elsewhere").count == 2


def test_difficulty_04_old_codes_are_read(gidamps: Line, records: Records) -> None:
    appendix = [row for row in records.base if row["mh_appendx1"] == "0"]
    ethnicity = [row for row in records.base if row["gi_q1"] == "2"]
    assert (len(appendix), len(ethnicity)) == (12, 4)
    assert of(gidamps, "previous_appendicectomy", appendix) == {False: 12}
    assert of(gidamps, "giq_ethnicity", ethnicity) == {"other_see_text": 4}
    assert told(gidamps, "participant", "codes") == {}


def test_difficulty_08_a_form_never_opened_is_no_answer(gidamps: Line, records: Records) -> None:
    unopened = records.untouched("ibd_background_clinician")
    assert len(unopened) == 17
    for name in (*CLASSES, "ifx", "baseline_eims_none", "montreal_upper_gi", "montreal_perianal"):
        assert of(gidamps, name, unopened) == {None: 17}, name


def test_difficulty_10_questionnaires_of_another_day_and_of_no_day(gidamps: Line, records: Records) -> None:
    days = {(row["study_id"], row["sampling_date"]) for row in records.sampling if row["sampling_date"]}
    apart = [row for row in records.cucq if row["cucq_date"] and (row["study_id"], row["cucq_date"]) not in days]
    undated = [row for row in records.cucq if not row["cucq_date"]]
    again = len(records.cucq) - len({(row["study_id"], row["cucq_date"]) for row in records.cucq})
    assert (len(apart), len(undated), again) == (22, 1, 2)
    visits = gidamps.entity("visit").table.to_pylist()
    totals = {row["participant_id"]: row["cucq_total"] for row in visits}
    assert all(totals[house_id(row["study_id"])] is not None for row in apart if count_of(records, row) == 1)
    (nowhere,) = [row["cucq_total"] for row in visits if row["sampling_date"] is None]
    assert nowhere is None, "a blank date is next to no date"
    assert len(visits) == len(records.sampling), "two questionnaires on one day make no second row"
    assert told(gidamps, "visit", "joins")["redcap.cucq32"] == len(undated) + again


def count_of(records: Records, questionnaire: Row) -> int:
    """Return how many samplings the participant of a questionnaire has."""
    return count(records.sampling, lambda row: row["study_id"] == questionnaire["study_id"])


def test_difficulty_12_one_coding_for_one_name(gidamps: Line, dictionary: Dictionary) -> None:
    types = {name: dictionary.variables[name].type for name in ("has_active_symptoms", "montreal_perianal")}
    assert set(types.values()) == {"boolean"}
    assert set(gidamps.counts("visit", "has_active_symptoms")) == {True, False}
    assert {*gidamps.counts("participant", "montreal_perianal"), *gidamps.counts("participant", "previous_appendicectomy")} == {True, False, None}
    assert set(gidamps.counts("visit", "ada_antibody")) <= {None, *dictionary.codes("ada_antibody")}


def test_difficulty_13_a_duration_waits_for_the_reference_date(gidamps: Line, records: Records) -> None:
    assert gidamps.study.datasets["sampling"].reference_date.isoformat() == "2025-10-30"
    assert gidamps.counts("participant", "diagnosis_duration_in_days") == {None: 119}
    assert gidamps.reasons("participant", "diagnosis_duration_in_days") == {"pending": 119}


def test_difficulty_14_a_new_identifier_is_never_read(gidamps: Line, catalogue: Catalogue, tmp_path: Path) -> None:
    """A field that REDCap gets tomorrow is drift: told, and not fetched."""
    folder = tmp_path / "gidamps_synthetic"
    shutil.copytree(HERE, folder)
    folder.chmod(0o755)
    for name in ("metadata", "records", "exportFieldNames"):
        file = folder / f"{name}.json"
        file.chmod(0o644)
        found = json.loads(file.read_text(encoding="utf-8"))
        if name == "metadata":
            found.append({**found[1], "field_name": "passport_no", "form_name": "patient_details"})
        elif name == "exportFieldNames":
            found.append({"original_field_name": "passport_no", "choice_value": "", "export_field_name": "passport_no"})
        else:
            found = [{**row, "passport_no": "X1" if row["redcap_repeat_instrument"] == "" else ""} for row in found]
        file.write_text(json.dumps(found), encoding="utf-8")
    line = Line(catalogue.studies["gidamps"], gidamps.dictionary, stores_at(tmp_path, store="redcap"))
    assert line.undecided() == ["redcap.patient_details.passport_no"]
    assert "passport_no" not in line.deliveries["redcap.patient_details"].data.column_names


def test_difficulty_15_height_and_weight_0_are_not_measured(gidamps: Line, records: Records) -> None:
    zero = [[row for row in records.base if row[column] == "0"] for column in ("bmi_height", "bmi_weight")]
    assert [len(rows) for rows in zero] == [8, 8]
    for name, rows in zip(("baseline_height", "baseline_weight"), zero, strict=True):
        assert of(gidamps, name, rows) == {None: 8}
        assert gidamps.reasons("participant", name)["not_done"] == 8
    assert told(gidamps, "participant", "bounds") == {}


def test_difficulty_16_first_of_january_is_a_year(gidamps: Line, records: Records) -> None:
    januaries = count(records.single(), lambda row: row["date_of_diagnosis"].endswith("-01-01"))
    marks = gidamps.entity("participant").comparators.to_pylist()
    years = [row for row in marks if row["variable"] == "date_of_diagnosis" and row["comparator"] == "year"]
    assert len(years) == januaries == 74


def test_difficulty_17_labels_of_this_study_are_codes_of_the_dictionary(gidamps: Line, records: Records) -> None:
    found = count(records.single(), lambda row: row["fhdiagnosis_pfh_1"] == "12")
    assert gidamps.counts("participant", "family_history_diagnosis")["possible_ibdu"] == found == 4


# -- TRAPS.md


def test_trap_01_each_field_has_its_own_yes_and_no(gidamps: Line, records: Records) -> None:
    single = records.single()
    for drug in ("ifx", "ciclo", "ada", "mtx"):
        no = "2" if drug in TWICE_CODED else "0"
        counted = Counter({"1": True, no: False}.get(row[drug]) for row in single)
        assert {value: n for value, n in gidamps.counts("participant", drug).items() if value is not None} == {
            value: n for value, n in counted.items() if value is not None
        }, drug
    unavailable = [row for row in records.base if row["mh_tonsilout1"] == "-1000"]
    assert of(gidamps, "previous_tonsillectomy", unavailable) == {None: 1}
    assert gidamps.reasons("participant", "previous_tonsillectomy")["unknown"] >= 1
    boxes = count(records.sampling, lambda row: row["hbicomplications____1000"] == "1")
    assert gidamps.reasons("visit", "hbi_abscess")["unknown"] >= boxes == 1


def test_trap_02_two_ticked_boxes_are_a_conflict(gidamps: Line, records: Records) -> None:
    both = [row for row in records.base if len(ticked(row, "baseline_mont_cd_loc", 0, 1, 2)) > 1]
    depth = [row for row in records.base if len(ticked(row, "baseline_mont_cd_beh", 0, 1, 2)) > 1]
    assert (len(both), len(depth)) == (6, 5)
    assert of(gidamps, "montreal_cd_location", both) == {None: 6}
    assert of(gidamps, "montreal_cd_behaviour", depth) == {None: 5}
    conflicts = told(gidamps, "participant", "conflicts")
    assert (conflicts["montreal_cd_location"], conflicts["montreal_cd_behaviour"]) == (6, 5)
    upper = [row for row in records.base if row["baseline_mont_cd_loc___3"] == "1"]
    perianal = [row for row in records.base if row["baseline_mont_cd_beh___3"] == "1"]
    assert of(gidamps, "montreal_upper_gi", upper) == {True: len(upper)} == {True: 8}
    assert of(gidamps, "montreal_perianal", perianal) == {True: len(perianal)} == {True: 9}


def test_trap_05_the_study_s_own_activity_stands_beside_the_common_one(gidamps: Line, records: Records) -> None:
    words = {"0": "biochem_remission", "1": "remission", "2": "active", "3": "highly_active", "4": "not_applicable"}
    own = Counter(words.get(row["ibd_status"]) for row in records.sampling if house_id(row["study_id"]) != "")
    assert gidamps.counts("visit", "ibd_status") == own
    assert "standardised_disease_activity" in gidamps.entity("visit").table.column_names


def test_trap_07_unknown_exposure_is_not_unexposed(gidamps: Line, records: Records) -> None:
    for name, drugs in CLASSES.items():
        counted: Counter[object] = Counter()
        for row in records.single():
            answers = [{"1": True, "2" if drug in TWICE_CODED else "0": False}.get(row[drug]) for drug in drugs]
            counted[True if True in answers else None if None in answers else False] += 1
        found = gidamps.counts("participant", name)
        assert (found[True], found[False]) == (counted[True], counted[False]), name
        assert counted[None] > 25, name


def test_trap_09_activity_is_unknown_where_a_laboratory_value_is(gidamps: Line, records: Records) -> None:
    lacking = [
        row
        for row in records.sampling
        if row["patient_active_symptomyn1"] == "0" and not row["crp"] and not row["calprotectin"]
    ]
    assert len(lacking) == 2
    activity = visits(gidamps, "standardised_disease_activity")
    assert {activity[row["study_id"], row["sampling_date"]] for row in lacking} == {None}


def visits(gidamps: Line, variable: str) -> dict[tuple[str, str], object]:
    """Return (record id in the house's spelling, sampling date) → value."""
    rows = gidamps.entity("visit").table.select(["participant_id", "sampling_date", variable]).to_pylist()
    return {(row["participant_id"], str(row["sampling_date"])): row[variable] for row in rows}


def test_trap_11_limits_and_words_of_laboratory_values(gidamps: Line, records: Records) -> None:
    marks = Counter(row["variable"] for row in gidamps.entity("visit").comparators.to_pylist())
    signed = [(column, row[column]) for row in records.sampling for column in LABS if SIGNED.fullmatch(row[column])]
    assert sum(marks.values()) == len(signed) == 161
    assert marks["calprotectin"] == sum(column == "calprotectin" for column, _ in signed)
    assert marks["egfr"] == 117
    words = count(records.sampling, lambda row: row["calprotectin"] == "no sample")
    blank = count(records.sampling, lambda row: row["calprotectin"] == "")
    assert gidamps.reasons("visit", "calprotectin")["not_collected"] == words + blank
    spoiled = sum(row[column] in {"haemolysed", "insufficient"} for row in records.sampling for column in LABS)
    not_done = sum(gidamps.ledger("visit", name).get("missing:not_done", 0) for name in gidamps.block("visit").rules)
    assert not_done == spoiled > 0
    assert told(gidamps, "visit", "values") == {}


def test_trap_12_cut_offs_are_parameters_with_a_source(dictionary: Dictionary) -> None:
    assert (dictionary.thresholds["crp_active"].value, dictionary.thresholds["crp_active"].unit) == (5, "mg/L")
    assert all(one.source for one in dictionary.thresholds.values())


def test_trap_13_ids_are_read_by_a_grammar(gidamps: Line, records: Records) -> None:
    read = {row["study_id"]: gidamps.study.participant_id.read(row["study_id"]) for row in records.base}
    assert read == {written: house_id(written) for written in read}
    assert sum(written != house for written, house in read.items()) == 9
    for foreign in ("GID-137-4-P", "GID-136-4-X", "MID-136-4", "GID-0", "gid-7", "GID-136-"):
        assert gidamps.study.participant_id.read(foreign) is None, foreign


def test_trap_15_ever_now_and_level_stay_apart(gidamps: Line, records: Records) -> None:
    ever = count(records.single(), lambda row: row["ifx"] == "1")
    now = count(records.sampling, lambda row: row["sampling_ifx"] == "1")
    level = count(records.sampling, lambda row: row["drug_level_inflxi"] != "")
    assert gidamps.counts("participant", "ifx")[True] == ever
    assert gidamps.counts("visit", "sampling_ifx")[True] == now
    assert gidamps.counts("visit", "ifx_level")[None] == len(records.sampling) - level


def test_trap_16_partial_dates_keep_their_precision(gidamps: Line, records: Records) -> None:
    cells = [row[column] for row in records.single() for column in DRUG_DATES if row[column]]
    marks = [
        row["comparator"]
        for row in gidamps.entity("participant").comparators.to_pylist()
        if row["variable"] in DRUG_DATES
    ]
    months = sum(len(cell) in {7, 8} and cell != "unknown" for cell in cells)
    years = sum(len(cell) == 4 or cell.endswith("-01-01") for cell in cells)
    assert (marks.count("month"), marks.count("year")) == (months, years)
    approximate = sum("approx" in cell for cell in cells)
    unreadable = {name: n for name, n in told(gidamps, "participant", "values").items() if name in DRUG_DATES}
    assert sum(unreadable.values()) == approximate + sum("Sept" in cell for cell in cells)
    assert approximate == 4


def test_trap_17_no_row_and_no_column_is_lost(gidamps: Line, records: Records) -> None:
    for entity, rows in (("participant", records.base), ("visit", records.sampling)):
        found = gidamps.ledger(entity, "(rows)")
        assert found["values_in"] == len(rows)
        assert found["values_in"] - found["values_out"] == found.get("merged", 0)
        assert set(found) <= {"values_in", "values_out", "merged"}
    assert gidamps.counts("participant", "tofa_stop") == {None: 119}, "an empty column stays"


def test_trap_18_a_total_of_some_items_is_no_total(gidamps: Line, records: Records) -> None:
    for name, items, some in (("hbi", HBI, 37), ("sccai", SCCAI, 24)):
        column = f"{name}_total_calculation"
        totals = [row for row in records.sampling if row[column]]
        lacking = [row for row in totals if any(row[item] in {"", "-1000"} for item in items)]
        assert gidamps.counts("visit", f"{name}_total")[None] == len(records.sampling) - len(totals)
        computed = gidamps.counts("visit", f"{name}_computed")[None]
        assert len(records.sampling) - computed <= len(totals) - len(lacking)
        assert len(lacking) >= some
        assert told(gidamps, "visit", f"{name}_total_is_its_sum") == {}


def test_trap_19_controls_of_both_kinds(gidamps: Line, records: Records) -> None:
    counted = Counter(row["study_group_name"] for row in records.single())
    found = gidamps.counts("participant", "study_group")
    assert (found["hc"], found["non_ibd"], found["await_dx"]) == (counted["6"], counted["4"], counted["5"])


def test_trap_20_a_non_smoker_may_have_smoked(gidamps: Line, records: Records) -> None:
    counted = Counter(row["smokeryn1"] for row in records.single())
    found = gidamps.counts("participant", "smoking_status")
    assert (found["non_smoker"], found["ex_smoker"], found["smoker"]) == (counted["3"], counted["2"], counted["1"])
    assert "never_smoker" not in found


def test_trap_23_free_text_is_never_open(gidamps: Line, dictionary: Dictionary) -> None:
    made = [name for block in gidamps.study.mapping.entities.values() for name in block.rules]
    texts = [name for name in made if dictionary.variables[name].type == "text"]
    assert len(texts) == 26
    assert {dictionary.variables[name].sensitivity for name in texts} == {"personal"}
