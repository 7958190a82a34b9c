"""variables.csv, code_lists.csv, units.csv, assays.yaml and the README that explains them."""

from __future__ import annotations

import csv
import re
from typing import get_args

import pytest

from omics_orchestrator.dictionary import MISSING_REASONS, Dictionary
from omics_orchestrator.formats import FORMATS
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources import SOURCES
from omics_orchestrator.studies import Assay, Catalogue, EntityBlock, Join, Study
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


def test_published_names_keep_entity_and_unit(
    dictionary: Dictionary, published: dict[str, dict[str, str]]
) -> None:
    shared = dictionary.variables.keys() & published.keys()
    assert len(shared) > 60
    for name in shared:
        ours, theirs = dictionary.variables[name], published[name]
        if theirs["entity_level"] in ENTITIES:
            assert (name, ours.entity) == (name, ENTITIES[theirs["entity_level"]])
        assert (name, ours.unit) == (name, theirs["unit_ucum"])


def test_published_codes_are_kept(dictionary: Dictionary, published: dict[str, dict[str, str]]) -> None:
    for name in (
        "study_group",
        "sex",
        "smoking_status",
        "montreal_cd_behaviour",
        "physician_global_assessment",
    ):
        codes = {code.strip() for code in published[name]["codes"].split(";")}
        assert codes <= set(dictionary.codes(name)), name


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
    used = set(published)
    for study in catalogue.studies.values():
        used |= study.mapping.none.keys()
        for block in study.mapping.entities.values():
            used |= block.rules.keys()
    paediatric = {name for name in dictionary.variables if name.startswith("paris_")} | {
        "pcdai_total",
        "pucai_total",
    }
    assert dictionary.variables.keys() - used - paediatric == set()


def words() -> list[str]:
    """Return every word that may stand in study.yaml or mapping.yaml."""
    study = [name for name in Study.model_fields if name not in {"mapping", "folder"}]
    block = [
        field.alias or name
        for name, field in EntityBlock.model_fields.items()
        if name not in {"rules", "where_reads"}
    ]
    assay = list(Assay.model_fields)
    options = [
        field.alias or name
        for model in (*SOURCES.values(), FORMATS["feature_table"], *VERBS.values())
        for name, field in model.model_fields.items()
        if name not in {"verb", "table_files", "columns", "parts", "cases", "value", "expression", "format"}
    ]
    sections = ["maps", "none", "not_mapped", "keep", *get_args(Join.model_fields["cardinality"].annotation)]
    return sorted({*study, *block, *assay, *options, *sections, *SOURCES, *FORMATS, *VERBS, *MISSING_REASONS})


@pytest.mark.parametrize("word", words())
def test_the_readme_explains_every_word(word: str) -> None:
    text = (DICTIONARY / "README.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`([^`]*)`|^([a-z_]+):|\*\*([a-z_]+)\*\*", text, re.MULTILINE)
    spoken = {part for found in quoted for part in re.findall(r"[a-z0-9_]+", " ".join(found))}
    assert word in spoken
