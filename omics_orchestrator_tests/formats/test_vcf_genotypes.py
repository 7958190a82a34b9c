"""Genotypes in blocks: what pysam reads, from text and BCF, compiled and plain; odd genotypes by hand."""

import itertools

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError, UnknownKey
from omics_orchestrator.formats import vcf_genotypes
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_genotypes import genotypes
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip

HEAD = b"##fileformat=VCFv4.4\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\tS3\n"
SITES = (
    b"1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t0/1:3\t1|1:4\t./.:.\n"
    b"1\t6\t.\tA\tC,G,T\t.\t.\t.\tGT\t0/2\t3/1\t./1\n"
    b"X\t7\t.\tA\tC\t.\t.\t.\tGT\t1\t0\t.\n"
    b"X\t8\t.\tA\tC,<DEL>,*,A,A,A,A,A,A,A,A\t.\t.\t.\tGT\t10/11\t|0/1\t0/0/1\n"
    b"X\t9\t.\tA\t.\t.\t.\t.\tDP\t3\t4\t5\n"
    b"Y\t9\t.\tA\tG\t.\t.\t.\tDP:GT\t3:0/1\t4:1\t5\n"
)
noisy = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=["plain", "compiled"])
def way(request, monkeypatch):
    """Run a test by plain Python and by compiled code."""
    if request.param == "compiled":
        monkeypatch.setattr(vcf_genotypes, "SMALL", -1)
    return request.param


def test_haploid_multiallelic_and_missing_genotypes(way):
    blocks = list(genotypes(MemoryFile("a.vcf.gz", bgzip(HEAD + SITES))))
    assert [block.contig for block in blocks] == ["1", "X", "Y"]
    one, x, y = blocks
    assert one.samples == ("S1", "S2", "S3")
    assert one.positions.tolist() == [5, 6]
    assert (one.refs, one.alts) == (("A", "A"), ("C", "C,G,T"))
    assert one.multiallelic.tolist() == [False, True]
    assert one.dosage.tolist() == [[1, 2, -1], [1, 2, -1]]
    assert one.ploidy.tolist() == [[2, 2, 2], [2, 2, 2]]
    assert x.dosage.tolist() == [[1, 0, -1], [2, 1, 1], [-1, -1, -1]]
    assert x.ploidy.tolist() == [[1, 1, 1], [2, 2, 3], [0, 0, 0]]
    assert y.dosage.tolist() == [[1, 1, -1]]
    assert y.ploidy.tolist() == [[2, 1, 0]]
    assert {block.dosage.dtype for block in blocks} == {np.dtype(np.int8)}


def test_contigs_and_samples_are_picked_in_the_order_wanted(way):
    file = MemoryFile("a.vcf", HEAD + SITES)
    (one,) = genotypes(file, contigs=["1"], samples=["S3", "S1"])
    assert one.samples == ("S3", "S1")
    assert one.dosage.tolist() == [[-1, 1], [-1, 1]]
    assert list(genotypes(file, contigs=["7"])) == []
    (twice,) = genotypes(file, contigs=["Y"], samples=["S1", "S1"])
    assert twice.dosage.tolist() == [[1, 1]]
    with pytest.raises(UnknownKey):
        list(genotypes(file, samples=["S9"]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nothing",
        HEAD[:30],
        HEAD + b"1\t5\t.\n",
        HEAD + SITES[:30],
        HEAD + SITES.replace(b"\t3\t4\t5", b"\t3\t4"),
    ],
)
def test_what_is_no_vcf_raises(raw, way):
    with pytest.raises(FormatError):
        list(genotypes(MemoryFile("a.vcf", raw)))


def test_a_vcf_without_samples_has_no_genotypes_to_give():
    sites_only = HEAD.replace(b"\tFORMAT\tS1\tS2\tS3", b"")
    with pytest.raises(FormatError, match="record 1"):
        list(genotypes(MemoryFile("a.vcf", sites_only + b"1\t5\t.\tA\tC\t.\t.\t.\n")))


def test_the_corpora_give_what_pysam_reads(shared_data, way):
    pysam.set_verbosity(0)
    compared = 0
    for file in sorted((shared_data / "vcf").glob("*/*")):
        if not Vcf.bears_suffix(file.name) or file.stat().st_size > 100_000:
            continue
        if Vcf().inspect(OnFile(file)).verdict == "invalid" or not _samples(pysam, file):
            continue
        blocks = list(genotypes(OnFile(file)))
        with pysam.VariantFile(str(file)) as calls:
            rows = [
                (block.contig, int(position), dosage, ploidy)
                for block in blocks
                for position, dosage, ploidy in zip(
                    block.positions, block.dosage.tolist(), block.ploidy.tolist(), strict=True
                )
            ]
            for record, (contig, position, dosage, ploidy) in itertools.zip_longest(calls, rows):
                assert (record.chrom, record.pos) == (contig, position), file.name
                expected = [_of_pysam(sample) for sample in record.samples.values()]
                assert list(zip(dosage, ploidy, strict=True)) == expected, (file.name, position)
                compared += len(expected)
    assert compared > 15_000


def _samples(pysam, file):
    with pysam.VariantFile(str(file)) as calls:
        return len(calls.header.samples)


def _of_pysam(sample):
    if "GT" not in list(sample):
        return -1, 0
    alleles = sample["GT"] or ()
    if None in alleles or not alleles:
        return -1, len(alleles)
    return sum(allele > 0 for allele in alleles), len(alleles)


pieces = st.sampled_from([b"0", b"1", b"12", b".", b"/", b"|", b":", b"x", b"", b"007", b"-", b"9" * 30])
cells = st.lists(pieces, max_size=8).map(b"".join)


@noisy
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=4))
def test_compiled_and_plain_read_the_same(rows):
    site = b"1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t"
    raw = HEAD + b"".join(site + b"\t".join(row) + b"\n" for row in rows)
    (plain,) = genotypes(MemoryFile("a.vcf", raw))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vcf_genotypes, "SMALL", -1)
        (compiled,) = genotypes(MemoryFile("a.vcf", raw))
    assert compiled.dosage.tolist() == plain.dosage.tolist()
    assert compiled.ploidy.tolist() == plain.ploidy.tolist()
