"""The full check of a FASTQ.gz of 500,000 reads against `igzip -dc FILE | wc -c`, which only inflates it.

Ours inflates, checks every read against the specification, counts bases, qualities by value and by position, and takes
the digest of the names; one thread. Without Debian's `isal` (igzip) the peer is a loop that reads by python-isal, and
the row says so. The second pair of rows is `inspect_many` on small files against inflating them, with the compiled
loops and without.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from isal import igzip, isal_zlib

from bench.report import BenchRow, compare, show
from omics_orchestrator.formats import fastq_scan
from omics_orchestrator.formats.fastq import Fastq

READS, LENGTH = 500_000, 150
SMALL_FILES = 2_000
REPEATS = 7
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class LocalFile:
    """A file as the registry streams it."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    def blocks(self):  # type: ignore[no-untyped-def]
        with self.file.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield block

    def path(self) -> Path:
        return self.file


def reads(count: int, seed: int) -> bytes:
    """Return reads as a sequencer of today writes them: Casava titles, four values of quality."""
    chance = np.random.default_rng(seed)
    bases = np.frombuffer(b"ACGT", np.uint8)[chance.integers(0, 4, (count, LENGTH), np.uint8)]
    bases[chance.random((count, LENGTH)) < 0.001] = ord("N")
    quality = np.frombuffer(b"FFFFFFFFFFF::,#", np.uint8)[chance.integers(0, 15, (count, LENGTH), np.uint8)]
    places = chance.integers(1000, 30000, (count, 2)).tolist()
    return b"".join(
        b"@A00123:45:HXXXXDSXX:1:1101:%d:%d 1:N:0:ACGTACGT\n%s\n+\n%s\n"
        % (x, y, one.tobytes(), two.tobytes())
        for (x, y), one, two in zip(places, bases, quality, strict=True)
    )


def inflating(file: Path) -> tuple[str, Callable[[], object]]:
    """Return the limit: what it is called, and how it is run."""
    if shutil.which("igzip"):
        command = f"igzip -dc '{file}' | wc -c"
        return "igzip -dc | wc -c", lambda: subprocess.run(
            command, shell=True, check=True, capture_output=True
        )

    def read() -> None:
        with igzip.open(file) as stream:
            while stream.read(BLOCK):
                pass

    return "python-isal read (no igzip here)", read


def large(folder: Path) -> BenchRow:
    file = folder / "a_R1.fastq.gz"
    text = reads(READS, 1)
    file.write_bytes(gzip.compress(text, 6, mtime=0))
    peer, inflate = inflating(file)

    def ours() -> None:
        found = Fastq().inspect(LocalFile(file))
        assert (found.verdict, found.facts["reads"], found.facts["bases"]) == ("valid", READS, READS * LENGTH)

    name = f"FASTQ full check, {len(text) >> 20} MiB of text : {peer}"
    return compare(name, ours, inflate, goal=2.0, repeats=REPEATS)


def small(count: int, worth: int, note: str, goal: float) -> BenchRow:
    files = [
        (f"{seed}.fastq.gz", gzip.compress(reads(count, seed), 6, mtime=0)) for seed in range(SMALL_FILES)
    ]
    largest = max(len(raw) for _, raw in files)

    def ours() -> None:
        with mock.patch.object(fastq_scan, "WORTH", worth):
            for start in range(0, len(files), 64):
                found = Fastq().inspect_many(files[start : start + 64])
                assert all(one.verdict == "valid" for one in found)

    def inflate() -> None:
        for _, raw in files:
            isal_zlib.decompress(raw, 31)

    name = f"{SMALL_FILES:,} files ≤ {largest / 1024:.1f} KiB{note} : inflating them"
    return compare(name, ours, inflate, goal=goal, repeats=REPEATS)


def rows() -> list[BenchRow]:
    """Return one row for a large file and three for small ones; the goals of small ones are ours."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        return [
            large(Path(folder)),
            small(12, 0, "", 6.0),
            small(40, 0, "", 4.0),
            small(40, 1 << 60, ", without Numba", 30.0),
        ]


if __name__ == "__main__":
    show(rows())
