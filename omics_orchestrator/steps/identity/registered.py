"""The registered VCFs of a study, whose their samples are, and what is kept of each, read once per content.

What is kept lies in our own store beside other things derived from a content: `derived/<sha256>/genomes-<version>.npz`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from omics_orchestrator.errors import FormatError, StorageError
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import Link
from omics_orchestrator.registry.streamed import StreamedFile
from omics_orchestrator.registry.whose import Whose
from omics_orchestrator.steps.file_names import circumstances
from omics_orchestrator.steps.identity.genomes import VERSION, Genomes, packed, read_genomes, unpacked
from omics_orchestrator.steps.identity.outcome import Owner
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.assay import InFile, NamesInFile
from omics_orchestrator.studies.identity import genome_assays
from omics_orchestrator.studies.sample_names import sample_reader

LINKED = """
select assay, file.number, store, key, size, sha256, damaged_since is not null, file_version.samples,
       array_agg(participant_id order by participant_id, sample_id),
       array_agg(sample_id order by participant_id, sample_id),
       array_agg(rule order by participant_id, sample_id)
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
join registry.sample_link on sample_link.set_number = file_set.number
where study = %s and assay = any(%s) and missing_since is null
group by assay, file.number, store, key, size, sha256, damaged_since, file_version.samples
order by file.number
"""
UNREAD = "the file was not read as a whole yet"
DAMAGED = "the file holds other bytes than were registered"
CHANGED = "the file changed since it was registered"
UNREADABLE = "the store does not hand the file out"
NO_GENOTYPES = "the file holds no genotypes"
WHOLE = "the file holds several samples and is linked as a whole"
IN_FILE = "in_file"


class Calls(NamedTuple):
    """A linked VCF. `names`: of its samples, in order, as the registry writes them."""

    assay: str
    number: int
    store: str
    key: str
    size: int
    sha256: str | None
    damaged: bool
    names: list[str]
    participants: list[str | None]
    samples: list[str | None]
    rules: list[str]


class Registered:
    """The linked VCFs of one study."""

    def __init__(self, workspace: Workspace, study: Study) -> None:
        self._stores = workspace.stores
        self._readers = {name: _Reader(workspace, study, name) for name in genome_assays(study)}
        self._files: dict[int, Calls] = {}
        self.written = 0  # objects put into our own store
        migrate(workspace.database)
        if not self._readers:
            return
        with workspace.database.transaction(read_only=True) as connection, connection.cursor() as cursor:
            cursor.execute(LINKED, (study.study, list(self._readers)))
            for calls in (Calls(*row) for row in cursor):
                if not study.assays[calls.assay].format.is_companion(calls.key):
                    self._files[calls.number] = calls

    def __iter__(self) -> Iterator[Calls]:
        """Yield the files by number."""
        return iter(self._files.values())

    def sha256(self, number: int) -> str | None:
        """Return the digest of a file."""
        return self._files[number].sha256

    def owners(self, calls: Calls) -> list[Owner] | str:
        """Return whose each sample of a file is (one without a link has no ids), or why that cannot be told."""
        links = list(zip(calls.participants, calls.samples, strict=True))
        if set(calls.rules) == {IN_FILE}:
            read = self._readers[calls.assay].link
            found = [read(name) for name in calls.names]
            return [
                Owner(calls.number, place, *(whose if whose in links else (None, None)))
                for place, whose in enumerate(found, 1)
            ]
        if len(calls.names) != 1 or len(links) != 1:
            return WHOLE
        return [Owner(calls.number, 1, *links[0])]

    def genomes(self, number: int) -> Genomes | str:
        """Return what is kept of a file, read now if it was not before, or why it cannot be read.

        Raises:
            StorageError: a store failed in a way that may pass by itself.
        """
        calls = self._files[number]
        if calls.damaged or calls.sha256 is None:
            return DAMAGED if calls.damaged else UNREAD
        place = f"derived/{calls.sha256}/genomes-{VERSION}.npz"
        own = self._stores.own
        if own.head(place) is not None and (kept := unpacked(own.get(place))):
            return kept
        found = self._read(calls)
        if isinstance(found, Genomes):
            own.put(place, packed(found))
            self.written += 1
        return found

    def _read(self, calls: Calls) -> Genomes | str:
        store, key = self._stores.resolve(
            f"{calls.store}://{self._readers[calls.assay].names.original(calls.key)}"
        )
        try:
            with StreamedFile(store, key, "calls", calls.size) as content:
                found = read_genomes(content)
                return found if content.digests()[0] == calls.sha256 else CHANGED
        except FormatError:
            return NO_GENOTYPES
        except StorageError as error:
            if error.retry:
                raise
            return UNREADABLE


class _Reader:
    """Reads names inside the files of one assay, as its registration does."""

    def __init__(self, workspace: Workspace, study: Study, assay: str) -> None:
        around = circumstances(workspace, study, assay)
        self.names: Names = around.names
        rule = study.assays[assay].link
        self._whose = Whose(around.samples, around.participants, around.participant_id, around.sample_name)
        self._read: Callable[[str], tuple[str | None, str | None]] = sample_reader(
            rule.in_file if isinstance(rule, NamesInFile) else InFile()
        )

    def link(self, written: str) -> tuple[str | None, str | None]:
        """Return (participant, sample) of a name inside a file; (None, None) = it is of nobody who is known."""
        found = self._whose.link(*self._read(self.names.original(written)), IN_FILE)
        return (found.participant_id, found.sample_id) if isinstance(found, Link) else (None, None)
