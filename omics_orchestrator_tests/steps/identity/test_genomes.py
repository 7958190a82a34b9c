"""What is kept of a VCF, and the sex by its calls on X and Y."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.steps.identity import genomes as module
from omics_orchestrator.steps.identity import sex_genotype
from omics_orchestrator.steps.identity.genomes import Genomes, hashes, packed, read_genomes, unpacked
from omics_orchestrator.steps.identity.sex_genotype import sex_of_genome
from omics_orchestrator_tests.steps.identity.calls import PLACES, genome, person, sites, vcf


def read(raw: bytes) -> Genomes:
    return read_genomes(MemoryFile("a.vcf", raw))


def of_calls(calls, build: str = "GRCh38", extra: str = "") -> Genomes:
    return read(vcf(["S"], {site: [call] for site, call in calls.items()}, build, extra))


@pytest.mark.parametrize("male", [True, False])
@pytest.mark.parametrize("number", range(5))
def test_men_and_women_are_told_apart(male, number):
    told = sex_of_genome(read(genome(number, "S", male=male)), 0)
    assert told.found == ("male" if male else "female")
    assert told.sites >= 50


def test_one_file_of_several_people_and_gzip_give_the_same():
    people = [person(number, male=number % 2 == 0, places=PLACES) for number in range(4)]
    together = read(gzip.compress(vcf(list("abcd"), {site: [p[site] for p in people] for site in PLACES})))
    assert [sex_of_genome(together, at).found for at in range(4)] == ["male", "female"] * 2
    for at in range(4):
        alone = read(genome(at, "S", male=at % 2 == 0))
        assert alone.x_het[0] == together.x_het[at]
        assert alone.sites.tolist() == together.sites.tolist()
        assert alone.dosage[:, 0].tolist() == together.dosage[:, at].tolist()


def test_pseudo_autosomal_sites_do_not_count():
    inside = dict.fromkeys(sites("chrX", 20_000, 200), "0/1")
    assert sex_of_genome(of_calls(inside), 0) == (None, sex_genotype.TOO_FEW, None, 0)
    outside = dict.fromkeys(sites("chrX", 3_000_000, 200), "0/1")
    assert sex_of_genome(of_calls(outside), 0).found == "female"
    at_the_edge = {("chrX", 2_781_479, "A", "C"): "0/1", ("chrX", 2_781_480, "A", "C"): "0/1"}
    assert of_calls(at_the_edge).x_het.tolist() == [1]
    assert of_calls({("X", 2_699_521, "A", "C"): "0/1"}, "GRCh37").x_het.tolist() == [1]
    assert of_calls({("X", 2_699_520, "A", "C"): "0/1"}, "GRCh37").x_het.tolist() == [0]


def test_without_a_known_build_nothing_is_said():
    calls = dict.fromkeys(sites("chrX", 3_000_000, 200), "0/1")
    assert sex_of_genome(of_calls(calls, "none"), 0).reason == sex_genotype.NO_BUILD
    assert sex_of_genome(of_calls(calls, "none", "##reference=hg38.fa"), 0).found == "female"


@pytest.mark.parametrize(
    ("het", "alt", "sex", "reason"),
    [
        (0, 49, None, sex_genotype.TOO_FEW),
        (0, 50, "male", ""),
        (20, 80, "male", ""),
        (21, 79, None, sex_genotype.BETWEEN),
        (37, 63, None, sex_genotype.BETWEEN),
        (38, 62, "female", ""),
        (100, 0, "female", ""),
    ],
)
def test_zones_of_heterozygosity(het, alt, sex, reason):
    places = sites("chrX", 3_000_000, het + alt)
    calls = dict(zip(places, ["0/1"] * het + ["1|1"] * alt, strict=True))
    told = sex_of_genome(of_calls(calls), 0)
    assert told.found == sex
    assert told.reason == reason or not reason


def test_what_y_says():
    x = sites("chrX", 3_000_000, 100)
    y = sites("chrY", 3_000_000, 60)
    woman, man = dict.fromkeys(x, "0/1"), dict.fromkeys(x, "1/1")
    with_y, without_y = dict.fromkeys(y, "1"), dict.fromkeys(y, ".")
    assert sex_of_genome(of_calls(woman | with_y), 0).reason == sex_genotype.CONTRADICTION
    assert sex_of_genome(of_calls(man | without_y), 0).reason == sex_genotype.CONTRADICTION
    assert sex_of_genome(of_calls(man | with_y), 0).found == "male"
    assert sex_of_genome(of_calls(with_y), 0) == ("male", "by calls on Y alone", None, 0)
    assert sex_of_genome(of_calls(without_y), 0).found == "female"
    assert sex_of_genome(of_calls(dict.fromkeys(y, "0/0")), 0).found is None  # reference calls say nothing
    few = dict.fromkeys(y[:9], "1")
    assert sex_of_genome(of_calls(woman | few), 0).found == "female"


def test_haploid_calls_are_what_the_caller_was_told():
    told = sex_of_genome(of_calls(dict.fromkeys(sites("chrX", 3_000_000, 60), "0")), 0)
    assert told.found == "male"
    assert "caller was told" in told.reason


def test_only_single_base_substitutions_count():
    calls = {
        ("chrX", 3_000_001, "A", "C,G"): "1/2",
        ("chrX", 3_000_002, "AT", "A"): "0/1",
        ("chrX", 3_000_003, "A", "*"): "0/1",
        ("chrX", 3_000_004, "A", "<DEL>"): "0/1",
        ("chrX", 3_000_005, "A", "C,<NON_REF>"): "0/1",
        ("chrX", 3_000_006, "A", "."): "0/0",
    }
    assert of_calls(calls).x_het.tolist() == [1]


def test_what_is_packed_comes_back():
    before = read(genome(1, "S", male=True))
    after = unpacked(packed(before))
    assert after is not None
    for name, value in vars(before).items():
        assert np.array_equal(getattr(after, name), value), name
    assert b"S1" not in packed(before)


@pytest.mark.parametrize(
    "raw", [b"", b"nothing", b"PK\x03\x04", packed(read(genome(1, "S", male=True)))[:200]]
)
def test_bytes_that_are_none_of_it_are_refused(raw):
    assert unpacked(raw) is None


def test_memory_is_bounded_and_the_choice_is_the_same(monkeypatch):
    monkeypatch.setattr(module, "MOST_SITES", 100)
    monkeypatch.setattr(module, "FEWEST_SITES", 10)
    one = of_calls(dict.fromkeys(sites("chr1", 1, 5_000, 100), "0/1"))
    assert len(one.sites) == 100
    assert one.limit == one.sites[-1]
    part = of_calls(dict.fromkeys(sites("chr1", 1, 2_500, 100), "1/1"))
    both = np.intersect1d(one.sites, part.sites)
    assert set(both) == {site for site in part.sites if site <= one.limit}
    assert 30 < len(both) < 70


def test_a_file_without_records_or_without_samples():
    assert read(vcf(["S"], {})).samples == 1
    with pytest.raises(FormatError):
        read(b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t1\t.\tA\tC\t.\t.\t.\n")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2**31 - 1), st.integers(0, 11)), unique=True, max_size=50))
def test_no_two_sites_share_a_hash(places):
    positions = np.array([place for place, _ in places], np.int64)
    numbers = np.array([number for _, number in places], np.int64)
    found = [hashes(chromosome, positions, numbers) for chromosome in (1, 22)]
    assert len(set(np.concatenate(found).tolist())) == 2 * len(places)


def test_real_calls_with_haploid_x(shared_data):
    raw = (shared_data / "vcf/cyvcf2/test-haploidX.vcf").read_bytes()
    found = read(raw)
    assert (found.build, found.samples) == ("GRCh37", 3)
    assert sex_of_genome(found, 0).found == "male"
