"""Writes a REDCap project as its API would give it: the layout that the source `redcap_export` reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omics_orchestrator.demo.redcap_store import METADATA

HEADINGS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?",
    "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment",
    "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
CLASSIC = {"error": "You cannot export this for classic projects"}


@dataclass(frozen=True)
class Field:
    """One field of the data dictionary; `choices` are `code, label | …`, or the formula of a calc field."""

    name: str
    form: str
    kind: str = "text"
    choices: str = ""
    identifier: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """Code → column of an export; a field that is no checkbox has one column, under ''."""
        if self.kind != "checkbox":
            return {"": self.name}
        codes = [choice.split(",")[0].strip() for choice in self.choices.split("|")]
        return {code: f"{self.name}___{code}" for code in codes}


@dataclass(frozen=True)
class Row:
    """One row of the export; `values` by field (the ticked codes of a checkbox joined by blanks)."""

    record: str
    values: Mapping[str, str]
    event: str = ""
    form: str = ""
    """The repeating form that the row belongs to, '' for any other row."""
    instance: int = 0


@dataclass(frozen=True)
class Project:
    """A REDCap project: fields in the order of their forms; event → forms used there (none = classic)."""

    title: str
    fields: Sequence[Field]
    rows: Sequence[Row]
    repeating: frozenset[str] = frozenset()
    events: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def forms(self) -> list[str]:
        """The instruments."""
        return list(dict.fromkeys(entry.form for entry in self.fields))

    def files(self) -> dict[str, bytes]:
        """Return file name → content."""
        metadata = [self._entry(entry) for entry in self.fields]
        answers: dict[str, object] = {
            "project": self._project(),
            "instruments": [
                {"instrument_name": form, "instrument_label": _label(form)} for form in self.forms
            ],
            "metadata": metadata,
            "exportFieldNames": self._names(),
            "events": [{"event_name": _label(e), "arm_num": 1, "unique_event_name": e} for e in self.events]
            or CLASSIC,
            "formEventMapping": [
                {"arm_num": 1, "unique_event_name": event, "form": form}
                for event, forms in self.events.items()
                for form in forms
            ]
            or CLASSIC,
            "repeatingFormsEvents": self._repeats(),
            "records": [self._record(row) for row in self.rows],
        }
        files = {
            f"{name}.json": json.dumps(answer, separators=(",", ":")).encode()
            for name, answer in answers.items()
        }
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(HEADINGS)
        writer.writerows(entry.values() for entry in metadata)
        return files | {"data_dictionary.csv": text.getvalue().encode()}

    def _project(self) -> dict[str, str | int]:
        return {
            "project_title": self.title,
            "is_longitudinal": int(bool(self.events)),
            "has_repeating_instruments_or_events": int(bool(self.repeating)),
            "missing_data_codes": "",
        }

    def _entry(self, entry: Field) -> dict[str, str]:
        known = {
            "field_name": entry.name,
            "form_name": entry.form,
            "field_type": entry.kind,
            "field_label": _label(entry.name),
            "select_choices_or_calculations": entry.choices,
            "identifier": "y" if entry.identifier else "",
        }
        return {name: known.get(name, "") for name in METADATA}

    def _names(self) -> list[dict[str, str]]:
        names = [
            {"original_field_name": entry.name, "choice_value": code, "export_field_name": column}
            for entry in self.fields
            for code, column in entry.columns.items()
        ]
        status = [f"{form}_complete" for form in self.forms]
        return names + [
            {"original_field_name": s, "choice_value": "", "export_field_name": s} for s in status
        ]

    def _repeats(self) -> list[dict[str, str]]:
        if not self.events:
            return [{"form_name": form, "custom_form_label": ""} for form in sorted(self.repeating)]
        return [
            {"event_name": event, "form_name": form, "custom_form_label": ""}
            for event, forms in self.events.items()
            for form in forms
            if form in self.repeating
        ]

    def _record(self, row: Row) -> dict[str, str | int]:
        """Return one row with every column; a form never opened shows unticked boxes and the status 0."""
        record: dict[str, str | int] = {self.fields[0].name: row.record}
        if self.events:
            record["redcap_event_name"] = row.event
        record |= {"redcap_repeat_instrument": row.form, "redcap_repeat_instance": row.instance or ""}
        here = (
            [row.form]
            if row.form
            else [f for f in self.events.get(row.event, self.forms) if f not in self.repeating]
        )
        for form in self.forms:
            fields = [entry for entry in self.fields[1:] if entry.form == form]
            for entry in fields:
                record |= self._cells(entry, row.values.get(entry.name, ""), belongs=form in here)
            opened = any(row.values.get(entry.name) for entry in fields)
            record[f"{form}_complete"] = "" if form not in here else "2" if opened else "0"
        return record

    @staticmethod
    def _cells(entry: Field, value: str, *, belongs: bool) -> dict[str, str]:
        if entry.kind != "checkbox":
            return {entry.name: value}
        ticked = value.split()
        return {column: str(int(code in ticked)) if belongs else "" for code, column in entry.columns.items()}


def fields(form: str, names: str = "", **choices: str) -> list[Field]:
    """Return text fields by name, and radio fields by name with their choices, of one form."""
    return [Field(name, form) for name in names.split()] + [
        Field(n, form, "radio", c) for n, c in choices.items()
    ]


def _label(name: str) -> str:
    return name.replace("_arm_1", "").replace("_", " ").capitalize()
