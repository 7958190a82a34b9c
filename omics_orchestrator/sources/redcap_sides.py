"""Side tables of a REDCap form: its dictionary, its choices, cells that break their declared type, withheld fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.sources.base import Delivery


class FieldName(Protocol):
    """What is known of a field here: its name."""

    @property
    def name(self) -> str:
        """Name of the field."""


Rows = list[dict[str, Any]]
Side = tuple[pa.Table, tuple[str, ...]]
DICTIONARY = {
    "field_name": "field_name",
    "form_name": "form_name",
    "field_type": "field_type",
    "field_label": "field_label",
    "choices": "select_choices_or_calculations",
    "validation": "text_validation_type_or_show_slider_number",
    "validation_min": "text_validation_min",
    "validation_max": "text_validation_max",
    "identifier": "identifier",
    "required": "required_field",
    "branching_logic": "branching_logic",
    "field_note": "field_note",
    "annotation": "field_annotation",
}
CHOSEN = ("radio", "dropdown", "checkbox")
DATE, CLOCK, SECONDS = r"\d{4}-\d{2}-\d{2}", r"([01]\d|2[0-3]):[0-5]\d", r":[0-5]\d"
SHAPES = {
    "date_": DATE,
    "datetime_seconds_": f"{DATE} {CLOCK}{SECONDS}",
    "datetime_": f"{DATE} {CLOCK}",
    "time_hh_mm_ss": CLOCK + SECONDS,
    "time_mm_ss": r"\d{1,3}:[0-5]\d",
    "time": CLOCK,
    "integer": r"[-+]?\d+",
    "number": r"[-+]?(\d+[.,]?\d*|[.,]\d+)",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
}  # the first that a validation begins with; what has none is not judged


def with_sides(
    delivery: Delivery,
    metadata: Rows,
    form: str,
    columns: Mapping[str, FieldName],
    missing: Collection[str],
) -> Delivery:
    """Return an offline delivery with its side tables: dictionary, choices, cells that break their declared type.

    Args:
        delivery: one instrument.
        metadata: the project's data dictionary.
        form: the instrument.
        columns: export column → its field.
        missing: the project's codes for missing data.
    """
    rows = {row["field_name"]: row for row in metadata}
    declared = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()
    chosen, defects = choices(metadata, form)
    column_of = {column: rows[one.name] for column, one in columns.items() if one.name in rows}
    issues, wrong = parse_issues(delivery.data, delivery.key, column_of, missing)
    beside = {"fields": dictionary(metadata, form, declared), "choices": chosen, "parse_issues": issues}
    return replace(delivery, findings=(*delivery.findings, *defects, *wrong), beside=beside)


def dictionary(metadata: Rows, form: str, metadata_hash: str) -> Side:
    """Return the data dictionary of a form; rows of earlier dictionaries are another hash."""
    rows = [row for row in metadata if row["form_name"] == form]
    columns = {name: [str(row.get(word) or "") for row in rows] for name, word in DICTIONARY.items()}
    table = pa.table(
        {"metadata_hash": [metadata_hash] * len(rows), **columns}, _text("metadata_hash", *DICTIONARY)
    )
    return table, ("metadata_hash", "field_name")


def choices(metadata: Rows, form: str) -> tuple[Side, list[Finding]]:
    """Return codes and labels of a form's fields, and findings about choices that cannot be told apart."""
    found: dict[tuple[str, str], str] = {}
    defects = []
    for row in metadata:
        if row["form_name"] == form and row["field_type"] in CHOSEN:
            pairs, wrong = choices_of(str(row["select_choices_or_calculations"] or ""))
            found |= {(row["field_name"], code): label for code, label in pairs.items()}
            if wrong:
                message = (
                    f"choices of {row['field_name']} without a code or with one twice (a '|' in a label?)"
                )
                defects.append(Finding("delivery", message, wrong, "note", row["field_name"]))
    names = ("field_name", "code", "label")
    cells = [(field, code, label) for (field, code), label in found.items()]
    columns = [pa.array([cell[number] for cell in cells], pa.string()) for number in range(3)]
    return (pa.Table.from_arrays(columns, schema=_text(*names)), ("field_name", "code")), defects


def choices_of(text: str) -> tuple[dict[str, str], int]:
    """Return code → label, and how many items are none; an item ends at '|', its code at the first comma."""
    pairs: dict[str, str] = {}
    wrong = 0
    for item in text.split("|"):
        code, comma, label = item.partition(",")
        if comma and code.strip() and code.strip() not in pairs:
            pairs[code.strip()] = label.strip()
        else:
            wrong += 1
    return pairs, wrong


def parse_issues(
    data: pa.Table, key: Sequence[str], fields: Mapping[str, Mapping[str, Any]], missing: Collection[str]
) -> tuple[Side, list[Finding]]:
    """Return the cells that are not what their field declares, by key; never their content.

    Args:
        data: key columns and cells.
        key: the key columns.
        fields: column → its row of the data dictionary.
        missing: the project's codes for missing data, which may stand in any field.
    """
    tables, findings = [], []
    for column in filter(fields.__contains__, data.column_names):
        reason, wrong = _wrong(data[column], fields[column], missing)
        count = pc.sum(wrong).as_py() if wrong is not None else 0
        if not count:
            continue
        rows = data.select(list(key)).filter(wrong)
        for name, text in (("field", column), ("reason", reason)):
            rows = rows.append_column(
                pa.field(name, pa.string()), pa.array([text] * rows.num_rows, pa.string())
            )
        tables.append(rows)
        findings.append(Finding("delivery", f"cells of {column}: {reason}", count, "note", column))
    schema = pa.schema([*(data.schema.field(name) for name in key), *_text("field", "reason")])
    return (pa.concat_tables(tables) if tables else schema.empty_table(), (*key, "field")), findings


def withheld(fields: Collection[str], form: str) -> tuple[Side, list[Finding]]:
    """Return the fields that the token's user may not export."""
    names = sorted(fields)
    table = pa.table({"field": names, "form": [form] * len(names)}, _text("field", "form"))
    message = (
        f"the rights of the token's user withhold {counted(len(names), 'field')}: {', '.join(names[:10])}"
    )
    found = [Finding("delivery", message + (" …" if len(names) > 10 else ""), len(names), subject=form)]
    return (table, ("field",)), found if names else []


def _wrong(
    cells: pa.ChunkedArray, field: Mapping[str, Any], missing: Collection[str]
) -> tuple[str, pa.ChunkedArray | None]:
    """Return what is expected of a column's cells and which break it; None = anything goes."""
    kind, codes = str(field["field_type"]), None
    if kind in ("radio", "dropdown"):
        codes = list(choices_of(str(field["select_choices_or_calculations"] or ""))[0])
    elif kind in ("yesno", "truefalse", "checkbox"):
        codes = ["0", "1"]
    if codes is not None:
        fits = pc.is_in(cells, value_set=pa.array(["", *missing, *codes], pa.string()))
        return "not among the declared choices", pc.invert(fits)
    validation = str(field.get("text_validation_type_or_show_slider_number") or "")
    shape = next((shape for begin, shape in SHAPES.items() if validation.startswith(begin)), None)
    if kind == "slider":
        validation, shape = "slider", SHAPES["integer"]
    if shape is None or kind not in ("text", "slider"):
        return "", None
    fits = pc.match_substring_regex(cells, f"^(?:{shape})$")
    if shape.startswith(DATE):
        fits = pc.and_(fits, _real_date(cells))
    blank = pc.is_in(cells, value_set=pa.array(["", *missing], pa.string()))
    return f"not as its validation {validation} says", pc.invert(pc.or_(blank, fits))


def _real_date(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell whether the first ten letters are a day of the calendar."""
    days = pc.strptime(pc.utf8_slice_codeunits(cells, 0, 10), format="%Y-%m-%d", unit="s", error_is_null=True)
    told = pc.strftime(days, format="%Y-%m-%d")  # the 31st of February is read as the 3rd of March
    return pc.fill_null(pc.equal(told, pc.utf8_slice_codeunits(cells, 0, 10)), fill_value=False)


def _text(*names: str) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in names])
