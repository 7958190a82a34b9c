"""What the demo server answers to a request: one function per `content`, worded as REDCap words it.

The rows of content=record are chosen in redcap_rows.py; HTTP and faults are the business of redcap_server.py.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from omics_orchestrator.demo.redcap_rows import flat_rows
from omics_orchestrator.demo.redcap_store import LOCAL, METADATA, RedcapProject, Rights
from omics_orchestrator.demo.redcap_wording import worded

VERSION = "14.7.3"
TYPES = {
    "json": "application/json; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
}
CLASSIC = "You cannot export {} for classic projects"


class Refused(Exception):
    """A request that REDCap refuses, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """Status, content type, body and how many cells it holds."""

    status: int
    type: str
    body: bytes
    cells: int = 0


def answer(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    """Return the answer to one request.

    Args:
        project: the project of the token.
        rights: what the token's user may do.
        asked: the request's parameters.
    """
    content = asked.get("content", "")
    try:
        if content not in CONTENTS:
            raise Refused(400, 'The value of the parameter "content" is not valid')
        with project.lock:
            return CONTENTS[content](project, rights, asked)
    except Refused as error:
        return refusal(error.status, str(error), asked)


def refusal(status: int, message: str, asked: Mapping[str, str]) -> Answer:
    """Return an error in the format that was asked for; XML is the default."""
    kind = asked.get("returnFormat") or "xml"
    if kind == "json":
        return Answer(status, TYPES["json"], json.dumps({"error": message}).encode())
    if kind == "csv":
        return Answer(status, TYPES["csv"], f"ERROR: {message}".encode())
    text = f'<?xml version="1.0" encoding="UTF-8" ?><hash><error>{escape(message)}</error></hash>'
    return Answer(status, TYPES["xml"], text.encode())


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], asked: Mapping[str, str]) -> Answer:
    kind, found = asked.get("format", "xml"), list(rows)
    cells = len(found) * len(columns)
    if kind == "json":
        told = [dict(zip(columns, row, strict=True)) for row in found]
        return Answer(200, TYPES["json"], json.dumps(told).encode(), cells)
    if kind != "csv":
        raise Refused(400, "this server answers csv and json only")
    text = io.StringIO()
    divider = asked.get("csvDelimiter") or ","
    writer = csv.writer(text, delimiter={"tab": "\t"}.get(divider, divider), lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(found)
    return Answer(200, TYPES["csv"], text.getvalue().encode(), cells)


def _dicts(rows: Sequence[Mapping[str, object]], columns: Sequence[str], asked: Mapping[str, str]) -> Answer:
    names = list(columns) or list(rows[0])
    return _table(names, ([row.get(name, "") for name in names] for row in rows), asked)


def _version(_: RedcapProject, __: Rights, ___: Mapping[str, str]) -> Answer:
    return Answer(200, "text/html; charset=utf-8", VERSION.encode())


def _project(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    told: dict[str, object] = {
        "project_id": 1,
        "project_title": "",
        "in_production": 1,
        "record_autonumbering_enabled": 0,
        "missing_data_codes": "",
        **project.info,
        "is_longitudinal": int(project.longitudinal),
        "has_repeating_instruments_or_events": int(bool(project.repeats)),
        "surveys_enabled": int(bool(project.surveys)),
    }
    if asked.get("format") == "json":
        return Answer(200, TYPES["json"], json.dumps(told).encode())
    return _dicts([told], (), asked)


def _metadata(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    fields, forms = listed(asked, "fields"), listed(asked, "forms")
    rows = [
        entry
        for entry in project.metadata
        if not (fields or forms) or entry["field_name"] in fields or entry["form_name"] in forms
    ]
    return _dicts(rows, METADATA, asked)


def _names(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    rows: list[tuple[str, str, str]] = []
    for form in project.forms:
        for entry in (one for one in project.metadata if one["form_name"] == form):
            if entry["field_type"] != "file":
                rows += [(entry["field_name"], code, column) for code, column in project.columns(entry)]
        rows.append((f"{form}_complete", "", f"{form}_complete"))
    return _table(("original_field_name", "choice_value", "export_field_name"), rows, asked)


def _instruments(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    rows = [(form, form.replace("_", " ").capitalize()) for form in project.forms]
    return _table(("instrument_name", "instrument_label"), rows, asked)


def _arms(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    _only_longitudinal(project, "arms")
    arms = {str(one["arm_num"]): str(one.get("arm_name", one["arm_num"])) for one in project.events}
    return _table(("arm_num", "name"), arms.items(), asked)


def _events(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    _only_longitudinal(project, "events")
    return _dicts(project.events, ("event_name", "arm_num", "unique_event_name"), asked)


def _mapping(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    _only_longitudinal(project, "form/event mappings")
    return _dicts(project.mapping, ("arm_num", "unique_event_name", "form"), asked)


def _repeats(project: RedcapProject, _: Rights, asked: Mapping[str, str]) -> Answer:
    if not project.repeats:
        raise Refused(
            400, "You cannot export repeating instruments and events: none are set up in this project"
        )
    names = ("event_name", "form_name", "custom_form_label")
    return _dicts(project.repeats, names if project.longitudinal else names[1:], asked)


def _only_longitudinal(project: RedcapProject, what: str) -> None:
    if not project.longitudinal:
        raise Refused(400, CLASSIC.format(what))


def _dags(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    if rights.dag:
        raise Refused(403, "You do not have permission to use this method")
    names = ("data_access_group_name", "unique_group_name", "data_access_group_id")
    rows = [(label, name, number) for number, (name, label) in enumerate(project.dags.items(), 1)]
    return _table(names, rows, asked)


def _users(_: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    granted = {"full": 1, "no_identifiers": 3, "deidentified": 2, "none": 0}[rights.export]
    names = ("username", "data_access_group", "data_export")
    return _table(names, [("api_user", rights.dag, granted)], asked)


def _log(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    if not rights.log:
        raise Refused(403, "You do not have permission to export the logging")
    begin, end = moment(asked, "beginTime"), moment(asked, "endTime")
    kind, record = asked.get("logtype", ""), asked.get("record", "")
    words = {"record_add": "Create record", "record_edit": "Update record", "record_delete": "Delete record"}
    rows = []
    for entry in reversed(project.log):
        at = project.local(entry.at)
        if (begin and at < begin) or (end and at > end) or not entry.kind.startswith(kind):
            continue
        if record and entry.record != record:
            continue
        action = f"{words.get(entry.kind, 'Manage/Design')} {entry.record}".strip()
        rows.append((at.strftime(LOCAL)[:16], "somebody", action, entry.details, entry.record))
    return _table(("timestamp", "username", "action", "details", "record"), rows, asked)


def _file(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    if asked.get("action") != "export":
        raise Refused(400, "this server only exports files")
    record, name, event = (asked.get(word, "") for word in ("record", "field", "event"))
    forms = {entry["field_name"]: entry["form_name"] for entry in project.metadata}
    if name not in forms or rights.export == "none":
        raise Refused(400, f'The field "{name}" does not exist')
    instance = int(asked.get("repeat_instance") or 0)
    for (key, column), (title, kind, content) in project.files.items():
        same = (key.record, key.event, column) == (record, event, name)
        if same and (key.instance == instance or (not key.instance and instance <= 1)):
            return Answer(200, f'{kind}; name="{title}"', content)
    raise Refused(400, "There is no file to download for this record")


def _records(project: RedcapProject, rights: Rights, asked: Mapping[str, str]) -> Answer:
    if rights.export == "none":
        raise Refused(403, "You do not have permissions to use the API to export data")
    if asked.get("type", "flat") != "flat":
        raise Refused(400, "this server answers flat rows only")
    known = {entry["field_name"] for entry in project.metadata} | {f"{f}_complete" for f in project.forms}
    for word, allowed in (("fields", known), ("forms", set(project.forms))):
        if strange := [name for name in listed(asked, word) if name not in allowed]:
            names = ", ".join(f"'{name}'" for name in strange)
            raise Refused(400, f'The following values in the parameter "{word}" are not valid: {names}')
    columns, rows = flat_rows(
        project,
        rights,
        asked,
        {word: listed(asked, word) for word in ("records", "fields", "forms", "events")},
        (moment(asked, "dateRangeBegin"), moment(asked, "dateRangeEnd")),
    )
    return _table(*worded(project, asked, columns, rows), asked)


def listed(asked: Mapping[str, str], name: str) -> list[str]:
    """Return the values of an indexed parameter: `fields[0]`, `fields[1]` …, or `fields` with commas."""
    found = [value for word, value in asked.items() if word.startswith(f"{name}[") and value]
    return found or [part.strip() for part in asked.get(name, "").split(",") if part.strip()]


def moment(asked: Mapping[str, str], name: str) -> datetime | None:
    """Return a time of the server that a parameter names."""
    if not (text := asked.get(name, "")):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            400, f'The value of the parameter "{name}" is not a time (YYYY-MM-DD HH:MM:SS)'
        ) from None


CONTENTS: dict[str, Callable[[RedcapProject, Rights, Mapping[str, str]], Answer]] = {
    "version": _version,
    "project": _project,
    "metadata": _metadata,
    "exportFieldNames": _names,
    "instrument": _instruments,
    "arm": _arms,
    "event": _events,
    "formEventMapping": _mapping,
    "repeatingFormsEvents": _repeats,
    "dag": _dags,
    "user": _users,
    "log": _log,
    "file": _file,
    "record": _records,
}
