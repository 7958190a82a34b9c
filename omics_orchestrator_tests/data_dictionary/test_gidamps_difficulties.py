"""The difficulties of DIFFICULTIES.md §3 that GI-DAMPs shows, by number, counted from records.json alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.gidamps_line import marked, of, people, told
from omics_orchestrator_tests.data_dictionary.gidamps_records import (
    CLASSES,
    MERGED,
    Records,
    Row,
    count,
    house_id,
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


def test_difficulty_01_old_edinburgh_ids_stay_in_edinburgh(gidamps: Line, records: Records) -> None:
    centres = people(gidamps, "study_center")
    assert (centres["GID-136"], centres["GID-138"]) == ("edinburgh", "edinburgh")
    places = {"GID-136-": "glasgow", "GID-138-": "dundee"}
    counted = Counter(places.get(person[:8], "edinburgh") for person in records.people)
    assert (
        gidamps.counts("participant", "study_center")
        == counted
        == {"edinburgh": 75, "glasgow": 31, "dundee": 13}
    )
    moved = [
        row
        for row in records.single()
        if CENTRES[row["registration_location"]] != centres[house_id(row["study_id"])]
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
    assert count(unopened, lambda row: house_id(row["study_id"]) == MERGED) == 1
    for name in (*CLASSES, "ifx", "baseline_eims_none", "montreal_upper_gi", "montreal_perianal"):
        assert of(gidamps, name, unopened) == {None: 16}, name


def test_difficulty_10_questionnaires_of_another_day_and_of_no_day(gidamps: Line, records: Records) -> None:
    days = {(row["study_id"], row["sampling_date"]) for row in records.sampling if row["sampling_date"]}
    apart = [
        row for row in records.cucq if row["cucq_date"] and (row["study_id"], row["cucq_date"]) not in days
    ]
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
    assert {
        *gidamps.counts("participant", "montreal_perianal"),
        *gidamps.counts("participant", "previous_appendicectomy"),
    } == {True, False, None}
    assert set(gidamps.counts("visit", "ada_antibody")) <= {None, *dictionary.codes("ada_antibody")}


def test_difficulty_13_a_duration_waits_for_the_reference_date(gidamps: Line, records: Records) -> None:
    assert gidamps.study.datasets["sampling"].reference_date == date(2025, 10, 30)
    assert gidamps.counts("participant", "diagnosis_duration_in_days") == {None: 119}
    assert gidamps.reasons("participant", "diagnosis_duration_in_days") == {"pending": 119}


def test_difficulty_14_a_new_identifier_is_never_read(
    gidamps: Line, catalogue: Catalogue, tmp_path: Path
) -> None:
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
            found.append(
                {"original_field_name": "passport_no", "choice_value": "", "export_field_name": "passport_no"}
            )
        else:
            found = [
                {**row, "passport_no": "X1" if row["redcap_repeat_instrument"] == "" else ""} for row in found
            ]
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
    assert marked(gidamps, "date_of_diagnosis") == {"year": januaries} == {"year": 74}


def test_difficulty_17_labels_of_this_study_are_codes_of_the_dictionary(
    gidamps: Line, records: Records
) -> None:
    found = count(records.single(), lambda row: row["fhdiagnosis_pfh_1"] == "12")
    assert gidamps.counts("participant", "family_history_diagnosis")["possible_ibdu"] == found == 4
