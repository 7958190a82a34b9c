"""Asks the registry: which files there are, what they hold, whose they are. Nothing is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omics_orchestrator.storage.schema import migrate

if TYPE_CHECKING:
    import pyarrow as pa

    from omics_orchestrator.storage.database import Database

FILES = """
select study, assay, file_set.name as file_set, file.number, store, key, file.version, size, modified, sha256,
       file_version.verdict, missing_since is not null as missing, participant_id, sample_id, reason
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
left join registry.sample_link on sample_link.set_number = file_set.number
left join registry.quarantine on quarantine.set_number = file_set.number
where (%(study)s::text is null or study = %(study)s) and (%(assay)s::text is null or assay = %(assay)s)
order by study, assay, file.number, participant_id, sample_id
"""
COUNTS = """
select study, assay, count(*)
from registry.file_set join registry.file on file.set_number = file_set.number
where missing_since is null group by study, assay order by study, assay
"""


def files_of(database: Database, study: str | None = None, assay: str | None = None) -> pa.Table:
    """Return one row per file and linked sample; a file without a link has one, with the quarantine's reason.

    Columns: study, assay, file_set, number, store, key, version, size, modified, sha256, verdict, missing,
    participant_id, sample_id, reason.
    """
    from omics_orchestrator.storage.reading import read_query

    migrate(database)
    return read_query(database, FILES, {"study": study, "assay": assay})


def file_counts(database: Database) -> list[tuple[str, str, int]]:
    """Return (study, assay, number of files that are there)."""
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return cursor.fetchall()
