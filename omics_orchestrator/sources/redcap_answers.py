"""What lies in a folder of a REDCap project, as the answers of its API: JSON, CDISC ODM XML, or downloaded CSV.

Which of them it is, the files themselves tell; what was found is a decision on the asset's page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import redcap_csv
from omics_orchestrator.sources.base import expand
from omics_orchestrator.sources.redcap_odm import is_odm, read_odm
from omics_orchestrator.storage.objects import Stores

Rows = list[dict[str, Any]]
HEAD = 4096
NEEDED = (
    "records.json, metadata.json (or data_dictionary.csv) and exportFieldNames.json; or project.xml (CDISC ODM); "
    "or the records and the data dictionary as CSV"
)
NEEDED_ANSWERS = ("metadata", "records", "exportFieldNames")
SMALL = ("exportFieldNames", "formEventMapping", "repeatingFormsEvents", "project")


@dataclass
class Files:
    """The files at a location, by name; of a folder those in it, not below.

    Attributes:
        stores: where to read.
        location: a folder ending in `/`, or one file.
        names: file name → location.
    """

    stores: Stores
    location: str
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = self.location[: self.location.rindex("/") + 1]
        for _, found in expand(folder, self.stores, missing_ok=True):
            key = folder.split("://", 1)[1]
            name = found.key.removeprefix(key)
            if "/" not in name:
                self.names[name] = folder + name

    def read(self, name: str) -> bytes | None:
        """Return a file, or None where there is none."""
        if name not in self.names:
            return None
        store, key = self.stores.resolve(self.names[name])
        return store.get(key)

    def head(self, name: str) -> bytes:
        """Return the first bytes of a file."""
        store, key = self.stores.resolve(self.names[name])
        found = store.head(key)
        return store.read_range(key, 0, min(HEAD, found.size)) if found and found.size else b""

    def ending(self, suffix: str) -> list[str]:
        """Return the names that end so, the one that the location itself names alone where it names one."""
        wanted = self.location.rsplit("/", 1)[1]
        return [name for name in sorted(self.names) if name.lower().endswith(suffix) and wanted in {"", name}]


def answers_at(location: str, stores: Stores) -> tuple[dict[str, Any], str]:
    """Return content → answer, and of which kind the files are.

    Raises:
        DeliveryError: no project lies there, several do, or a file is not whole.
    """
    files = Files(stores, location)
    if location.endswith("/") and "records.json" in files.names:
        return _from_json(files), "JSON answers of the API"
    if documents := [name for name in files.ending(".xml") if is_odm(files.head(name))]:
        name = _one(documents, "project.xml", "CDISC ODM files")
        return read_odm(files.read(name) or b""), "CDISC ODM"
    if files.ending(".csv"):
        return _from_csv(files), "CSV export"
    raise DeliveryError(f"no REDCap project lies there: needed are {NEEDED}")


def _from_json(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = {name: _json(files, name) for name in ("metadata", "records", *SMALL)}
    if not found["metadata"] and (blob := files.read("data_dictionary.csv")) is not None:
        found["metadata"] = redcap_csv.dictionary_of(blob)
    return found


def _json(files: Files, content: str) -> Any:
    """Return one answer of the API; None = not there, or an error object ("not in this kind of project")."""
    blob = files.read(f"{content}.json")
    try:
        answer = None if blob is None else json.loads(blob)
    except (ValueError, RecursionError):
        raise DeliveryError(
            f"{content}.json is no whole JSON in UTF-8: write the API's answer into it again", retry=True
        ) from None
    if content in NEEDED_ANSWERS and isinstance(answer, dict):
        raise DeliveryError(
            f"{content}.json holds no rows but one object, as REDCap answers when it refuses: look into it"
        )
    if content == "project":
        return answer if isinstance(answer, dict) and "error" not in answer else None
    return answer if isinstance(answer, list) else None


def _from_csv(files: Files) -> dict[str, Any]:
    tables = {name: files.head(name) for name in sorted(files.names) if name.lower().endswith(".csv")}
    dictionaries = [name for name, head in tables.items() if redcap_csv.is_dictionary(head)]
    if not dictionaries:
        raise DeliveryError(
            "no data dictionary lies in the folder, that is a CSV whose first header is 'Variable / Field Name' or "
            "'field_name': download it from REDCap into the folder of the records"
        )
    chosen = _one(dictionaries, "data_dictionary.csv", "data dictionaries", "dictionary.csv")
    metadata = [redcap_csv.plain(row) for row in redcap_csv.dictionary_of(files.read(chosen) or b"")]
    if not metadata:
        raise DeliveryError("the data dictionary names no field")
    found = {name: _json(files, name) or _csv(files, name) for name in SMALL}
    others = [
        name
        for name in files.ending(".csv")
        if name not in dictionaries and name.removesuffix(".csv") not in SMALL
    ]
    own = [name for name in others if _begins_with(tables[name], metadata[0]["field_name"])]
    records_file = _one(own or others, "data.csv", "CSV files that could be the records", "records.csv")
    records = redcap_csv.records_of(files.read(records_file) or b"", metadata)
    if found["repeatingFormsEvents"] is None and redcap_csv.declares_no_repeats(records):
        message = "rows repeat, and no file says which forms do: export 'Metadata & data (XML)' in their place, or put"
        raise DeliveryError(f"{message} the API's answer repeatingFormsEvents.json (or .csv) beside them")
    header = list(records[0]) if records else []
    names = found["exportFieldNames"] or redcap_csv.names_of(metadata, header)
    return {**found, "metadata": metadata, "records": records, "exportFieldNames": names}


def _csv(files: Files, content: str) -> Any:
    blob = files.read(f"{content}.csv")
    rows = None if blob is None else redcap_csv.dicts_of(blob, content)
    if content == "project":
        return rows[0] if rows else None
    return rows


def _begins_with(head: bytes, name: str) -> bool:
    line = head.decode("utf-8-sig", "replace").splitlines()[:1]
    return name in [cell.strip(' "') for cell in line[0].split(",")] if line else False


def _one(names: list[str], usual: str, what: str, other: str = "") -> str:
    """Return the one file, or the one that bears a usual name."""
    for name in (usual, other):
        if name in names:
            return name
    if not names:
        raise DeliveryError(f"no {usual} lies there: export it from REDCap into the folder", retry=True)
    if len(names) != 1:
        raise DeliveryError(f"{len(names)} {what} lie there: name one, as in location: …/{usual}")
    return names[0]
