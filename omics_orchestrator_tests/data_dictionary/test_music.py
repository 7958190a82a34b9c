"""music: every column decided, every row of the old mapping accounted for, ledgers, ids, the published columns.

The traps are in test_music_difficulties.py and test_music_traps.py, the differences from the old pipeline in
test_music_differences.py.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.studies.datasets import columns_of
from omics_orchestrator_tests.data_dictionary.line import DATA, Line, balanced, unique_keys
from omics_orchestrator_tests.data_dictionary.music_records import Records, count, house_key, visit

REFERENCE = WORKING_COPY.parent / "shared" / "reference" / "ibd"
TABLES = {  # operations on tables in the old mapping → the word of ours that does the same
    "(base table)": "visit: from",
    "(laboratory columns)": "visit: join, pick: first",
    "(saliva columns)": "sample: from, datasets: samples: first",
    "(row filter)": "where",
    "(demographics table)": "participant: from",
    "(all)": "empty cells are blank",
}
SHORTER = {  # two published names of 65 characters; Postgres has room for 63
    f"hospital_admission_{n}_for_investigation_not_meeting_other_criteria": (
        f"hospital_admission_{n}_for_investigation_not_meeting_criteria"
    )
    for n in (1, 2)
}


def reference(name: str) -> list[dict[str, str]]:
    if not (REFERENCE / name).exists():
        pytest.skip(f"no transcription of the old pipeline at {REFERENCE / name}")
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def music(redcap: Callable[[str], Line]) -> Line:
    return redcap("music")


@pytest.fixture(scope="module")
def records(music: Line) -> Records:
    return Records(DATA / "redcap" / "music_synthetic")


def test_every_source_column_is_used_or_listed(music: Line, records: Records) -> None:
    assert music.undecided() == []
    seen = {column for delivery in music.deliveries.values() for column in delivery.seen}
    ours = {"study_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"}
    assert seen == records.rows[0].keys() - ours
    assert len(seen) == 583
    assert {
        name.removeprefix("redcap."): delivery.data.num_rows for name, delivery in music.deliveries.items()
    } == {
        **dict.fromkeys(("patient_details", "diagnosis", "phenotyping"), 120),
        "timepoints": 399,
        "patient_reported_activity_cucq32": 373,  # the other forms were never opened, and are empty
        "endoscopic_disease_activity": 356,
        "radiologic_disease_activity": 236,
        "surgical_intervention": 266,
        "cleaned_drug_data": 369,
        "laboratory_tests_for_disease_activity": 395,
        "saliva_sample": 260,
    }


def test_every_row_of_the_old_mapping_is_accounted_for(music: Line) -> None:
    rows = reference("music_mapping.csv")
    assert len(rows) == 619
    study = music.study
    asked = {column for columns in study.raw_tables().values() for column in columns}
    listed = {
        column
        for (source, table), delivery in zip(study.raw_tables(), music.deliveries.values(), strict=True)
        for column in delivery.seen
        if not study.undecided(source, table, [column]) and not reads(asked, column)
    }
    made = {name for block in study.mapping.entities.values() for name in block.rules}
    counted: Counter[str] = Counter()
    for row in rows:
        source, target = row["source_variable"], row["target_variable"]
        if target in TABLES:
            counted["table"] += 1
        elif row["action"] in {"drop", "drop_identifier"} and source in listed:
            counted["listed"] += 1
        else:
            given = source.split(";") if row["source_form"] != "(derived)" else []
            assert all(reads(asked, column) or column == "study_id" for column in given), source
            assert SHORTER.get(target, target) in made | {"", "study_id"} or "_procedure_" in target, target
            assert row["action"] != "drop_identifier", f"{source} must never be read"
            counted["mapped"] += 1
    print(f"\nold mapping, 619 rows: {dict(counted)}")
    assert counted == {"mapped": 451, "listed": 162, "table": 6}


def reads(asked: set[str], column: str) -> bool:
    """Tell whether a rule reads a column, by name or by the pattern of a checkbox field."""
    return column in asked or f"{column.partition('___')[0]}___*" in asked


def test_what_the_old_pipeline_dropped_and_ours_reads(music: Line) -> None:
    """Who withdrew, drugs at baseline, scores by hand, boxes beside the published ones, units."""
    asked = {column for columns in music.study.raw_tables().values() for column in columns}
    rows = reference("music_mapping.csv")
    dropped = {
        row["source_variable"]
        for row in rows
        if row["action"] == "drop" and reads(asked, row["source_variable"])
    }
    assert dropped - {
        name for name in dropped if "___" in name or name.startswith(("baseline_current_", "unit_"))
    } == {
        *("withdrawn", "uceis_noncalc", "sescd_noncalc"),
    }
    assert len({name for name in dropped if name.startswith("unit_")}) == 17


def test_published_columns_of_main_are_the_published_names(music: Line, dictionary: Dictionary) -> None:
    published = {
        row["name"] for row in reference("canonical_variables.csv") if "music" in row["studies"].split(";")
    }
    assert len(published) == 386
    columns = [
        column.name for column in columns_of(music.study.datasets["main"], music.study.mapping, dictionary)
    ]
    assert len(columns) == len(set(columns))
    assert set(columns) == {SHORTER.get(name, name) for name in published} | {"visit_id"}


def test_demographics_are_the_participant_s_variables(music: Line, dictionary: Dictionary) -> None:
    rows = [row for row in reference("canonical_variables.csv") if "music" in row["studies"].split(";")]
    levels = {row["name"]: row["entity_level"] for row in rows}
    columns = [
        column.name
        for column in columns_of(music.study.datasets["demographics"], music.study.mapping, dictionary)
    ]
    assert [name for name in columns if levels[name] not in {"participant", "exposure"}] == []
    assert {name for name, level in levels.items() if level == "participant"} <= set(columns)


@pytest.mark.parametrize(("entity", "rows"), [("participant", 120), ("visit", 386), ("sample", 253)])
def test_one_row_per_key_and_a_balanced_ledger(music: Line, entity: str, rows: int) -> None:
    table = music.entity(entity).table
    assert table.num_rows == rows
    assert unique_keys(table, entity)
    balanced(music, entity)
    outcomes: Counter[str] = Counter()
    for row in music.entity(entity).ledger.to_pylist():
        outcomes[("rows: " if row["variable"] == "(rows)" else "") + row["outcome"]] += row["count"]
    print(f"\n{entity}: {dict(outcomes)}")


@pytest.mark.parametrize("entity", ["participant", "visit", "sample"])
def test_every_missing_cell_has_a_reason(music: Line, entity: str) -> None:
    found = music.entity(entity)
    for name in set(found.table.column_names) & set(found.missing.column_names) - {
        "participant_id",
        f"{entity}_id",
    }:
        values, reasons = found.table[name].to_pylist(), found.missing[name].to_pylist()
        assert [value is None for value in values] == [reason is not None for reason in reasons], name


def test_rows_of_withdrawn_visits_are_counted_and_nothing_else_is_lost(music: Line, records: Records) -> None:
    assert len(records.withdrawn) == 13
    saliva = count(records.saliva, lambda row: visit(row) in records.withdrawn)
    for entity, rows, out in (("visit", records.base, 13), ("sample", records.saliva, saliva)):
        found = music.ledger(entity, "(rows)")
        assert (found["values_in"], found["filtered"]) == (len(rows), out), entity
        assert set(found) == {"values_in", "values_out", "filtered"}
    assert set(music.ledger("participant", "(rows)")) == {"values_in", "values_out"}


def test_ids_get_their_prefix_and_visits_are_events(music: Line, records: Records) -> None:
    people = set(music.entity("participant").table["participant_id"].to_pylist())
    assert people == {f"MID-{row['study_id']}" for row in records.first}
    keys = music.entity("visit").table.select(["participant_id", "visit_id"]).to_pylist()
    assert {(row["participant_id"], row["visit_id"]) for row in keys} == {
        house_key(row) for row in records.visits
    }
    events = Counter(row["redcap_event_name"].removesuffix("_arm_1") for row in records.visits)
    assert music.counts("visit", "redcap_event_name") == events


def test_samples_stand_at_their_visit(music: Line, records: Records) -> None:
    rows = music.entity("sample").table.select(["participant_id", "visit_id"]).to_pylist()
    visits = {house_key(row) for row in records.visits}
    assert {(row["participant_id"], row["visit_id"]) for row in rows} <= visits


def test_what_the_data_tell_is_told(music: Line) -> None:
    """Findings by kind; what a person must look at, no more."""
    found = [one for entity in ("participant", "visit", "sample") for one in music.entity(entity).findings]
    print("\n" + "\n".join(f"{one.severity}: {one.message} ({one.count})" for one in found))
    assert {one.check for one in found if one.severity != "note"} <= {
        *("values", "upper_gi_twice", "perianal_twice", "other_drug_without_a_name"),
        *("hbi_total_of_some_items", "sccai_total_of_some_items"),
        *("none_beside_a_complication_of_cd", "none_beside_a_complication_of_uc"),
    }
    assert not [one for one in found if one.severity == "error"]


def test_omics_check_takes_less_than_two_seconds(tmp_path: Path) -> None:
    """Counted in time of the processor: other programs on this machine do not count."""
    command = [sys.executable, "-m", "omics_orchestrator.cli", "check", "music"]
    environment = {**os.environ, "OMICS_HOME": str(tmp_path)}
    spent = [sum(os.times()[2:4])]
    for _ in range(2):
        done = subprocess.run(
            command, env=environment, cwd=WORKING_COPY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        spent.append(sum(os.times()[2:4]))
    assert min(later - earlier for earlier, later in pairwise(spent)) < 2


def test_the_mapping_stays_readable() -> None:
    text = (WORKING_COPY / "data_dictionary" / "studies" / "music" / "mapping.yaml").read_text(
        encoding="utf-8"
    )
    assert len(text.splitlines()) <= 600
    assert max(map(len, text.splitlines())) <= 125
