"""The traps of TRAPS.md that GI-DAMPs shows, by number, counted from records.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator_tests.data_dictionary.gidamps_line import marked, of, single, told
from omics_orchestrator_tests.data_dictionary.gidamps_records import (
    CLASSES,
    DRUG_DATES,
    FULL,
    HBI,
    LABS,
    SCCAI,
    SIGNED,
    TWICE_CODED,
    Records,
    count,
    house_id,
    ticked,
)
from omics_orchestrator_tests.data_dictionary.line import DATA, Line

HERE = DATA / "redcap" / "gidamps_synthetic"
CENTRES = {"1": "edinburgh", "2": "glasgow", "3": "dundee"}


@pytest.fixture(scope="module")
def gidamps(redcap: Callable[[str], Line]) -> Line:
    return redcap("gidamps")


@pytest.fixture(scope="module")
def records(gidamps: Line) -> Records:
    return Records(HERE)


def test_trap_01_each_field_has_its_own_yes_and_no(gidamps: Line, records: Records) -> None:
    for drug in ("ifx", "ciclo", "ada", "mtx"):
        no = "2" if drug in TWICE_CODED else "0"
        counted = Counter({"1": True, no: False}.get(row[drug]) for row in records.single())
        assert single(gidamps, drug) == counted, drug
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
    assert (conflicts["montreal_cd_location"], conflicts["montreal_cd_behaviour"]) == (6, 5 + 1), (
        "and GID-7's records"
    )
    upper = [row for row in records.base if row["baseline_mont_cd_loc___3"] == "1"]
    perianal = [row for row in records.base if row["baseline_mont_cd_beh___3"] == "1"]
    assert of(gidamps, "montreal_upper_gi", upper) == {True: len(upper)} == {True: 8}
    assert of(gidamps, "montreal_perianal", perianal) == {True: len(perianal)} == {True: 9}


def test_trap_05_the_study_s_own_activity_stands_beside_the_common_one(
    gidamps: Line, records: Records
) -> None:
    words = {
        "0": "biochem_remission",
        "1": "remission",
        "2": "active",
        "3": "highly_active",
        "4": "not_applicable",
    }
    own = Counter(words.get(row["ibd_status"]) for row in records.sampling if house_id(row["study_id"]) != "")
    assert gidamps.counts("visit", "ibd_status") == own
    assert "standardised_disease_activity" in gidamps.entity("visit").table.column_names


def test_trap_07_unknown_exposure_is_not_unexposed(gidamps: Line, records: Records) -> None:
    for name, drugs in CLASSES.items():
        counted: Counter[object] = Counter()
        for row in records.single():
            answers = [
                {"1": True, "2" if drug in TWICE_CODED else "0": False}.get(row[drug]) for drug in drugs
            ]
            counted[True if True in answers else None if None in answers else False] += 1
        assert single(gidamps, name) == counted, name
        assert counted[None] >= 30, name


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
    signed = [
        (column, row[column]) for row in records.sampling for column in LABS if SIGNED.fullmatch(row[column])
    ]
    assert sum(marks.values()) == len(signed) == 161
    assert marks["calprotectin"] == sum(column == "calprotectin" for column, _ in signed)
    assert marks["egfr"] == 117
    words = count(records.sampling, lambda row: row["calprotectin"] == "no sample")
    blank = count(records.sampling, lambda row: row["calprotectin"] == "")
    assert gidamps.reasons("visit", "calprotectin")["not_collected"] == words + blank
    spoiled = sum(
        row[column] in {"haemolysed", "insufficient"} for row in records.sampling for column in LABS
    )
    not_done = sum(
        gidamps.ledger("visit", name).get("missing:not_done", 0) for name in gidamps.block("visit").rules
    )
    assert not_done == spoiled > 0
    assert told(gidamps, "visit", "values") == {}


def test_trap_12_cut_offs_are_parameters_with_a_source(dictionary: Dictionary) -> None:
    assert (dictionary.thresholds["crp_active"].value, dictionary.thresholds["crp_active"].unit) == (
        5,
        "mg/L",
    )
    assert all(one.source for one in dictionary.thresholds.values())


def test_trap_13_ids_are_read_by_a_grammar(gidamps: Line, records: Records) -> None:
    read = {row["study_id"]: gidamps.study.participant_id.read(row["study_id"]) for row in records.base}
    assert read == {written: house_id(written) for written in read}
    assert sum(written != house for written, house in read.items()) == 9
    for foreign in ("GID-137-4-P", "GID-136-4-X", "MID-136-4", "GID-0", "gid-7", "GID-136-"):
        assert gidamps.study.participant_id.read(foreign) is None, foreign


def test_trap_14_published_names_are_kept_where_the_form_has_another(gidamps: Line) -> None:
    block = gidamps.block("visit").rules
    given = {
        name: block[name].references()
        for name in ("ct_abdomen", "sampling_goli", "uceis_total", "sampling_abx")
    }
    assert given == {
        "ct_abdomen": ("ct_abdomen_and_or_pelvis",),
        "sampling_goli": ("sampling_goli",),
        "uceis_total": ("uceis_total",),
        "sampling_abx": ("antibiotics",),
    }
    assert {"golim", "study_center"} <= gidamps.block("participant").rules.keys()


def test_trap_15_ever_now_and_level_stay_apart(gidamps: Line, records: Records) -> None:
    ever = count(records.single(), lambda row: row["ifx"] == "1")
    now = count(records.sampling, lambda row: row["sampling_ifx"] == "1")
    level = count(records.sampling, lambda row: row["drug_level_inflxi"] != "")
    assert gidamps.counts("participant", "ifx")[True] == ever
    assert gidamps.counts("visit", "sampling_ifx")[True] == now
    assert gidamps.counts("visit", "ifx_level")[None] == len(records.sampling) - level


def test_trap_16_partial_dates_keep_their_precision(gidamps: Line, records: Records) -> None:
    cells = [row[column] for row in records.single() for column in DRUG_DATES if row[column]]
    years = sum(len(cell) == len("2014") or cell.endswith("-01-01") for cell in cells)
    words = [cell for cell in cells if cell.startswith("approx") or cell == "unknown"]
    months = sum(not FULL.fullmatch(cell) and len(cell) != len("2014") for cell in cells) - len(words)
    assert marked(gidamps, *DRUG_DATES) == {"month": months, "year": years}
    told_of = {name: n for name, n in told(gidamps, "participant", "values").items() if name in DRUG_DATES}
    assert sum(told_of.values()) == count_words(records, "approx") == 4
    unknown = sum(gidamps.ledger("participant", name).get("missing:unknown", 0) for name in DRUG_DATES)
    assert unknown == count_words(records, "unknown") == 4


def count_words(records: Records, word: str) -> int:
    """Return how many drug dates begin with a word."""
    return sum(row[column].startswith(word) for row in records.base for column in DRUG_DATES)


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
    assert (found["non_smoker"], found["ex_smoker"], found["smoker"]) == (
        counted["3"],
        counted["2"],
        counted["1"],
    )
    assert "never_smoker" not in found


def test_trap_23_free_text_is_never_open(gidamps: Line, dictionary: Dictionary) -> None:
    made = [name for block in gidamps.study.mapping.entities.values() for name in block.rules]
    texts = [name for name in made if dictionary.variables[name].type == "text"]
    assert len(texts) == 25
    assert {dictionary.variables[name].sensitivity for name in texts} == {"personal"}
