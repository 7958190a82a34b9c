"""Indexes made by us: htslib finds by them what a full read finds, and what cannot be indexed is refused."""

import gzip
import random
import struct
import tempfile
import time
from pathlib import Path

import pysam
import pytest

from omics_orchestrator.errors import FormatError, StorageError
from omics_orchestrator.formats import indexing
from omics_orchestrator.formats.bam import Bam
from omics_orchestrator.formats.base import Inspection, MemoryFile, OpenFile
from omics_orchestrator.formats.indexing import make_index
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_bam import bam, record, written
from omics_orchestrator_tests.formats.test_base import bgzip

HEAD = (
    b"##fileformat=VCFv4.2\n##contig=<ID=1,length=900000000>\n##contig=<ID=2>\n"
    + "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]).encode()
    + b"\n"
)


def calls(*places: tuple[str, int]) -> bytes:
    return HEAD + b"".join(f"{contig}\t{at}\t.\tA\tC\t.\t.\t.\n".encode() for contig, at in places)


MANY = [("1", 10 * number + 1) for number in range(3000)] + [("2", 5 * number + 1) for number in range(3000)]


@pytest.mark.parametrize(("mode", "suffix"), [("wb", ".bai"), ("wc", ".crai")])
def test_reads_of_a_region_are_found(mode, suffix, tmp_path):
    options = [b"no_ref=1"] if mode == "wc" else None
    path = written(tmp_path / "a.reads", mode, reads=4_000, format_options=options)
    before = sorted(tmp_path.iterdir())
    made = make_index(path)
    assert made.suffix == suffix
    assert sorted(tmp_path.iterdir()) == before
    index = tmp_path / f"elsewhere{suffix}"
    index.write_bytes(made.raw)
    with pysam.AlignmentFile(str(path), index_filename=str(index)) as stream:
        every = [(read.reference_name, read.reference_start) for read in stream.fetch(until_eof=True)]
        found = [(read.reference_name, read.reference_start) for read in stream.fetch("chrX", 3000, 3001)]
    near = [place for place in every if place[0] == "chrX" and 2900 <= place[1] <= 3000]
    assert set(found) <= set(near)
    assert ("chrX", 3000) in found
    main = Bam().inspect(OnFile(path))
    name = "a.cram" if mode == "wc" else "a.bam"
    files: dict[str, OpenFile] = {name: OnFile(path), name + suffix: MemoryFile(name + suffix, made.raw)}
    assert Bam().judge({name: main, name + suffix: Inspection.of({})}, files).facts == {"has_index": True}


def test_a_long_reference_gets_a_csi(tmp_path):
    (tmp_path / "a.bam").write_bytes(
        bam(record(), text=b"@SQ\tSN:chr1\tLN:600000000\n", references=(("chr1", 600_000_000),))
    )
    assert make_index(tmp_path / "a.bam").suffix == ".csi"
    (tmp_path / "a.vcf.gz").write_bytes(bgzip(calls(("1", 800_000_000))))
    assert make_index(tmp_path / "a.vcf.gz").suffix == ".csi"


@pytest.mark.parametrize(("mode", "suffix"), [("wz", ".tbi"), ("wb", ".csi")])
def test_calls_of_a_region_are_found(mode, suffix, tmp_path):
    (tmp_path / "a.vcf").write_bytes(calls(*MANY))
    path = tmp_path / "no suffix"
    with (
        pysam.VariantFile(str(tmp_path / "a.vcf")) as text,
        pysam.VariantFile(str(path), mode, header=text.header) as to,
    ):
        for one in text:
            to.write(one)
    held = path.read_bytes()
    made = make_index(path)
    assert made.suffix == suffix
    assert path.read_bytes() == held
    (tmp_path / f"index{suffix}").write_bytes(made.raw)
    with pysam.VariantFile(str(path), index_filename=str(tmp_path / f"index{suffix}")) as stream:
        assert [one.pos for one in stream.fetch("2", 5_000, 5_020)] == [5_001, 5_006, 5_011, 5_016]


def test_public_calls_are_indexed(shared_data):
    made = 0
    for path in sorted((shared_data / "vcf").rglob("*")):
        if path.name.endswith((".vcf.gz", ".bcf")) and path.with_name(f"{path.name}.tbi").exists():
            made += len(make_index(path).raw) > 0
    assert made > 3


def test_names_that_htslib_would_interpret_are_only_names(tmp_path, monkeypatch):
    path = tmp_path / "a##idx##b.vcf.gz"
    path.write_bytes(bgzip(calls(*MANY)))
    assert make_index(path).suffix == ".tbi"
    monkeypatch.chdir(tmp_path)
    path.rename("-h")
    assert make_index(Path("-h")).suffix == ".tbi"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "no index of such a file"),
        (b"@read\nACGT\n+\nIIII\n", "no index of such a file"),
        (calls(*MANY), "not compressed instead of bgzip"),
        (gzip.compress(calls(*MANY), mtime=0), "gzip instead of bgzip"),
        (bgzip(calls(("1", 9), ("1", 3))), "not sorted by position"),
        (bgzip(calls(("1", 9), ("2", 3), ("1", 10))), "not sorted by position"),
        (bgzip(calls(*MANY))[:-900], "cut off or damaged"),
        (bam(record(position=90), record(position=3)), "not sorted by position"),
        (bam(record(-1, -1, flag=4), text=b"", references=()), "its reads are not aligned"),
        (bam(record())[:120], "cut off or damaged"),
        (bgzip(b"BAM\1" + struct.pack("<i", 1 << 30)), "cut off or damaged"),
        (bgzip(b"BCF\2\2" + struct.pack("<I", 90)), "cut off or damaged"),
        (b"CRAM\3\0" + bytes(90), "cut off or damaged"),
    ],
)
def test_what_cannot_be_indexed_is_refused(raw, problem, tmp_path, capfd):
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=problem):
        make_index(path)
    assert path.read_bytes() == raw
    assert [one.name for one in tmp_path.iterdir()] == ["a.vcf.gz"]
    assert capfd.readouterr() == ("", "")


def test_cram_with_reads_of_many_references_needs_no_reference(tmp_path):
    """Slices of several references must be decoded for their index; htslib must not go to the network for that."""
    references = [{"SN": f"c{number}", "LN": 9_000, "M5": f"{number:032x}"} for number in range(60)]
    with pysam.AlignmentFile(
        str(tmp_path / "a.cram"),
        "wc",
        header={"SQ": references},
        format_options=[b"no_ref=1", b"multi_seq_per_slice=1"],  # type: ignore[list-item]
    ) as stream:
        for number in range(60):
            read = pysam.AlignedSegment(stream.header)
            read.query_name, read.query_sequence = (
                f"r{number}",
                "".join(random.Random(number).choices("ACGT", k=50)),
            )
            read.reference_id, read.reference_start, read.cigartuples = number, 100, [(0, 50)]
            stream.write(read)
    started = time.monotonic()
    lines = gzip.decompress(make_index(tmp_path / "a.cram").raw).splitlines()
    assert time.monotonic() - started < 5
    assert {int(line.split(b"\t")[0]) for line in lines} == set(range(60))


def test_no_room_is_no_fault_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.vcf.gz").write_bytes(bgzip(calls(*MANY)))
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        with pytest.raises(StorageError, match="point TMPDIR") as caught:
            make_index(tmp_path / "a.vcf.gz")
    assert caught.value.retry
    (tmp_path / "b.vcf.gz").write_bytes(bgzip(calls(*reversed(MANY))))
    with pytest.raises(FormatError, match="not sorted"):
        make_index(tmp_path / "b.vcf.gz")
    monkeypatch.setattr(indexing, "is_full", lambda _: True)  # htslib's own failure looks the same
    with pytest.raises(StorageError, match="is full"):
        make_index(tmp_path / "b.vcf.gz")
