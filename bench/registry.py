"""Registering 10,000 small FASTQ files against a bare loop of open, sha256, one COPY.

Ours lists, reads, digests, checks every read of every file, pairs the files, links them to samples and writes five
tables; the loop does nothing of that but the digest. The last row leaves the check of the reads out, to tell what
the registry itself costs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import os
import random
import tempfile
from pathlib import Path
from unittest import mock

import pyarrow as pa

from bench.report import BenchRow, compare, show
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.registry.register import Circumstances, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay

FILES = 10_000
REPEATS = 5
ASSAY = Assay.model_validate(
    {
        "format": "fastq",
        "location": "store+bench://",
        "link": r"(?P<participant>P\d+)_(?P<sample>S\d+)_R[12]\.fastq\.gz",
    }
)
SAMPLES = pa.table(
    {
        "participant_id": [f"P{number:05}" for number in range(FILES // 2)],
        "sample_id": [f"S{number:05}" for number in range(FILES // 2)],
    }
)


def write_files(folder: Path, reads: int) -> int:
    """Write the pairs, all different; return the bytes of the largest file."""
    chance = random.Random(1)
    largest = 0
    for number in range(FILES):
        text = "".join(
            f"@SIM:1:FC{number // 2}:1:{read}:1\n{''.join(chance.choices('ACGT', k=100))}\n+\n"
            f"{''.join(chance.choices('FFFFFFFF:,#', k=100))}\n"
            for read in range(reads)
        )
        raw = gzip.compress(text.encode(), 6, mtime=0)
        pair = number // 2
        (folder / f"P{pair:05}_S{pair:05}_R{number % 2 + 1}.fastq.gz").write_bytes(raw)
        largest = max(largest, len(raw))
    return largest


def bare_loop(database: Database, folder: Path) -> None:
    lines = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123
                raw = file.read()
            lines.append(f"{entry.name}\t{len(raw)}\t{hashlib.sha256(raw).hexdigest()}\n")
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create table if not exists bare (name text, size bigint, sha256 text)")
        cursor.copy_expert("copy bare from stdin", io.StringIO("".join(lines)))


def compared(database: Database, temporary: Path, reads: int, note: str = "") -> BenchRow:
    folder = temporary / f"reads_{reads}{note}"
    folder.mkdir()
    largest = write_files(folder, reads)
    environment = {"OMICS_HOME": str(temporary / "home"), "OMICS_STORE_BENCH_URL": folder.as_uri()}
    stores = Stores(Settings.from_environment(environment))
    rounds = itertools.count()

    def ours() -> None:
        assay_name = f"reads_{reads}{note}_{next(rounds)}"  # a new one each time: all files are new to it
        done = register(
            database,
            stores,
            study="bench",
            assay_name=assay_name,
            assay=ASSAY,
            circumstances=Circumstances(SAMPLES),
            run_id="bench",
        )
        assert done.rows["linked"] == FILES, done.rows

    size = f"{FILES:,} FASTQ.gz of ≤ {largest / 1024:.1f} KiB, {reads} reads each{note}"
    name = f"register {size} : open, sha256, one COPY"
    return compare(name, ours, lambda: bare_loop(database, folder), goal=2.0, repeats=REPEATS)


def rows() -> list[BenchRow]:
    """Return one row for files of about 1 KiB and one for files just below 4 KiB, on a server of their own."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        database = Database.open(Settings.from_environment({"OMICS_HOME": f"{folder}/server"}))
        checked = [compared(database, Path(folder), reads) for reads in (12, 55)]
        with mock.patch.object(
            Fastq, "inspect_many", lambda _, files: [Inspection("valid", {})] * len(files)
        ):
            return [*checked, compared(database, Path(folder), 12, ", reads unchecked")]


if __name__ == "__main__":
    show(rows())
