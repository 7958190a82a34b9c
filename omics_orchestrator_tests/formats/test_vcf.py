"""VCF as a whole: the corpora of cyvcf2 and bio2zarr against pysam's own counts, facts, and every way to be wrong."""

import gzip
from functools import cache
from pathlib import Path

import pysam
import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip

HEAD = (
    b"##fileformat=VCFv4.2\n##reference=GRCh38.fa\n##contig=<ID=1,length=1000>\n##contig=<length=9,ID=X>\n"
    b'##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
)
RECORD = b"1\t10\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1/1\n"
WARNED = {  # of the corpora, with the first thing that is said; the others are valid
    "field_type_combos.vcf.gz": "record 2: an allele of ALT repeats another or REF (168 records)",
    "sample.bcf": "line 1: a version",
    "sample.vcf.gz": "line 1: a version",
    "sample_all_missing_gts.vcf.gz": "line 1: a version",
    "sample_extra_contig.bcf": "line 1: a version",
    "sample_extra_contig.vcf.gz": "line 1: a version",
    "sample_missing_contig.bcf": "line 1: a version",
    "sample_missing_contig.vcf.gz": "line 1: a version",
    "sample_missing_contig_csi.vcf.gz": "line 1: a version",
    "sample_missing_filter.vcf.gz": "line 1: a version",
    "sample_no_genotypes.vcf.gz": "line 1: a version",
    "multi-contig.bcf": "line 1: a version",
    "multi-contig.vcf.gz": "line 1: a version",
    "test.bug.117.vcf": "line 1: a version",
    "bug.vcf.gz": "record 1: its contig is not declared in the header (72 records)",
    "no-seq-names.vcf": "record 1: its contig is not declared in the header",
    "seg.vcf.gz": "record 1: its contig is not declared in the header",
    "o.vcf.gz": "line 46: a reserved key",
    "test-alt-repr.vcf": "line 4: a reserved key",
    "test-format-string.vcf": "record 1: its contig is not declared in the header (4 records)",
    "test-haploidX.vcf": "line 7: a declaration has a Number",
    "test-hemi.vcf": "line 52: a reserved key",
    "test-no-genotypes.vcf": "record 1: a sample has another number of values than declared",
    "test.comp_het.3.vcf": "line 4: a reserved key",
    "test.isa.vcf": "record 1: a symbolic allele is not declared in the header",
    "test.mnp.vcf": "line 57: a reserved key",
    "test.snpeff.bcf": "line 5: a reserved key",
    "test.snpeff.vcf": "line 4: a reserved key",
    "test.vcf.gz": "line 176: a declaration has a Number",
    "test_gt_alt_freqs.vcf": "line 45: a reserved key",
    "test_gt_bases.vcf.gz": "line 45: a reserved key",
}
REFUSED = {
    "cyvcf2/empty.vcf": "an empty file",
    "cyvcf2/test-invalid-header.vcf": "line 2: sample 2 has no name",
    "cyvcf2/test.warnings.vcf.gz": "record 1: a genotype names an allele that the record does not have",
}


def tiny() -> tuple[Format, str, bytes]:
    return Vcf(), "a.vcf", HEAD + RECORD + RECORD.replace(b"1\t10", b"X\t5")


@cache
def inspected(file: Path) -> Inspection:
    """Return what is said of a file of the corpora."""
    return Vcf().inspect(OnFile(file))


def look(raw: bytes) -> Inspection:
    return Vcf().inspect_bytes("a.vcf", raw)


def test_facts_and_samples():
    found = look(tiny()[2])
    assert found.samples == ("S1", "S2")
    assert found.facts == {
        "encoding": "VCF",
        "version": "4.2",
        "reference": "GRCh38.fa",
        "records": 2,
        "samples": 2,
        "contigs_declared": 2,
        "contigs_used": 2,
        "variants": {"snv": 2},
        "multiallelic": 0,
        "gvcf": False,
        "compression": "none",
        "format_keys": ["GT"],
        "records_by_contig": {"1": 1, "X": 1},
        "genotypes": 4,
        "genotypes_missing": 0.0,
    }


def test_each_file_of_the_corpora_gets_its_verdict(shared_data):
    files = sorted(file for file in (shared_data / "vcf").glob("*/*") if Vcf.bears_suffix(file.name))
    assert len(files) > 60
    for file in files:
        found = inspected(file)
        place = f"{file.parent.name}/{file.name}"
        expected = REFUSED.get(place) or WARNED.get(file.name)
        verdict = "invalid" if place in REFUSED else "warnings" if expected else "valid"
        assert found.verdict == verdict, (place, found.problems)
        assert not expected or found.problems[0].startswith(expected), (place, found.problems)
        assert not found.identifying, place


def test_the_corpora_hold_what_pysam_counts(shared_data):
    pysam.set_verbosity(0)
    files = sorted(file for file in (shared_data / "vcf").glob("*/*") if Vcf.bears_suffix(file.name))
    for file in files:
        found = inspected(file)
        if found.verdict == "invalid":
            continue
        with pysam.VariantFile(str(file)) as calls:
            assert found.samples == tuple(calls.header.samples), file.name
            assert found.facts["records"] == sum(1 for _ in calls), file.name


def test_of_two_empty_files_the_one_with_a_header_is_valid(shared_data):
    files = [shared_data / "vcf" / place / "empty.vcf" for place in ("bio2zarr", "cyvcf2")]
    assert [Vcf().inspect(OnFile(file)).verdict for file in files] == ["valid", "invalid"]


def test_every_file_of_the_corpora_is_recognised_by_content(shared_data):
    for file in sorted((shared_data / "vcf").glob("*/*")):
        head = file.read_bytes()[: 64 * 1024]
        mine = Vcf.bears_suffix(file.name) and file.stat().st_size > 0
        assert (recognise("unnamed", head).format == "vcf") == mine, file.name


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "an empty file"),
        (b"\n", "line 1: a VCF begins with"),
        (HEAD[: HEAD.index(b"#CHROM")], "the header ends before the line #CHROM"),
        (HEAD.replace(b"VCFv4.2", b"4.2"), "line 1: a VCF begins with"),
        (HEAD.replace(b"VCFv4.2", b"VCFv3.3"), "line 1: not a VCF of version 4"),
        (b"\xef\xbb\xbf" + HEAD, "line 1: a VCF begins with"),
        (HEAD.replace(b"##fileformat=VCFv4.2\n", b""), "line 1: a VCF begins with"),
        (HEAD.replace(b"#CHROM", b"CHROM") + RECORD, "line 6: records begin before the line #CHROM"),
        (HEAD.replace(b"\t", b" ") + RECORD, "line 6: the columns are not #CHROM POS"),
        (HEAD.replace(b"\tFORMAT", b"\tFMT") + RECORD, "line 6: the columns are not #CHROM POS"),
        (HEAD.replace(b"\tS1\tS2", b""), "line 6: FORMAT without any sample"),
        (HEAD.replace(b"S2", b"S1") + RECORD, "line 6: 1 sample names repeat"),
        (HEAD.replace(b"S2", b"") + RECORD, "line 6: sample 2 has no name"),
        (HEAD + RECORD + RECORD[:-5], "record 2: the number of columns is not"),
        (HEAD + RECORD.replace(b"\n", b"\t1\n"), "record 1: the number of columns is not"),
        (HEAD + RECORD + b"\n" + RECORD, "record 2: the number of columns is not"),
        (HEAD + RECORD + RECORD.replace(b"\t10\t", b"\tGID7\t"), "record 2: the position is no whole number"),
        (HEAD + RECORD.replace(b"\t10\t", b"\t-1\t"), "record 1: the position is no whole number"),
        (HEAD + RECORD * 3 + RECORD.replace(b"0/1", b"0/\0"), "record 4: a NUL byte"),
        (HEAD.replace(b"GRCh38", b"GRCh\0"), "line 2: a NUL byte"),
        (HEAD + b"\0" * 500, "record 1: a NUL byte"),
        (bgzip(HEAD + RECORD * 9000)[:-200], "the gzip stream ends early"),
        (gzip.compress(HEAD, mtime=0)[:40] + b"\0" * 40, "the gzip stream"),
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
    assert look(HEAD).verdict == "valid"
    assert look(gzip.compress(good, mtime=0)).problems == ("gzip instead of bgzip: it cannot be indexed",)
    assert "end marker" in look(bgzip(good, end=False)).problems[0]
    assert "CR LF" in look(good.replace(b"\n", b"\r\n")).problems[0]
    assert look(good.replace(b"\n", b"\r\n")).facts["records"] == 1
    assert "last line has no end" in look(good[:-1]).problems[0]


def test_rules_are_counted_and_what_refuses_stands_first():
    raw = HEAD + RECORD.replace(b"1\t10", b"7\t10") * 3 + RECORD.replace(b"0/1", b"0/x") * 2
    found = look(raw)
    assert found.problems == (
        "record 4: a genotype is not well formed (2 records)",
        "record 1: its contig is not declared in the header (3 records)",
    )
    assert found.samples == ()


def test_what_the_header_says_of_people_is_told_not_quoted():
    lines = (
        b"##SAMPLE=<ID=S1,PatientName=Anna Maria Schmidt,DateOfBirth=1971-03-04>\n"
        b"##source=pipeline run by anna.schmidt@example.org\n"
    )
    found = look(HEAD.replace(b"##reference", lines + b"##reference") + RECORD)
    assert found.verdict == "valid"
    places = " ".join(found.identifying)
    assert "##source (line 3)" in places
    assert "##SAMPLE (line 2), DateOfBirth" in places
    assert "chmidt" not in places
    assert "1971" not in places


def test_a_header_longer_than_a_block(tmp_path):
    contigs = b"".join(b"##contig=<ID=c%d,length=10>\n" % number for number in range(20_000))
    (tmp_path / "a.vcf").write_bytes(
        HEAD.replace(b"##contig=<ID=1,", contigs + b"##contig=<ID=1,") + RECORD * 5000
    )
    found = Vcf().inspect(OnFile(tmp_path / "a.vcf"))
    assert (found.facts["contigs_declared"], found.facts["records"]) == (20_002, 5000)


def test_long_lines_and_many_formats_are_read():
    long_id = RECORD.replace(b"\t.\tA", b"\t" + b"r" * 10_000 + b"\tA")
    many = b"".join(RECORD.replace(b"GT", b"GT:K%d" % number) for number in range(5000))
    assert look(HEAD + long_id).verdict == "valid"
    found = look(HEAD + many)
    assert found.problems == ("record 1: a FORMAT key is not declared in the header (5,000 records)",)
    assert len(str(found.facts["format_keys"])) < 10_000


@pytest.mark.parametrize(
    ("header", "record", "gvcf"),
    [
        (b"", b"A\t<NON_REF>\t.\t.\tEND=20", True),
        (b"", b"A\tC,<NON_REF>\t.\t.\t.", True),
        (b"", b"A\t<*>\t.\t.\tEND=20", True),
        (b"", b"A\t.\t.\t.\tEND=20", True),
        (b"", b"A\t<*>\t.\t.\tDP=3", False),
        (b"", b"A\t<DEL>\t.\t.\tEND=20", False),
        (b"##GVCFBlock0-1=minGQ=0(inclusive)\n", b"A\tC\t.\t.\t.", True),
    ],
)
def test_a_gvcf_is_told(header, record, gvcf):
    raw = HEAD.replace(b"##reference", header + b"##reference") + RECORD.replace(b"A\tC\t.\t.\t.", record)
    assert look(raw).facts["gvcf"] is gvcf


def test_kinds_of_variants_and_missing_genotypes_are_counted():
    alleles = (b"A\tC", b"A\tCT", b"AG\tCT", b"A\t<DEL>", b"A\tA[1:5[", b"A\t.", b"A\tC,G", b"A\t*")
    raw = HEAD + b"".join(RECORD.replace(b"A\tC", one).replace(b"0/1\t1/1", b"0/0\t./.") for one in alleles)
    facts = look(raw).facts
    assert facts["variants"] == {"snv": 2, "reference": 2, "indel": 1, "mnv": 1, "symbolic": 1, "breakend": 1}
    assert (facts["multiallelic"], facts["genotypes"], facts["genotypes_missing"]) == (1, 16, 0.5)


def test_an_index_belongs_to_its_file():
    names = [
        "a.vcf.gz",
        "a.vcf.gz.tbi",
        "b.vcf.gz",
        "b.vcf.gz.csi",
        "c.vcf",
        "c.vcf.idx",
        "d.bcf",
        "d.bcf.csi",
    ]
    assert Vcf.file_set(names) == [
        ("a.vcf.gz", "a.vcf.gz.tbi"),
        ("b.vcf.gz", "b.vcf.gz.csi"),
        ("c.vcf", "c.vcf.idx"),
        ("d.bcf", "d.bcf.csi"),
    ]
    assert [Vcf.is_companion(name) for name in names] == [False, True] * 2 + [False, True] * 2


def test_a_damaged_file_is_answered_from_its_first_byte():
    assert Vcf().inspect(MemoryFile("a.vcf.gz", b"\x1f\x8b\x08")).verdict == "invalid"
    assert Vcf.sniff("a.vcf.gz", b"\x1f\x8bnothing")
    assert not Vcf.sniff("a.txt", b"\x1f\x8bnothing")


def test_a_vcf_without_its_first_lines_is_one_only_by_name():
    headless = HEAD[HEAD.index(b"#CHROM") :] + RECORD
    assert Vcf.sniff("a.vcf", headless)
    assert not Vcf.sniff("a.pvar", headless)
    assert look(headless).problems == ("line 1: a VCF begins with ##fileformat=VCFv4.",)
