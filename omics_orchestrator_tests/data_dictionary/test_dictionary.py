"""variables.csv, code_lists.csv, units.csv, assays.yaml and the README that explains them."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from typing import get_args

import pytest
from pydantic import BaseModel

from omics_orchestrator.dictionary import MISSING_REASONS, Dictionary, Variable
from omics_orchestrator.dictionary.synonyms import SYNONYM_HEADER
from omics_orchestrator.dictionary.variables import VARIABLE_HEADER
from omics_orchestrator.formats import FORMATS
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources import SOURCES
from omics_orchestrator.studies import Assay, Catalogue, EntityBlock, Join, Study
from omics_orchestrator.studies.caveats import About, Caveat
from omics_orchestrator.verbs import VERBS
from omics_orchestrator_tests.data_dictionary.line import DICTIONARY

PUBLISHED = WORKING_COPY.parent / "shared" / "reference" / "ibd" / "canonical_variables.csv"
ENTITIES = {"participant": "participant", "visit": "visit", "specimen": "sample"}


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, str]]:
    if not PUBLISHED.exists():
        pytest.skip(f"no published variables at {PUBLISHED}")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


# A name of Postgres holds 63 letters; these two have 65.
SHORTENED = {
    f"hospital_admission_{slot}_for_investigation_not_meeting_other_criteria": (
        f"hospital_admission_{slot}_for_investigation_not_meeting_criteria"
    )
    for slot in (1, 2)
}
# What a published type may have become: where the field behind it is a yes or no, a date, a number, a text.
TYPES = {
    "text": {"text", "partial_date", "censored"},
    "integer": {"integer", "decimal"},  # ages: public cohorts give fractions
    "number": {"decimal"},
    "censored number": {"censored"},
    "date": {"date", "partial_date"},
    "category": {"code", "boolean", "text", "integer", "date"},
    "boolean": {"boolean"},
    "file": {"file"},
}


@pytest.fixture(scope="module")
def ours(dictionary: Dictionary, published: dict[str, dict[str, str]]) -> dict[str, Variable]:
    """Published name → our variable."""
    return {
        name: dictionary.variables[SHORTENED.get(name, name)]
        for name in published
        if name != "study_id"  # a key: participant_id
    }


def test_every_published_name_stands_in_the_dictionary(ours: dict[str, Variable]) -> None:
    assert len(ours) == 479


def test_published_names_keep_entity_type_and_unit(
    ours: dict[str, Variable], published: dict[str, dict[str, str]]
) -> None:
    moved = {"saliva_sample_complete": "sample"}  # the status of the form of a sample
    for name, variable in ours.items():
        theirs = published[name]
        if theirs["entity_level"] in ENTITIES:
            expected = moved.get(name, ENTITIES[theirs["entity_level"]])
            assert (name, variable.entity) == (name, expected)
        assert (name, variable.unit) == (name, theirs["unit_ucum"])
        assert variable.type in TYPES[theirs["data_type"]], name


def test_published_codes_are_kept(
    dictionary: Dictionary, ours: dict[str, Variable], published: dict[str, dict[str, str]]
) -> None:
    compared = 0
    for name, variable in ours.items():
        codes = [code.strip() for code in published[name]["codes"].split("(")[0].split(";")]
        if variable.type == "code" and "raw REDCap codes" not in codes and "..." not in codes[0]:
            compared += 1
            assert set(codes) <= set(dictionary.codes(variable.name)), name
    assert compared > 40


def test_a_raw_code_has_a_list_now_or_is_restricted(
    ours: dict[str, Variable], published: dict[str, dict[str, str]]
) -> None:
    raw = [name for name in ours if published[name]["codes"] == "raw REDCap codes"]
    assert len(raw) == 51
    for name in raw:
        assert ours[name].type != "code" or ours[name].code_list or ours[name].sensitivity == "restricted"


def test_what_a_person_wrote_and_exact_dates_are_not_open(dictionary: Dictionary) -> None:
    open_texts = {
        one.name
        for one in dictionary.variables.values()
        if one.type in {"text", "file", "date", "partial_date"} and one.sensitivity == "open"
    }
    assert open_texts == {"run_accession"}  # public in an archive


def test_decided_codes(dictionary: Dictionary) -> None:
    assert set(dictionary.codes("study_group")) == {
        "cd",
        "uc",
        "ibdu",
        "non_ibd",
        "await_dx",
        "hc",
        "control",
    }
    assert set(dictionary.codes("smoking_status")) == {"smoker", "ex_smoker", "never_smoker", "non_smoker"}
    assert set(dictionary.codes("sex")) == {"female", "male", "unknown"}


def test_every_number_has_bounds_and_every_measured_one_a_unit(dictionary: Dictionary) -> None:
    numbers = [one for one in dictionary.variables.values() if one.type in {"integer", "decimal", "censored"}]
    assert [one.name for one in numbers if one.min is None or one.max is None] == []
    plain = {one.name for one in numbers if not one.unit}
    assert plain == {
        "visit_number",
        "when_smoking_stopped",  # its unit stands in when_smoking_stopped_units
        "when_smoking_stopped_at_visit",
        "saliva_brushing",  # the form does not say per what
        *(f"cucq_{item}" for item in range(1, 33)),  # some items count days, others are steps
    }
    weight = dictionary.variables["weight"]
    assert (weight.min, weight.max, weight.unit) == (1, 300, "kg")


def test_every_code_list_and_every_label_is_used(dictionary: Dictionary) -> None:
    used = {one.code_list for one in dictionary.variables.values() if one.code_list}
    assert used == dictionary.code_lists.keys()
    assert all(one.label and one.domain for one in dictionary.variables.values())


def test_assays_name_known_formats(dictionary: Dictionary) -> None:
    for name, kind in dictionary.assays.items():
        assert set(kind.formats) <= FORMATS.keys(), name


def test_every_study_can_be_used(catalogue: Catalogue) -> None:
    assert {name: str(error) for name, error in catalogue.broken.items()} == {}
    assert {"hmp2", "prism", "risk"} <= catalogue.studies.keys()


def test_every_variable_is_used_by_a_study_or_published(
    dictionary: Dictionary, catalogue: Catalogue, published: dict[str, dict[str, str]]
) -> None:
    used = {SHORTENED.get(name, name) for name in published}
    for study in catalogue.studies.values():
        used |= study.mapping.none.keys()
        for block in study.mapping.entities.values():
            used |= block.rules.keys()
    paediatric = {name for name in dictionary.variables if name.startswith("paris_")} | {
        "pcdai_total",
        "pucai_total",
    }
    assert dictionary.variables.keys() - used - paediatric == set()


NOT_WRITTEN = {"verb", "table_files", "format", "definition"} | {
    verb.argument for verb in VERBS.values()
}  # by people


def words() -> list[str]:
    """Return every word that may stand in study.yaml or mapping.yaml."""
    study = [
        name for name in Study.model_fields if name not in {"mapping", "folder", "written_id", "settled"}
    ]
    block = [
        field.alias or name
        for name, field in EntityBlock.model_fields.items()
        if name not in {"rules", "where_reads"}
    ]
    assay = list(Assay.model_fields)
    models: list[type[BaseModel]] = [FORMATS["feature_table"], Caveat, About]
    models += [*SOURCES.values(), *VERBS.values()]
    options = [
        field.alias or name
        for model in models
        for name, field in model.model_fields.items()
        if name not in NOT_WRITTEN
    ]
    sections = ["maps", "none", "not_mapped", "keep", *get_args(Join.model_fields["cardinality"].annotation)]
    known = {*study, *block, *assay, *options, *sections, *SOURCES, *FORMATS, *VERBS, *MISSING_REASONS}
    return sorted(known | {*VARIABLE_HEADER, *SYNONYM_HEADER})


@pytest.mark.parametrize("word", words())
def test_the_readme_explains_every_word(word: str) -> None:
    text = (DICTIONARY / "README.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`([^`]*)`|^([a-z_]+):|\*\*([a-z_]+)\*\*", text, re.MULTILINE)
    spoken = {part for found in quoted for part in re.findall(r"[a-z0-9_]+", " ".join(found))}
    assert word in spoken


def test_the_version_of_the_dictionary_is_the_same_in_every_process() -> None:
    code = "from pathlib import Path; import sys; from omics_orchestrator.dictionary import load_dictionary; "
    code += "print(load_dictionary(Path(sys.argv[1])).digest_of_all)"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, str(DICTIONARY)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=WORKING_COPY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(seen) == 1
