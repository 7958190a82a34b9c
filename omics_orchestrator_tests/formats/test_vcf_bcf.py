"""BCF: the same is said of it as of the VCF it was written from; every cut and flipped byte is answered."""

import gzip
import struct

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_genotypes import genotypes
from omics_orchestrator.formats.vcf_rules import RULES
from omics_orchestrator_tests.formats.test_vcf_rules import FIRST, LAST, META, NAMES

noisy = settings(deadline=None, suppress_health_check=list(HealthCheck))
SITES = (
    FIRST
    + b"1\t11\t.\tA\tC\t.\tq10\tAF=0.5;END=40;TX=longer than fifteen letters\tGT:PL:CU:CH\t0:1,2:.5:x\t./.:.:.:.\n"
    + b"1\t12\t.\tAC\tA,<DEL>\t.\t.\tAD=1,70000,3\tGT:AD:HQ\t1/2/0:1,2,3:4,5\t.:.:300,70000\n"
    + LAST
)


def look(raw: bytes) -> Inspection:
    return Vcf().inspect_bytes("a.bcf", raw)


@pytest.fixture(scope="module")
def bcf(tmp_path_factory):
    """Return a function that has pysam write a BCF, inflated."""
    pysam.set_verbosity(0)
    folder = tmp_path_factory.mktemp("bcf")

    def write(text: bytes) -> bytes:
        (folder / "a.vcf").write_bytes(text)
        calls = pysam.VariantFile(str(folder / "a.vcf"))
        with calls, pysam.VariantFile(str(folder / "a.bcf"), "wb", header=calls.header) as written:
            for record in calls:
                written.write(record)
        return gzip.decompress((folder / "a.bcf").read_bytes())

    return write


@pytest.fixture(scope="module")
def good(bcf):
    """The BCF of a few sites."""
    return bcf(META + NAMES + SITES)


def test_a_bcf_has_the_facts_of_its_vcf(good):
    text, binary = Vcf().inspect_bytes("a.vcf", META + NAMES + SITES), look(good)
    assert (binary.verdict, binary.problems) == ("valid", ())
    assert binary.samples == text.samples == ("S1", "S2")
    assert binary.facts == {**text.facts, "encoding": "BCF"}


def test_genotypes_are_those_of_the_vcf(good):
    (text,) = genotypes(MemoryFile("a.vcf", META + NAMES + SITES))
    (binary,) = genotypes(MemoryFile("a.bcf", good))
    for name in ("positions", "multiallelic", "dosage", "ploidy"):
        assert np.array_equal(getattr(binary, name), getattr(text, name)), name
    assert (binary.contig, binary.refs, binary.alts) == (text.contig, text.refs, text.alts)
    (picked,) = genotypes(MemoryFile("a.bcf", good), samples=["S2"], contigs=["1"])
    assert picked.dosage[:, 0].tolist() == text.dosage[:, 1].tolist()
    assert list(genotypes(MemoryFile("a.bcf", good), contigs=["9"])) == []


def test_the_corpora_pairs_say_the_same(shared_data):
    folder = shared_data / "vcf" / "bio2zarr"
    for stem, suffix in (("1kg_2020_chrM", ".vcf.gz"), ("sample", ".vcf.gz")):
        text = Vcf().inspect_bytes("a", (folder / f"{stem}{suffix}").read_bytes())
        binary = Vcf().inspect_bytes("a", (folder / f"{stem}.bcf").read_bytes())
        for fact in ("records", "samples", "variants", "genotypes", "genotypes_missing", "records_by_contig"):
            assert binary.facts[fact] == text.facts[fact], (stem, fact)


def test_what_breaks_a_rule_in_text_breaks_it_in_binary(bcf):
    wrong = {
        b"0/1:3\t1|2:.": (b"0/1:3\t1|7:.", "allele_index"),
        b"AF=0.5": (b"AF=0.5,0.6", "info_count"),
        b"1,2:.5:x": (b"1:.5:x", "format_count"),
        b"4,5\t": (b"4,5,6\t", "format_count"),
        b"1\t12\t": (b"1\t9\t", "unsorted"),
        b"C,G": (b"C,A", "alt_repeats"),
        b"\tA\tC\t.\tq10": (b"\tR\tC\t.\tq10", "ref"),
    }
    for old, (new, rule) in wrong.items():
        found = look(bcf(META + NAMES + SITES.replace(old, new)))
        assert RULES[rule].says in "".join(found.problems), rule
        assert (found.verdict == "invalid") == RULES[rule].refuses


def test_the_ploidy_of_one_record_is_not_that_of_the_next(bcf):
    triploid = b"1\t5\t.\tA\tC\t.\t.\t.\tGT:PL\t0/0/1:1,2,3,4\t./.:.\n"
    without = b"1\t6\t.\tA\tC\t.\t.\t.\tPL\t1,2,3,4\t.\n"
    found = look(bcf(META + NAMES + triploid + without))
    assert found.problems == (f"record 2: {RULES['format_count'].says}",)


def test_numbers_outside_the_dictionary_are_told(good):
    at = good.index(b"\tS1\tS2\n\0") + 8
    broken = bytearray(good)
    struct.pack_into("<i", broken, at + 8, 77)  # the contig
    found = look(bytes(broken))
    assert found.verdict == "invalid"
    assert RULES["dictionary"].says in found.problems[0]


def test_every_cut_is_told(good):
    for cut in range(len(good)):
        found = look(good[:cut])
        ends = cut > good.index(b"\tS1\tS2\n\0") and found.verdict == "valid"
        assert found.verdict == "invalid" or ends, cut
    boundaries = sum(look(good[:cut]).verdict == "valid" for cut in range(len(META), len(good)))
    assert boundaries == SITES.count(b"\n")  # after the header, and after each record but the last


def test_lengths_beyond_all_bounds_are_refused(good):
    at = good.index(b"\tS1\tS2\n\0") + 8
    for place in (5, at, at + 4):
        broken = bytearray(good)
        struct.pack_into("<I", broken, place, 0xFFFFFFF0)
        assert look(bytes(broken)).verdict == "invalid"


@noisy
@given(st.data())
def test_flipped_bytes_are_answered(good, data):
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(5, len(raw) - 1))] = data.draw(st.integers(0, 255))
    found = look(bytes(raw))
    assert (found.verdict == "valid") == (not found.problems)
    assert not any("S1" in problem for problem in found.problems)
