"""The figures of docs/differences-from-orca.md for GI-DAMPs: the old rules in pandas, ours through the line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.data_dictionary import gidamps_records as old
from omics_orchestrator_tests.data_dictionary.gidamps_records import (
    MERGED,
    Records,
    Row,
    count,
    house_id,
    ticked,
)
from omics_orchestrator_tests.data_dictionary.line import DATA, Line

DOCUMENT = WORKING_COPY / "docs" / "differences-from-orca.md"
LOCATION, BEHAVIOUR = {0: "L1", 1: "L2", 2: "L3"}, {0: "B1", 1: "B2", 2: "B3"}
ENDOSCOPY = {1: "other", 2: "colonoscopy", 3: "flexi_sig"}
PARTIAL = re.compile(r"[0-9]{4}|[0-9]{4}-[0-9]{2}|[0-9]{2}/[0-9]{4}|[A-Z][a-z]{2,3} [0-9]{4}")


@pytest.fixture(scope="module")
def gidamps(redcap: Callable[[str], Line]) -> Line:
    return redcap("gidamps")


@pytest.fixture(scope="module")
def records(gidamps: Line) -> Records:
    return Records(DATA / "redcap" / "gidamps_synthetic")


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    """Number of the row → the count that the document gives."""
    text = DOCUMENT.read_text(encoding="utf-8").split("## GI-DAMPs")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| G")
    ]
    return {row[1]: int(row[5]) for row in rows}


def differing(gidamps: Line, variable: str, rows: list[Row], given: Callable[[Row], object]) -> int:
    """Return for how many base rows of people with one record ours differs from what the old pipeline gives."""
    table = gidamps.entity("participant").table
    ours = dict(zip(table["participant_id"].to_pylist(), table[variable].to_pylist(), strict=True))
    return sum(
        ours[house_id(row["study_id"])] != given(row) for row in rows if house_id(row["study_id"]) != MERGED
    )


def mapped(codes: dict[str, object], column: str) -> Callable[[Row], object]:
    """Return the old recode: a code outside the map is lost."""
    return lambda row: codes.get(row[column])


def test_participants(gidamps: Line, records: Records, figures: dict[str, int]) -> None:
    base = records.base
    differ = {
        "G1": ("study_center", lambda row: old.old_center(row["study_id"])),
        "G2": ("previous_appendicectomy", mapped({"1": True, "2": False}, "mh_appendx1")),
        "G3": ("giq_ethnicity", mapped({"1": "white_european", "99": "other_see_text"}, "gi_q1")),
        "G4": ("montreal_cd_location", lambda row: old.old_highest(row, "baseline_mont_cd_loc", LOCATION)),
        "G5": ("montreal_cd_behaviour", lambda row: old.old_highest(row, "baseline_mont_cd_beh", BEHAVIOUR)),
        "G6": ("montreal_upper_gi", lambda row: True if ticked(row, "baseline_mont_cd_loc", 3) else None),
        "G7": ("montreal_perianal", lambda row: True if ticked(row, "baseline_mont_cd_beh", 3) else None),
    }
    counted = {number: differing(gidamps, name, base, given) for number, (name, given) in differ.items()}
    flags = {name: partial(old.old_flag, drugs=drugs) for name, drugs in old.CLASSES.items()}
    counted["G8"] = sum(differing(gidamps, name, base, flag) for name, flag in flags.items())
    assert counted == {number: figures[number] for number in counted}


def test_dates_and_measurements(gidamps: Line, records: Records, figures: dict[str, int]) -> None:
    single = records.single()
    cells = [row[column] for row in single for column in old.DRUG_DATES if row[column]]
    marks = Counter(
        (row["variable"] == "date_of_diagnosis", row["comparator"])
        for row in gidamps.entity("participant").comparators.to_pylist()
        if row["participant_id"] != MERGED
    )
    januaries = sum(cell.endswith("-01-01") for cell in cells)
    assert figures["G9"] == count(single, lambda row: row["date_of_diagnosis"].endswith("-01-01")) + januaries
    assert figures["G10"] == sum(bool(PARTIAL.fullmatch(cell)) for cell in cells)
    assert figures["G9"] + figures["G10"] == marks.total()
    words = [cell for cell in cells if not old.FULL.fullmatch(cell) and not PARTIAL.fullmatch(cell)]
    assert figures["G11"] == len(words)
    table = gidamps.entity("participant").table.select(old.DRUG_DATES).to_pylist()
    ids = gidamps.entity("participant").table["participant_id"].to_pylist()
    read = sum(
        value is not None
        for row, person in zip(table, ids, strict=True)
        for value in row.values()
        if person != MERGED
    )
    assert read == len(cells) - len(words)
    assert figures["G12"] == count(single, lambda row: row["date_of_diagnosis"] != "")
    assert figures["G13"] == sum(
        row[column] == "0" for row in single for column in ("bmi_height", "bmi_weight")
    )
    assert figures["G14"] == count(single, lambda row: row["mh_tonsilout1"] == "-1000")


def test_visits(gidamps: Line, records: Records, figures: dict[str, int]) -> None:
    sampling = records.sampling
    several = count(sampling, lambda row: len(ticked(row, "endoscopy_type", *ENDOSCOPY)) > 1)
    (conflicts,) = [
        one
        for one in gidamps.entity("visit").findings
        if one.subject == "endoscopy_type" and one.check == "conflicts"
    ]
    assert figures["G15"] == several == conflicts.count
    cells = [row[column] for row in sampling for column in old.LABS if row[column]]
    assert figures["G16"] == sum(bool(old.SIGNED.fullmatch(cell)) for cell in cells)
    assert figures["G16"] == gidamps.entity("visit").comparators.num_rows
    assert figures["G17"] == sum(
        not old.SIGNED.fullmatch(cell) and not re.fullmatch(r"[0-9.]+", cell) for cell in cells
    )
    for number, name, items in (("G18", "hbi", old.HBI), ("G19", "sccai", old.SCCAI)):
        totals = [row for row in sampling if row[f"{name}_total_calculation"]]
        lacking = [row for row in totals if {row[one] for one in items} & {"", "-1000"}]
        assert figures[number] == len(lacking)
    assert figures["G20"] == count(sampling, lambda row: row["sampling_setting"] != "") + count(
        records.base, lambda row: row["relationship_pfh"] != ""
    )


def test_rows_and_columns(gidamps: Line, records: Records, figures: dict[str, int]) -> None:
    table = old.old_sampling(records)
    visits = gidamps.entity("visit").table
    assert figures["G21"] == len(table) - len(records.sampling) == len(table) - visits.num_rows
    joined = table.drop_duplicates(["study_id", "redcap_repeat_instance"])
    met = int((joined["questionnaire"] == "both").sum())
    ours = len(visits) - visits["cucq32_complete"].null_count
    assert figures["G22"] == ours - (met - 1)  # one of theirs is a blank date that met a blank date
    undated = joined[(joined["sampling_date"] == "") & (joined["questionnaire"] == "both")]
    assert figures["G23"] == len(undated)
    form = {row["redcap_repeat_instrument"] for row in records.rows}
    assert form == {"", "sampling", "cucq32"}
    lost = {
        name
        for name in old.empty_columns(records.base)
        if name in gidamps.entity("participant").table.column_names
    }
    assert lost == {"tofa_stop"}
    assert figures["G24"] == len(lost)
    assert figures["G25"] == count(records.base, lambda row: row["study_id"] != house_id(row["study_id"]))
    assert figures["G26"] == len(records.people[MERGED])


def test_the_common_activity(gidamps: Line, records: Records, figures: dict[str, int]) -> None:
    rows = gidamps.entity("visit").table.to_pylist()
    ours = {(row["participant_id"], row["visit_id"]): row["standardised_disease_activity"] for row in rows}
    assert len(ours) == len(records.sampling)
    known = Counter(ours.values())
    theirs = Counter(old.old_activity(row) for row in records.sampling)
    assert figures["G27"] == known[None]
    assert all(known[word] <= n for word, n in theirs.items())
    assert sum(theirs[word] - known[word] for word in theirs) == known[None], (
        "where ours is known, it is the same"
    )
