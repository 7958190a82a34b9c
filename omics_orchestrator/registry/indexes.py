"""Makes the indexes that files came without, in our own store: `derived/<sha256>/index.bai` and the like.

Source stores are never written. How an index is made: formats/indexing.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from omics_orchestrator.errors import FormatError, StorageError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.formats.base import Format
from omics_orchestrator.formats.indexing import make_index
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.streamed import StreamedFile

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from omics_orchestrator.storage.objects import Store

FILES = """
select file.number, set_number, key, size, sha256, file_version.verdict
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %(study)s and assay = %(assay)s and missing_since is null and damaged_since is null
order by file.number
"""
INDEX = "index"


class Candidate(NamedTuple):
    """A registered file that may want an index."""

    number: int
    set_number: int
    key: str
    size: int
    sha256: str | None
    verdict: str


def index_key(sha256: str, suffix: str) -> str:
    """Return where in our own store the index of a content lies."""
    return f"derived/{sha256}/{INDEX}{suffix}"


def make_missing(
    cursor: Cursor, whose: dict[str, object], store: Store, own: Store, format_: Format, names: Names
) -> tuple[int, tuple[Finding, ...]]:
    """Make the indexes that are neither delivered nor made yet; return how many, and what could not be indexed.

    Raises:
        StorageError: a store failed in a way that may pass by itself, or ours cannot be written.
    """
    cursor.execute(FILES, whose)
    files = [Candidate(*row) for row in cursor.fetchall()]
    made = {found.key.split("/")[1] for found in own.list("derived/") if f"/{INDEX}." in found.key}
    count, refused = 0, []
    for file in _without_index(files, format_, names):
        if file.sha256 in made or file.sha256 is None:
            continue
        try:
            with StreamedFile(
                store, names.original(file.key), f"content{_ending(file.key)}", file.size
            ) as content:
                index = make_index(content.path())
                if content.digests()[0] != file.sha256:
                    raise FormatError("it changed since it was registered")
        except FormatError:
            refused.append(file.number)
            continue
        except StorageError as error:
            if error.retry:
                raise
            refused.append(file.number)
            continue
        own.put(index_key(file.sha256, index.suffix), index.raw)
        count += 1
    return count, _told(refused)


def _without_index(files: list[Candidate], format_: Format, names: Names) -> Iterator[Candidate]:
    """Yield usable files whose set came without an index."""
    indexed = {file.set_number for file in files if format_.is_companion(names.original(file.key))}
    for file in files:
        if file.set_number not in indexed and file.verdict in {"valid", "warnings"}:
            yield file


def _ending(key: str) -> str:
    name = key.rpartition("/")[2]
    return name[name.index(".") :] if "." in name else ""


def _told(refused: list[int]) -> tuple[Finding, ...]:
    if not refused:
        return ()
    numbers = ", ".join(map(str, refused[:20])) + (" …" if len(refused) > 20 else "")
    words = ("file cannot be indexed", "files cannot be indexed")
    return (
        Finding("index", f"{counted(len(refused), *words)} (registry files {numbers})", len(refused), "note"),
    )
