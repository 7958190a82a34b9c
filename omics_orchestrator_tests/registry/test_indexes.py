"""Indexes that files came without are made once, in our own store; source stores are left alone."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest
from pydantic import ValidationError

from omics_orchestrator.studies.assay import Assay
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, table_of_samples

SAMPLES = table_of_samples(S1="P1", S2="P2")
BAM = {
    "format": "bam",
    "location": "store+lab://bam/",
    "link": r"(?P<participant>P\d+)_(?P<sample>S\d+)\.bam",
    "index": True,
}


def bam(path: Path, positions: list[int], order: str = "coordinate") -> None:
    header = {"HD": {"VN": "1.6", "SO": order}, "SQ": [{"SN": "1", "LN": 100_000}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, position in enumerate(positions):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.flag, read.reference_id = f"r{number}", 0, 0
            read.reference_start, read.mapping_quality, read.cigarstring = position, 60, "4M"
            read.query_sequence = "ACGT"
            read.query_qualities = pysam.qualitystring_to_array("FFFF")
            file.write(read)


def test_what_lacks_is_made_once_beside_its_content(laboratory: Laboratory) -> None:
    (laboratory.folder / "bam").mkdir()
    bam(laboratory.folder / "bam" / "P1_S1.bam", [10, 20, 5_000])
    bam(laboratory.folder / "bam" / "P2_S2.bam", [20, 10], "unsorted")
    done = laboratory.register(BAM, SAMPLES)
    assert done.rows["indexes_made"] == 1
    [refused] = [finding for finding in done.findings if finding.check == "index"]
    assert (refused.count, refused.severity) == (1, "note")
    sha256 = laboratory.files()[0]["sha256"]
    [made] = [found.key for found in laboratory.stores.own.list("derived/")]
    assert made == f"derived/{sha256}/index.bai"
    assert laboratory.stores.own.get(made)[:4] == b"BAI\x01"
    assert sorted(path.name for path in (laboratory.folder / "bam").iterdir()) == ["P1_S1.bam", "P2_S2.bam"]
    assert laboratory.register(BAM, SAMPLES).rows["indexes_made"] == 0


def test_what_was_delivered_is_not_made(laboratory: Laboratory) -> None:
    (laboratory.folder / "bam").mkdir()
    bam(laboratory.folder / "bam" / "P1_S1.bam", [10, 20, 5_000])
    pysam.index(str(laboratory.folder / "bam" / "P1_S1.bam"))
    assert laboratory.register(BAM, SAMPLES).rows["indexes_made"] == 0


def test_only_formats_with_indexes_may_ask_for_one() -> None:
    with pytest.raises(ValidationError, match="fastq have no index"):
        Assay.model_validate({**FASTQ, "index": True})
