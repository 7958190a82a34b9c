"""A REDCap project as its API describes it: fields, forms, events, repeats and the flat records."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_answers import NEEDED, NEEDED_ANSWERS, answers_at
from omics_orchestrator.sources.redcap_sides import choices_of
from omics_orchestrator.storage.objects import Stores

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class FieldEntry:
    """One field of the data dictionary, and the columns it has in an export (several for a checkbox)."""

    name: str
    form: str
    kind: str
    label: str
    choices: str
    columns: tuple[str, ...]
    identifier: str = ""
    validation: str = ""

    def about(self) -> dict[str, str]:
        """Return what may be said of its columns: type, label, choices, identifier flag, validation."""
        words = {"field_type": self.kind, "label": self.label, "choices": self.choices}
        words |= {"identifier": self.identifier, "validation": self.validation}
        return {word: text for word, text in words.items() if text}


@dataclass(frozen=True)
class Project:
    """A REDCap project.

    Attributes:
        fields: in their order; the first is the record id.
        form_events: form → its events; None = a classic project.
        repeating_forms: form → the events where it repeats ('' in a classic project).
        records: the flat export, all text.
        decisions: counts for the asset's page.
        metadata: the data dictionary as delivered, a row per field.
        missing_codes: code → label of the codes for missing data, which may stand in any field.
    """

    fields: tuple[FieldEntry, ...]
    form_events: dict[str, list[str]] | None
    repeating_forms: dict[str, list[str]]
    records: pa.Table
    decisions: dict[str, str]
    metadata: tuple[dict[str, Any], ...] = ()
    missing_codes: dict[str, str] = field(default_factory=dict)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The instruments, in their order."""
        return tuple(dict.fromkeys(field.form for field in self.fields))

    def columns(self, form: str) -> tuple[str, ...]:
        """Return the columns of one instrument, the record id left out (it is part of the key)."""
        names = [column for field in self.fields[1:] if field.form == form for column in field.columns]
        extra = ("redcap_data_access_group", f"{form}_timestamp", f"{form}_complete")
        present = set(self.records.column_names)
        return tuple(column for column in dict.fromkeys([*names, *extra]) if column in present)

    @cached_property
    def strays(self) -> tuple[str, ...]:
        """The columns of the export that no instrument has: the metadata are of another day than the records."""
        known = {self.fields[0].name, *(column for form in self.forms for column in self.columns(form))}
        known |= {column for column in self.records.column_names if column.startswith("redcap_")}
        return tuple(column for column in self.records.column_names if column not in known)

    @cached_property
    def field_of(self) -> dict[str, FieldEntry]:
        """Export column → its field; the columns that REDCap adds itself have none."""
        return {column: field for field in self.fields for column in field.columns}

    @cached_property
    def record_id(self) -> pa.ChunkedArray:
        """The record id of each row; its field is the first of the metadata, whatever its name."""
        return self.records[self.fields[0].name]

    @cached_property
    def event(self) -> pa.ChunkedArray:
        """The unique event name of each row, '' in a classic project."""
        return self._column("redcap_event_name")

    @cached_property
    def repeat_instrument(self) -> pa.ChunkedArray:
        """The repeating form that a row belongs to, '' for any other row."""
        return self._column("redcap_repeat_instrument")

    @cached_property
    def repeat_instance(self) -> pa.ChunkedArray:
        """The number of the repeat (form or event), 0 = not repeating."""
        text = self._column("redcap_repeat_instance")
        try:
            return pc.if_else(pc.equal(text, ""), "0", text).cast(pa.int64())
        except pa.ArrowInvalid:  # its message would hold the cell
            raise DeliveryError("redcap_repeat_instance holds something that is no number") from None

    def _column(self, name: str) -> pa.ChunkedArray:
        if name in self.records.column_names:
            return self.records[name]
        return pa.chunked_array([pa.array([""] * self.records.num_rows, pa.string())])


@lru_cache(maxsize=2)
def read_project(location: str, signature: str, stores: Stores) -> Project:
    """Return the project in a folder, read once for all its instruments (`signature` changes with the files).

    Raises:
        DeliveryError: an answer is missing, no JSON, or not shaped as REDCap's.
    """
    del signature
    try:
        return _read(location, stores)
    except (KeyError, TypeError, AttributeError):
        raise DeliveryError(
            "an answer is not shaped as REDCap's: a row lacks what it must have, or a cell holds several: export it"
        ) from None


def _read(location: str, stores: Stores) -> Project:
    answers, form = answers_at(location, stores)
    metadata, names, records = (answers[word] for word in ("metadata", "exportFieldNames", "records"))
    if not (metadata and names) or records is None:
        lacking = [
            word for word in NEEDED_ANSWERS if not answers[word] and (word != "records" or records is None)
        ]
        raise DeliveryError(f"of {', '.join(lacking)} nothing is there, and a REDCap folder needs {NEEDED}")
    mapping, repeats = answers["formEventMapping"], answers["repeatingFormsEvents"] or []
    fields = _fields(metadata, names)
    table = _as_table(records, fields)
    if blank := pc.sum(pc.equal(table[fields[0].name], "")).as_py():
        raise DeliveryError(f"{blank} of the records bear no record id ({fields[0].name}): export them again")
    return Project(
        fields=fields,
        form_events=None if mapping is None else _grouped(mapping, "form", "unique_event_name"),
        repeating_forms=_grouped(repeats, "form_name", "event_name"),
        records=table,
        decisions={
            "format": form,
            "project": "longitudinal" if "redcap_event_name" in table.column_names else "classic",
            "export rows": str(len(records)),
        },
        metadata=tuple(metadata),
        missing_codes=choices_of(str((answers["project"] or {}).get("missing_data_codes") or ""))[0],
    )


def _fields(metadata: Rows, names: Rows) -> tuple[FieldEntry, ...]:
    """Return the fields; a file field has a column although the export's names leave it out."""
    exports: dict[str, list[str]] = {}
    for row in names:
        exports.setdefault(row["original_field_name"], []).append(row["export_field_name"])
    return tuple(
        FieldEntry(
            name=row["field_name"],
            form=row["form_name"],
            kind=row["field_type"],
            label=row["field_label"],
            choices=row["select_choices_or_calculations"],
            columns=tuple(exports.get(row["field_name"], [row["field_name"]])),
            identifier=str(row.get("identifier") or ""),
            validation=str(row.get("text_validation_type_or_show_slider_number") or ""),
        )
        for row in metadata
    )


def _grouped(rows: Rows, name: str, event: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.get(name) or "", []).append(row.get(event) or "")
    return groups


def _as_table(records: Rows, fields: tuple[FieldEntry, ...]) -> pa.Table:
    """Return the records as text columns; a row that lacks a column is blank there.

    Where nobody was recorded yet, the columns are those of the dictionary.
    """
    names = dict.fromkeys([fields[0].name, *(name for row in records for name in row)])
    if not records:
        names |= dict.fromkeys(column for field in fields for column in field.columns)
    return pa.table(
        {name: pa.array([_text(row.get(name)) for row in records], pa.string()) for name in names}
    )


def _text(value: object) -> str:
    if isinstance(value, list | dict):
        raise TypeError
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return (
        text if text.isascii() else text.encode("utf-8", "replace").decode()
    )  # half a surrogate pair is no text
