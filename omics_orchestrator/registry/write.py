"""Writes the changes of a portion: COPY for new rows, one statement per kind of other change.

The caller's transaction makes them one. What changes is decided in changes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.registry.changes import Changes, Row
from omics_orchestrator.registry.names import REPLACED
from omics_orchestrator.storage.copying import copy_into

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

TEXT, JSON, TIME = pa.string(), pa.json_(), pa.timestamp("us", "UTC")
NUMBER, VERSION = pa.int64(), pa.int32()
OF_SET: dict[str, pa.DataType] = {
    "digest": TEXT,
    "verdict": TEXT,
    "facts": JSON,
    "problems": JSON,
    "unknown_names": VERSION,
    "misnamed": pa.list_(NUMBER),
    "state": TEXT,
}
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "file_set": {"number": NUMBER, "study": TEXT, "assay": TEXT, "name": TEXT, **OF_SET},
    "file": {"number": NUMBER, "set_number": NUMBER, "store": TEXT, "key": TEXT, "version": VERSION},
    "file_version": {
        "file_number": NUMBER,
        "version": VERSION,
        "size": NUMBER,
        "modified": TIME,
        "etag": TEXT,
        "sha256": TEXT,
        "md5": TEXT,
        "verdict": TEXT,
        "inspector": TEXT,
        "facts": JSON,
        "samples": JSON,
        "problems": JSON,
        "identifying": JSON,
        "run_id": TEXT,
        "verified_at": TIME,
    },
    "sample_link": {"set_number": NUMBER, "participant_id": TEXT, "sample_id": TEXT, "rule": TEXT},
    "quarantine": {"set_number": NUMBER, "reason": TEXT, "nearest": TEXT},
}
MOVE = """
update registry.file set set_number = new.set_number, version = new.version,
    damaged_since = case when file.version = new.version then damaged_since end
from (values %s) as new (number, set_number, version) where file.number = new.number
"""
SETTLE = """
update registry.file_set set digest = new.digest, verdict = new.verdict, facts = new.facts::jsonb,
    problems = new.problems::jsonb, unknown_names = new.unknown, misnamed = new.misnamed::bigint[], state = new.state
from (values %s) as new (number, digest, verdict, facts, problems, unknown, misnamed, state)
where file_set.number = new.number
"""
RENEW = """
delete from registry.file_version using (values %s) as old (file_number, version)
where file_version.file_number = old.file_number and file_version.version = old.version
"""
OTHERWISE_NAMED = """
delete from registry.file_set where study = %(study)s and assay = %(assay)s
and case when %(prefix)s = '' then starts_with(name, %(replaced)s) else not starts_with(name, %(prefix)s) end
"""
EMPTIED = """
delete from registry.file_set where study = %s and assay = %s
and not exists (select from registry.file where set_number = file_set.number)
"""


def reserve(cursor: Cursor, table: str, count: int) -> list[int]:
    """Take the next `count` registry numbers of `file_set` or `file`."""
    if not count:
        return []
    cursor.execute(f"select nextval('registry.{table}_number_seq') from generate_series(1, %s)", (count,))
    return [number for (number,) in cursor.fetchall()]


def write(cursor: Cursor, changes: Changes) -> int:
    """Apply the changes; return how many rows were inserted, updated or deleted."""
    touched = _copy(cursor, "file_set", changes.sets) + _copy(cursor, "file", changes.files)
    touched += _each(cursor, MOVE, changes.moved) + _each(cursor, SETTLE, changes.settled)
    _each(cursor, RENEW, changes.renewed)
    touched += _copy(cursor, "file_version", changes.versions)
    touched += _forget(cursor, "sample_link", changes.unlinked) + _copy(cursor, "sample_link", changes.links)
    touched += _forget(cursor, "quarantine", changes.released)
    return touched + _copy(cursor, "quarantine", changes.quarantine)


def forget_otherwise_named(cursor: Cursor, study: str, assay: str, prefix: str) -> int:
    """Delete the sets whose names are written as the study does not write them any more: no id may stay behind."""
    whose = {"study": study, "assay": assay, "prefix": prefix, "replaced": REPLACED}
    cursor.execute(OTHERWISE_NAMED, whose)
    return cursor.rowcount


def forget_emptied(cursor: Cursor, study: str, assay: str) -> int:
    """Delete the sets whose files all moved to other sets; return how many there were."""
    cursor.execute(EMPTIED, (study, assay))
    return cursor.rowcount


def _copy(cursor: Cursor, table: str, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    columns = COLUMNS[table]
    arrays = [
        pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), columns.values(), strict=True)
    ]
    copy_into(cursor, f"registry.{table}", pa.table(arrays, names=list(columns)))
    return len(rows)


def _each(cursor: Cursor, statement: str, rows: Sequence[Row]) -> int:
    """Run one statement over all rows as its VALUES."""
    if not rows:
        return 0
    from psycopg2.extras import execute_values

    execute_values(cursor, statement, rows, page_size=len(rows))
    return len(rows)


def _forget(cursor: Cursor, table: str, sets: Sequence[int]) -> int:
    if not sets:
        return 0
    cursor.execute(f"delete from registry.{table} where set_number = any(%s)", (list(sets),))
    return cursor.rowcount
