"""The registered files of an assay: which of them a matrix is built from, and their bytes, verified while read.

What becomes of them: samples.py, cells.py.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding
from omics_orchestrator.formats.base import Format, MemoryFile, OpenFile
from omics_orchestrator.formats.temporary import no_room

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from omics_orchestrator.storage.objects import Stores

IN_MEMORY = (
    64 * 1024**2
)  # bytes up to which the files of a set are held whole; the others are copied to local disk
SPARE = 1024**3  # bytes that a copy leaves free there
SHOWN = 20  # file numbers that a message lists
REGISTERED = """
select file.set_number, file.number, store, key, size, sha256,
    case when missing_since is not null then 'missing' when damaged_since is not null then 'damaged'
        when file_set.verdict = 'invalid' then 'invalid' when sha256 is null and file_version.verdict = 'valid'
        then 'unverified' else file_version.verdict end,
    file_version.facts, jsonb_array_length(file_version.samples) > 0, coalesce(reason, ''),
    array(select coalesce(sample_id, participant_id) from registry.sample_link
          where sample_link.set_number = file_set.number order by 1),
    coalesce((select min(rule) from registry.sample_link where sample_link.set_number = file_set.number), '')
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
left join registry.quarantine on quarantine.set_number = file_set.number
where study = %s and assay = %s
"""
UNUSABLE = ("invalid", "unreadable", "unverified", "damaged")
DIFFERS = "manifest_differs"


class RegisteredFile(NamedTuple):
    """One file as the registry knows it; `linked` are sample ids (or, without samples, participant ids)."""

    set_number: int
    number: int
    store: str
    key: str
    size: int
    sha256: str
    state: str
    facts: dict[str, Any]
    names_samples: bool
    reason: str
    linked: list[str]
    rule: str


@dataclass(frozen=True)
class RegisteredSet:
    """The files of one set that are read, by key. What is known of the set stands in each of them."""

    files: Mapping[str, RegisteredFile]

    @property
    def first(self) -> RegisteredFile:
        """The file whose number stands for the set."""
        return next(iter(self.files.values()))

    @property
    def sample(self) -> str | None:
        """The one sample to which a rule on keys, a sheet or a person links the set."""
        first = self.first
        return first.linked[0] if len(first.linked) == 1 and first.rule != "in_file" else None


class Chosen(NamedTuple):
    """The sets that a matrix is built from, in the order of their keys, and file number → why others are not."""

    sets: list[RegisteredSet]
    left_out: dict[int, str]


def choose(cursor: Cursor, study: str, assay: str, format_: Format, key_of: Callable[[str], str]) -> Chosen:
    """Return the sets that are whole, usable and, where their files name no sample, linked to one.

    Args:
        cursor: reads the registry.
        study: the study's name.
        assay: the assay's name.
        format_: its format, which tells indexes and the like, that are not read, from the rest.
        key_of: returns the object key behind what the registry writes.

    Raises:
        DeliveryError: nothing is registered, or no set is left.
    """
    cursor.execute(REGISTERED, (study, assay))
    members: dict[int, dict[str, RegisteredFile]] = {}
    for row in cursor:
        file = RegisteredFile(*row)
        members.setdefault(file.set_number, {})[key_of(file.key)] = file
    if not members:
        raise DeliveryError("a matrix is built from registered files; the registry holds 0")
    sets, left_out = [], {}
    for keyed in sorted(members.values(), key=min):
        there = {key: file for key, file in sorted(keyed.items()) if file.state != "missing"}
        content = {key: file for key, file in there.items() if not format_.is_companion(key)}
        tells_cells = getattr(format_, "sample_column", None) is not None
        if why := _unusable(there, content, names_samples=tells_cells):
            left_out[min(file.number for file in keyed.values())] = why
        else:
            sets.append(RegisteredSet(content))
    refuse_none(sets, left_out)
    return Chosen(sets, left_out)


def refuse_none(usable: Sequence[object], left_out: Mapping[int, str]) -> None:
    """Refuse to build a matrix of nothing.

    Raises:
        DeliveryError: nothing is usable.
    """
    if not usable:
        whys = "; ".join(finding.message for finding in told(left_out))
        raise DeliveryError(f"no matrix is built: {whys}")


def told(left_out: Mapping[int, str]) -> list[Finding]:
    """Return one finding for each reason why files are not in the matrix."""
    by_reason: dict[str, list[int]] = {}
    for number, why in sorted(left_out.items()):
        by_reason.setdefault(why, []).append(number)
    findings = []
    for why, numbers in by_reason.items():
        shown = ", ".join(map(str, numbers[:SHOWN])) + (" …" if len(numbers) > SHOWN else "")
        files = f"registry file{'s' * (len(numbers) > 1)} {shown}"
        message = f"{files} {'are' if len(numbers) > 1 else 'is'} {why}: left out of the matrix"
        findings.append(Finding("files_usable", message, len(numbers)))
    return findings


@contextmanager
def verified(stores: Stores, files: Mapping[str, RegisteredFile]) -> Iterator[dict[str, OpenFile]]:
    """Open files (key → file); what is read is a copy, in memory or on local disk, of exactly the registered bytes.

    Raises:
        DeliveryError: a file changed since it was registered.
        StorageError: a store does not hand it out, or the local disk has no room.
    """
    with ExitStack() as opened:
        folder: Path | None = None
        copies: dict[str, OpenFile] = {}
        room = IN_MEMORY
        for key, file in files.items():
            if held := file.size <= room:
                room -= file.size
            elif folder is None:
                folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="omics-")))
            copies[key] = _copied(stores, key, file, None if held else folder)
        yield copies


def _unusable(
    there: Mapping[str, RegisteredFile], content: Mapping[str, RegisteredFile], *, names_samples: bool
) -> str:
    """Say why a set is left out; empty = it is usable. One whose content names its samples needs no link to one."""
    states = {file.state for file in there.values()}
    if not content:
        return "missing"
    if found := next((state for state in UNUSABLE if state in states), ""):
        return "read in part only (--quick)" if found == "unverified" else found
    first = next(iter(content.values()))
    if first.reason == DIFFERS:
        return "not as its manifest says"
    if names_samples or any(file.names_samples for file in content.values()) or len(first.linked) == 1:
        return ""
    return "linked to several samples" if first.linked else "linked to no sample"


def _copied(stores: Stores, key: str, file: RegisteredFile, folder: Path | None) -> OpenFile:
    store, at = stores.resolve(f"{file.store}://{key}")
    name = key.rpartition("/")[2]
    if folder is None:
        raw = store.get(at)
        _same(file, hashlib.sha256(raw).hexdigest())
        return MemoryFile(name, raw)
    if (free := shutil.disk_usage(folder).free) < file.size + SPARE:
        raise no_room(f"has {free >> 20:,} MiB free", file.size)
    digest, path = hashlib.sha256(), folder / f"file_{file.number}"
    with path.open("xb") as stream:
        for block in store.stream(at):
            digest.update(block)
            stream.write(block)
    _same(file, digest.hexdigest())
    return _LocalFile(name, path)


def _same(file: RegisteredFile, sha256: str) -> None:
    if sha256 != file.sha256:
        raise DeliveryError(f"registry file {file.number} changed since it was registered", retry=True)


@dataclass(frozen=True)
class _LocalFile:
    """An `OpenFile` on local disk."""

    name: str
    copy: Path

    @property
    def size(self) -> int:
        return self.copy.stat().st_size

    def blocks(self) -> Iterator[bytes]:
        with self.copy.open("rb") as stream:
            while block := stream.read(1024**2):
                yield block

    def path(self) -> Path:
        return self.copy
