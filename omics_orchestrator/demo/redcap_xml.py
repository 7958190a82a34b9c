"""Reads `project.xml`, a REDCap project as CDISC ODM: fields, events, repeats, groups, surveys, rows, files."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from omics_orchestrator.demo.redcap_store import METADATA, Key, RedcapProject

ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
OWN = "{https://projectredcap.org}"
KINDS = {"textarea": "notes", "select": "dropdown"}
VALIDATIONS = {"int": "integer", "float": "number", "date": "date_ymd"}
ATTRIBUTE = re.compile(r"\"[^\"<>]*\"")


def read_xml(file: Path) -> RedcapProject:
    """Return the project in a file.

    A parser makes blanks of line breaks in attributes, where REDCap keeps long texts: they are written as
    characters first.
    """
    text = file.read_text(encoding="utf-8")
    tree = ET.fromstring(ATTRIBUTE.sub(_kept, text))  # noqa: S314 - our own test data
    study, version = _found(tree, "Study"), _found(tree, "Study/MetaDataVersion")
    project = RedcapProject(_metadata(version), info=_info(study))
    project.events = list(_events(version))
    project.mapping = list(_mapping(version))
    project.repeats = list(_repeats(tree, project))
    project.dags = dict(_dags(tree))
    project.surveys = tuple(dict.fromkeys(one.get("form_name", "") for one in tree.iter(f"{OWN}Surveys")))
    for subject in tree.iter(f"{ODM}SubjectData"):
        _subject(project, subject)
    return project


def _kept(found: re.Match[str]) -> str:
    return found[0].replace("\r\n", "&#10;").replace("\n", "&#10;")


def _found(tree: ET.Element, path: str) -> ET.Element:
    found = tree.find("/".join(f"{ODM}{part}" for part in path.split("/")))
    if found is None:
        raise ValueError(f"the XML has no {path}")
    return found


def _info(study: ET.Element) -> dict[str, object]:
    told = {one.tag.removeprefix(OWN): one.text or "" for one in study.iter() if one.tag.startswith(OWN)}
    title = study.find(f"{ODM}GlobalVariables/{ODM}StudyName")
    return {
        "project_title": (title.text or "") if title is not None else "",
        "record_autonumbering_enabled": int(told.get("RecordAutonumberingEnabled") or 0),
        "missing_data_codes": told.get("MissingDataCodes", ""),
    }


def _metadata(version: ET.Element) -> list[dict[str, str]]:
    forms, groups = _order(version)
    items = {one.get("OID", ""): one for one in version.iter(f"{ODM}ItemDef")}
    lists = {one.get("OID", ""): one for one in version.iter(f"{ODM}CodeList")}
    rows: dict[str, dict[str, str]] = {}
    for form, members in forms:
        for item in (items[oid] for group in members for oid in groups[group] if oid in items):
            name = item.get(f"{OWN}Variable", "")
            if name != f"{form}_complete" and name not in rows and not name.startswith("redcap_"):
                rows[name] = _field(item, form, lists)
    return [row for name, row in rows.items() if name not in {f"{form}_timestamp" for form, _ in forms}]


def _order(version: ET.Element) -> tuple[list[tuple[str, list[str]]], dict[str, list[str]]]:
    forms = [
        (
            form.get(f"{OWN}FormName", ""),
            [ref.get("ItemGroupOID", "") for ref in form.iter(f"{ODM}ItemGroupRef")],
        )
        for form in version.iter(f"{ODM}FormDef")
    ]
    groups = {
        group.get("OID", ""): [ref.get("ItemOID", "") for ref in group.iter(f"{ODM}ItemRef")]
        for group in version.iter(f"{ODM}ItemGroupDef")
    }
    return forms, groups


def _field(item: ET.Element, form: str, lists: dict[str, ET.Element]) -> dict[str, str]:
    def own(name: str) -> str:
        return item.get(f"{OWN}{name}", "")

    label = item.find(f"{ODM}Question/{ODM}TranslatedText")
    if label is None:
        label = item.find(f"{ODM}Question/{OWN}FormattedTranslatedText")
    reference = item.find(f"{ODM}CodeListRef")
    choices = "" if reference is None else _choices(lists[reference.get("CodeListOID", "")])
    kind, validation = own("FieldType"), own("TextValidationType")
    bounds = {
        one.get("Comparator"): one.findtext(f"{ODM}CheckValue") or "" for one in item.iter(f"{ODM}RangeCheck")
    }
    row = dict.fromkeys(METADATA, "") | {
        "field_name": own("Variable"),
        "form_name": form,
        "field_type": "file" if kind == "signature" else KINDS.get(kind, kind),
        "field_label": "" if label is None else label.text or "",
        "select_choices_or_calculations": own("Calculation") or own("SliderLabels") or choices,
        "text_validation_type_or_show_slider_number": VALIDATIONS.get(validation, validation),
        "text_validation_min": bounds.get("GE", ""),
        "text_validation_max": bounds.get("LE", ""),
    }
    words = {"section_header": "SectionHeader", "field_note": "FieldNote", "identifier": "Identifier"}
    words |= {"branching_logic": "BranchingLogic", "required_field": "RequiredField"}
    words |= {"matrix_group_name": "MatrixGroupName", "field_annotation": "FieldAnnotation"}
    row |= {column: own(name) for column, name in words.items()}
    if row["field_type"] in {"yesno", "truefalse"}:
        row["select_choices_or_calculations"] = ""
    return row


def _choices(found: ET.Element) -> str:
    if text := found.get(f"{OWN}CheckboxChoices"):
        return " | ".join(part.strip() for part in text.split("|"))
    items = [
        (one.get("CodedValue", ""), one.findtext(f"{ODM}Decode/{ODM}TranslatedText") or "")
        for one in found.iter(f"{ODM}CodeListItem")
    ]
    return " | ".join(f"{code}, {label}" for code, label in items)


def _events(version: ET.Element) -> Iterator[dict[str, object]]:
    for event in version.iter(f"{ODM}StudyEventDef"):
        yield {
            "event_name": event.get(f"{OWN}EventName", ""),
            "arm_num": int(event.get(f"{OWN}ArmNum", "1")),
            "arm_name": event.get(f"{OWN}ArmName", ""),
            "unique_event_name": event.get(f"{OWN}UniqueEventName", ""),
        }


def _mapping(version: ET.Element) -> Iterator[dict[str, object]]:
    for event in version.iter(f"{ODM}StudyEventDef"):
        for form in event.iter(f"{ODM}FormRef"):
            yield {
                "arm_num": int(event.get(f"{OWN}ArmNum", "1")),
                "unique_event_name": event.get(f"{OWN}UniqueEventName", ""),
                "form": form.get(f"{OWN}FormName", ""),
            }


def _repeats(tree: ET.Element, project: RedcapProject) -> Iterator[dict[str, str]]:
    for one in tree.iter(f"{OWN}RepeatingInstrument"):
        event = one.get(f"{OWN}UniqueEventName", "") if project.longitudinal else ""
        words = {"form_name": one.get(f"{OWN}RepeatInstrument", ""), "custom_form_label": ""}
        yield {"event_name": event, **words} if project.longitudinal else words
    for one in tree.iter(f"{OWN}RepeatingEvent"):
        yield {
            "event_name": one.get(f"{OWN}UniqueEventName", ""),
            "form_name": "",
            "custom_form_label": "",
        }


def _dags(tree: ET.Element) -> Iterator[tuple[str, str]]:
    for one in tree.iter(f"{OWN}DataAccessGroups"):
        label = one.get("group_name", "")
        yield re.sub("[^a-z0-9_]", "", label.lower().replace(" ", "_")), label


def _subject(project: RedcapProject, subject: ET.Element) -> None:
    record = subject.get("SubjectKey", "")
    events = subject.findall(f"{ODM}StudyEventData") or [subject]
    for event in events:
        name = event.get(f"{OWN}UniqueEventName", "") if project.longitudinal else ""
        whole = any(one.get("event_name") == name and not one["form_name"] for one in project.repeats)
        number = int(event.get("StudyEventRepeatKey", "1")) if whole else 0
        project.rows.setdefault(Key(record, name, "", number), {})
        for form in event.findall(f"{ODM}FormData"):
            title = form.get("FormOID", "").removeprefix("Form.")
            repeat = int(form.get("FormRepeatKey", "1"))
            alone = project.repeating(title, name)
            key = Key(record, name, title, repeat) if alone else Key(record, name, "", number)
            _cells(project, key, form)


def _cells(project: RedcapProject, key: Key, form: ET.Element) -> None:
    row = project.rows.setdefault(key, {})
    for item in form.iter(f"{ODM}ItemData"):
        name, value = item.get("ItemOID", ""), item.get("Value", "")
        if name == "redcap_data_access_group":
            project.groups[key.record] = value
        elif name != project.id_field and value:
            row[name] = value
    for item in form.iter(f"{ODM}ItemDataBase64Binary"):
        name, title = item.get("ItemOID", ""), item.get(f"{OWN}DocName", "")
        row[name] = title
        kind = item.get(f"{OWN}MimeType", "application/octet-stream")
        project.files[key, name] = (title, kind, base64.b64decode(item.text or ""))
