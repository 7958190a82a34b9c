"""The state of one REDCap project on the demo server: declarations, rows, log, rights, clock; what may be done to it.

How a folder becomes a project: redcap_folder.py; how an answer is worded: redcap_answers.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

METADATA = (
    "field_name", "form_name", "section_header", "field_type", "field_label",
    "select_choices_or_calculations", "field_note", "text_validation_type_or_show_slider_number",
    "text_validation_min", "text_validation_max", "identifier", "branching_logic", "required_field",
    "custom_alignment", "question_number", "matrix_group_name", "matrix_ranking", "field_annotation",
)  # fmt: skip
LOCAL = "%Y-%m-%d %H:%M:%S"
COLUMNLESS = ("descriptive",)


class Key(NamedTuple):
    """Which row: instrument is '' unless a form repeats, instance 0 unless something does."""

    record: str
    event: str = ""
    instrument: str = ""
    instance: int = 0


@dataclass
class Rights:
    """What a token's user may see.

    Attributes:
        export: `none` is refused; `no_identifiers` and `deidentified` silently leave columns out.
        hashed: record ids come as 32 hexadecimal digits.
        dag: unique name of the user's own data access group; only its records are shown.
        hidden_forms: forms without any right to export.
        log: whether the log may be read.
    """

    export: Literal["full", "no_identifiers", "deidentified", "none"] = "full"
    hashed: bool = False
    dag: str = ""
    hidden_forms: frozenset[str] = frozenset()
    log: bool = True


@dataclass(frozen=True)
class LogEntry:
    """One line of the log; `at` in UTC."""

    at: datetime
    kind: Literal["record_add", "record_edit", "record_delete", "manage"]
    record: str
    details: str


@dataclass
class RedcapProject:
    """A project.

    Attributes:
        metadata: one row per field with the columns `METADATA`; the first is the record id.
        info: what content=project tells, beyond what is computed.
        events: rows of content=event; empty = a classic project.
        mapping: rows of content=formEventMapping.
        repeats: rows of content=repeatingFormsEvents; a whole repeating event has a blank form_name.
        rows: the cells that are filled, by export column.
        dags: unique group name → label.
        groups: record → unique group name.
        surveys: forms that are surveys.
        files: (key, field) → name, content type, bytes.
        clock: the present, in UTC.
        zone: in which the server tells its time.
    """

    metadata: list[dict[str, str]]
    info: dict[str, object] = field(default_factory=dict)
    events: list[dict[str, object]] = field(default_factory=list)
    mapping: list[dict[str, object]] = field(default_factory=list)
    repeats: list[dict[str, str]] = field(default_factory=list)
    rows: dict[Key, dict[str, str]] = field(default_factory=dict)
    dags: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    surveys: tuple[str, ...] = ()
    files: dict[tuple[Key, str], tuple[str, str, bytes]] = field(default_factory=dict)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    log: list[LogEntry] = field(default_factory=list)
    changes: int = 0
    lock: RLock = field(default_factory=RLock, repr=False)

    @property
    def id_field(self) -> str:
        """Name of the field that holds the record id."""
        return self.metadata[0]["field_name"]

    @property
    def longitudinal(self) -> bool:
        """Whether the project has events."""
        return bool(self.events)

    @property
    def forms(self) -> list[str]:
        """The instruments, in their order."""
        return list(dict.fromkeys(entry["form_name"] for entry in self.metadata))

    def columns(self, entry: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return (choice, export column) of a field; the choice is '' unless it is a checkbox.

        A checkbox has a box for each of the project's missing-data codes too.
        """
        name = entry["field_name"]
        if entry["field_type"] in COLUMNLESS:
            return []
        if entry["field_type"] != "checkbox":
            return [("", name)]
        missing = str(self.info.get("missing_data_codes") or "")
        choices = [*entry["select_choices_or_calculations"].split("|"), *missing.split("|")]
        codes = [choice.split(",")[0].strip() for choice in choices]
        return [
            (code, f"{name}___{re.sub('[^a-z0-9_]', '_', code.lower())}")
            for code in dict.fromkeys(codes)
            if code
        ]

    def repeating(self, form: str, event: str) -> bool:
        """Tell whether a form repeats by itself in an event."""
        return any(one["form_name"] == form and one.get("event_name", "") == event for one in self.repeats)

    def forms_of(self, event: str) -> list[str]:
        """Return the forms of an event; of a classic project, all."""
        if not self.longitudinal:
            return self.forms
        return [str(one["form"]) for one in self.mapping if one["unique_event_name"] == event]

    def records(self) -> list[str]:
        """Return the record ids, in the order of their first rows."""
        return list(dict.fromkeys(key.record for key in self.rows))

    # -- what people do

    def edit(self, record: str, column: str, value: str, **place: str | int) -> None:
        """Write one cell (an export column); `place`: event, instrument, instance. A new row or record is made."""
        with self.lock:
            key = Key(record, *(place.get(word, default) for word, default in PLACE))  # type: ignore[arg-type]
            known = record in {one.record for one in self.rows}
            if not self.repeating(
                "", key.event
            ):  # a whole event that repeats has no row besides its instances
                self.rows.setdefault(Key(record, key.event), {})
            self.rows.setdefault(key, {})
            self.rows[key][column] = value
            self._tell("record_edit" if known else "record_add", record, f"{column} changed")

    def rename(self, old: str, new: str) -> None:
        """Give a record another id; its place among the others stays."""
        with self.lock:
            self.rows = {
                key._replace(record=new) if key.record == old else key: row for key, row in self.rows.items()
            }
            self.files = {
                (k._replace(record=new) if k.record == old else k, f): v for (k, f), v in self.files.items()
            }
            if old in self.groups:
                self.groups[new] = self.groups.pop(old)
            self._tell("record_edit", new, f"{self.id_field} = '{new}'")

    def delete(self, record: str) -> None:
        """Remove a record with all its rows and files."""
        with self.lock:
            self.rows = {key: row for key, row in self.rows.items() if key.record != record}
            self.files = {place: file for place, file in self.files.items() if place[0].record != record}
            self.groups.pop(record, None)
            self._tell("record_delete", record, "")

    def add_field(self, name: str, form: str, **words: str) -> None:
        """Add a field at the end of its form; `words` are columns of the metadata."""
        with self.lock:
            entry = dict.fromkeys(METADATA, "") | {
                "field_name": name, "form_name": form, "field_type": "text", "field_label": name, **words,
            }  # fmt: skip
            last = max(place for place, one in enumerate(self.metadata) if one["form_name"] == form)
            self.metadata.insert(last + 1, entry)
            self._tell("manage", "", f"field {name} added")

    def remove_field(self, name: str) -> None:
        """Remove a field from the dictionary; its cells are shown no longer."""
        with self.lock:
            self.metadata = [entry for entry in self.metadata if entry["field_name"] != name]
            self._tell("manage", "", f"field {name} removed")

    def _tell(
        self, kind: Literal["record_add", "record_edit", "record_delete", "manage"], *said: str
    ) -> None:
        record, details = said
        self.changes += 1
        self.log.append(LogEntry(self.clock(), kind, record, details))

    # -- what is asked

    def local(self, at: datetime) -> datetime:
        """Return a moment as the server's clock shows it (without a zone)."""
        return at.astimezone(self.zone).replace(tzinfo=None)

    def touched(self, begin: datetime | None, end: datetime | None) -> set[str]:
        """Return the records that the log names as added or edited between two times of the server."""
        found = set()
        for entry in self.log:
            at = self.local(entry.at)
            inside = (begin is None or at >= begin) and (end is None or at <= end)
            if inside and entry.kind in {"record_add", "record_edit"}:
                found.add(entry.record)
        return found


PLACE: tuple[tuple[str, str | int], ...] = (("event", ""), ("instrument", ""), ("instance", 0))


def rows_of(flat: Iterable[Mapping[str, object]], id_field: str) -> dict[Key, dict[str, str]]:
    """Return the rows of a flat export (columns as REDCap names them) by their key; blank cells are left out."""
    found: dict[Key, dict[str, str]] = {}
    for row in flat:
        told = {name: "" if cell is None else str(cell) for name, cell in row.items()}
        instance = told.pop("redcap_repeat_instance", "")
        key = Key(
            told.pop(id_field, ""),
            told.pop("redcap_event_name", ""),
            told.pop("redcap_repeat_instrument", ""),
            int(instance or 0),
        )
        told.pop("redcap_data_access_group", None)
        found.setdefault(key, {}).update({name: cell for name, cell in told.items() if cell != ""})
    return found
