"""A REDCap project written as CDISC ODM XML (`project.xml`): into the answers that REDCap's API would give.

An attribute may hold line breaks, which an XML parser turns into blanks: they are written as `&#10;` before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from omics_orchestrator.errors import DeliveryError

Row = dict[str, Any]
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
REDCAP = "{https://projectredcap.org}"
KINDS = {"textarea": "notes", "select": "dropdown", "signature": "file"}
VALIDATIONS = {"int": "integer", "float": "number", "date": "date_ymd"}
ATTRIBUTES = {
    "field_note": "FieldNote",
    "section_header": "SectionHeader",
    "identifier": "Identifier",
    "branching_logic": "BranchingLogic",
    "required_field": "RequiredField",
    "matrix_group_name": "MatrixGroupName",
    "field_annotation": "FieldAnnotation",
    "custom_alignment": "CustomAlignment",
}
TOKEN = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)
BREAK = re.compile(r"\r\n|\r|\n")


def is_odm(head: bytes) -> bool:
    """Tell whether a file that begins so is CDISC ODM."""
    return b"<ODM" in head


def read_odm(blob: bytes) -> dict[str, Any]:
    """Return content → answer, worded as the API words it: metadata, exportFieldNames, records and the rest.

    Raises:
        DeliveryError: no XML, no project in it, or nothing of its records.
    """
    try:
        tree = ET.fromstring(TOKEN.sub(_with_breaks, blob.decode("utf-8-sig")))  # noqa: S314 - expat bounds expansion
    except (ET.ParseError, UnicodeDecodeError) as error:
        line = getattr(error, "position", (0, 0))[0]
        where = f"near line {line}" if line else "it is not UTF-8"
        raise DeliveryError(f"the ODM file is not whole XML ({where}); export it again") from None
    version = tree.find(f"{ODM}Study/{ODM}MetaDataVersion")
    if version is None:
        raise DeliveryError("the ODM file holds no project: export 'Metadata & data (XML)' from REDCap")
    if tree.find(f"{ODM}ClinicalData") is None:
        raise DeliveryError(
            "the ODM file holds no records, not even none: export 'Metadata & data (XML)', not the metadata only"
        )
    return _Odm(tree, version).answers()


def _with_breaks(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.startswith("<!") else BREAK.sub("&#10;", text)


class _Odm:
    """One project, while it is read."""

    def __init__(self, tree: ET.Element, version: ET.Element) -> None:
        self.tree = tree
        self.version = version
        self.events = [one.get(f"{REDCAP}UniqueEventName", "") for one in version.iter(f"{ODM}StudyEventDef")]
        self.columns: dict[str, list[str]] = {}  # field → its columns
        self.boxes: dict[str, list[str]] = {}  # form → the columns of its checkboxes
        self.lists = {one.get("OID", ""): one for one in version.iter(f"{ODM}CodeList")}
        self.metadata = list(self._metadata())
        self.blank = dict.fromkeys((column for columns in self.columns.values() for column in columns), "")
        self.repeats = list(self._repeats())
        self.mapping = list(self._mapping())

    def answers(self) -> dict[str, Any]:
        names = [
            {"original_field_name": field, "choice_value": "", "export_field_name": column}
            for field, columns in self.columns.items()
            for column in columns
        ]
        return {
            "metadata": self.metadata,
            "exportFieldNames": names,
            "formEventMapping": self.mapping or None,
            "repeatingFormsEvents": self.repeats,
            "project": {"missing_data_codes": self._own("MissingDataCodes")},
            "records": [
                row for subject in self.tree.iter(f"{ODM}SubjectData") for row in self._rows(subject)
            ],
        }

    def _own(self, name: str) -> str:
        found = self.tree.find(f"{ODM}Study/{ODM}GlobalVariables/{REDCAP}{name}")
        return "" if found is None else found.text or ""

    def _metadata(self) -> Iterator[Row]:
        items = {one.get("OID", ""): one for one in self.version.iter(f"{ODM}ItemDef")}
        groups = {one.get("OID", ""): one for one in self.version.iter(f"{ODM}ItemGroupDef")}
        for form in self.version.iter(f"{ODM}FormDef"):
            name = form.get(f"{REDCAP}FormName", "")
            members = [groups[ref.get("ItemGroupOID", "")] for ref in form.iter(f"{ODM}ItemGroupRef")]
            for ref in (ref for group in members for ref in group.iter(f"{ODM}ItemRef")):
                item = items.get(ref.get("ItemOID", ""))
                field = ref.get(f"{REDCAP}Variable", "")
                if (
                    item is None
                    or field.startswith("redcap_")
                    or field in {f"{name}_complete", f"{name}_timestamp"}
                ):
                    continue
                known = field in self.columns
                self.columns.setdefault(field, []).append(ref.get("ItemOID", ""))
                if item.get(f"{REDCAP}FieldType") == "checkbox":
                    self.boxes.setdefault(name, []).append(ref.get("ItemOID", ""))
                if not known:
                    yield self._field(item, field, name)

    def _field(self, item: ET.Element, field: str, form: str) -> Row:
        kind = item.get(f"{REDCAP}FieldType", "")
        validation = item.get(f"{REDCAP}TextValidationType", "")
        bounds = {
            one.get("Comparator"): one.findtext(f"{ODM}CheckValue") for one in item.iter(f"{ODM}RangeCheck")
        }
        return {
            "field_name": field,
            "form_name": form,
            "field_type": KINDS.get(kind, kind),
            "field_label": item.findtext(f"{ODM}Question/{ODM}TranslatedText") or "",
            "select_choices_or_calculations": self._choices(item),
            "text_validation_type_or_show_slider_number": VALIDATIONS.get(validation, validation),
            "text_validation_min": bounds.get("GE") or "",
            "text_validation_max": bounds.get("LE") or "",
            **{column: item.get(f"{REDCAP}{name}", "") for column, name in ATTRIBUTES.items()},
        }

    def _choices(self, item: ET.Element) -> str:
        if calculation := item.get(f"{REDCAP}Calculation") or item.get(f"{REDCAP}SliderLabels"):
            return calculation
        reference = item.find(f"{ODM}CodeListRef")
        if reference is None or item.get(f"{REDCAP}FieldType") in {"yesno", "truefalse"}:
            return ""
        found = self.lists[reference.get("CodeListOID", "")]
        if boxes := found.get(f"{REDCAP}CheckboxChoices"):
            return " | ".join(part.strip() for part in boxes.split("|"))
        return " | ".join(
            f"{one.get('CodedValue', '')}, {one.findtext(f'{ODM}Decode/{ODM}TranslatedText') or ''}"
            for one in found.iter(f"{ODM}CodeListItem")
        )

    def _repeats(self) -> Iterator[Row]:
        """Yield what repeats; in a classic project the file names an event that nobody else knows."""
        for one in self.tree.iter(f"{REDCAP}RepeatingInstrument"):
            event = one.get(f"{REDCAP}UniqueEventName", "") if self.events else ""
            yield {"event_name": event, "form_name": one.get(f"{REDCAP}RepeatInstrument", "")}
        for one in self.tree.iter(f"{REDCAP}RepeatingEvent"):
            yield {"event_name": one.get(f"{REDCAP}UniqueEventName", ""), "form_name": ""}

    def _mapping(self) -> Iterator[Row]:
        for event in self.version.iter(f"{ODM}StudyEventDef"):
            name = event.get(f"{REDCAP}UniqueEventName", "")
            for form in event.iter(f"{ODM}FormRef"):
                yield {"unique_event_name": name, "form": form.get(f"{REDCAP}FormName", "")}

    def _rows(self, subject: ET.Element) -> list[Row]:
        """Return the flat rows of one record: one per event, one more per repeat of a form."""
        rows: dict[tuple[str, str, int], Row] = {}
        record = subject.get("SubjectKey", "")
        for event in subject.findall(f"{ODM}StudyEventData") or [subject]:
            name = event.get(f"{REDCAP}UniqueEventName", "") if self.events else ""
            whole = {"event_name": name, "form_name": ""} in self.repeats
            number = int(event.get("StudyEventRepeatKey") or 1) if whole else 0
            for form in event.findall(f"{ODM}FormData"):
                title = form.get("FormOID", "").removeprefix("Form.")
                alone = {"event_name": name, "form_name": title} in self.repeats
                repeat = int(form.get("FormRepeatKey") or 1) if alone else number
                key = (name, title if alone else "", repeat)
                row = rows.setdefault(key, self._row(record, *key))
                row |= self._cells(form, title)
        return list(rows.values())

    def _row(self, record: str, event: str, instrument: str, instance: int) -> Row:
        row = {**self.blank, self.metadata[0]["field_name"]: record}
        if self.events:
            row["redcap_event_name"] = event
        if self.repeats:
            row |= {
                "redcap_repeat_instrument": instrument,
                "redcap_repeat_instance": str(instance) if instance else "",
            }
        return row

    def _cells(self, form: ET.Element, title: str) -> Row:
        """Return the cells of a form; a box that is not mentioned in an opened form is not ticked."""
        boxes = dict.fromkeys(self.boxes.get(title, ()), "0")
        given = {item.get("ItemOID", ""): item.get("Value", "") for item in form.iter(f"{ODM}ItemData")}
        files = {
            item.get("ItemOID", ""): item.get(f"{REDCAP}DocName", "")
            for item in form.iter(f"{ODM}ItemDataBase64Binary")
        }
        given.pop(self.metadata[0]["field_name"], None)
        return boxes | given | files
