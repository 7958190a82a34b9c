"""Which records of a REDCap form to ask for: all, or those that changed, came or went since the last delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from omics_orchestrator.sources.base import Held
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_edits import OVERLAP, digest_of, read_log
from omics_orchestrator.sources.redcap_pull import Asked, FormPull
from omics_orchestrator.sources.redcap_refusals import Passing
from omics_orchestrator.sources.redcap_standing import Declarations, Listed, listed

CLOCK = "%Y-%m-%d %H:%M:%S"
BACK = timedelta(hours=1)  # a server's clock that went back further makes "since" worthless


@dataclass(frozen=True)
class Pulled:
    """What came. `replaced`: records whose held rows give way, None = all; `why`: of a whole pull, or since when."""

    records: pa.Table
    replaced: frozenset[str] | None
    why: str


@dataclass(frozen=True)
class Asking:
    """All that a pull goes by; `key` stands for the address and token, `every` for how often everything is read."""

    api: RedcapApi
    key: tuple[str, ...]
    declared: Declarations
    listed: Listed
    asked: Asked
    version: str
    every: timedelta


def mark_of(asking: Asking, withheld: tuple[str, ...], last_full: str) -> dict[str, str]:
    """Return what the next delivery wants to know; `last_full`: '' = this pull was whole."""
    begun = asking.listed.begun.strftime(CLOCK)
    return {
        "begun": begun,
        "full": last_full or begun,
        "metadata": asking.declared.digest,
        "admitted": _digest(asking.asked),
        "ids": asking.listed.digest,
        "withheld": " ".join(withheld),
        "version": asking.version,
    }


def why_whole(asking: Asking, mark: Mapping[str, str]) -> str:
    """Return why everything must be read, '' when the changes since the mark will do."""
    try:
        begun, last = _moment(mark["begun"]), _moment(mark["full"])
    except (KeyError, ValueError):
        return "first time"
    now = asking.listed.begun.replace(tzinfo=None)
    reasons = {
        "the reader changed": mark.get("version") != asking.version,
        "the project's declarations changed": mark.get("metadata") != asking.declared.digest,
        "other columns are admitted": mark.get("admitted") != _digest(asking.asked),
        f"the last whole pull is older than {asking.every.days} days": now - last >= asking.every,
        "the server's clock went back": now < begun - BACK,
    }
    return next((why for why, true in reasons.items() if true), "")


def pull(asking: Asking, form: FormPull, held: Held | None) -> Pulled:
    """Return the rows wanted.

    Raises:
        DeliveryError: they did not come whole.
    """
    why = why_whole(asking, held.mark) if held else "first time"
    if held and not why:
        changed = _changes(asking, form, held)
        if changed:
            return changed
        why = "the rights of the token's user changed"
    return Pulled(form.whole(list(asking.listed.rows), everything=True), None, why)


def _changes(asking: Asking, form: FormPull, held: Held) -> Pulled | None:
    """Return what changed; None = the columns that may be read changed too."""
    since = _moment(held.mark["begun"]) - OVERLAP
    ids, known = set(asking.listed.rows), set(held.keys["record_id"].to_pylist())
    gone = _gone(asking, known - ids)
    touched = form.since(since.strftime(CLOCK))
    for window in held.windows:
        touched |= ids.intersection(window.records)
    if held.mark.get("ids") != asking.listed.digest:
        log = read_log(asking.api, since)
        touched |= ids - known if log is None else ids & log.records
    wanted = (
        sorted(touched) or sorted(ids)[:1]
    )  # one record at least: its columns tell whether rights changed
    table = form.whole(wanted, everything=False)
    table, late = _late(asking, form, table, ids | touched)
    if " ".join(form.withheld) != held.mark.get("withheld", ""):
        return None
    return Pulled(
        table, frozenset({*wanted, *gone, *late, *form.gone}), f"changes since {since:%Y-%m-%d %H:%M}"
    )


def _gone(asking: Asking, missing: set[str]) -> set[str]:
    """Return records that are no more, when a second list says so too."""
    if missing and missing & listed(asking.api, asking.key, asking.declared, fresh=True).rows.keys():
        raise Passing(f"REDCap at {asking.api.host}: the list of records came incomplete; run again")
    return missing


def _late(asking: Asking, form: FormPull, table: pa.Table, known: set[str]) -> tuple[pa.Table, set[str]]:
    """Return the table with the records that bear a new name since the list was read, where some vanished."""
    if not form.gone:
        return table, set()
    late = listed(asking.api, asking.key, asking.declared, fresh=True).rows.keys() - known
    return (pa.concat_tables([table, form.whole(sorted(late), everything=False)]) if late else table), set(
        late
    )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, CLOCK)  # noqa: DTZ007 - the server's clock, in UTC


def _digest(asked: Asked) -> str:
    return digest_of([asked.fields, sorted(asked.options), sorted(asked.optional)])
