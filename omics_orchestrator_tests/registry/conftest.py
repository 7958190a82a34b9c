"""A laboratory: a folder as a source store, and registrations of what lies in it."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.registry.query import files_of
from omics_orchestrator.registry.register import Circumstances, Registered, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay

LINK = r"(?P<participant>P\d+)_(?P<sample>S\d+)_R[12]\.fastq\.gz"
FASTQ = {"format": "fastq", "location": "store+lab://mgx/", "link": LINK}


def reads(count: int = 2, sequence: str = "ACGT") -> bytes:
    text = "".join(f"@read{number}\n{sequence}\n+\n{'F' * len(sequence)}\n" for number in range(count))
    return gzip.compress(text.encode(), mtime=0)


def table_of_samples(**owners: str) -> pa.Table:
    """Return harmonised samples: sample → participant."""
    return pa.table(
        {"participant_id": pa.array(owners.values(), pa.string()), "sample_id": pa.array(owners, pa.string())}
    )


@dataclass
class Laboratory:
    folder: Path
    database: Database
    stores: Stores

    def put(self, key: str, raw: bytes) -> Path:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return path

    def register(
        self, assay: dict[str, Any], samples: pa.Table | None = None, *, quick: bool = False, **around: Any
    ) -> Registered:
        return register(
            self.database,
            self.stores,
            study="demo",
            assay_name="reads",
            assay=Assay.model_validate(assay),
            circumstances=Circumstances(samples, **around),
            run_id="run",
            quick=quick,
        )

    def files(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = files_of(self.database, study="demo").to_pylist()
        return rows

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.database.transaction(read_only=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()


@pytest.fixture
def laboratory(database: Database, tmp_path: Path) -> Laboratory:
    folder = tmp_path / "lab"
    folder.mkdir()
    environment = {"OMICS_HOME": str(tmp_path / "home"), "OMICS_STORE_LAB_URL": folder.as_uri()}
    return Laboratory(folder, database, Stores(Settings.from_environment(environment)))


@pytest.fixture
def reading_counter(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count how many files are opened by the folder store."""
    from omics_orchestrator.storage.folder import FolderStore

    opened = 0
    for name in ("get", "stream", "read_range"):
        original = getattr(FolderStore, name)

        def counted(*arguments: Any, original: Any = original, **options: Any) -> Any:
            nonlocal opened
            opened += 1
            return original(*arguments, **options)

        monkeypatch.setattr(FolderStore, name, counted)
    return lambda: opened


def touch_later(path: Path) -> None:
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))
