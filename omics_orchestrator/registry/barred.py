"""Keeps what a store lists and cannot hand out (storage/barred.py): told at every registration, until it is mended.

It is never a file of the registry: nothing of it can be read, linked or fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.registry.left_out import as_regex
from omics_orchestrator.registry.names import Names
from omics_orchestrator.storage.barred import Barred, escaped, text_flaw
from omics_orchestrator.storage.copying import copy_into
from omics_orchestrator.storage.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from omics_orchestrator.storage.database import Database

TEMPORARY = """
create temp table barred_now (key text not null, below text, folder boolean not null, why text not null);
"""
LEAVE_OUT = "delete from barred_now where substr(key, %s) ~ %s"
REPLACE = """
update barred_now set key = new.key, below = null from (values %s) as new (before, key) where barred_now.key = before
"""
GONE = """
delete from registry.barred where study = %(study)s and assay = %(assay)s
and not exists (select from barred_now where barred_now.key = barred.key and barred_now.why = barred.why)
"""
NEW = """
insert into registry.barred (study, assay, store, key, below, folder, why)
select distinct on (key) %(study)s, %(assay)s, %(store)s, key, below, folder, why from barred_now order by key, why
on conflict do nothing
"""
NAMES = ("listed file cannot be registered", "listed files cannot be registered")
FOLDERS = ("folder cannot be listed", "folders cannot be listed")
COUNT = """
select folder, why, count(*) from registry.barred where study = %(study)s and assay = %(assay)s
group by folder, why order by folder, why
"""
ALL = """
select study, assay, store, key, folder, why from registry.barred
where (%(study)s::text is null or study = %(study)s) and (%(assay)s::text is null or assay = %(assay)s)
order by study, assay, key collate "C"
"""


class BarredNow:
    """What this listing found barred, page by page in a temporary table of the connection."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._page: list[Barred] = []
        self.found = 0
        cursor.execute(TEMPORARY)

    def tell(self, barred: Barred) -> None:
        """Take one thing; the connection is not used before `store`."""
        self._page.append(barred)

    def store(self) -> None:
        """Copy what was told since the last call."""
        if not self._page:
            return
        rows = [(escaped(one.key), _storable(one.key), one.folder, one.why) for one in self._page]
        kinds = (pa.string(), pa.string(), pa.bool_(), pa.string())
        columns = [
            pa.array(list(column), kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)
        ]
        copy_into(self._cursor, "barred_now", pa.table(columns, names=["key", "below", "folder", "why"]))
        self.found += len(rows)
        self._page.clear()


def leave_out_barred(cursor: Cursor, folder: str, patterns: Sequence[str]) -> None:
    """Forget what the study says is none of the assay."""
    for pattern in patterns:
        cursor.execute(LEAVE_OUT, (len(folder) + 1, f"^{as_regex(pattern)}$"))


def note_barred(cursor: Cursor, whose: Mapping[str, object], names: Names) -> int:
    """Bring what is registered as barred to what was listed; return the rows touched."""
    _replace_keys(cursor, names)
    cursor.execute(GONE, whose)
    touched = cursor.rowcount
    cursor.execute(NEW, whose)
    return touched + cursor.rowcount


def _replace_keys(cursor: Cursor, names: Names) -> None:
    """Write what the study writes for keys."""
    cursor.execute("select distinct key from barred_now")
    keys = [key for (key,) in cursor.fetchall()]
    written = names.keys(keys) if keys else None
    if written is None:
        return
    names.remember()
    from psycopg2.extras import execute_values

    execute_values(cursor, REPLACE, list(zip(keys, written, strict=True)))


def barred_finding(cursor: Cursor, whose: Mapping[str, object]) -> tuple[Finding, ...]:
    """Return the finding on what is barred."""
    cursor.execute(COUNT, whose)
    rows = cursor.fetchall()
    if not rows:
        return ()
    total = sum(count for *_, count in rows)
    parts = [counted(count, *(FOLDERS if folder else NAMES)) + f": {why}" for folder, why, count in rows]
    message = f"{'; '.join(parts)} (omics files --verdict barred)"
    return (Finding("verdict", message, total),)


class BarredFile(NamedTuple):
    """One thing that is barred: `key` escaped, or as a pseudonymised study writes it."""

    study: str
    assay: str
    store: str
    key: str
    folder: bool
    why: str


def barred_of(database: Database, study: str | None = None, assay: str | None = None) -> list[BarredFile]:
    """Return all that is barred, by study, assay and key."""
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(ALL, {"study": study, "assay": assay})
        return [BarredFile(*row) for row in cursor]


def _storable(key: str) -> str:
    """Return the key itself where Postgres takes it: files below such a folder may be registered."""
    return escaped(key) if text_flaw(key) or "\0" in key else key
