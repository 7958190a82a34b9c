"""What each REDCap form must hold, worked out with the csv module alone from records and a data dictionary.

Shares no code with the package: it is what the readers are held against.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

Row = Mapping[str, str]
Key = tuple[str, str, int, int]
Places = Mapping[str, Iterable[str]]


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def dictionary_of(path: Path) -> list[tuple[str, str, str]]:
    """Return (field, form, type) of a dictionary, as downloaded or under the API's names."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [(row[0], row[1], row[3]) for row in list(csv.reader(lines))[1:]]


def expected(
    rows: Iterable[Row],
    dictionary: list[tuple[str, str, str]],
    events: Places | None,
    repeats: Places,
) -> dict[str, dict[Key, dict[str, str]]]:
    """Return form → key → cells; `events` and `repeats` tell where a form lies, and where it repeats."""
    record_id = dictionary[0][0]
    found: dict[str, dict[Key, dict[str, str]]] = {form: {} for _, form, _ in dictionary}
    for row in rows:
        event, of_form = row.get("redcap_event_name", ""), row.get("redcap_repeat_instrument", "")
        instance = int(row.get("redcap_repeat_instance") or 0)
        for form, table in found.items():
            repeating = event in repeats.get(form, ())
            if of_form != (form if repeating else "") or (events is not None and event not in events[form]):
                continue
            kinds = {name: kind for name, its_form, kind in dictionary[1:] if its_form == form}
            cells = {column: text for column, text in row.items() if _field(column) in kinds}
            content = any(_tells(text, kinds[_field(column)]) for column, text in cells.items())
            if content or row.get(f"{form}_complete") in ("1", "2"):
                at = (0, instance) if of_form else (instance, 0)
                table[row[record_id], event, *at] = cells
    return found


def _field(column: str) -> str:
    return re.sub(r"___.*$", "", column)


def _tells(text: str, kind: str) -> bool:
    return kind != "calc" and text not in (("", "0") if kind == "checkbox" else ("",))
