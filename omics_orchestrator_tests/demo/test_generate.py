"""The generator: the same bytes for the same seed, nothing written twice, small and fast."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator.demo import DemoReport, generate
from omics_orchestrator.demo.generate import MANIFEST

FAULTS = {
    "truncated_fastq",
    "foreign_vcf_sample",
    "unknown_sample",
    "unknown_code",
    "out_of_bounds",
    "duplicate_id",
    "sex_swap_genotype",
    "sex_swap_expression",
    "genomes_of_two_people",
    "one_content_twice",
}


OF_THE_SERVER = {"environment.json", "redcap.lock", "redcap.log"}  # what serving.py leaves beside the cohort


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in OF_THE_SERVER
    }


@pytest.fixture
def copy(demo: DemoReport, tmp_path: Path) -> Path:
    """A copy of the demo that a test may change."""
    for name, data in content(demo.folder).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_what_is_reported(demo):
    assert demo.participants == {"demo_adult": 120, "demo_child": 120, "demo_registry": 120}
    assert demo.written == demo.files == len(content(demo.folder)) - 1
    assert {fault.kind for fault in demo.faults} == FAULTS
    assert len(demo.faults) == len(FAULTS)


def test_small(demo):
    assert sum(map(len, content(demo.folder).values())) < 15_000_000


def test_another_process_writes_the_same_bytes(demo, tmp_path):
    code = f"from pathlib import Path; from omics_orchestrator.demo import generate; generate(Path({str(tmp_path)!r}))"
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert content(tmp_path) == content(demo.folder)


def test_a_second_run_writes_nothing(demo):
    before = {file: file.stat().st_mtime_ns for file in demo.folder.rglob("*")}
    again = generate(demo.folder)
    assert (again.written, again.files, again.faults) == (0, demo.files, demo.faults)
    assert again.participants == demo.participants
    assert {file: file.stat().st_mtime_ns for file in demo.folder.rglob("*")} == before


def test_what_is_missing_or_damaged_is_mended(demo, copy):
    (copy / "demo_registry" / "proben.csv").unlink()
    reads = min((copy / "demo_child" / "mgx").iterdir())
    reads.write_bytes(b"short")
    assert generate(copy).written == 2
    assert content(copy) == content(demo.folder)


def test_another_seed_is_another_cohort(demo, copy):
    assert generate(copy, seed=7).written > 300
    other = content(copy)
    assert (
        other["demo_adult/redcap/records.json"]
        != (demo.folder / "demo_adult/redcap/records.json").read_bytes()
    )
    assert generate(copy, seed=7).written == 0
    generate(copy)
    assert content(copy) == content(demo.folder)


def test_files_of_an_older_generator_go(demo, copy):
    manifest = copy / MANIFEST
    old = manifest.read_text().replace('"version": "', '"version": "older ')
    manifest.write_text(old.replace('"files": {', '"files": {\n  "demo_adult/old.csv": 3,'))
    (copy / "demo_adult" / "old.csv").write_text("old")
    (copy / "mine.txt").write_text("not the generator's")
    assert generate(copy).written == 0
    assert content(copy).keys() - content(demo.folder).keys() == {"mine.txt"}
