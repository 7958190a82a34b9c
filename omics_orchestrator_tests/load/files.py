"""1,000 small files dropped within a minute while sensor and daemon run: each is registered once, soon, in batches."""

from __future__ import annotations

import gzip
import hashlib
import time
from pathlib import Path

from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.faults.station import Station
from omics_orchestrator_tests.load import ticks
from omics_orchestrator_tests.load.memory import Memory

STUDY = """\
study: drop
title: Files that arrive
stewards: [load@example.org]
participant_id: {pattern: "P[0-9]+"}
assays:
  mgx:
    format: fastq
    location: "store+tiny://mgx/"
    link: "(?P<participant>P\\\\d+)_(?P<sample>S\\\\d+)_R[12]\\\\.fastq\\\\.gz"
"""
LIMIT = 1800.0  # seconds
REGISTERED = "SELECT count(*) FROM registry.file_version"
ONCE = """
SELECT count(*), count(DISTINCT key), count(*) FILTER (WHERE file.version = 1 AND sha256 = ANY(%s))
FROM registry.file JOIN registry.file_version ON file_number = number
"""


def load(folder: Path, count: int, seconds: float) -> list[str]:
    """Run it, print the figures, and return what was wrong."""
    station = Station(folder, OMICS_LOOK_EVERY="30")
    study = station.dictionary / "studies" / "drop"
    study.mkdir()
    (study / "study.yaml").write_text(STUDY)
    (study / "mapping.yaml").write_text("{}\n")
    try:
        ensure_server(station.settings)
        station.omics("materialize")
        before = _registered(station)
        station.start_code()
        station.start_daemon()
        station.ready()
        with Memory(station) as memory:
            began = time.monotonic()
            digests = _drop(station.source / "mgx", count, seconds)
            dropped = time.monotonic() - began
            while _registered(station) - before < count and time.monotonic() - began < LIMIT:
                time.sleep(0.5)
            took = time.monotonic() - began
            station.settled()
        return _report(station, memory, count, (dropped, took), digests)
    finally:
        station.end()


def _drop(folder: Path, count: int, seconds: float) -> list[str]:
    """Write the files (a pair each second one), evenly over the time; return their digests."""
    folder.mkdir()
    began, digests = time.monotonic(), []
    for number in range(count):
        pair, end = divmod(number, 2)
        reads = "".join(f"@R{pair}:{read}/{end + 1}\nACGTACGTACGT\n+\nFFFFFFFFFFFF\n" for read in range(20))
        raw = gzip.compress(reads.encode(), mtime=0)
        draft = folder.parent / f"draft{number}"
        draft.write_bytes(raw)
        draft.rename(folder / f"P{pair // 3}_S{pair}_R{end + 1}.fastq.gz")
        digests.append(hashlib.sha256(raw).hexdigest())
        time.sleep(max(0.0, began + seconds * (number + 1) / count - time.monotonic()))
    return digests


def _registered(station: Station) -> int:
    return int(station.query(REGISTERED)[0][0])


def _report(
    station: Station, memory: Memory, count: int, seconds: tuple[float, float], digests: list[str]
) -> list[str]:
    dropped, took = seconds
    runs = list(station.runs().values())
    print(
        f"files      {count} dropped in {dropped:.0f} s, all registered after {took:.0f} s: {count / took:.1f} a second"
    )
    print(f"           {runs.count('SUCCESS')} runs, {len(runs) - runs.count('SUCCESS')} of them not green")
    print(f"ticks      new_files: {ticks.told(station, 'new_files')}")
    print(f"memory     {memory.told()}", flush=True)
    rows, keys, sound = station.query(ONCE, digests)[0]
    wrong = (
        []
        if (rows, keys, sound) == (count + 1, count + 1, count)
        else [f"{sound} of {count} once, {rows} rows"]
    )
    return wrong + [f"a run ended {status}" for status in runs if status != "SUCCESS"]
