"""Opens a folder as a project of the demo server: `project.xml`, else a dictionary and records (CSV or JSON)."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from omics_orchestrator.demo.redcap_store import METADATA, RedcapProject, rows_of
from omics_orchestrator.demo.redcap_xml import read_xml

DICTIONARIES = ("data_dictionary.csv", "dictionary.csv", "metadata.csv")


def load_project(folder: Path) -> RedcapProject:
    """Return the project in a folder.

    Raises:
        FileNotFoundError: it holds neither `project.xml`, `metadata.json` nor a dictionary.
    """
    if (folder / "metadata.json").is_file() or (folder / "records.json").is_file():
        return _from_answers(folder)
    if (folder / "project.xml").is_file():
        return read_xml(folder / "project.xml")
    for name in DICTIONARIES:
        if (folder / name).is_file():
            return _from_tables(folder, folder / name)
    raise FileNotFoundError(f"{folder}: no project.xml, metadata.json or {' or '.join(DICTIONARIES)}")


def _from_answers(folder: Path) -> RedcapProject:
    """Open what REDCap's API answers, one JSON file per content; an error object stands for nothing."""
    metadata = _json(folder / "metadata.json") or _dictionary(folder / "data_dictionary.csv")
    info = _json(folder / "project.json")
    project = RedcapProject(metadata, info=info if isinstance(info, dict) and "error" not in info else {})
    mapping = _list(folder / "formEventMapping.json")
    project.events, project.mapping = _list(folder / "event.json") or _list(folder / "events.json"), mapping
    project.repeats = _list(folder / "repeatingFormsEvents.json")
    records = _list(folder / "records.json")
    project.rows = rows_of(records, project.id_field)
    _groups(project, records)
    return project


def _from_tables(folder: Path, dictionary: Path) -> RedcapProject:
    """Open a downloaded dictionary and `data.csv`; what repeats is declared nowhere there, so nothing does."""
    project = RedcapProject(_dictionary(dictionary))
    with (folder / "data.csv").open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    project.rows = rows_of(records, project.id_field)
    _groups(project, records)
    return project


def _groups(project: RedcapProject, records: list[dict[str, Any]]) -> None:
    for row in records:
        if name := row.get("redcap_data_access_group"):
            project.groups[str(row[project.id_field])] = name
            project.dags.setdefault(name, name)


def _dictionary(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    return [dict(zip(METADATA, [*row, *[""] * len(METADATA)], strict=False)) for row in rows[1:]]


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _list(file: Path) -> list[dict[str, Any]]:
    found = _json(file)
    return found if isinstance(found, list) else []
