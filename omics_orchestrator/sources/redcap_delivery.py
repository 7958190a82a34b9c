"""From what the REDCap API answered to a delivery: project, side tables, attachments. Asks for files only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from omics_orchestrator.sources import redcap_sides as sides
from omics_orchestrator.sources.base import Attachment, Delivery
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_changes import Pulled
from omics_orchestrator.sources.redcap_project import FieldEntry, Project
from omics_orchestrator.sources.redcap_pull import GROUP, Asked, FormPull
from omics_orchestrator.sources.redcap_standing import Declarations


@dataclass(frozen=True)
class ApiField(FieldEntry):
    """A field that also tells the project's codes for missing data, which may stand in any cell."""

    missing_codes: str = ""

    def about(self) -> dict[str, str]:
        """Return what may be said of its columns."""
        return super().about() | ({"missing_codes": self.missing_codes} if self.missing_codes else {})


def project_of(declared: Declarations, asked: Asked, reading: FormPull, pulled: Pulled) -> Project:
    """Return the project with the records that came."""
    codes = "\n".join(f"{code}, {label}" for code, label in declared.missing_codes.items())
    header = set(pulled.records.column_names)
    boxes = [(box, field) for box, field in asked.codes.items() if box in header]
    fields = tuple(
        ApiField(
            name=row["field_name"],
            form=row["form_name"],
            kind=row["field_type"],
            label=str(row.get("field_label") or ""),
            choices=str(row.get("select_choices_or_calculations") or ""),
            columns=(
                *declared.columns(row),
                *(box for box, field in boxes if field == row["field_name"]),
            ),
            identifier=str(row.get("identifier") or ""),
            validation=str(row.get("text_validation_type_or_show_slider_number") or ""),
            missing_codes=codes,
        )
        for row in declared.metadata
    )
    mapping = declared.mapping
    return Project(
        fields=fields,
        form_events=None if mapping is None else _grouped(mapping, "form", "unique_event_name"),
        repeating_forms=_grouped(declared.repeats, "form_name", "event_name"),
        records=pulled.records,
        decisions=_decisions(declared, reading, pulled),
    )


def _decisions(declared: Declarations, reading: FormPull, pulled: Pulled) -> dict[str, str]:
    found = {
        "project": "classic" if declared.mapping is None else "longitudinal",
        "export rows": str(pulled.records.num_rows),
        "REDCap": declared.version,
        "pull": "changes" if pulled.replaced is not None else "whole",
        "because": pulled.why,
        "batches": str(reading.batches.count),
        "requests": str(reading.api.requests),
        "bytes received": str(reading.api.received),
    }
    if declared.missing_codes:
        found["missing data codes"] = ", ".join(declared.missing_codes)
    if declared.groups is None:
        found["data access groups"] = (
            "the token's user may not see them: perhaps only the records of one group come"
        )
    return found


def completed(
    delivery: Delivery, declared: Declarations, form: str, reading: FormPull, pulled: Pulled
) -> Delivery:
    """Return the delivery with all columns that the form has, its side tables and its attachments."""
    column_of = {column: row for row in declared.metadata for column in declared.columns(row)}
    choices, defects = sides.choices(declared.metadata, form)
    issues, wrong = sides.parse_issues(delivery.data, delivery.key, column_of, declared.missing_codes)
    withheld, rights = sides.withheld(reading.withheld, form)
    return replace(
        delivery,
        seen=_seen(declared, reading.asked, pulled.records.column_names),
        findings=(*delivery.findings, *rights, *defects, *wrong),
        replaced=None
        if pulled.replaced is None
        else pa.table({"record_id": pa.array(sorted(pulled.replaced), pa.string())}),
        beside={
            "fields": sides.dictionary(declared.metadata, form, declared.metadata_hash),
            "choices": choices,
            "parse_issues": issues,
            "withheld": withheld,
        },
        attachments=tuple(_attachments(delivery, declared, column_of, reading.api)),
    )


def _seen(declared: Declarations, asked: Asked, header: Collection[str]) -> tuple[str, ...]:
    """Return all columns of a form, asked for or not."""
    form = asked.form
    rows = [row for row in declared.metadata[1:] if row["form_name"] == form]
    names = [column for row in rows for column in declared.columns(row)]
    group = [GROUP] if declared.groups or GROUP in header else []
    stamp = [name for name in (f"{form}_timestamp",) if name in header]
    boxes = [column for column in header if column in asked.codes]
    return tuple(dict.fromkeys([*names, *boxes, *group, *stamp, f"{form}_complete"]))


def _attachments(
    delivery: Delivery, declared: Declarations, column_of: Mapping[str, Mapping[str, Any]], api: RedcapApi
) -> list[Attachment]:
    """Return the files that cells name; their bytes are fetched when they are read."""
    found = []
    for column in delivery.data.column_names:
        if column in delivery.key or column_of.get(column, {}).get("field_type") != "file":
            continue
        cells = delivery.data.select([*delivery.key, column]).to_pylist()
        for cell in cells:
            name = cell[column]
            if name and name not in declared.missing_codes:
                place = tuple(cell[word] for word in delivery.key)
                found.append(Attachment(place, column, name, partial(_file, api, column, place)))
    return found


def _file(api: RedcapApi, field: str, place: tuple[Any, ...]) -> bytes:
    """Fetch one file; REDCap takes the instance of a form and of an event by the same word."""
    record, event, event_instance, form_instance = place
    words = {"action": "export", "record": record, "field": field}
    words |= {"event": event} if event else {}
    words |= {"repeat_instance": form_instance or event_instance} if form_instance or event_instance else {}
    return api.ask("file", lambda answer: answer.body, **words)


def _grouped(rows: list[dict[str, Any]], name: str, event: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.get(name) or "", []).append(row.get(event) or "")
    return groups
