"""What is extracted from every REDCap project here, by whichever way, held against the oracle.

The ways: the API (a server that serves the folder), CDISC ODM XML, downloaded CSV, the API's answers in a folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.demo.redcap_folder import load_project
from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Redcap, Source
from omics_orchestrator.sources.redcap_export import KEY, RedcapExport
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.sources.redcap_oracle import dictionary_of, expected, read_csv

PROJECTS = Path(__file__).parents[3] / "shared" / "data" / "redcap"
FOLDERS = sorted(path.name for path in (PROJECTS / "redcapr/projects").glob("*") if path.is_dir())
REPEATS = {  # which forms repeat; the project.xml of four projects says so, nothing beside data.csv does
    "multilevel-model-1": {"appointment": [""]},
    "repeating-instruments": {"bp": [""]},
    "repeating-instruments-sparse": {"bp": [""]},
    "vignette-repeating": {"blood_pressure": [""], "laboratory": [""], "image": [""]},
}
NO_ORACLE = {
    "russian": "there is no dictionary, and data.csv was written by R: row names, NA, other column names",
    "simple-write": "there is no data.csv",
}
METADATA_ONLY = {"single-column"}  # its XML holds no ClinicalData, as "Metadata only (XML)" writes it
FEWER = {  # records that data.csv has and project.xml, of another day, has not
    "arm-multiple-delete": 4,
    "arm-single-delete": 4,
}
OTHER = {  # cells that are written otherwise in data.csv
    ("simple", "FALSE"): "0: it was written by R",
    ("simple", "TRUE"): "1: it was written by R",
    ("simple", "[document]"): "the file's name: an older REDCap said so",
}
STARTED = {  # a survey that somebody began: nothing but its time, which is no field of the dictionary
    ("survey", "participant_morale_questionnaire"): {("1", "", 0, 0)},
}
BREAKS = {  # their data.csv has two blanks where the others have a line break, or a blank before a number
    "blank-for-gray-status", "multilevel-model-1", "checkboxes-1",
    "longitudinal", "metadata-write", "simple", "super-wide",
}  # fmt: skip
COMMAS = {"decimal-comma", "decimal-comma-and-dot"}  # the API is asked for decimal points


def places(path: Path, form: str, event: str) -> dict[str, list[str]] | None:
    """Form → events of an answer; None = an error object."""
    answer = json.loads(path.read_text())
    if not isinstance(answer, list):
        return None
    found: dict[str, list[str]] = {}
    for row in answer:
        found.setdefault(row[form], []).append(row.get(event) or "")
    return found


@pytest.mark.parametrize("name", ["gidamps_synthetic", "music_synthetic"])
def test_a_folder_of_answers_gives_what_the_oracle_says(
    name: str, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    path = PROJECTS / name
    if not path.is_dir():
        pytest.skip("the synthetic projects are not here")
    records: list[dict[str, Any]] = json.loads((path / "records.json").read_text())
    rows = [{column: str(cell) for column, cell in row.items()} for row in records]
    oracle = expected(
        rows,
        dictionary_of(path / "data_dictionary.csv"),
        places(path / "formEventMapping.json", "form", "unique_event_name"),
        places(path / "repeatingFormsEvents.json", "form_name", "event_name") or {},
    )
    source = RedcapExport(location=f"store+data://redcap/{name}")
    compared = 0
    for form, table in oracle.items():
        delivered = source.deliver(name, form, None, stores).data.to_pylist()
        by_key = {tuple(row[column] for column in KEY): row for row in delivered}
        assert len(by_key) == len(delivered)
        assert by_key.keys() == table.keys(), form
        for key, cells in table.items():
            assert {column: by_key[key][column] for column in cells} == cells, form
            compared += len(cells)
    with capsys.disabled():
        count = sum(map(len, oracle.values()))
        print(f"\n{name}: {len(oracle)} forms, {count} rows, {compared} cells compared, 0 exceptions")
    assert compared


def dictionary_in(folder: Path) -> Path:
    """Return the data dictionary of a folder: its name is not always the same."""
    found = list(folder.glob("dict*.csv"))
    return found[0]


def tables(source: Source, forms: list[str], stores: Stores) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return form → key → row."""
    found = {}
    for form in forms:
        rows = source.deliver("r", form, None, stores).data.to_pylist()
        found[form] = {tuple(row[column] for column in KEY): row for row in rows}
        assert len(found[form]) == len(rows)
    return found


def served(folder: Path) -> tuple[RedcapServer, Redcap, Stores]:
    SHARED.forget()
    server = RedcapServer({"T": load_project(folder)}).start()
    source = Redcap.model_validate(
        {"kind": "redcap", "url": server.url, "token": {"secret": "TOKEN"}, "requests_per_second": 1000}
    )
    return server, source, Stores(Settings.from_environment({"OMICS_HOME": "/nowhere", "TOKEN": "T"}))


def oracle_of(folder: Path) -> dict[str, dict[Any, dict[str, str]]]:
    return expected(
        read_csv(folder / "data.csv"),
        dictionary_of(dictionary_in(folder)),
        None,
        REPEATS.get(folder.name, {}),
    )


def alike(name: str, text: str) -> str:
    """Return a cell without what is known to differ between the files of a project."""
    text = " ".join(text.split()) if name in BREAKS else text
    return text.replace(",", ".") if name in COMMAS else text


def compare(
    name: str, found: dict[str, dict[Any, dict[str, Any]]], oracle: dict[str, dict[Any, dict[str, str]]]
) -> tuple[int, int]:
    """Return how many cells were compared, and how many rows only the oracle has; assert that they are equal."""
    compared, missing = 0, 0
    for form, table in oracle.items():
        assert found[form].keys() - table.keys() <= STARTED.get((name, form), set()), form
        missing += len(table.keys() - found[form].keys())
        for key, row in found[form].items():
            for column, text in table.get(key, {}).items():
                other = row.get(column, "") or ""
                if (name, text) not in OTHER:
                    assert alike(name, other) == alike(name, text), (form, column)
                compared += 1
    return compared, missing


@pytest.mark.skipif(not FOLDERS, reason="the REDCap projects are not here")
@pytest.mark.parametrize("name", FOLDERS)
def test_every_way_gives_what_the_oracle_says(
    name: str, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = PROJECTS / "redcapr/projects" / name
    place = f"store+data://redcap/redcapr/projects/{name}"
    server, api, with_token = served(folder)
    try:
        forms = server.tokens["T"].project.forms
        by_api = tables(api, forms, with_token)
    finally:
        server.stop()
    odm = RedcapExport(location=f"{place}/project.xml")
    if name in METADATA_ONLY:
        with pytest.raises(DeliveryError, match="not the metadata only"):
            tables(odm, forms, stores)
    by_odm = by_api if name in METADATA_ONLY else tables(odm, forms, stores)
    told = f"{len(forms)} forms, {sum(map(len, by_odm.values()))} rows"
    odm_against_api, more = compare(name, by_odm, texts(by_api))
    assert not more
    if name in NO_ORACLE:
        told += f"; no oracle: {NO_ORACLE[name]}"
    else:
        oracle = oracle_of(folder)
        csv = RedcapExport(location=f"{place}/data.csv")
        if name in REPEATS:
            with pytest.raises(DeliveryError, match="rows repeat"):
                tables(csv, forms, stores)
        else:
            by_csv = tables(csv, list(oracle), stores)
            compared, missing = compare(name, by_csv, oracle)
            assert not missing
            told += f", {compared} cells of CSV"
        for way, found in (("ODM", by_odm), ("API", by_api)):
            compared, missing = compare(name, found, oracle)
            assert missing == FEWER.get(name, 0), way
            told += f", {compared} of {way}"
    with capsys.disabled():
        print(f"\n{name}: {told}; ODM and API agree in {odm_against_api} cells")


def texts(found: dict[str, dict[Any, dict[str, Any]]]) -> dict[str, dict[Any, dict[str, str]]]:
    """Return the cells without keys and form status (REDCap tells 0 or blank for a form that nobody opened)."""
    return {
        form: {
            key: {
                column: text
                for column, text in row.items()
                if column not in KEY and not column.endswith("_complete")
            }
            for key, row in table.items()
        }
        for form, table in found.items()
    }
