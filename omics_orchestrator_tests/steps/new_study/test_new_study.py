"""A study is drafted whole or not at all, is valid at once, accepts no rule and holds no value."""

from __future__ import annotations

import re
import shutil

import pytest

from omics_orchestrator.errors import DeclarationError, DeliveryError
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.new_study import new_study, refuse_name
from omics_orchestrator.steps.new_study.file import from_file
from omics_orchestrator.steps.new_study.redcap import from_dictionary
from omics_orchestrator.steps.suggest.codebook import read_codebook
from omics_orchestrator_tests.installation import Installation

CLINIC = """\
patient,date,Sex,mail,crp,Consultant,CRP_2,dob_number
NC-001,2024-01-01,1,ann@example.org,0.5,Hallmark,1,7
NC-001,2024-02-01,1,ann@example.org,<0.1,Hallmark,2,8
NC-002,2024-01-01,2,bob@example.org,1.2,Itoh,3,9
NC-003,2024-01-01,2,eve@example.org,2.1,Itoh,4,9
"""
BOOK = """\
name,label,choices,unit
Sex,Sex of the patient,"1=Male; 2=Female",
crp,C-reactive protein,,mg/dL
wbc,White cells,,
"""


@pytest.fixture
def north(installation: Installation) -> Installation:
    (installation.source / "clinic.csv").write_text(CLINIC)
    (installation.source / "codes.csv").write_text(BOOK)
    return installation


def texts(installation: Installation, name: str) -> tuple[str, str]:
    folder = installation.dictionary / "studies" / name
    return tuple((folder / file).read_text() for file in ("study.yaml", "mapping.yaml"))  # type: ignore[return-value]


def test_a_file_with_its_codebook(north):
    workspace = north.workspace()
    origin = from_file("north", north.source / "clinic.csv", workspace.settings)
    draft = new_study(workspace, "north", origin, read_codebook(north.source / "codes.csv"), "clinic.csv")
    study, mapping = texts(north, "north")
    read = north.workspace().catalogue.studies["north"]
    assert read.participant_id.read("NC-077") == "NC-077"
    assert read.mapping.entities["visit"].key == ("patient", "date")
    assert not any(block.rules for block in read.mapping.entities.values())
    assert "  # sex: {recode: Sex, map: {1: male, 2: female}}    # " in mapping
    assert "  # crp: {number: crp, unit: mg/dL}    # " in mapping
    assert "direct identifier: [mail]" in mapping
    assert draft.undecided == ["Consultant", "dob_number"]
    assert "# not wanted: [Consultant, dob_number]" in mapping
    assert "the codebook tells of 2 of 8 columns" in study
    assert "in the codebook only: wbc" in study
    for value in ("ann@", "example.org", "Hallmark", "NC-001", "2024-01", "<0.1"):
        assert value not in study + mapping


def test_the_rules_are_valid_once_a_person_takes_the_mark_off(north):
    workspace = north.workspace()
    origin = from_file("north", north.source / "clinic.csv", workspace.settings)
    draft = new_study(workspace, "north", origin, read_codebook(north.source / "codes.csv"), "clinic.csv")
    file = north.dictionary / "studies" / "north" / "mapping.yaml"
    accepted, count = re.subn(r"^  # ([a-z_0-9]+: \S)", r"  \1", file.read_text(), flags=re.MULTILINE)
    file.write_text(accepted)
    read = north.workspace().catalogue.studies["north"]
    assert sum(len(block.rules) for block in read.mapping.entities.values()) == count == 2
    assert draft.ruled >= count


def test_nothing_known_is_a_valid_study_too(north):
    (north.source / "odd.csv").write_text("a,b\n1.5,2\n1.5,2\n")
    workspace = north.workspace()
    new_study(workspace, "odd", from_file("odd", north.source / "odd.csv", workspace.settings), {}, "odd.csv")
    read = north.workspace().catalogue.studies["odd"]
    assert read.mapping.entities == {}
    assert "# participant:" in texts(north, "odd")[1]


def test_every_messy_file_that_can_be_read_becomes_a_valid_study(north, shared_data):
    workspace = north.workspace()
    files = [
        one for kind in ("csv", "xlsx", "xls") for one in sorted((shared_data / "messy").rglob(f"*.{kind}"))
    ]
    made = set()
    for number, file in enumerate(files):
        name = f"messy_{number}"
        try:
            origin = from_file(name, file, workspace.settings)
        except DeliveryError:
            continue
        new_study(workspace, name, origin, {}, file.name)
        made.add(name)
    catalogue = north.workspace().catalogue
    assert not catalogue.broken
    assert made <= catalogue.studies.keys()
    assert len(made) > 20


def test_a_redcap_project_and_a_large_dictionary(installation, shared_data):
    for study in ("gidamps", "demo_child"):
        shutil.copytree(
            WORKING_COPY / "data_dictionary" / "studies" / study, installation.dictionary / "studies" / study
        )
    workspace = installation.workspace()
    folder = shared_data / "redcap"
    trial = folder / "redcapr" / "projects" / "clinical-trial-1" / "dictionary.csv"
    new_study(workspace, "trial", from_dictionary("trial", trial, workspace.settings), {}, trial.name)
    mapping = texts(installation, "trial")[1]
    assert "direct identifier: [name_last, name_first, address, phone, dob, email]" in mapping
    assert "  # sex: {recode: gender, map: {0: female, 1: male}}" in mapping
    arc = folder / "isaric_arc" / "ARC.csv"
    draft = new_study(workspace, "isaric", from_dictionary("isaric", arc, workspace.settings), {}, arc.name)
    assert draft.ruled > 20
    catalogue = installation.workspace().catalogue
    assert not catalogue.broken
    assert catalogue.studies["isaric"].participant_id.pattern == "[0-9]+"


@pytest.mark.parametrize("name", ["North", "2north", "no-rth", "", "../north", "a" * 41])
def test_names_that_are_none(installation, name):
    with pytest.raises(DeclarationError, match="is no name of a study"):
        refuse_name(installation.workspace(), name)


def test_a_study_that_is_there_stays_as_it_is(installation):
    before = texts(installation, "tiny")
    with pytest.raises(DeclarationError, match="there is such a folder already"):
        refuse_name(installation.workspace(), "tiny")
    assert texts(installation, "tiny") == before
