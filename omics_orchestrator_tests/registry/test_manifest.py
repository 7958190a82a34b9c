"""Manifests: what md5sum and sha256sum write is checked; what is not there, or differs, is told."""

from __future__ import annotations

import hashlib

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.registry.manifest import Manifest
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples
from omics_orchestrator_tests.registry.test_register import by_check

SAMPLES = table_of_samples(S1="P1", S2="P2")
WITH = {**FASTQ, "manifest": "store+lab://mgx_*.txt"}


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("{md5}  a.fastq", "in/a.fastq"),
        ("{md5} *./sub/a.fastq", "in/sub/a.fastq"),
        ("\\{md5}  a\\nb\\\\.fastq", "in/a\nb\\.fastq"),
        ("MD5 (a.fastq) = {md5}", "in/a.fastq"),
        ("SHA256 (a b.fastq) = {sha256}", "in/a b.fastq"),
        ("{sha256}  a.fastq\r", "in/a.fastq"),
    ],
)
def test_what_the_programs_write_is_read(line: str, key: str) -> None:
    raw = b"content"
    sha256 = hashlib.sha256(raw).hexdigest()
    manifest = Manifest()
    text = f"# comment\n\n{line.format(md5=md5(raw).upper(), sha256=sha256)}\n"
    manifest.add(text.encode(), "in", "manifest 1")
    assert manifest.keys_named() == [key]
    assert not manifest.contradicts(key, sha256, md5(raw))
    assert manifest.contradicts(key, "0" * 64, "0" * 32)
    assert not manifest.contradicts("another", "0" * 64, None)


def test_another_line_is_refused_by_its_number() -> None:
    with pytest.raises(DeliveryError, match="manifest 1, line 2") as told:
        Manifest().add(f"{md5(b'')}  a\nsecret P1\n".encode(), "", "manifest 1")
    assert "secret" not in str(told.value)


def test_files_are_held_against_their_manifests(laboratory: Laboratory) -> None:
    good, bad = reads(2), reads(3)
    laboratory.put("mgx/P1_S1_R1.fastq.gz", good)
    laboratory.put("mgx/P2_S2_R1.fastq.gz", bad)
    first = f"{md5(good)}  mgx/P1_S1_R1.fastq.gz\n{md5(b'other')}  mgx/P2_S2_R1.fastq.gz\n"
    laboratory.put("mgx_md5.txt", f"{first}{md5(b'gone')}  mgx/gone.fastq.gz\n".encode())
    done = laboratory.register(WITH, SAMPLES)
    assert by_check(done.findings)["linked"] == 1
    told = {finding.message for finding in done.findings if finding.check == "manifest"}
    assert told == {"1 file set is not as its manifest says", "1 file of the manifest is not there"}
    reasons = {row["key"]: row["reason"] for row in laboratory.files()}
    assert reasons == {"mgx/P1_S1_R1.fastq.gz": None, "mgx/P2_S2_R1.fastq.gz": "manifest_differs"}
    assert laboratory.register(WITH, SAMPLES).touched == 0
    laboratory.put(
        "mgx_md5.txt", f"{md5(good)}  mgx/P1_S1_R1.fastq.gz\n{md5(bad)}  mgx/P2_S2_R1.fastq.gz\n".encode()
    )
    mended = laboratory.register(WITH, SAMPLES)
    assert (mended.rows["linked"], mended.rows["read"], mended.findings) == (2, 0, ())


def test_a_manifest_that_comes_later_reads_files_whose_md5_is_not_known(laboratory: Laboratory) -> None:
    raw = reads(2)
    laboratory.put("mgx/P1_S1_R1.fastq.gz", raw)
    assert laboratory.register(FASTQ, SAMPLES).rows["linked"] == 1
    laboratory.put("mgx_sha256.txt", f"{hashlib.sha256(raw).hexdigest()}  mgx/P1_S1_R1.fastq.gz\n".encode())
    assert laboratory.register(WITH, SAMPLES).rows["read"] == 0
    laboratory.put("mgx_md5.txt", f"{md5(b'x')}  mgx/P1_S1_R1.fastq.gz\n".encode())
    late = laboratory.register(WITH, SAMPLES)
    assert (late.rows["read"], late.rows["quarantined"]) == (1, 1)
    assert laboratory.rows("select count(*) from registry.file_version") == [(1,)]


def test_a_manifest_that_is_declared_and_not_there_is_an_error(laboratory: Laboratory) -> None:
    laboratory.put("mgx/P1_S1_R1.fastq.gz", reads())
    with pytest.raises(DeliveryError, match="no manifest"):
        laboratory.register(WITH, SAMPLES)
