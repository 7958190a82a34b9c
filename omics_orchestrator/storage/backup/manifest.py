"""`backup.json`: what a back-up holds, with the digest of every part. It is written last: what it names is whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.server_home import write_private

NAME = "backup.json"
FORMAT = 1  # of the folder; a later one is refused
DATA, DAGSTER, OBJECTS = "data database", "Dagster's database", "index of our object store"


@dataclass(frozen=True)
class Part:
    """One file of the back-up: `size` in bytes and SHA-256 of the whole file; `holds` says what it is."""

    name: str
    holds: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a back-up holds.

    Attributes:
        format: of the folder.
        package: version of this package that wrote it.
        revision: of the fixed tables (schema.py); None = there were none.
        taken_at: UTC, ISO 8601: the moment of the data database's snapshot.
        server: version of the PostgreSQL server.
        program: version of the `pg_dump` that wrote the dumps.
        parts: the files; objects are checked against the index, which is one of them.
        objects: number of objects of our own store.
        object_bytes: their bytes.
        tables: number of tables that we wrote.
        rows: their rows.
        identifiers: whether the schema of direct identifiers was there.
        members: [role, member]: who had been given our roles by hand.
        sources: source stores (not copied): name, URL without credentials, objects and bytes by study and assay.
    """

    format: int
    package: str
    revision: str | None
    taken_at: str
    server: str
    program: str
    parts: tuple[Part, ...]
    objects: int
    object_bytes: int
    tables: int
    rows: int
    identifiers: bool
    members: tuple[tuple[str, str], ...]
    sources: tuple[Mapping[str, Any], ...]

    def part(self, holds: str) -> Part:
        """Return the part that holds this."""
        return next(part for part in self.parts if part.holds == holds)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place of the older one, after everything that it names is on the disk."""
    content = asdict(manifest)
    draft = folder / f"{NAME}.new"
    os.sync()
    write_private(draft, json.dumps({"sha256": _digest(content), "backup": content}, indent=1))
    draft.replace(folder / NAME)
    os.sync()


def read_manifest(folder: Path) -> Manifest:
    """Return what the back-up in `folder` holds.

    Raises:
        StorageError: there is none, it was changed, or a newer version of this package wrote it.
    """
    try:
        written = json.loads((folder / NAME).read_text(encoding="utf-8"))
        content, digest = written["backup"], written["sha256"]
    except FileNotFoundError:
        raise StorageError(f"{folder} holds no finished back-up: there is no {NAME}") from None
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{folder / NAME} is damaged; nothing was changed here") from None
    if _digest(content) != digest:
        raise StorageError(f"{folder / NAME} is damaged: its digest differs; nothing was changed here")
    if content["format"] > FORMAT:
        raise StorageError(
            f"the back-up was written by omics_orchestrator {content['package']} (format {content['format']}, "
            f"this version reads {FORMAT}): install that version or a newer one"
        )
    return Manifest(
        **{
            **content,
            "parts": tuple(Part(**part) for part in content["parts"]),
            "members": tuple((role, member) for role, member in content["members"]),
            "sources": tuple(content["sources"]),
        }
    )


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
