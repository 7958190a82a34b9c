"""What changed at a REDCap project: its log of edits, and the records touched within a window.

What a project declares and which records it has: redcap_standing.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.base import Window
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_csv_answer import csv_table
from omics_orchestrator.sources.redcap_refusals import Passing, Refused, TooBig
from omics_orchestrator.sources.redcap_shared import SHARED

if TYPE_CHECKING:
    import pyarrow as pa

OVERLAP = timedelta(
    hours=26
)  # any two time zones lie 26 hours apart at most: what the server's own is, is not known
PLAIN: Mapping[str, Any] = {
    "type": "flat",
    "rawOrLabel": "raw",
    "rawOrLabelHeaders": "raw",
    "exportCheckboxLabel": "false",
}


@dataclass(frozen=True)
class Log:
    """Entries about records of a window of the log. `records`: whose; `newest`: digest of the last ones."""

    records: frozenset[str]
    newest: str


def read_log(api: RedcapApi, since: datetime) -> Log | None:
    """Return the log about records since then; None = the token's user may not read it."""
    try:
        rows = _entries(api, since)
    except (Refused, Passing):  # a log too long to be read in one window is as good as none
        return None
    return _log_of(rows)


def _entries(api: RedcapApi, since: datetime) -> list[dict[str, Any]]:
    """Return the log's entries about records since then."""
    return api.rows("log", logtype="record", beginTime=since.strftime("%Y-%m-%d %H:%M"))[0]


def _log_of(rows: list[dict[str, Any]]) -> Log:
    last = max((str(row.get("timestamp", "")) for row in rows), default="")
    newest = sorted(json.dumps(row, sort_keys=True) for row in rows if str(row.get("timestamp", "")) == last)
    return Log(frozenset(str(row.get("record") or "") for row in rows), digest_of(newest))


def newest_edits(api: RedcapApi, since: datetime) -> str | None:
    """Return a digest of the newest entries about records since then; '' = there are none, None = we may not know.

    Raises:
        DeliveryError: the server does not answer.
    """
    try:
        rows = _entries(api, since)
    except (Refused, TooBig):
        return None
    return _log_of(rows).newest if rows else ""


def touched_within(api: RedcapApi, key: tuple[str, ...], record_id: str, window: Window) -> tuple[str, ...]:
    """Return the records touched within a window, which is widened to any time zone that the server may have."""
    words = {"dateRangeBegin": window.begins - OVERLAP, "dateRangeEnd": window.ends + OVERLAP}
    read = csv_table(f"REDCap at {api.host}, records of a window")

    def ask() -> tuple[str, ...]:
        said: dict[str, Any] = {word: moment.strftime("%Y-%m-%d %H:%M:%S") for word, moment in words.items()}
        table = api.ask("record", read, fields=[record_id], **PLAIN, **said)
        return tuple(sorted(set(ids_in(api, table, record_id))))

    found = SHARED.get((*key, "touched", *map(str, words.values())), ask)
    assert isinstance(found, tuple)
    return found


def ids_in(api: RedcapApi, table: pa.Table, record_id: str) -> list[str]:
    """Return the record ids of an answer, one per row of it.

    Raises:
        DeliveryError: it lacks their column.
    """
    if not table.num_columns:
        return []
    if record_id not in table.column_names:
        raise DeliveryError(f"REDCap at {api.host}: the answer lacks the record id, {record_id}")
    found: list[str] = table[record_id].to_pylist()
    return found


def digest_of(content: object) -> str:
    """Return the digest of anything that JSON can write."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
