"""Indexes: those of the corpora fit their files; exchanged, old, cut off or foreign ones are told."""

import gzip
import random
import shutil
from contextlib import suppress

import pysam
import pytest
from pysam import bcftools

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, MemoryFile, OpenFile
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_index import read
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip
from omics_orchestrator_tests.formats.test_vcf import HEAD, RECORD, inspected


def said(calls: OpenFile, *indexes: OpenFile) -> tuple[str, ...]:
    """Return what is said of a set of one VCF and its indexes."""
    vcf = Vcf()
    files = {file.name: file for file in (calls, *indexes)}
    members = {name: Inspection.of({}) for name in files} | {calls.name: vcf.inspect(calls)}
    found = vcf.judge(members, files)
    assert found.facts == {"indexed": bool(indexes)}
    return found.problems


def test_the_indexes_of_the_corpora_fit(shared_data):
    pairs = 0
    for index in sorted((shared_data / "vcf").glob("*/*")):
        if Vcf.is_companion(index.name):
            calls = index.with_suffix("")
            members = {calls.name: inspected(calls), index.name: Inspection.of({})}
            files = {file.name: OnFile(file) for file in (calls, index)}
            assert Vcf().judge(members, files).problems == (), index.name
            pairs += 1
    assert pairs > 25


@pytest.fixture
def indexed(tmp_path):
    """Return a function that writes records to a bgzip VCF (or BCF) and indexes it with pysam."""

    def write(name: str, records: bytes, *, csi: bool = False) -> tuple[OnFile, OnFile]:
        file = tmp_path / name
        file.write_bytes(bgzip(HEAD + records))
        pysam.tabix_index(str(file), preset="vcf", csi=csi, force=True)
        return OnFile(file), OnFile(file.with_name(f"{name}.{'csi' if csi else 'tbi'}"))

    return write


MORE = RECORD + RECORD.replace(b"\t10\t", b"\t70\t") + RECORD.replace(b"1\t10", b"X\t5")


@pytest.mark.parametrize("csi", [False, True])
def test_an_index_of_another_file_is_told(indexed, csi):
    calls, index = indexed("a.vcf.gz", MORE, csi=csi)
    assert said(calls, index) == ()
    found = read(index)
    assert (found.names, found.counts) == (("1", "X"), [2, 1])
    assert 0 < found.furthest < calls.size
    (problem,) = said(MemoryFile("a.vcf.gz", bgzip(HEAD + MORE + RECORD.replace(b"1\t10", b"X\t9"))), index)
    assert "3 records instead of 4" in problem
    (problem,) = said(MemoryFile("a.vcf.gz", bgzip(HEAD + RECORD)), index)
    assert "1 contigs are in one only" in problem
    (problem,) = said(MemoryFile("a.vcf.gz", gzip.compress(HEAD + MORE, mtime=0)), index)
    assert "not bgzip" in problem


def test_an_index_of_a_longer_file_is_told(indexed):
    chance = random.Random(1)
    ids = (b"%x" % chance.getrandbits(800) for _ in range(5000))
    calls, index = indexed(
        "a.vcf.gz", b"".join(RECORD.replace(b"\t.\tA", b"\t" + one + b"\tA") for one in ids)
    )
    assert said(calls, index) == ()
    (problem,) = said(MemoryFile("a.vcf.gz", bgzip(HEAD + RECORD * 5000)), index)
    assert "beyond the end" in problem


def test_an_index_without_its_file_is_told(indexed, tmp_path):
    _, index = indexed("a.vcf.gz", MORE)
    vcf = Vcf()
    found = vcf.judge({index.name: vcf.inspect(index)}, {index.name: index})
    assert found.problems == ("an index without the file it belongs to",)


def test_what_is_no_index_is_told(indexed):
    calls, index = indexed("a.vcf.gz", MORE)
    raw = gzip.decompress(index.file.read_bytes())
    for wrong in (
        b"",
        b"nothing",
        b"\x1f\x8bnothing",
        bgzip(b"TBI\1"),
        bgzip(b"CSI\1" + b"\xff" * 40),
        calls.file.read_bytes(),
    ):
        (problem,) = said(calls, MemoryFile("a.vcf.gz.tbi", wrong))
        assert problem.startswith("the index tbi cannot be used: ")
    for cut in range(4, len(raw) - 9, 7):
        with pytest.raises(FormatError):
            read(MemoryFile("a.tbi", bgzip(raw[:cut])))


def test_damaged_indexes_are_answered(indexed):
    for csi in (False, True):
        _, index = indexed("a.vcf.gz", MORE, csi=csi)
        raw = bytearray(gzip.decompress(index.file.read_bytes()))
        for place in range(len(raw)):
            for value in (0, 127, 255):
                damaged = bytearray(raw)
                damaged[place] = value
                with suppress(FormatError):
                    found = read(MemoryFile("a.tbi", bytes(damaged)))
                    assert len(found.counts) < 100


def test_an_index_of_a_bcf_knows_numbers_not_names(shared_data, tmp_path):
    source = shared_data / "vcf" / "bio2zarr" / "sample.bcf"
    shutil.copy(source, tmp_path / "sample.bcf")
    bcftools.index("-f", str(tmp_path / "sample.bcf"), catch_stdout=False)
    index = OnFile(tmp_path / "sample.bcf.csi")
    assert said(OnFile(source), index) == ()
    assert read(index).names == ()
    (problem,) = said(OnFile(shared_data / "vcf" / "bio2zarr" / "1kg_2020_chrM.bcf"), index)
    assert "of another file" in problem


def test_a_tribble_index_is_not_read():
    assert said(MemoryFile("a.vcf", HEAD), MemoryFile("a.vcf.idx", b"anything")) == ()
