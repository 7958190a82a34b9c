"""MUSIC through the line, asked by the rows of its export: what became of these participants, of these visits."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from omics_orchestrator.studies import Catalogue
from omics_orchestrator_tests.data_dictionary.line import DATA, Line, stores_at
from omics_orchestrator_tests.data_dictionary.music_records import Row, house_key

HERE = DATA / "redcap" / "music_synthetic"


def people(music: Line, variable: str) -> dict[str, object]:
    """Return participant as the source writes it → value."""
    rows = music.entity("participant").table.select(["participant_id", variable]).to_pylist()
    return {row["participant_id"].removeprefix("MID-"): row[variable] for row in rows}


def of(music: Line, variable: str, rows: Iterable[Row]) -> Counter[object]:
    """Return value → how many of these participants got it."""
    found = people(music, variable)
    return Counter(found[row["study_id"]] for row in rows)


def at(music: Line, variable: str, rows: Iterable[Row]) -> Counter[object]:
    """Return value → how many of these visits got it."""
    table = music.entity("visit").table.select(["participant_id", "visit_id", variable]).to_pylist()
    found = {(row["participant_id"], row["visit_id"]): row[variable] for row in table}
    return Counter(found[house_key(row)] for row in rows)


def told(music: Line, entity: str, check: str) -> dict[str | None, int]:
    """Return variable → count, of the findings of one check."""
    return {one.subject: one.count for one in music.entity(entity).findings if one.check == check}


def changed(
    music: Line, catalogue: Catalogue, folder: Path, change: Callable[[Row], Row], field: str = ""
) -> Line:
    """Return the study's line over a copy of the export, with cells changed and perhaps a new field."""
    copy = folder / HERE.name
    shutil.copytree(HERE, copy)
    copy.chmod(0o755)
    for name in ("metadata", "records", "exportFieldNames"):
        file = copy / f"{name}.json"
        file.chmod(0o644)
        found = json.loads(file.read_text(encoding="utf-8"))
        if name == "records":
            found = [{**row, **({field: ""} if field else {}), **change(row)} for row in found]
        elif field and name == "metadata":
            found.append({**found[1], "field_name": field, "form_name": "patient_details"})
        elif field:
            found.append({"original_field_name": field, "choice_value": "", "export_field_name": field})
        file.write_text(json.dumps(found), encoding="utf-8")
    return Line(catalogue.studies["music"], music.dictionary, stores_at(folder, store="redcap"))


def at_first(cells: Row, people: Iterable[str] | None = None) -> Callable[[Row], Row]:
    """Return a change of cells of first visits, of all participants or of some."""

    def change(row: Row) -> Row:
        first = row["redcap_event_name"] == "timepoint_1_arm_1" and row["redcap_repeat_instrument"] == ""
        return cells if first and (people is None or row["study_id"] in people) else {}

    return change
