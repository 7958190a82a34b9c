"""The three demo studies go through sources and harmonising, and nothing but what was planted is found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from omics_orchestrator.demo import DemoReport
from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.findings import Finding
from omics_orchestrator.harmonise import Harmonised, harmonise
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources import Delivery
from omics_orchestrator.sources.base import admits
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies import Study, load_studies

DICTIONARY = WORKING_COPY / "data_dictionary"
STUDIES = ("demo_adult", "demo_child", "demo_registry")
CHECKS = {"unknown_code": "codes", "out_of_bounds": "bounds", "duplicate_id": "conflicts"}


@dataclass
class Line:
    """One study, harmonised."""

    study: Study
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    entities: dict[str, Harmonised] = field(default_factory=dict)

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        found = [(e, finding) for e, harmonised in self.entities.items() for finding in harmonised.findings]
        found += [("raw", finding) for delivery in self.deliveries.values() for finding in delivery.findings]
        return [(entity, finding) for entity, finding in found if finding.severity != "note"]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load_dictionary(DICTIONARY)


@pytest.fixture(scope="module")
def lines(demo: DemoReport, stores: Stores, dictionary: Dictionary) -> dict[str, Line]:
    catalogue = load_studies(DICTIONARY, dictionary)
    return {name: follow(catalogue.studies[name], dictionary, stores) for name in STUDIES}


def follow(study: Study, dictionary: Dictionary, stores: Stores) -> Line:
    line = Line(study)
    for (source, table), admitted in study.raw_tables().items():
        line.deliveries[f"{source}.{table}"] = study.sources[source].deliver(source, table, admitted, stores)
    for entity in ("participant", "visit", "sample"):
        raw = {table: line.deliveries[table].data for table in study.mapping.entities[entity].tables()}
        known = line.entities.get("participant")
        line.entities[entity] = harmonise(study, entity, dictionary, raw, known and known.table)
    return line


@pytest.mark.parametrize("name", STUDIES)
def test_only_the_planted_is_found(demo, lines, name):
    line = lines[name]
    found = {(f"harmonised/{name}/{e}", f.check, f.subject, f.count) for e, f in line.findings}
    planted = {
        (f.asset, CHECKS[f.kind], f.subject, f.count)
        for f in demo.faults
        if f.study == name and f.kind in CHECKS
    }
    assert found == planted
    assert len(planted) == 1


@pytest.mark.parametrize("name", STUDIES)
def test_every_column_is_mapped_or_listed(lines, name):
    study = lines[name].study
    for (source, table), admitted in study.raw_tables().items():
        known = admits([*admitted, *study.mapping.listed()])
        assert [
            column for column in lines[name].deliveries[f"{source}.{table}"].seen if not known(column)
        ] == []


@pytest.mark.parametrize("name", STUDIES)
def test_direct_identifiers_are_not_delivered(lines, name):
    columns = {
        column for delivery in lines[name].deliveries.values() for column in delivery.data.column_names
    }
    assert not columns & {"initials", "dob", "email", "birth_month", "Name", "comment"}


@pytest.mark.parametrize("name", STUDIES)
def test_keys_refer(demo, lines, name):
    tables = {entity: harmonised.table for entity, harmonised in lines[name].entities.items()}
    assert tables["participant"].num_rows == demo.participants[name]
    persons = set(tables["participant"]["participant_id"].to_pylist())
    visits = set(zip(*(tables["visit"][c].to_pylist() for c in ("participant_id", "visit_id")), strict=True))
    assert {person for person, _ in visits} == persons
    taken_at = set(
        zip(*(tables["sample"][c].to_pylist() for c in ("participant_id", "visit_id")), strict=True)
    )
    assert taken_at <= visits


def test_one_coding_for_three_studies(lines):
    groups = {
        name: set(line.entities["participant"].table["study_group"].to_pylist())
        for name, line in lines.items()
    }
    assert groups["demo_adult"] == {"cd", "uc", "ibdu", "non_ibd", "hc"}
    assert groups["demo_child"] == {"cd", "uc", "ibdu", "non_ibd"}
    assert groups["demo_registry"] == {"cd", "uc", "ibdu", "hc"}
    for line in lines.values():
        visits = line.entities["visit"].table
        median = sorted(value for value in visits["haemoglobin"].to_pylist() if value is not None)
        assert 120 < median[len(median) // 2] < 145
        heights = [value for value in visits["height"].to_pylist() if value is not None]
        assert 90 < min(heights) < max(heights) < 210


@pytest.mark.parametrize("name", STUDIES)
def test_every_file_finds_its_sample_but_the_planted(demo, lines, name):
    line = lines[name]
    samples = set(line.entities["sample"].table["sample_id"].to_pylist())
    strangers = set()
    for assay in line.study.assays.values():
        if isinstance(assay.link, str):
            folder = demo.folder / assay.location.removeprefix("store+demo://")
            for file in folder.iterdir():
                match = re.fullmatch(assay.link, file.name)
                assert match, "the link does not fit a file name"
                strangers |= {file.name} if match["sample"] not in samples else set()
    planted = [fault for fault in demo.faults if fault.study == name and fault.kind == "unknown_sample"]
    assert len(strangers) == sum(fault.count for fault in planted)
    assert {fault.subject for fault in planted} <= strangers
