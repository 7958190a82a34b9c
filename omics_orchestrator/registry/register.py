"""Registers one study × assay: list, read what is new or changed once, link, write the difference."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omics_orchestrator.findings import Finding
from omics_orchestrator.registry import report
from omics_orchestrator.registry.changes import FileSet, changes_of, give_numbers
from omics_orchestrator.registry.links import Linker
from omics_orchestrator.registry.reading import inspector_of, read_all
from omics_orchestrator.registry.scan import Member, must_be_read, scan
from omics_orchestrator.registry.state import State, load_state
from omics_orchestrator.registry.whose import Whose
from omics_orchestrator.registry.write import forget_emptied, reserving, write
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay

if TYPE_CHECKING:
    import pyarrow as pa

    from omics_orchestrator.formats import Format
    from omics_orchestrator.storage.database import Database
    from omics_orchestrator.storage.objects import Stores


PORTION = 1000  # file sets that are read, linked and written at a time


@dataclass(frozen=True)
class Registered:
    """What a registration found.

    Attributes:
        rows: file_sets, files, linked, quarantined, invalid, missing; read = files whose bytes were read now.
        data_version: fingerprint of set digests, verdicts and links.
        touched: rows inserted, updated or deleted.
    """

    rows: dict[str, int]
    findings: tuple[Finding, ...]
    data_version: str
    touched: int


def register(
    database: Database,
    stores: Stores,
    *,
    study: str,
    assay_name: str,
    assay: Assay,
    samples: pa.Table | None,
    run_id: str | None = None,
    participants: pa.Table | None = None,
    participant_id: Callable[[str], str | None] | None = None,
) -> Registered:
    """Bring the registry to what lies at the assay's location; a second call changes nothing.

    Args:
        database: the data database; its fixed tables are migrated when need be.
        stores: the object stores of this machine.
        study: the study's name.
        assay_name: the assay's name in study.yaml.
        assay: its declaration.
        samples: the harmonised samples (participant_id, sample_id); None = the study declares none.
        run_id: the run that asks, kept with every version it writes.
        participants: the harmonised participants (participant_id), for links that name no sample.
        participant_id: the study's grammar (`IdGrammar.read`) for participant ids that stand in file names.

    Raises:
        StorageError: the database or a store failed; nothing was written.
    """
    migrate(database)
    inspector = inspector_of(assay.format)
    linker = Linker(assay, Whose(samples, participants, participant_id), stores)
    store, _ = stores.resolve(assay.location)
    read = 0
    with database.transaction() as connection, connection.cursor() as cursor, ThreadPoolExecutor(1) as writer:
        known = load_state(cursor, study, assay_name)
        sets = gather(scan(stores, assay.location, known), assay.format, known)
        give_numbers(sets, reserving(cursor))
        written: list[Future[int]] = []  # Postgres takes one portion while the next is read
        for start in range(0, len(sets), PORTION):
            portion = sets[start : start + PORTION]
            unread = [one for file_set in portion for one in file_set.members if must_be_read(one, inspector)]
            read_all(unread, store, assay.format)
            read += len(unread)
            for file_set in portion:
                linker.link(file_set)
            changes = changes_of(portion, study, assay_name, inspector, run_id)
            written.append(writer.submit(write, cursor, changes))
        touched = sum(one.result() for one in written) + forget_emptied(cursor, study, assay_name)
    return Registered(
        rows={**report.counts(sets), "read": read},
        findings=report.findings(sets, linker.unknown),
        data_version=report.fingerprint(sets),
        touched=touched,
    )


def gather(members: list[Member], format_: Format, known: State) -> list[FileSet]:
    """Return the file sets: listed files by what the format calls a set, missing ones where they were."""
    sets: dict[str, FileSet] = {}
    for member in members:
        name = format_.set_key(member.relative) if member.found or not member.known else member.known.set_name
        file_set = sets.get(name)
        if file_set is None:
            file_set = sets[name] = FileSet(name, [], known.sets.get(name))
        file_set.members.append(member)
    return list(sets.values())
