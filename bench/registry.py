"""Registering 10,000 small FASTQ files against a bare loop of open, sha256, one COPY.

Ours lists, reads, digests, checks every read of every file, pairs the files, links them to samples and writes five
tables; the loop does nothing of that but the digest. The last row leaves the check of the reads out, to tell what
the registry itself costs. LaminDB (OMICS_BENCH_LAMIN names the python of its environment) registers fewer files, in a
process of its own: its time is scaled to as many as ours.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import os
import random
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pyarrow as pa

from bench.report import BenchRow, compare, seconds, show
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.registry.register import Circumstances, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay

FILES = 10_000
REPEATS = 5
OF_LAMIN, LAMIN_REPEATS = 500, 2  # files, rounds: it takes some 50 ms a file
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
    ours = registering(database, Stores(Settings.from_environment(environment)), f"reads_{reads}{note}")
    size = f"{FILES:,} FASTQ.gz of ≤ {largest / 1024:.1f} KiB, {reads} reads each{note}"
    name = f"register {size} : open, sha256, one COPY"
    return compare(name, ours, lambda: bare_loop(database, folder), goal=2.0, repeats=REPEATS)


def registering(database: Database, stores: Stores, name: str) -> Callable[[], None]:
    """Return what registers all files of the store anew at each call."""
    rounds = itertools.count()

    def ours() -> None:
        assay_name = f"{name}_{next(rounds)}"  # a new one each time: all files are new to it
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

    return ours


def lamin(database: Database, temporary: Path) -> BenchRow:
    """Compare with LaminDB's `Artifact.from_dir` and `save` of all; instance and import are not in its time."""
    python = os.environ.get("OMICS_BENCH_LAMIN")
    name = f"register {FILES:,} FASTQ.gz, 12 reads each : LaminDB's bulk save"
    if not python:
        return BenchRow(f"{name}, NOT MEASURED: OMICS_BENCH_LAMIN is not set", *[float("nan")] * 3, 1 / 30)
    folder = temporary / "reads_12"
    environment = {"OMICS_HOME": str(temporary / "home"), "OMICS_STORE_BENCH_URL": folder.as_uri()}
    ours = registering(database, Stores(Settings.from_environment(environment)), "beside_lamin")
    ours()
    laps = [(seconds(ours), of_lamin(python, folder) * FILES / OF_LAMIN) for _ in range(LAMIN_REPEATS)]
    mine, theirs = (statistics.median(column) for column in zip(*laps, strict=True))
    return BenchRow(f"{name} (scaled from {OF_LAMIN})", mine, theirs, mine / theirs, 1 / 30)


def of_lamin(python: str, folder: Path) -> float:
    """Return the seconds that LaminDB takes for the first files of a folder, in a new instance."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-lamin-") as home:
        files = Path(home, "storage", "files")
        files.mkdir(parents=True)
        for path in sorted(folder.iterdir())[:OF_LAMIN]:
            (files / path.name).write_bytes(path.read_bytes())
        script = str(Path(__file__).with_name("lamin_peer.py"))
        command = [python, script, str(files.parent), str(files)]
        found = subprocess.run(
            command, env={"HOME": home, "PATH": os.defpath}, capture_output=True, text=True
        )
    if found.returncode:
        raise RuntimeError(f"LaminDB failed: {found.stderr[-2000:]}")
    return float(found.stdout.rpartition("seconds ")[2])


def rows() -> list[BenchRow]:
    """Return one row for files of about 1 KiB and one for files just below 4 KiB, on a server of their own."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        database = Database.open(Settings.from_environment({"OMICS_HOME": f"{folder}/server"}))
        checked = [compared(database, Path(folder), reads) for reads in (12, 55)]
        with mock.patch.object(
            Fastq, "inspect_many", lambda _, files: [Inspection("valid", {})] * len(files)
        ):
            unchecked = compared(database, Path(folder), 12, ", reads unchecked")
        return [*checked, unchecked, lamin(database, Path(folder))]


if __name__ == "__main__":
    show(rows())
