"""The flat rows of content=record: which rows and columns a request gets, and how REDCap words a cell nobody filled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from omics_orchestrator.demo.redcap_store import Key, RedcapProject, Rights

Window = tuple[datetime | None, datetime | None]
FREE_TEXT = ("text", "notes", "file")  # a de-identified export leaves these out unless they are validated
NAMED = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")


class Column(NamedTuple):
    """One column of an answer: its form and what an untouched cell shows where the form belongs."""

    name: str
    form: str
    untouched: str = ""


def flat_rows(
    project: RedcapProject,
    rights: Rights,
    asked: Mapping[str, str],
    wanted: Mapping[str, Sequence[str]],
    window: Window,
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows.

    Args:
        project: the project.
        rights: of the user.
        asked: the request's parameters.
        wanted: records, fields, forms and events that are asked for; an empty list asks for all.
        window: only rows of records that were touched between these times of the server.
    """
    columns = list(_columns(project, rights, asked, wanted))
    with_id = not (wanted["fields"] or wanted["forms"]) or project.id_field in wanted["fields"]
    forms = {column.form for column in columns}
    extra = _extra(project, rights, asked)
    header = [*([project.id_field] if with_id else []), *extra, *(column.name for column in columns)]
    places = Places(project)
    rows = []
    for key in _keys(project, rights, wanted, window):
        if not (key.instrument in forms if key.instrument else with_id or forms & places.here(key)):
            continue
        cells = project.rows[key]
        told = [_id(key.record, rights)] if with_id else []
        told += [_about(project, key, name) for name in extra]
        belongs = places.here(key)
        told += [cells.get(c.name) or (c.untouched if c.form in belongs else "") for c in columns]
        rows.append(told)
    return header, rows


class Places:
    """Which forms belong to a row, looked up once per kind of row."""

    def __init__(self, project: RedcapProject) -> None:
        self.project = project
        self._known: dict[tuple[str, str], set[str]] = {}

    def here(self, key: Key) -> set[str]:
        """Return the forms whose cells a row holds."""
        if key.instrument:
            return {key.instrument}
        place = (key.event, "")
        if place not in self._known:
            forms = self.project.forms_of(key.event)
            self._known[place] = {form for form in forms if not self.project.repeating(form, key.event)}
        return self._known[place]


def _keys(
    project: RedcapProject, rights: Rights, wanted: Mapping[str, Sequence[str]], window: Window
) -> Iterator[Key]:
    """Yield the keys of the rows, record by record, event by event, the repeats after their event's row."""
    records, events = set(wanted["records"]), set(wanted["events"])
    touched = project.touched(*window) if any(window) else None
    places = {record: place for place, record in enumerate(project.records())}
    order = {str(one["unique_event_name"]): place for place, one in enumerate(project.events)}
    forms = {form: place for place, form in enumerate(project.forms)}

    def rank(key: Key) -> tuple[int, int, int, int]:
        form = forms.get(key.instrument, -1)
        return places[key.record], order.get(key.event, -1), form, key.instance

    for key in sorted(project.rows, key=rank):
        shown = _id(key.record, rights)
        if (records and shown not in records and key.record not in records) or (
            events and key.event not in events
        ):
            continue
        if touched is not None and key.record not in touched:
            continue
        if not rights.dag or project.groups.get(key.record) == rights.dag:
            yield key


def _columns(
    project: RedcapProject, rights: Rights, asked: Mapping[str, str], wanted: Mapping[str, Sequence[str]]
) -> Iterator[Column]:
    fields, forms = set(wanted["fields"]), set(wanted["forms"])
    everything = not (fields or forms)
    blank = asked.get("exportBlankForGrayFormStatus") == "true"
    for form in project.forms:
        if form in rights.hidden_forms:
            continue
        if (
            form in project.surveys
            and asked.get("exportSurveyFields") == "true"
            and (everything or form in forms or f"{form}_complete" in fields)
        ):
            yield Column(f"{form}_timestamp", form)
        for entry in (one for one in project.metadata[1:] if one["form_name"] == form):
            if not (everything or form in forms or entry["field_name"] in fields) or _withheld(entry, rights):
                continue
            untouched = "0" if entry["field_type"] == "checkbox" else ""
            yield from (Column(name, form, untouched) for _, name in project.columns(entry))
        if everything or form in forms or f"{form}_complete" in fields:
            yield Column(f"{form}_complete", form, "" if blank else "0")


def _withheld(entry: Mapping[str, str], rights: Rights) -> bool:
    """Tell whether the user's right to export leaves the field out."""
    if rights.export == "full":
        return False
    validated = entry["text_validation_type_or_show_slider_number"]
    free = entry["field_type"] in FREE_TEXT and not validated
    return entry["identifier"] == "y" or (rights.export == "deidentified" and free)


def _extra(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> list[str]:
    found = [NAMED[0]] if project.longitudinal else []
    found += NAMED[1:] if project.repeats else ()
    if project.dags and not rights.dag and asked.get("exportDataAccessGroups") == "true":
        found.append("redcap_data_access_group")
    if project.surveys and asked.get("exportSurveyFields") == "true":
        found.append("redcap_survey_identifier")
    return found


def _about(project: RedcapProject, key: Key, name: str) -> str:
    match name:
        case "redcap_event_name":
            return key.event
        case "redcap_repeat_instrument":
            return key.instrument
        case "redcap_repeat_instance":
            return str(key.instance or "")
        case "redcap_data_access_group":
            return project.groups.get(key.record, "")
    return project.rows[key].get(name, "")


def _id(record: str, rights: Rights) -> str:
    """Return the record id as the user sees it."""
    return hashlib.md5(record.encode(), usedforsecurity=False).hexdigest() if rights.hashed else record
