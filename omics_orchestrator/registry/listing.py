"""Lays what a store lists beside what is registered: Postgres compares, only what differs comes back.

The listing goes by binary COPY, page by page, into a temporary table of the connection: it is never held whole.
Nothing is read here (reading.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from omics_orchestrator.registry.barred import BarredNow
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import Listed
from omics_orchestrator.storage.copying import copy_into
from omics_orchestrator.storage.objects import Stores

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

TEMPORARY = """
create temp table listed (
    key text not null, size bigint not null, modified timestamptz not null, etag text, written text);
"""
# A server may list one key twice: `a` and the folder marker `a/`; or a page that boto3 listed once more.
TWICE = """
delete from listed using (
    select ctid as place, row_number() over (partition by key order by size desc, ctid) as nth
    from listed where %s or key in (select key from listed where size = 0)) as one
where listed.ctid = place and nth > 1
"""
KNOWN = """
select file.number, set_number, store, key as written, file.version, missing_since is not null as missing,
       size, modified, etag, inspector, sha256, md5, file_version.verdict
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %(study)s and assay = %(assay)s
"""
TO_READ = f"""
create temp table to_read as
with known as ({KNOWN})
select row_number() over (order by listed.key collate "C") as place, listed.key, listed.size, listed.modified,
       listed.etag, known.number, known.set_number, coalesce(known.version, 0) as version,
       known.sha256, known.verdict, known.inspector, coalesce(
         known.size = listed.size and case when known.etag is not null and listed.etag is not null
           then known.etag = listed.etag else known.modified = listed.modified end, false) as same_listing
from listed left join known on known.written = coalesce(listed.written, listed.key) and store = %(store)s
where known.number is null or known.inspector <> %(inspector)s or known.size <> listed.size
  or case when known.etag is not null and listed.etag is not null
       then known.etag <> listed.etag else known.modified <> listed.modified end
  or (not %(quick)s and known.sha256 is null) or (%(md5)s and known.md5 is null and not %(quick)s)
  or exists (select from unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) as again (begins, ends)
             where listed.modified >= again.begins and listed.modified < again.ends);
create unique index on to_read (place);
"""
GONE = """
with gone as (
    select file.number from registry.file join registry.file_set on set_number = file_set.number
    left join listed on coalesce(listed.written, listed.key) = file.key and file.store = %(store)s
    where study = %(study)s and assay = %(assay)s and missing_since is null and listed.key is null
    and not exists (select from barred_now where folder and (below is null or starts_with(file.key, below))))
update registry.file set missing_since = now() from gone where file.number = gone.number returning set_number
"""
BACK = """
update registry.file set missing_since = null
from registry.file_set, listed
where set_number = file_set.number and study = %(study)s and assay = %(assay)s and missing_since is not null
  and store = %(store)s and file.key = coalesce(listed.written, listed.key)
returning set_number
"""
PORTION = """
select key, size, modified, etag, number, set_number, version, sha256, verdict, inspector, same_listing
from to_read where place > %s and place <= %s order by place
"""


def store_listing(cursor: Cursor, stores: Stores, location: str, names: Names) -> None:
    """Copy the listing of a location into the temporary tables `listed` and `barred_now`."""
    cursor.execute(TEMPORARY)
    barred = BarredNow(cursor)
    for page in stores.pages(location, barred=barred.tell):
        written = names.keys(page["key"].to_pylist())
        if written is not None:
            page = page.append_column("written", pa.array(written, pa.string()))
        copy_into(cursor, "listed", page)
        barred.store()
    barred.store()
    cursor.execute("analyze listed")
    cursor.execute(TWICE, (barred.found > 0,))


def note_missing(cursor: Cursor, whose: dict[str, object]) -> tuple[set[int], int]:
    """Note which registered files are listed no more, or again; return their sets and how many files they are."""
    sets: set[int] = set()
    touched = 0
    for statement in (GONE, BACK):
        cursor.execute(statement, whose)
        found = [number for (number,) in cursor.fetchall()]
        touched += len(found)
        sets.update(found)
    return sets, touched


def find_unread(cursor: Cursor, whose: dict[str, object]) -> int:
    """Fill the temporary table `to_read` with the files that are new, changed or never read; return how many."""
    cursor.execute(TO_READ, whose)
    cursor.execute("select count(*) from to_read")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def unread(cursor: Cursor, count: int, portion: int) -> Iterator[list[Listed]]:
    """Yield the files to be read, by key, in portions."""
    for start in range(0, count, portion):
        cursor.execute(PORTION, (start, start + portion))
        yield [Listed(*row) for row in cursor.fetchall()]
