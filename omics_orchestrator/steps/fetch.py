"""Fetch: one registered file is brought to a local folder, and refused when its bytes are not the registered ones."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.registry.query import FileAt, file_at
from omics_orchestrator.steps.file_names import names_of
from omics_orchestrator.steps.workspace import Workspace

UNSAFE = re.compile(r"[\x00-\x1f/\\:]")


def fetch(workspace: Workspace, number: int, folder: Path) -> Path:
    """Copy registry file `number` into `folder`, verified while it is read; one that is there already is kept.

    Raises:
        UnknownKey: no file has that number.
        NotConfigured: this machine has not the store.
        DeliveryError: the file was never read whole, or holds other bytes than were registered: nothing is left here.
        StorageError: the store does not hand it out.
    """
    file = file_at(workspace.database, number)
    if file is None:
        raise UnknownKey("registry file", str(number), [])
    if file.sha256 is None:
        raise DeliveryError(f"registry file {number} was never read whole: register it first")
    target = folder / _name(workspace, file)
    folder.mkdir(parents=True, exist_ok=True)
    if target.exists() and _sha256(target) == file.sha256:
        return target
    beside = folder / f".{uuid.uuid4().hex}"
    try:
        _copy(workspace, file, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _name(workspace: Workspace, file: FileAt) -> str:
    """Return the file's own name; of a pseudonymised study what the registry writes for it."""
    study = workspace.catalogue.studies.get(file.study)
    name = file.key.rpartition("/")[2]
    if study is not None and study.pseudonymise:
        name = f"file_{file.number}{''.join(Path(name).suffixes[-2:])}"
    return UNSAFE.sub("_", name) or f"file_{file.number}"


def _copy(workspace: Workspace, file: FileAt, path: Path) -> None:
    study = workspace.catalogue.studies.get(file.study)
    key = names_of(workspace, study).original(file.key) if study else file.key
    store, key = workspace.stores.resolve(f"{file.store}://{key}")
    digest = hashlib.sha256()
    with path.open("xb") as stream:
        for block in store.stream(key):
            digest.update(block)
            stream.write(block)
    if digest.hexdigest() != file.sha256:
        raise DeliveryError(
            f"registry file {file.number} holds other bytes than were registered: run it again if it was replaced, "
            "else get it back from a copy (omics verify)"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
