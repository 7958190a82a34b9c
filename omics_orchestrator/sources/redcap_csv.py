"""A REDCap project as a person downloads it: a data dictionary and the records, both CSV.

Records must be exported raw: codes in the cells, variable names in the header. Labels are refused, not guessed back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import counted
from omics_orchestrator.sources.base import listed
from omics_orchestrator.sources.redcap_sides import choices_of

Rows = list[dict[str, Any]]
DICTIONARY_COLUMNS = (
    "field_name", "form_name", "section_header", "field_type", "field_label",
    "select_choices_or_calculations", "field_note", "text_validation_type_or_show_slider_number",
    "text_validation_min", "text_validation_max", "identifier", "branching_logic", "required_field",
    "custom_alignment", "question_number", "matrix_group_name", "matrix_ranking", "field_annotation",
)  # fmt: skip
"""The API's names of the 18 columns of a downloaded data dictionary, in their order."""
FIRST = ("variable / field name", "field_name")
CODED = ("radio", "dropdown")
AGAIN = "was it cut off? Export it from REDCap again"
RAW = "export it as 'CSV / Microsoft Excel (raw data)'"


def table_of(blob: bytes, what: str) -> list[list[str]]:
    """Return the lines of a CSV file as cells, all equally many; blank lines are left out.

    Raises:
        DeliveryError: nothing at all, no UTF-8, a quote left open, lines of different length; `what` names the part.
    """
    if not blob:
        raise DeliveryError(f"the {what} has 0 bytes: {AGAIN}", retry=True)
    try:
        text = blob.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DeliveryError(
            f"the {what} is not UTF-8, as REDCap writes it; was it saved by another program? {AGAIN}"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    wrong: list[int] = []
    try:
        for row in reader:
            if row and rows and len(row) != len(rows[0]):
                wrong.append(reader.line_num)
            elif row:
                rows.append(row)
    except csv.Error:
        raise DeliveryError(
            f"the {what} breaks off near line {reader.line_num}: a quote is left open; {AGAIN}"
        ) from None
    if wrong:
        lines = f"{counted(len(wrong), 'line')} of the {what} {'has' if len(wrong) == 1 else 'have'}"
        raise DeliveryError(f"{lines} not as many cells as its header (at line {listed(wrong)}): {AGAIN}")
    return rows


def is_dictionary(blob: bytes) -> bool:
    """Tell whether a CSV file is a data dictionary, by its first header."""
    head = blob[:200].decode("utf-8-sig", "replace").split(",", 1)[0]
    return head.strip(' "').lower() in FIRST


def dictionary_of(blob: bytes) -> Rows:
    """Return the data dictionary under the API's names, whichever of its two headers it bears."""
    header, *rows = table_of(blob, "data dictionary") or [[]]
    names: Sequence[str] = DICTIONARY_COLUMNS
    if header and header[0].strip().lower() == "field_name":
        names = [name.strip() for name in header]
    return [dict(zip(names, row, strict=False)) for row in rows]


def dicts_of(blob: bytes, what: str) -> Rows:
    """Return the rows of a small answer of the API as CSV."""
    header, *rows = table_of(blob, what) or [[]]
    return [dict(zip(header, row, strict=True)) for row in rows]


def records_of(blob: bytes, metadata: Rows) -> Rows:
    """Return the flat rows.

    Raises:
        DeliveryError: exported with labels, or a column twice.
    """
    header, *rows = table_of(blob, "file of records") or [[]]
    record_id = metadata[0]["field_name"]
    if not header or not any(header):
        return []
    if record_id not in header:
        raise DeliveryError(f"the file of records has no column {record_id!r}: {RAW}")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise DeliveryError(f"the file of records has columns twice: {', '.join(repeated)}")
    found = [dict(zip(header, row, strict=True)) for row in rows]
    if labelled := _labelled(found, metadata):
        raise DeliveryError(
            f"the records hold labels in the place of codes ({', '.join(labelled[:5])}): {RAW}"
        )
    return found


def _labelled(rows: Rows, metadata: Rows) -> list[str]:
    """Return the fields whose cells are labels of their choices and none a code."""
    found = []
    for field in metadata:
        name = field["field_name"]
        if field["field_type"] not in CODED or not rows or name not in rows[0]:
            continue
        codes, _ = choices_of(str(field["select_choices_or_calculations"] or ""))
        cells = {row[name] for row in rows} - {""}
        labels = {label for code, label in codes.items() if label != code}
        if cells and cells <= labels and not cells & codes.keys():
            found.append(name)
    return found


def names_of(metadata: Rows, header: Sequence[str]) -> Rows:
    """Return what content=exportFieldNames tells, as far as the header of the records shows it."""
    rows = []
    for field in metadata:
        name = field["field_name"]
        boxes = [column for column in header if column.startswith(f"{name}___")]
        if not header:  # nobody is recorded yet
            codes, _ = choices_of(str(field["select_choices_or_calculations"] or ""))
            boxes = [f"{name}___{re.sub('[^a-z0-9_]', '_', code.lower())}" for code in codes]
        columns = boxes if field["field_type"] == "checkbox" else [name]
        rows += [{"original_field_name": name, "export_field_name": column} for column in columns]
    return rows


def declares_no_repeats(rows: Rows) -> bool:
    """Tell whether rows repeat: which forms do, only the project knows."""
    words = ("redcap_repeat_instrument", "redcap_repeat_instance")
    return any(row.get(word) for row in rows for word in words)


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the dictionary with blanks where R wrote NA."""
    return {name: "" if value == "NA" else value for name, value in row.items()}
