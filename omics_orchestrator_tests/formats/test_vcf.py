"""VCF: the corpora of cyvcf2 and bio2zarr against pysam's own counts, and every way to be wrong."""

import gzip

import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip

HEAD = (
    b"##fileformat=VCFv4.2\n##reference=GRCh38.fa\n##contig=<ID=1,length=1000>\n##contig=<length=9,ID=X>\n"
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
)
RECORD = b"1\t10\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1/1\n"


def tiny() -> tuple[Format, str, bytes]:
    return Vcf(), "a.vcf", HEAD + RECORD + RECORD.replace(b"1\t10", b"X\t5")


def look(raw: bytes) -> Inspection:
    return Vcf().inspect_bytes("a.vcf", raw)


def test_facts_and_samples():
    found = look(tiny()[2])
    assert found.samples == ("S1", "S2")
    assert found.facts == {
        "version": "4.2",
        "reference": "GRCh38.fa",
        "records": 2,
        "samples": 2,
        "contigs_declared": 2,
        "contigs_used": 2,
        "compression": "none",
    }


def test_the_corpora_hold_what_pysam_counts(shared_data):
    pysam = pytest.importorskip("pysam")
    pysam.set_verbosity(0)
    files = sorted(file for file in (shared_data / "vcf").glob("*/*") if Vcf.bears_suffix(file.name))
    assert len(files) > 45
    invalid = []
    for file in files:
        found = Vcf().inspect(OnFile(file))
        if found.verdict == "invalid":
            invalid.append(file.name)
            with pytest.raises(ValueError, match="invalid file|valid header"):
                pysam.VariantFile(str(file))
            continue
        with pysam.VariantFile(str(file)) as calls:
            assert found.samples == tuple(calls.header.samples), file.name
            assert found.facts["records"] == sum(1 for _ in calls), file.name
    assert invalid == ["empty.vcf", "test-invalid-header.vcf"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "an empty file"),
        (b"\n", "line 1: a VCF begins with"),
        (HEAD[: HEAD.index(b"#CHROM")], "the header ends before the line #CHROM"),
        (HEAD.replace(b"VCFv4.2", b"4.2"), "line 1: a VCF begins with"),
        (HEAD.replace(b"##fileformat=VCFv4.2\n", b""), "line 1: a VCF begins with"),
        (HEAD.replace(b"#CHROM", b"CHROM") + RECORD, "line 5: records begin before the line #CHROM"),
        (HEAD.replace(b"\t", b" ") + RECORD, "line 5: the columns are not #CHROM POS"),
        (HEAD.replace(b"FORMAT", b"FMT") + RECORD, "line 5: the columns are not #CHROM POS"),
        (HEAD.replace(b"S2", b"S1") + RECORD, "line 5: 1 sample names repeat"),
        (HEAD.replace(b"S2", b"") + RECORD, "line 5: sample 2 has no name"),
        (HEAD + RECORD + RECORD[:-5], "record 2: 10 columns instead of 11"),
        (HEAD + RECORD.replace(b"\n", b"\t1\n"), "record 1: 12 columns instead of 11"),
        (HEAD + RECORD + RECORD.replace(b"\t10\t", b"\tGID7\t"), "record 2: the position is no whole number"),
        (HEAD + RECORD.replace(b"\t10\t", b"\t-1\t"), "record 1: the position is no whole number"),
        (bgzip(HEAD + RECORD * 9000)[:-200], "the gzip stream ends early"),
    ],
)
def test_what_is_wrong_is_said_with_the_line_or_record(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)
    assert not any(name in found.problems[0] for name in ("S1", "GID"))


def test_what_tools_may_stumble_over_is_a_warning():
    good = HEAD + RECORD
    assert look(bgzip(good)).verdict == "valid"
    assert look(gzip.compress(good)).problems == ("gzip instead of bgzip: it cannot be indexed",)
    assert "end marker" in look(bgzip(good, end=False)).problems[0]
    assert look(HEAD).problems == ("no records",)
    assert look(good + RECORD.replace(b"1\t10", b"7\t1")).problems == (
        "1 of 2 contigs are not declared in the header",
    )
    assert look(good + RECORD.replace(b"\t10", b"\t9")).problems == ("record 2: not in order of position",)
    assert "CR LF" in look(good.replace(b"\n", b"\r\n")).problems[0]


def test_a_header_longer_than_a_block(tmp_path):
    contigs = b"".join(b"##contig=<ID=c%d,length=10>\n" % number for number in range(20_000))
    (tmp_path / "a.vcf").write_bytes(
        HEAD.replace(b"##contig=<ID=1,", contigs + b"##contig=<ID=1,") + RECORD * 5000
    )
    found = Vcf().inspect(OnFile(tmp_path / "a.vcf"))
    assert (found.facts["contigs_declared"], found.facts["records"]) == (20_002, 5000)


def test_an_index_belongs_to_its_file():
    names = ["a.vcf.gz", "a.vcf.gz.tbi", "b.vcf.gz", "b.vcf.gz.csi", "c.vcf"]
    assert Vcf.file_set(names) == [("a.vcf.gz", "a.vcf.gz.tbi"), ("b.vcf.gz", "b.vcf.gz.csi"), ("c.vcf",)]
    assert [Vcf.is_companion(name) for name in names] == [False, True, False, True, False]
