"""What killed runs left: half-written objects, matrices without a marker, deliveries nobody awaits, spooled files.

Only what is older than any living run may be: younger things may be in somebody's hands.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from omics_orchestrator.matrices.stored import MARKED_FOLDER, read_marker
from omics_orchestrator.steps.deliver import by_day
from omics_orchestrator.steps.staged import FOLDER as STAGED
from omics_orchestrator.steps.staged import place_of
from omics_orchestrator.steps.workspace import Workspace

SPOOLED = "omics-*"  # folders in TMPDIR that files of buckets are read through


@dataclass(frozen=True)
class Leftover:
    """One thing that nobody owns any more.

    Attributes:
        kind: what it is, in words.
        size: bytes.
        remove: removes it; removing it twice is no error.
    """

    kind: str
    size: int
    remove: Callable[[], None]


def leftovers(workspace: Workspace, before: datetime, staged_before: datetime) -> Iterator[Leftover]:
    """Yield what was written before `before` and belongs to nothing; staged deliveries when they are older still.

    Raises:
        StorageError: our own store does not answer.
    """
    store = workspace.stores.own
    for path, size in store.half_written(before):
        yield Leftover("half-written objects", size, partial(path.unlink, missing_ok=True))
    yield from _matrices(workspace, before)
    for found in store.list(STAGED):
        if found.modified < staged_before or (found.modified < before and not _awaited(workspace, found.key)):
            yield Leftover("staged deliveries", found.size, partial(store.delete, found.key))
    yield from _spooled(before)
    yield from _drafts(workspace.settings.home / "cache", before)


def _matrices(workspace: Workspace, before: datetime) -> Iterator[Leftover]:
    """Yield the objects of matrices that the marker does not name: a write that was cut off."""
    store, markers = workspace.stores.own, dict[str, str | None]()
    for found in store.list("matrix"):
        if not (place := MARKED_FOLDER.match(found.key)):
            continue
        prefix = place["prefix"]
        if prefix not in markers:
            marker = read_marker(store, prefix)
            markers[prefix] = marker["content"] if marker else None
        if place["content"] != markers[prefix] and found.modified < before:
            yield Leftover("objects of unfinished matrices", found.size, partial(store.delete, found.key))


def _awaited(workspace: Workspace, key: str) -> bool:
    """Tell whether an asset that is declared would apply a staged delivery; one of a broken study may be again."""
    study, name, table = place_of(key)
    catalogue = workspace.catalogue
    if study in catalogue.broken:
        return True
    declared = catalogue.studies.get(study)
    return declared is not None and table in by_day(declared).get(name, ())


def _spooled(before: datetime) -> Iterator[Leftover]:
    for folder in Path(tempfile.gettempdir()).glob(SPOOLED):
        mine = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
        if mine and _written(folder) < before:
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            yield Leftover("spooled files", size, partial(shutil.rmtree, folder, ignore_errors=True))


def _drafts(cache: Path, before: datetime) -> Iterator[Leftover]:
    """Yield the declarations' cache that was never put in its place."""
    for file in cache.glob("tmp*"):
        if _written(file) < before:
            yield Leftover("spooled files", file.stat().st_size, partial(file.unlink, missing_ok=True))


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
