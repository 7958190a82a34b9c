"""What a store lists otherwise than the registry holds it: new, changed, returned and vanished files of one assay.

Asked often and cheaply: nothing is written, not even a temporary table; one page of the listing is held at a time, and
the first page with a difference ends it. Registering is register.py's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omics_orchestrator.registry.left_out import pattern_of
from omics_orchestrator.registry.names import Names
from omics_orchestrator.storage.barred import Barred, escaped
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from omics_orchestrator.storage.database import Database

NAMED = 1000  # files that a batch is named by; the registration takes in all that is there
THERE = "select to_regclass('registry.file_version') is not null, to_regclass('registry.barred') is not null"
KNOWN = """
select file.number, file.key, size, modified, etag, missing_since is null as present
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %(study)s and assay = %(assay)s and store = %(store)s
"""
PAGE = f"""
with listed as (
    select * from unnest(%(written)s::text[], %(keys)s::text[], %(sizes)s::bigint[], %(modified)s::timestamptz[],
        %(etags)s::text[]) as listed(written, key, size, modified, etag)
    where %(left_out)s::text is null or substr(key, %(start)s) !~ %(left_out)s),
known as ({KNOWN} and file.key = any(%(written)s)),
compared as (
    select written, listed.size, coalesce(listed.etag, extract(epoch from listed.modified)::text) as version,
        number, coalesce(present, false) as present, coalesce(
            present and known.size = listed.size and case when known.etag is not null and listed.etag is not null
            then known.etag = listed.etag else known.modified = listed.modified end, false) as same
    from listed left join known on known.key = listed.written)
select coalesce(json_agg(json_build_array(written, size, version) order by written collate "C")
        filter (where not same), '[]'),
    count(*) filter (where present),
    (array_agg(number order by written collate "C" desc) filter (where same))[1]
from compared
"""
UNKNOWN = """
select json_agg(json_build_array(written, size, coalesce(etag, extract(epoch from modified)::text))
    order by written collate "C"), 0, null
from unnest(%(written)s::text[], %(keys)s::text[], %(sizes)s::bigint[], %(modified)s::timestamptz[], %(etags)s::text[])
    as listed(written, key, size, modified, etag)
where %(left_out)s::text is null or substr(key, %(start)s) !~ %(left_out)s
"""
PRESENT = f"select count(*) from ({KNOWN}) known where present"
NOT_BARRED = """ and not exists (select from registry.barred where study = %(study)s and assay = %(assay)s and folder
    and (below is null or starts_with(known.key, below)))"""
BARRED = """
with now as (
    select written, why from unnest(%(written)s::text[], %(keys)s::text[], %(why)s::text[]) as one(written, key, why)
    where %(left_out)s::text is null or substr(key, %(start)s) !~ %(left_out)s),
known as (select key, why from registry.barred where study = %(study)s and assay = %(assay)s)
select count(*) from ((table now except table known) union all (table known except table now)) as differing
"""
KEY = "select key from registry.file where number = %s"
BESIDE = """
select to_jsonb(whole) ->> 'beside' from registry.assay whole where study = %(study)s and assay = %(assay)s
"""  # not by its name: a database of an older revision has no such column, and looking migrates nothing


@dataclass(frozen=True)
class Position:
    """How far a listing came that takes longer than one look.

    Attributes:
        after: registry number of the last file that was as registered; 0 = from the beginning.
        present: files seen so far that are registered and not missing.
    """

    after: int = 0
    present: int = 0


@dataclass(frozen=True)
class Arrivals:
    """What one look found.

    Attributes:
        changed: files that are new, changed, back again or newly out of reach, at most `NAMED`.
        gone: registered files that are listed no more.
        beside: whether the sample sheet or a manifest changed.
        digest: names exactly this difference; '' = there is none.
        position: where the next look goes on; None = the listing was seen to its end.
    """

    changed: int = 0
    gone: int = 0
    beside: bool = False
    digest: str = ""
    position: Position | None = None


def arrivals(
    database: Database,
    stores: Stores,
    whose: tuple[str, str],
    assay: Assay,
    *,
    names: Names,
    start: Position,
    in_time: Callable[[], bool],
) -> Arrivals:
    """Return how the listing of an assay's location differs from the registry.

    Args:
        database: the data database; one that knows no file yet is no error.
        stores: the object stores of this machine.
        whose: study, assay.
        assay: its declaration.
        names: what the registry writes for keys.
        start: where the look before this one ended.
        in_time: asked after each page; False ends the listing there.

    Raises:
        StorageError: the store or the database does not answer.
    """
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        return _Look(cursor, stores, whose, assay, names).listed(start, in_time)


def beside_of(stores: Stores, assay: Assay) -> str | None:
    """Return a digest of the listing of an assay's sample sheet and manifests; None = it has neither."""
    places = assay.locations()[1:]
    found = [
        (one.key, one.size, one.etag or str(one.modified))
        for place in places
        for _, one in stores.walk(place)
    ]
    return _digest(found) if places else None


class _Look:
    """One comparison of a listing with the registry."""

    def __init__(
        self, cursor: Cursor, stores: Stores, whose: tuple[str, str], assay: Assay, names: Names
    ) -> None:
        self._cursor, self._stores, self._assay, self._names = cursor, stores, assay, names
        _, key = stores.resolve(assay.location)
        self._asked: dict[str, Any] = {
            "study": whose[0],
            "assay": whose[1],
            "store": assay.location.split("://")[0].lower(),
            "start": key.rfind("/") + 2,
            "left_out": pattern_of(assay.leave_out),
        }
        cursor.execute(THERE)
        self._any_known, self._any_barred = cursor.fetchone() or (False, False)

    def listed(self, start: Position, in_time: Callable[[], bool]) -> Arrivals:
        """Go through the listing until it differs, ends, or time is up."""
        beside, told = self._beside()
        seen, barred = start, set[Barred]()
        for page in self._stores.pages(self._assay.location, self._key(start.after), barred=barred.add):
            changed, present, last = self._compared(page)
            if changed:
                named = changed[:NAMED]
                return Arrivals(len(named), beside=told, digest=_digest([beside, named]), position=start)
            seen = Position(last or seen.after, seen.present + present)
            if not in_time():
                return Arrivals(position=seen)
        if not start.after and (count := self._newly_barred(sorted(barred))):
            return Arrivals(changed=count, digest=_digest(sorted(barred)))
        gone = max(self._registered() - seen.present, 0)
        if not gone and not told:
            return Arrivals()
        return Arrivals(gone=gone, beside=told, digest=_digest([beside, "gone", gone]))

    def _compared(self, page: pa.Table) -> tuple[list[Any], int, int | None]:
        """Return what differs in a page, how many of its files are known, and the number of the last one that is."""
        keys = page["key"].to_pylist()
        columns = {"sizes": "size", "modified": "modified", "etags": "etag"}
        listed = {name: page[column].to_pylist() for name, column in columns.items()}
        written = self._names.keys(keys) or keys
        query = PAGE if self._any_known else UNKNOWN
        self._cursor.execute(query, {**self._asked, **listed, "keys": keys, "written": list(written)})
        changed, present, last = self._cursor.fetchone() or ([], 0, None)
        return changed or [], present, last

    def _key(self, number: int) -> str:
        """Return the object key of a registered file; '' = from the beginning."""
        if not number or not self._any_known:
            return ""
        self._cursor.execute(KEY, (number,))
        row = self._cursor.fetchone()
        return self._names.original(str(row[0])) if row else ""

    def _registered(self) -> int:
        """Return how many files of the assay are registered and not missing."""
        if not self._any_known:
            return 0
        self._cursor.execute(PRESENT + (NOT_BARRED if self._any_barred else ""), self._asked)
        return int((self._cursor.fetchone() or (0,))[0])

    def _newly_barred(self, barred: Sequence[Barred]) -> int:
        """Return how much of what is out of reach is not told yet, or is told and in reach now."""
        if not self._any_barred:
            return len(barred)
        keys = [escaped(one.key) for one in barred]
        about = {
            "keys": keys,
            "written": list(self._names.keys(keys) or keys),
            "why": [one.why for one in barred],
        }
        self._cursor.execute(BARRED, {**self._asked, **about})
        return int((self._cursor.fetchone() or (0,))[0])

    def _beside(self) -> tuple[str, bool]:
        """Return the digest of what lies beside the files, and whether it is told as a change of its own.

        '' = as at the last registration; before the first one it is no arrival, but part of the name of each batch.
        """
        found = beside_of(self._stores, self._assay)
        if not found or not self._any_known:
            return found or "", False
        self._cursor.execute(BESIDE, self._asked)
        row = self._cursor.fetchone()
        return ("", False) if row and row[0] == found else (found, row is not None)


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest()[:24]
