"""The figures of docs/differences-from-orca.md for MUSIC: the old rules in pandas, ours through the line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.studies.datasets import columns_of
from omics_orchestrator_tests.data_dictionary import music_records as old
from omics_orchestrator_tests.data_dictionary.line import DATA, Line
from omics_orchestrator_tests.data_dictionary.music_records import (
    BOXES,
    DRUGS,
    LABS,
    NUMBER,
    SIGNED,
    Records,
    Row,
    boxes,
    count,
    house_key,
    visit,
)

DOCUMENT = WORKING_COPY / "docs" / "differences-from-orca.md"
RAW_CODES = {  # variables that the old pipeline publishes as REDCap's codes → their column
    "visit": {
        "physician_endoscopic_severity": "est_severity",
        "ibd_surgery_procedure": "ibd_procedure_type",
        "ibd_surgery_procedure_other": "ibd_procedure_type_other",
        "ada_antibody": "drug_level_antibody_adali",
        "ifx_antibody": "drug_level_antibody_inflx",
    },
    "sample": {"saliva_setting": "saliva_setting", "saliva_sample_complete": "saliva_sample_complete"},
}
UNDECODED = ("relationship_pfh_5", "fhdiagnosis_pfh_5", *(f"fhdiagnosis_pfh_other{n}" for n in (1, 4, 5)))
DECODED = ("fh_5_relationship", "fh_5_diagnosis", *(f"fh_{n}_diagnosis_other" for n in (1, 4, 5)))
OF_PARTICIPANT = {"baseline_eims", "baseline_eims_subother"}
OF_FIRST_VISIT = {"endoscopy_type_2", "baseline_radiology_type"}


@pytest.fixture(scope="module")
def music(redcap: Callable[[str], Line]) -> Line:
    return redcap("music")


@pytest.fixture(scope="module")
def records(music: Line) -> Records:
    return Records(DATA / "redcap" / "music_synthetic")


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    """Number of the row → the count that the document gives."""
    text = DOCUMENT.read_text(encoding="utf-8").split("## MUSIC")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| M")
    ]
    return {row[1]: int(row[5]) for row in rows}


def known(figures: dict[str, int], counted: dict[str, int]) -> None:
    """Hold what was counted against the document."""
    assert counted == {number: figures.get(number) for number in counted}


def of_people(music: Line, variable: str) -> dict[str, object]:
    rows = music.entity("participant").table.select(["participant_id", variable]).to_pylist()
    return {row["participant_id"].removeprefix("MID-"): row[variable] for row in rows}


def of_visits(music: Line, variable: str) -> dict[tuple[str, str], object]:
    rows = music.entity("visit").table.select(["participant_id", "visit_id", variable]).to_pylist()
    return {(row["participant_id"], row["visit_id"]): row[variable] for row in rows}


def people_differ(music: Line, records: Records, variable: str, given: Callable[[Row], object]) -> int:
    """Return for how many participants ours differs from what the old pipeline gives at the first visit."""
    ours = of_people(music, variable)
    return count(records.first, lambda row: ours[row["study_id"]] != given(row))


def visits_differ(music: Line, records: Records, variable: str, given: list[object]) -> int:
    """Return at how many visits ours differs from what the old pipeline gives."""
    ours = of_visits(music, variable)
    return sum(ours[house_key(row)] != one for row, one in zip(records.visits, given, strict=True))


def test_participants(music: Line, records: Records, figures: dict[str, int]) -> None:
    location, behaviour = {"0": "L1", "1": "L2", "2": "L3"}, {"0": "B1", "1": "B2", "2": "B3"}
    flag = {"1": True, "0": False}
    known(
        figures,
        {
            "M1": people_differ(music, records, "study_center", lambda row: old.old_center(row["study_id"])),
            "M2": people_differ(
                music,
                records,
                "montreal_cd_location",
                lambda row: location.get(row["montrlcdlocation_montrl"]),
            ),
            "M3": people_differ(
                music, records, "montreal_upper_gi", lambda row: flag.get(row["montreal_upper_gi"])
            ),
            "M4": people_differ(
                music, records, "montreal_perianal", lambda row: flag.get(row["montreal_perianal"])
            ),
            "M5": sum(
                people_differ(music, records, name, partial(old.old_flag, flag=name)) for name in DRUGS
            ),
        },
    )
    behaviours = people_differ(
        music, records, "montreal_cd_behaviour", lambda row: behaviour.get(row["montrlcdbehav_montrl"])
    )
    assert behaviours == 0


def test_follow_up_rows(music: Line, records: Records, figures: dict[str, int]) -> None:
    """The old main table has the participant's columns on the first row only, and drug flags of 0 on the others."""
    later = [row for row in records.visits if row["redcap_event_name"] != "timepoint_1_arm_1"]
    flags = {name: of_people(music, name) for name in DRUGS}
    wrong = sum(bool(flags[name][row["study_id"]]) for row in later for name in DRUGS)
    assert all(old.old_flag(row, name) == 0 for row in later for name in DRUGS)
    assert not any(row["sex"] or row["montreal_perianal"] for row in later)
    known(figures, {"M6": wrong, "M7": len(later)})


def test_scores(music: Line, records: Records, figures: dict[str, int]) -> None:
    table = old.old_scores(records.visits)
    pro2 = {
        name: [None if one != one else one for one in table[name]]
        for name in ("cd_pro2_raw", "cd_pro2_weighted")
    }
    cd, uc = (list(map(bool, table[f"ibdresponse_criteria_{name}_met"])) for name in ("cd", "uc"))
    coded = count(
        records.visits, lambda row: row["hbinumber_of_liquid_stools"] == "-1000" and row["hbiabdominal_pain"]
    )
    ours = of_visits(music, "ibdresponse_criteria_uc_met")
    found = [(one, ours[house_key(row)]) for row, one in zip(records.visits, uc, strict=True)]
    known(
        figures,
        {
            "M8": visits_differ(music, records, "cd_pro2_weighted", pro2["cd_pro2_weighted"]),
            "M9": found.count((True, None)) + found.count((True, False)),
            "M10": visits_differ(music, records, "ibdresponse_criteria_cd_met", list(cd)),
            "M11": count(records.visits, lambda row: row["hbinumber_of_liquid_stools"] == ">10"),
        },
    )
    assert visits_differ(music, records, "cd_pro2_raw", pro2["cd_pro2_raw"]) == coded == figures["M8"]
    assert (
        visits_differ(music, records, "uc_pro2", [None if one != one else one for one in table["uc_pro2"]])
        == 0
    )
    assert (found.count((False, True)), found.count((True, True))) == (
        0,
        sum(one is True for one in ours.values()),
    )


def test_totals_of_some_items(music: Line, records: Records, figures: dict[str, int]) -> None:
    told = {one.check: one.count for one in music.entity("visit").findings}
    lacking = {
        name: sum(
            total is not None and of_visits(music, f"{name}_computed")[key] is None
            for key, total in of_visits(music, f"{name}_total").items()
        )
        for name in ("hbi", "sccai")
    }
    assert {name: told[f"{name}_total_of_some_items"] for name in lacking} == lacking
    known(figures, {"M12": lacking["hbi"] + lacking["sccai"]})


def test_rows(music: Line, records: Records, figures: dict[str, int]) -> None:
    main = old.old_main(records)
    again = int(main.duplicated(["study_id", "redcap_event_name"]).sum())
    assert music.entity("visit").table.num_rows == len(main) - again == 386
    second = count(
        records.saliva,
        lambda row: row["redcap_repeat_instance"] == "2" and visit(row) not in records.withdrawn,
    )
    assert (
        music.entity("sample").table.num_rows
        == len({visit(row) for row in records.saliva} - records.withdrawn) + second + again
    )
    further = count(
        records.laboratory,
        lambda row: row["redcap_repeat_instance"] != "1" and visit(row) not in records.withdrawn,
    )
    known(
        figures, {"M13": again, "M14": second, "M15": further, "M16": len(records.base) - len(records.visits)}
    )


def test_laboratory(music: Line, records: Records, figures: dict[str, int]) -> None:
    cells = [row[column] for row in records.first_labs for column in LABS.values() if row[column]]
    signed = sum(bool(SIGNED.fullmatch(cell)) for cell in cells)
    words = sum(
        not NUMBER.fullmatch(cell) and not SIGNED.fullmatch(cell) or cell == "-1000" for cell in cells
    )
    marks = [row for row in music.entity("visit").comparators.to_pylist() if row["variable"] in LABS]
    assert len(marks) == signed
    units = sum(bool(row[name]) for row in records.first_labs for name in row if name.startswith("unit_"))
    known(figures, {"M17": signed, "M18": words, "M19": units})


def test_codes(music: Line, records: Records, figures: dict[str, int]) -> None:
    values = Counter(
        {
            entity: sum(
                music.entity(entity).table.num_rows - music.entity(entity).table[name].null_count
                for name in columns
            )
            for entity, columns in RAW_CODES.items()
        }
    )
    undecoded = sum(bool(row[column]) for row in records.first for column in UNDECODED)
    decoded = sum(
        music.entity("participant").table.num_rows - music.entity("participant").table[name].null_count
        for name in DECODED
    )
    assert decoded == undecoded
    coded = sum(
        row[column] not in {"", "-1000"}
        for entity, columns in RAW_CODES.items()
        for column in columns.values()
        for row in rows_of(records, entity, column)
    )
    assert values.total() == coded
    known(figures, {"M20": undecoded, "M21": coded})


def rows_of(records: Records, entity: str, column: str) -> list[Row]:
    """Return the rows in which a column is told."""
    if entity == "sample":
        return [row for row in records.saliva if visit(row) not in records.withdrawn]
    return records.first_labs if "antibody" in column else records.visits


def test_names(music: Line, figures: dict[str, int]) -> None:
    """Two published names are longer than Postgres can keep."""
    columns = columns_of(music.study.datasets["main"], music.study.mapping, music.dictionary)
    known(
        figures,
        {"M29": sum(column.name.endswith("_investigation_not_meeting_criteria") for column in columns)},
    )


def test_boxes(music: Line, records: Records, figures: dict[str, int]) -> None:
    """0 in a box of a field of which none is ticked: the old pipeline publishes it as no."""
    silent = later = 0
    for field, options in BOXES.items():
        rows = records.first if field in OF_PARTICIPANT | OF_FIRST_VISIT else records.visits
        silent += len(options) * sum(set(boxes(row, field)) <= {f"{field}____1000"} for row in rows)
        later += len(options) * (len(records.visits) - len(records.first)) * (field in OF_FIRST_VISIT)
    # the second list of manifestations is shown to those who tick "other"; "none" in the first answers it
    none = count(
        records.first,
        lambda row: row["baseline_eims___15"] == "1" and not boxes(row, "baseline_eims_subother"),
    )
    silent -= len(BOXES["baseline_eims_subother"]) * none
    ours = 0
    for entity in ("participant", "visit"):
        for name, rule in music.block(entity).rules.items():
            if any(reference.endswith("___*") for reference in rule.references()):
                ours += music.entity(entity).table[name].null_count
    assert ours - later == silent
    known(figures, {"M22": silent})


def test_dates_and_texts(music: Line, records: Records, figures: dict[str, int]) -> None:
    first = [row["date_of_diagnosis"] for row in records.first]
    history = [row[f"mh_{n}{end}"] for row in records.first for n in range(1, 8) for end in ("sd", "ed")]
    marks = music.entity("participant").comparators.to_pylist()
    januaries = sum(cell.endswith("-01-01") for cell in history)
    other = [cell for cell in history if cell and len(cell) != 10]
    unread = [cell for cell in history if cell.startswith(("approx", "unknown"))]
    assert len(marks) == sum(cell.endswith("-01") for cell in first) + januaries + len(other) - len(unread)
    by_hand = count(
        records.visits, lambda row: row["sescd_noncalc"].startswith("SES-CD") and not row["cdeis_total_score"]
    )
    blanks = sum(str(cell) != "" and not str(cell).strip() for row in records.raw for cell in row.values())
    published = sum(
        str(cell) != "" and not str(cell).strip() and name not in {"patdetailscomments", "radiology_comments"}
        for row in records.raw
        for name, cell in row.items()
    )
    assert blanks >= published
    known(
        figures,
        {
            "M23": sum(cell.endswith("-01") for cell in first) + januaries,
            "M24": len(other) - len(unread),
            "M25": len(unread),
            "M26": by_hand,
            "M27": blanks,
            "M28": len(old.empty_columns(records.rows)),
        },
    )


def test_the_document_lists_nothing_that_is_not_tested(figures: dict[str, int]) -> None:
    assert list(figures) == [f"M{number}" for number in range(1, 30)]
    assert all(figures.values())
