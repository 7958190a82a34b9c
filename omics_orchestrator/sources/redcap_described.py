"""The columns of a REDCap project as its data dictionary describes them, from an API or a file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from omics_orchestrator.sources.described import Described, Kind
from omics_orchestrator.sources.redcap_sides import choices_of

KINDS: dict[str, Kind] = {
    "radio": "choice",
    "dropdown": "choice",
    "checkbox": "several",
    "yesno": "yes_no",
    "truefalse": "yes_no",
    "calc": "number",
    "slider": "number",
    "file": "file",
    "notes": "text",
}
YES_NO = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
NO_ANSWER = {"unknown", "not known", "don't know", "unsure", "not applicable", "n/a", "na"}
WORDS = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"yes"})


def of_metadata(metadata: Iterable[Mapping[str, Any]]) -> Iterator[Described]:
    """Yield the columns of a REDCap data dictionary; a checkbox field comes whole and box by box."""
    for row in metadata:
        if row["field_type"] == "descriptive":
            continue
        whole = _of_row({word: str(text or "") for word, text in row.items()})
        yield whole
        if whole.kind == "several":
            yield from boxes(whole)


def _of_row(row: Mapping[str, str]) -> Described:
    kind, name = row["field_type"], row["field_name"]
    validation = row.get("text_validation_type_or_show_slider_number", "")
    choices = YES_NO.get(kind, {})
    if kind in {"radio", "dropdown", "checkbox"}:
        found, _ = choices_of(row.get("select_choices_or_calculations", ""))
        choices = {code: plain(label) for code, label in found.items()}
    told = {"field_type": kind, "label": row.get("field_label", ""), "validation": validation}
    told |= {"identifier": row.get("identifier", "")}
    return Described(
        table=row["form_name"],
        name=f"{name}___*" if kind == "checkbox" else name,
        label=plain(row.get("field_label", "")),
        kind=kind_of(kind, validation, choices),
        choices=choices,
        note=plain(row.get("field_note", "")),
        lowest=_number(row.get("text_validation_min", "")),
        highest=_number(row.get("text_validation_max", "")),
        identifier=row.get("identifier", "").strip().lower() in {"y", "yes", "1", "true"},
        told={word: text for word, text in told.items() if text},
    )


def boxes(whole: Described) -> Iterator[Described]:
    """Yield each box of a checkbox field under the name of its column in an export."""
    field_name = whole.name.removesuffix("___*")
    for code, label in whole.choices.items():
        yield Described(
            whole.table,
            f"{field_name}___{box_of(code)}",
            f"{whole.label}: {label}",
            "yes_no",
            {"1": "Yes", "0": "No"},
            identifier=whole.identifier,
            option=code,
            told=whole.told,
        )


def box_of(code: str) -> str:
    """Return how a code is written at the end of its box's column."""
    return code.lower().replace("-", "_")


def kind_of(field_type: str, validation: str = "", choices: Mapping[str, str] | None = None) -> Kind:
    """Return what the cells of a REDCap field are."""
    kind = KINDS.get(field_type, "")
    if kind == "choice" and choices and {label.casefold() for label in choices.values()} - NO_ANSWER in WORDS:
        return "yes_no"
    if field_type == "text":
        if validation.startswith(("date_", "datetime_")):
            return "date"
        return "number" if validation.startswith(("integer", "number")) else "text"
    return kind


def plain(text: str) -> str:
    """Return a label without markup, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
