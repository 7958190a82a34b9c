"""Asks the registry: which files there are, what they hold, whose they are. Nothing is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from omics_orchestrator.storage.schema import migrate

if TYPE_CHECKING:
    import pyarrow as pa

    from omics_orchestrator.storage.database import Database

FILES = """
select study, assay, file_set.name as file_set, file.number, store, key, file.version, size, modified, sha256,
       case when damaged_since is not null then 'damaged' else file_version.verdict end as verdict,
       missing_since is not null as missing, participant_id, sample_id, reason, nearest, rule,
       array_to_string(array(select jsonb_array_elements_text(identifying)), '; ') as identifying, verified_at,
       array_to_string(
         array(select jsonb_array_elements_text(file_version.problems || file_set.problems)), '; ') as problems
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
left join registry.sample_link on sample_link.set_number = file_set.number
left join registry.quarantine on quarantine.set_number = file_set.number
where (%(study)s::text is null or study = %(study)s) and (%(assay)s::text is null or assay = %(assay)s)
order by study, assay, file.number, participant_id, sample_id
"""
ONE = """
select file.number, study, assay, store, key, sha256
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where file.number = %s
"""
CURRENT = """
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %s and assay = %s and missing_since is null and sha256 is not null
"""
PROFILES = f"""
select file_version.facts -> 'quality_profile', (file_version.facts ->> 'quality_profile_width')::int {CURRENT}
and jsonb_typeof(file_version.facts -> 'quality_profile') = 'array' order by file.number desc limit %s
"""
PICTURED = f"""
select distinct sha256 {CURRENT} and (file_version.facts ->> 'thumbnail')::boolean order by sha256 limit %s
"""
COUNTS = """
select study, assay, count(*)
from registry.file_set join registry.file on file.set_number = file_set.number
where missing_since is null group by study, assay order by study, assay
"""


def files_of(database: Database, study: str | None = None, assay: str | None = None) -> pa.Table:
    """Return one row per file and linked sample; a file without a link has one, with the quarantine's reason.

    Columns: study, assay, file_set, number, store, key, version, size (bytes), modified, sha256, verdict (`damaged`:
    its bytes are others than registered), missing, participant_id, sample_id, reason, nearest (a known sample spelled
    almost like the one named), rule (what linked it), identifying (places of name and header that seem to hold a
    direct identifier), verified_at (when all bytes were read last), problems (what is wrong with the file and its
    set, in words without content).
    """
    from omics_orchestrator.storage.reading import read_query

    migrate(database)
    return read_query(database, FILES, {"study": study, "assay": assay})


class FileAt(NamedTuple):
    """Where one registered file lies; `key` as the registry writes it, sha256 None = never read whole."""

    number: int
    study: str
    assay: str
    store: str
    key: str
    sha256: str | None


def file_at(database: Database, number: int) -> FileAt | None:
    """Return the current version of a registered file; None = there is no such number."""
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(ONE, (number,))
        row = cursor.fetchone()
    return FileAt(*row) if row else None


def quality_profiles(database: Database, study: str, assay: str, most: int) -> list[tuple[list[float], int]]:
    """Return per read file its mean qualities by position, and how many bases one mean is of."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(PROFILES, (study, assay, most))
        return cursor.fetchall()


def pictured_contents(database: Database, study: str, assay: str, most: int) -> list[str]:
    """Return the sha256 of contents of which a thumbnail lies in our own store."""
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(PICTURED, (study, assay, most))
        return [sha256 for (sha256,) in cursor.fetchall()]


def file_counts(database: Database) -> list[tuple[str, str, int]]:
    """Return (study, assay, number of files that are there)."""
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return cursor.fetchall()
