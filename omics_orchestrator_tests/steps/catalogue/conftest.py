"""One site of the real dictionary for all tests of how the pages look: no database, made-up distributions."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary.drugs import read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.harmonise.status import STATUSES
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.catalogue import site_files
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.distribution import Cell, Distribution
from omics_orchestrator.steps.catalogue.drug_page import DrugPages
from omics_orchestrator.steps.catalogue.entries import Entries
from omics_orchestrator.steps.catalogue.held import AssayFiles, Held
from omics_orchestrator.steps.catalogue.pages import Site
from omics_orchestrator.steps.catalogue.site import write_site
from omics_orchestrator.steps.status import Status, StatusMatrix, declared_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState

CODES = Distribution(
    (Cell("Crohn's disease", 45, 100.0), Cell("Ulcerative colitis", 40, 88.9), Cell("Healthy control", None)),
    "participants",
)
RANGES = Distribution(
    (Cell("under 100", 1350, 100.0), Cell("100 to 200", 55, 4.1), Cell("200 or more", None)),
    "visits",
    "µg/g",
    ordered=True,
)
CAVEATS = """\
caveats:
  - Everybody here is invented.
  - {text: The laboratory changed its assay., about: {variables: crp}, since: 2024-12-01}
"""


def made_up(matrix: StatusMatrix) -> StatusMatrix:
    """Return the matrix of a study with every status in turn."""
    cells = {}
    for number, (place, row) in enumerate(matrix.cells.items()):
        word = STATUSES[number % 5]
        counts = {"n_value": 20 * (number % 7), "n_missing": 120 - 20 * (number % 7)}
        told = word in {"complete", "partial"}
        why = "codes that no rule names: 3" if word == "partial" else "not part of the protocol" * (not told)
        status = Status(word, why, None, counts if told else None)
        cells[place] = {**row, "demo_adult": status}
    return StatusMatrix(matrix.studies, cells)


@pytest.fixture(scope="package")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    folder = tmp_path_factory.mktemp("pages")
    dictionary = folder / "dictionary"
    shutil.copytree(WORKING_COPY / "data_dictionary", dictionary)
    study = dictionary / "studies" / "demo_adult" / "study.yaml"
    declared = study.read_text(encoding="utf-8")
    study.write_text(declared if "caveats:" in declared else declared + CAVEATS, encoding="utf-8")
    (dictionary / "studies" / "broken one").mkdir()
    (dictionary / "studies" / "broken one" / "study.yaml").write_text("study: <b>broken</b>\n")
    settings = Settings.from_environment(
        {"OMICS_HOME": str(folder / "home"), "OMICS_DICTIONARY": str(dictionary)}
    )
    workspace = Workspace(settings)
    day = datetime(2025, 3, 1, tzinfo=UTC)
    tables = {
        f"harmonised/demo_adult/{entity}": TableState("s", entity, "", rows, pa.schema([]), (), "", day)
        for entity, rows in (("participant", 121), ("visit", 291), ("sample", 403))
    }
    files = {("demo_adult", "mgx"): AssayFiles(337, 333, 4, 0)}
    held = Held(made_up(declared_matrix(workspace)), "", tables, files)
    drawn = {("demo_adult", "calprotectin"): RANGES, ("demo_adult", "study_group"): CODES}
    return Entries(workspace, held, Coarse(), drawn)


@pytest.fixture(scope="package")
def site(entries: Entries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "catalogue"
    drugs = read_drugs(entries.workspace.settings.dictionary, Problems())
    write_site(folder, site_files(Site(entries, DrugPages(drugs, {("demo_adult", "infliximab"): CODES}))))
    return folder
