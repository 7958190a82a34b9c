"""What a REDCap project declares and which records it has, as its API tells it now: asked once for all its forms.

Asked at most every few seconds for each address and token, by one thread; the records themselves are not read here.
What changed lately: redcap_edits.py.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_api import Answer, RedcapApi
from omics_orchestrator.sources.redcap_csv_answer import csv_table
from omics_orchestrator.sources.redcap_edits import OVERLAP, PLAIN, digest_of, ids_in, read_log
from omics_orchestrator.sources.redcap_refusals import Changed, Passing, Refused
from omics_orchestrator.sources.redcap_shared import SHARED

Rows = list[dict[str, Any]]
HASHED = re.compile("[0-9a-f]{32}")
PURPOSEFUL = ("is_longitudinal", "has_repeating_instruments_or_events", "missing_data_codes")


@dataclass(frozen=True)
class Declarations:
    """What a project declares.

    Attributes:
        version: of REDCap.
        project: its settings; old servers tell few.
        metadata: one row per field, the record id first.
        names: field, choice and column of the export.
        events: None = a classic project.
        mapping: which form is used at which event; None = a classic project.
        repeats: forms and events that repeat.
        groups: whether there are data access groups; None = the token's user may not know.
    """

    version: str
    project: Mapping[str, Any]
    metadata: Rows
    names: Rows
    events: Rows | None
    mapping: Rows | None
    repeats: Rows
    groups: bool | None

    @cached_property
    def metadata_hash(self) -> str:
        """Digest of the data dictionary alone."""
        return digest_of(self.metadata)

    @cached_property
    def digest(self) -> str:
        """Digest of all that decides how records are read."""
        settings = {word: str(self.project.get(word, "")) for word in PURPOSEFUL}
        return digest_of(
            [settings, self.metadata, self.names, self.events, self.mapping, self.repeats, str(self.groups)]
        )

    @cached_property
    def record_id(self) -> str:
        """The field of the record id: the first, whatever its name."""
        return str(self.metadata[0]["field_name"])

    @cached_property
    def columns_of(self) -> dict[str, tuple[str, ...]]:
        """Field → its columns in an export; one that an export does not name has none here."""
        found: dict[str, list[str]] = {}
        for row in self.names:
            found.setdefault(str(row["original_field_name"]), []).append(str(row["export_field_name"]))
        return {field: tuple(columns) for field, columns in found.items()}

    def columns(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the columns of a field of the dictionary; files have one although exports do not name it."""
        name = str(row["field_name"])
        return () if row["field_type"] == "descriptive" else self.columns_of.get(name, (name,))

    @cached_property
    def missing_codes(self) -> dict[str, str]:
        """The project's codes for missing data and what they mean."""
        text = str(self.project.get("missing_data_codes") or "")
        pairs = [item.partition(",") for item in re.split(r"[\n|]", text) if item.strip()]
        return {code.strip(): label.strip() for code, _, label in pairs}


@dataclass(frozen=True)
class Listed:
    """The records that a project has.

    Attributes:
        rows: record id → rows of it in an export of the record id alone.
        begun: the server's clock when it answered (UTC); what changed later is asked for by the next delivery.
    """

    rows: Mapping[str, int]
    begun: datetime

    @cached_property
    def digest(self) -> str:
        """Digest of the ids."""
        return digest_of(sorted(self.rows))


def declarations(api: RedcapApi, key: tuple[str, ...], *, fresh: bool = False) -> Declarations:
    """Return what the project declares; `key` stands for its address and token.

    Raises:
        DeliveryError: an answer is not to be had or not shaped as REDCap's.
    """
    try:
        found = SHARED.get((*key, "declared"), lambda: _declared(api), fresh=fresh)
    except (KeyError, TypeError, AttributeError):
        raise DeliveryError(f"REDCap at {api.host}: an answer is not shaped as REDCap's") from None
    assert isinstance(found, Declarations)
    return found


def listed(api: RedcapApi, key: tuple[str, ...], declared: Declarations, *, fresh: bool = False) -> Listed:
    """Return the records that the token's user sees.

    Raises:
        DeliveryError: the record ids are hashed: without them nothing can be linked or asked for.
    """
    found = SHARED.get((*key, "listed"), lambda: _listed(api, declared.record_id), fresh=fresh)
    assert isinstance(found, Listed)
    return found


def signature(api: RedcapApi, key: tuple[str, ...]) -> str:
    """Return a digest that changes with declarations, records and log; another one each time without a log.

    Raises:
        DeliveryError: the server does not answer; told to all who ask within some seconds, so that the forms of a
            project do not wait for it one after the other.
    """

    def ask() -> str | DeliveryError:
        try:
            declared = declarations(api, key)
            records = listed(api, key, declared)
        except DeliveryError as error:
            return error
        log = read_log(api, records.begun - OVERLAP)
        return digest_of([declared.digest, records.digest, log.newest if log else uuid.uuid4().hex])

    found = SHARED.get((*key, "signature"), ask)
    if isinstance(found, DeliveryError):
        raise DeliveryError(str(found), retry=found.retry)
    return str(found)


def _declared(api: RedcapApi) -> Declarations:
    project = _optional(api, "project")
    settings = project[0] if project else {}
    metadata, names = _long(api, "metadata"), _long(api, "exportFieldNames")
    if not metadata:
        raise DeliveryError(f"REDCap at {api.host}: the project has no field")
    if {row["original_field_name"] for row in names} - _fields(metadata):
        raise Changed(f"REDCap at {api.host}: fields changed while they were read; run again")
    longitudinal = _flag(settings, "is_longitudinal")
    mapping = _classic(api, "formEventMapping", longitudinal)
    return Declarations(
        version=api.ask("version", _version),
        project=settings,
        metadata=metadata,
        names=names,
        events=_classic(api, "event", longitudinal),
        mapping=mapping,
        repeats=_repeats(api, settings),
        groups=_groups(api),
    )


def _version(answer: Answer) -> str:
    """Return REDCap's version; anything else is no answer of REDCap."""
    text = answer.body.strip()
    if not re.fullmatch(rb"\d+(\.\d+){1,3}[\w.-]{0,12}", text):
        raise Passing("REDCap does not tell its version: is url the address of its API page?")
    return text.decode()


def _long(api: RedcapApi, content: str) -> Rows:
    """Return a long table: as CSV, which is a third of the bytes, or as JSON where the CSV cannot be read."""
    read = csv_table(content)

    def rows(answer: Answer) -> Rows | None:
        try:
            found: Rows = read(answer).to_pylist()
        except (Passing, Refused):
            return None
        return found

    found = api.ask(content, rows)
    return found if found is not None else api.rows(content)[0]


def _fields(metadata: Rows) -> set[str]:
    return {row["field_name"] for row in metadata} | {f"{row['form_name']}_complete" for row in metadata}


def _flag(project: Mapping[str, Any], name: str) -> bool | None:
    """Return a setting; None = this server does not tell it."""
    value = project.get(name)
    return None if value in (None, "") else str(value) == "1"


def _classic(api: RedcapApi, content: str, longitudinal: bool | None) -> Rows | None:  # noqa: FBT001 - a setting
    """Return what only longitudinal projects have; that a classic one refuses it is no failure."""
    if longitudinal is False:
        return None
    try:
        return api.rows(content)[0]
    except Refused as error:
        if longitudinal is None and error.status == 400 and "classic" in error.said.lower():
            return None
        raise


def _repeats(api: RedcapApi, project: Mapping[str, Any]) -> Rows:
    if _flag(project, "has_repeating_instruments_or_events") is False:
        return []
    return _optional(api, "repeatingFormsEvents")


def _optional(api: RedcapApi, content: str) -> Rows:
    """Return an answer that REDCap refuses where there is nothing of the kind."""
    try:
        return api.rows(content)[0]
    except Refused as error:
        if error.status == 400:
            return []
        raise


def _groups(api: RedcapApi) -> bool | None:
    """Tell whether the project has data access groups; a user inside of one may not ask."""
    try:
        return bool(api.rows("dag")[0])
    except Refused as error:
        if error.said:
            return None
        raise


def _listed(api: RedcapApi, record_id: str) -> Listed:
    read = csv_table(f"REDCap at {api.host}, record ids")
    table, clock = api.ask("record", lambda answer: (read(answer), answer.clock), fields=[record_id], **PLAIN)
    rows = Counter(ids_in(api, table, record_id))
    if rows and all(HASHED.fullmatch(record) for record in rows):
        raise DeliveryError(
            f"REDCap at {api.host}: the record ids are hashed, as the right 'De-Identified' does; give the token's "
            "user 'Full Data Set', or 'Remove All Identifier Fields' with a record id that is not marked as one"
        )
    return Listed(dict(rows), clock)
