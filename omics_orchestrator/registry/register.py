"""Registers one study × assay: list, read what is new or changed once, link, write the difference.

What was read is committed portion by portion: an interrupted registration goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from omics_orchestrator.findings import Finding
from omics_orchestrator.registry import listing, report
from omics_orchestrator.registry.arrivals import beside_of
from omics_orchestrator.registry.barred import barred_finding, leave_out_barred, note_barred
from omics_orchestrator.registry.changes import Recorder
from omics_orchestrator.registry.collecting import many_objects
from omics_orchestrator.registry.indexes import make_missing
from omics_orchestrator.registry.left_out import leave_out
from omics_orchestrator.registry.links import Linker, Settled
from omics_orchestrator.registry.manifest import Manifest
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.portion import Portions
from omics_orchestrator.registry.reading import Reader, inspector_of
from omics_orchestrator.registry.sets import Reading
from omics_orchestrator.registry.settle import Settler
from omics_orchestrator.registry.whose import Whose
from omics_orchestrator.registry.write import forget_emptied, forget_otherwise_named
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from omics_orchestrator.storage.database import Database
    from omics_orchestrator.storage.objects import Store, Stores

PORTION = 2000  # files that are read, linked and written at a time
LOCK = "select pg_advisory_lock(hashtextextended(%s, 0))"  # of the session: it outlives the portions' commits
# Portions are committed in their order without waiting for the disk: should the server die, the last ones are read
# again. The last commit waits for all before it.
NO_WAIT, WAIT = "set synchronous_commit = off", "reset synchronous_commit"
SETS = "select array_agg(number) from registry.file_set where study = %(study)s and assay = %(assay)s"
LINKED_BY = "select linked_by from registry.assay where study = %(study)s and assay = %(assay)s"
NOTE_LINKED_BY = """
insert into registry.assay (study, assay, linked_by) values (%(study)s, %(assay)s, %(linked_by)s)
on conflict (study, assay) do update set linked_by = excluded.linked_by
"""
NOTE_BESIDE = """
update registry.assay set beside = %(beside)s
where study = %(study)s and assay = %(assay)s and beside is distinct from %(beside)s
"""


@dataclass(frozen=True)
class Circumstances:
    """What decides whose files are, beside the files.

    Attributes:
        samples: the harmonised samples (participant_id, sample_id); None = the study declares none.
        participants: the harmonised participants (participant_id), for links that name no sample.
        participant_id: reads participant ids as file names spell them; None = it is no id of the study.
        sample_name: turns a sample's name in files into the one of the study's tables.
        settled: what a person said of single files (links.csv).
        names: what is written for keys and names.
    """

    samples: pa.Table | None = None
    participants: pa.Table | None = None
    participant_id: Callable[[str], str | None] | None = None
    sample_name: Callable[[str], str] | None = None
    settled: Settled = field(default_factory=dict)
    names: Names = field(default_factory=Names)


@dataclass(frozen=True)
class Registered:
    """What a registration found.

    Attributes:
        rows: file_sets, files, linked, quarantined, invalid, missing; read = files whose bytes were read now.
        facts: files by verdict, and their bytes.
        data_version: fingerprint of set digests, verdicts and links.
        touched: rows inserted, updated or deleted.
    """

    rows: dict[str, int]
    findings: tuple[Finding, ...]
    data_version: str
    touched: int
    facts: dict[str, int] = field(default_factory=dict)


def register(
    database: Database,
    stores: Stores,
    *,
    study: str,
    assay_name: str,
    assay: Assay,
    circumstances: Circumstances,
    run_id: str | None = None,
    quick: bool = False,
    again: Sequence[tuple[datetime, datetime]] = (),
) -> Registered:
    """Bring the registry to what lies at the assay's location; a second call changes nothing.

    Args:
        database: the data database; its fixed tables are migrated when need be.
        stores: the object stores of this machine.
        study: the study's name.
        assay_name: the assay's name in study.yaml.
        assay: its declaration.
        circumstances: samples, participants and what a person settled.
        run_id: the run that asks, kept with every version it writes.
        quick: look at the first bytes of new files only; they are `unverified` until a whole reading.
        again: spans of time (begin, end); files that were written in one are read whatever the listing says.

    Raises:
        StorageError: the database or a store failed; portions that were written before stay.
        DeliveryError: a sample sheet or manifest cannot be used.
    """
    migrate(database)
    whose: dict[str, object] = {"study": study, "assay": assay_name, "quick": quick}
    with many_objects(), database.transaction() as connection, connection.cursor() as cursor:
        _begin(connection, cursor, f"register {study} {assay_name}")
        beside = beside_of(stores, assay)
        work = _Registration(stores, study, assay_name, assay, circumstances, run_id, quick=quick)
        touched = forget_otherwise_named(cursor, study, assay_name, circumstances.names.prefix)
        listing.store_listing(cursor, stores, assay.location, circumstances.names)
        touched += work.leave_out(cursor, whose)
        whose |= work.found_by() | {"begins": [one[0] for one in again], "ends": [one[1] for one in again]}
        touched += note_barred(cursor, whose, circumstances.names)
        count = listing.find_unread(cursor, whose)
        left, missing = listing.note_missing(cursor, whose)
        touched += missing + work.take_in(connection, cursor, count, left)
        touched += work.settle_others(connection, cursor, whose, left)
        touched += forget_emptied(cursor, study, assay_name)
        cursor.execute(NOTE_BESIDE, {**whose, "beside": beside})
        files = report.files(cursor, whose)
        rows = {**report.counts(cursor, whose, files), "read": count}
        told, state = report.findings(cursor, whose, files)
        told += barred_finding(cursor, whose) + work.of_manifest(cursor, whose)
        _keep_all(connection, cursor)
        if assay.index and not quick:
            rows["indexes_made"], refused = work.index(cursor, whose)
            told += refused
    return Registered(rows, told, state, touched, files.facts())


def _begin(connection: Connection, cursor: Cursor, name: str) -> None:
    """Take the lock of one assay; commits wait for no disk from here on."""
    cursor.execute(LOCK, (name,))
    cursor.execute(NO_WAIT)
    connection.commit()


def _keep_all(connection: Connection, cursor: Cursor) -> None:
    """Commit and wait until this and all commits before it are on the disk."""
    cursor.execute(WAIT)
    connection.commit()


class _Registration:
    """The parts of one registration."""

    def __init__(
        self,
        stores: Stores,
        study: str,
        assay_name: str,
        assay: Assay,
        around: Circumstances,
        run_id: str | None,
        *,
        quick: bool,
    ) -> None:
        store, key = stores.resolve(assay.location)
        self._own: Store = stores.own
        self._word = assay.location.split("://")[0].lower()
        self._folder = folder = key[: key.rfind("/") + 1]
        self._left_out = assay.leave_out
        self._names = around.names
        self._manifest = Manifest.read(stores, assay.manifest) if assay.manifest else Manifest()
        whose = Whose(around.samples, around.participants, around.participant_id, around.sample_name)
        self._linker = Linker(assay, whose, stores, around.settled, self._manifest, folder)
        self._linked_by = self._linker.depends_on(assay, (around.samples, around.participants))
        self._inspector = inspector_of(assay.format)
        self._reader = Reader(store, assay.format, md5=self._manifest.names_md5, quick=quick)
        recorder = Recorder(
            study, assay_name, self._word, self._inspector, run_id, datetime.now(UTC), around.names
        )
        self._portions = Portions(Settler(store, folder, assay.format, self._linker, around.names), recorder)

    def leave_out(self, cursor: Cursor, whose: dict[str, object]) -> int:
        """Take files that are none of the assay out of the listing; return how many are registered no more."""
        leave_out_barred(cursor, self._folder, self._left_out)
        return leave_out(cursor, whose, self._folder, self._left_out)

    def found_by(self) -> dict[str, object]:
        """Return what the comparison with the listing depends on."""
        return {"store": self._word, "inspector": self._inspector, "md5": self._manifest.names_md5}

    def take_in(self, connection: Connection, cursor: Cursor, count: int, left: set[int]) -> int:
        """Read and write all that must be read; note in `left` the sets that a file left for another."""
        touched = 0
        waiting: Future[tuple[int, set[int]]] | None = None

        def taken() -> int:
            if waiting is None:
                return 0
            rows, emptied = waiting.result()
            left.update(emptied)
            connection.commit()
            return rows

        # Postgres takes one portion while the files of the next are read. The connection belongs to one thread at a
        # time: what is to be read next is asked before a portion is handed to the writer.
        with ThreadPoolExecutor(1) as writer:
            try:
                portions = listing.unread(cursor, count, PORTION)
                portion = next(portions, None)
                while portion is not None:
                    readings = self._reader.read(portion)
                    self._keep_derived(readings)
                    touched += taken()
                    now, portion = portion, next(portions, None)
                    waiting = writer.submit(self._portions.take_in, cursor, now, readings)
            finally:  # also when the store failed: what was read is kept
                touched += taken()
        return touched

    def settle_others(
        self, connection: Connection, cursor: Cursor, whose: dict[str, object], left: set[int]
    ) -> int:
        """Settle the sets that lost or regained a file and, when what decides links changed, all sets."""
        cursor.execute(LINKED_BY, whose)
        row = cursor.fetchone()
        anew = row is None or row[0] != self._linked_by
        if anew:
            cursor.execute(SETS, whose)
            left = set((cursor.fetchone() or (None,))[0] or ()) - self._portions.settled
        touched = 0
        for numbers in _portions(sorted(left)):
            touched += self._portions.settle_again(cursor, numbers)
            connection.commit()
        if anew:
            cursor.execute(NOTE_LINKED_BY, {**whose, "linked_by": self._linked_by})
        return touched

    def of_manifest(self, cursor: Cursor, whose: dict[str, object]) -> tuple[Finding, ...]:
        """Return what the manifests name and the listing does not hold."""
        keys = [self._names.key(key) for key in self._manifest.keys_named()]
        return report.not_there(cursor, whose, keys) if keys else ()

    def index(self, cursor: Cursor, whose: dict[str, object]) -> tuple[int, tuple[Finding, ...]]:
        """Make the indexes that the files came without."""
        return make_missing(cursor, whose, self._reader.store, self._own, self._reader.format, self._names)

    def _keep_derived(self, readings: Sequence[Reading]) -> None:
        """Put small objects made while reading beside the content they were made from, in our own store."""
        for reading in readings:
            for name, raw in reading.derived.items():
                key = f"derived/{reading.sha256}/{name}"
                if self._own.head(key) is None:
                    self._own.put(key, raw)


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), PORTION):
        yield numbers[start : start + PORTION]
