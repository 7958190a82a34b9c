"""The public studies as declared, read from the public files: counts that were taken by hand."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.harmonise.invented import tally

DICTIONARY_FOLDER = WORKING_COPY / "data_dictionary"


@pytest.fixture(scope="module")
def public(shared_data, tmp_path_factory):
    """Study and entity → what harmonising gives, and the raw tables."""
    settings = Settings.from_environment({"OMICS_HOME": str(tmp_path_factory.mktemp("home"))})
    stores = Stores(replace(settings, source_stores={"public": (shared_data / "demo").as_uri()}))
    dictionary = load_dictionary(DICTIONARY_FOLDER)
    studies = load_studies(DICTIONARY_FOLDER, dictionary).studies
    found, raw = {}, {}
    for name in ("hmp2", "prism", "risk"):
        study, participants = studies[name], None
        for entity in sorted(study.mapping.entities, key=lambda entity: entity != "participant"):
            tables = {}
            for reference in study.mapping.entities[entity].tables():
                place = study.place(reference)
                delivery = study.sources[place[0]].deliver(*place, study.raw_tables()[place], stores)
                tables[reference] = raw[name, reference] = delivery.data
            found[name, entity] = harmonise(study, entity, dictionary, tables, participants)
            participants = found[name, "participant"].table
    return found, raw


@pytest.mark.parametrize(
    ("study", "entity", "rows"),
    [
        ("hmp2", "participant", 24),
        ("hmp2", "visit", 420),
        ("prism", "participant", 220),
        ("risk", "participant", 80),
        ("risk", "sample", 214),
    ],
)
def test_rows(public, study, entity, rows):
    assert public[0][study, entity].table.num_rows == rows


def test_every_ledger_balances(public):
    for (study, entity), found in public[0].items():
        for variable in set(found.ledger["variable"].to_pylist()):
            counts = tally(found.ledger, variable)
            total = sum(n for outcome, n in counts.items() if outcome != "values_in")
            assert counts["values_in"] == total, (study, entity, variable)
        assert [f for f in found.findings if f.severity == "error"] == []


def test_values_in_are_what_plain_sql_counts_over_the_raw_table(public):
    found, raw = public
    columns = {
        "calprotectin": "fecalcal",
        "hbi_total": "hbi",
        "sccai_total": "sccai",
        "sampling_date": "date_of_receipt",
    }
    with duckdb.connect() as connection:
        connection.register("stool", raw["hmp2", "files.stool"])
        for variable, column in columns.items():
            ((expected,),) = connection.execute(
                f"SELECT count(*) FROM stool WHERE trim(\"{column}\") <> ''"
            ).fetchall()
            assert tally(found["hmp2", "visit"].ledger, variable)["values_in"] == expected > 0


def test_the_420_visits_come_from_1131_rows(public):
    counts = tally(public[0]["hmp2", "visit"].ledger, "(rows)")
    assert counts == {"values_in": 1131, "values_out": 420, "merged": 711}


def test_weight_999_is_missing_three_times(public):
    found = public[0]["hmp2", "participant"]
    assert tally(found.ledger, "baseline_weight")["missing:unknown"] == 3
    assert [f.count for f in found.findings if (f.check, f.subject) == ("missing", "baseline_weight")] == [3]


def test_diagnosis_and_sex_are_in_one_coding(public):
    groups = {
        v
        for s in ("hmp2", "prism", "risk")
        for v in public[0][s, "participant"].table["study_group"].to_pylist()
    }
    assert groups == {"cd", "uc", "ibdu", "non_ibd", "control"}
    sexes = {v for s in ("hmp2", "risk") for v in public[0][s, "participant"].table["sex"].to_pylist()}
    assert sexes == {"male", "female"}
