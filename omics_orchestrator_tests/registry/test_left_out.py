"""What the study says is none of the assay is neither read nor registered; said later, it is forgotten."""

from __future__ import annotations

import pytest

from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples

SAMPLES = table_of_samples(S1="P1")
KEYS = ("P1_S1_R1.fastq.gz", "notes.txt", "logs/run 1/a.log", "odd^name\\[1].txt", "a.fastq.gz.md5")


def registered(laboratory: Laboratory) -> set[str]:
    return {row["key"].removeprefix("mgx/") for row in laboratory.files() if not row["missing"]}


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ([], set(KEYS)),
        (["*.txt"], {"P1_S1_R1.fastq.gz", "logs/run 1/a.log", "a.fastq.gz.md5"}),
        (["logs/*", "*.md?"], {"P1_S1_R1.fastq.gz", "notes.txt", "odd^name\\[1].txt"}),
        (["odd^name\\[1].txt", "notes.tx"], set(KEYS) - {"odd^name\\[1].txt"}),
        (["*"], set()),
    ],
)
def test_patterns(laboratory: Laboratory, patterns: list[str], left: set[str]) -> None:
    for key in KEYS:
        laboratory.put(f"mgx/{key}", reads())
    laboratory.register({**FASTQ, "leave_out": patterns}, SAMPLES)
    assert registered(laboratory) == left


def test_what_is_left_out_later_is_forgotten(laboratory: Laboratory) -> None:
    for key in KEYS[:2]:
        laboratory.put(f"mgx/{key}", reads())
    assert laboratory.register(FASTQ, SAMPLES).rows["files"] == 2
    done = laboratory.register({**FASTQ, "leave_out": ["*.txt"]}, SAMPLES)
    assert (done.rows["file_sets"], done.rows["files"], done.rows["missing"]) == (1, 1, 0)
