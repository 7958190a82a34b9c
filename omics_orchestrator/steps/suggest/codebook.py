"""A codebook that somebody wrote as CSV: REDCap's data dictionary, or any table with a column of names.

A codebook of the study says what its columns mean; it is given by hand and not kept.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.redcap_described import of_metadata

# What a header may be called → as REDCap's API calls it; compared in small letters, signs left out.
CALLED = {
    "field_name": ("field name", "variable field name", "variable", "variable name", "name", "column"),
    "form_name": ("form name", "form", "table"),
    "field_type": ("field type", "type"),
    "field_label": (
        "field label",
        "label",
        "question",
        "description",
        "variable label",
        "definition",
        "meaning",
    ),
    "select_choices_or_calculations": (
        "select choices or calculations",
        "choices calculations or slider labels",
        "choices",
        "answer options",
        "values",
        "codes",
    ),
    "field_note": ("field note", "unit", "units"),
    "text_validation_type_or_show_slider_number": (
        "text validation type or show slider number",
        "validation",
    ),
    "text_validation_min": ("text validation min", "minimum", "min"),
    "text_validation_max": ("text validation max", "maximum", "max"),
    "identifier": ("identifier",),
}
VALIDATED = ("date_", "datetime_", "integer", "number")
PAIR = re.compile(r"\s*([^=,|;:]+?)\s*[=:,]\s*([^|;]+)")


def read_codebook(file: Path) -> dict[str, Described]:
    """Return column → what a codebook says of it.

    Raises:
        DeliveryError: it is not readable, or has no column of names or none of labels.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(
            f"{file}: no codebook can be read there: {type(error).__name__}; it is a CSV in UTF-8"
        ) from None
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows, [])
    places = _places(header)
    if "field_name" not in places or "field_label" not in places:
        wanted = (
            "a column of names (Variable / Field Name, variable, name) and one of labels (Field Label, label)"
        )
        raise DeliveryError(f"{file}: the header of a codebook needs {wanted}")
    metadata = (
        {word: row[place].strip() if place < len(row) else "" for word, place in places.items()}
        for row in rows
        if row
    )
    return {column.name: column for column in of_metadata(_whole(metadata))}


def _places(header: Iterable[str]) -> dict[str, int]:
    spoken = [" ".join(re.findall(r"[a-z0-9]+", name.casefold())) for name in header]
    found = {}
    for word, names in CALLED.items():
        place = next(
            (spoken.index(name) for name in (word.replace("_", " "), *names) if name in spoken), None
        )
        if place is None and word.startswith("text_validation_type"):
            place = next(
                (n for n, name in enumerate(spoken) if name.startswith("text validation type")), None
            )
        if place is not None:
            found[word] = place
    return found


def _whole(rows: Iterable[Mapping[str, str]]) -> Iterable[dict[str, str]]:
    """Yield rows as REDCap's API would give them: choices as `1, Male | 2, Female`, a type where there are choices."""
    for row in rows:
        choices = row.get("select_choices_or_calculations", "")
        if choices and "|" not in choices and ("=" in choices or ";" in choices):
            choices = " | ".join(f"{code}, {label.strip()}" for code, label in PAIR.findall(choices))
        kind, told = row.get("field_type") or ("radio" if choices else ""), {}
        if kind.startswith(VALIDATED):  # some write the validation where REDCap has the type
            kind, told = "text", {"text_validation_type_or_show_slider_number": kind}
        yield {"form_name": "", **row, **told, "field_type": kind, "select_choices_or_calculations": choices}
