"""One person's genomes agree, two people's do not; who is like whom among many."""

from __future__ import annotations

import random

import numpy as np
import pytest

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.steps.identity import concordance
from omics_orchestrator.steps.identity.concordance import answer, compare, too_alike
from omics_orchestrator.steps.identity.genomes import Genomes, read_genomes
from omics_orchestrator_tests.steps.identity.calls import PLACES, genome, person, sites, vcf


def read(raw: bytes) -> Genomes:
    return read_genomes(MemoryFile("a.vcf", raw))


def of_calls(calls, build: str = "GRCh38") -> Genomes:
    return read(vcf(["S"], {site: [call] for site, call in calls.items()}, build))


def test_one_person_twice_and_two_people():
    first, again, other = (read(genome(number, "S", male=True)) for number in (1, 1, 2))
    same = compare((first, 0), (again, 0))
    assert (same.same, same.share) == (True, 1.0)
    assert same.sites >= 100
    assert answer(same, one_person=True) == "agrees"
    assert answer(same, one_person=False) == "differs"
    differing = compare((first, 0), (other, 0))
    assert differing.same is False
    assert answer(differing, one_person=True) == "differs"
    assert answer(differing, one_person=False) == "agrees"


@pytest.mark.parametrize(
    ("wrong", "same"), [(0, True), (10, True), (11, None), (19, None), (20, False), (60, False)]
)
def test_zones_of_agreement(wrong, same):
    places = sites("chr1", 1000, 100)
    one = of_calls(dict.fromkeys(places, "0/1"))
    other = of_calls({site: "1/1" if n < wrong else "1|0" for n, site in enumerate(places)})
    compared = compare((one, 0), (other, 0))
    assert (compared.same, compared.sites) == (same, 100)
    assert compared.share == pytest.approx(1 - wrong / 100)


def test_reference_on_both_sides_and_missing_calls_say_nothing():
    places = sites("chr1", 1000, 200)
    one = of_calls({site: "0/0" if n < 150 else "0/1" for n, site in enumerate(places)})
    other = of_calls(
        {site: "0/0" if n < 150 else "./." if n < 160 else "0/1" for n, site in enumerate(places)}
    )
    compared = compare((one, 0), (other, 0))
    assert (compared.same, compared.reason, compared.sites) == (None, concordance.TOO_FEW, 40)
    assert answer(compared, one_person=True) == "undetermined"


def test_names_of_contigs_do_not_matter_but_builds_do():
    calls = dict.fromkeys(sites("chr1", 1000, 80), "0/1")
    bare = {(contig.removeprefix("chr"), *rest): call for (contig, *rest), call in calls.items()}
    assert compare((of_calls(calls), 0), (of_calls(bare, "none"), 0)).same is True
    assert compare((of_calls(calls), 0), (of_calls(bare, "GRCh37"), 0)).reason == concordance.BUILDS


def test_everyone_with_everyone():
    people = [person(number, male=True, places=PLACES) for number in (1, 2, 3, 1)]
    cohort = read(vcf(list("abcd"), {site: [one[site] for one in people] for site in PLACES}))
    files = [cohort, read(genome(2, "S", male=True)), read(genome(9, "S", male=True))]
    alike = too_alike(files)
    assert alike.pairs == [(0, 3), (1, 4)]
    assert (alike.compared, alike.undecided) == (15, 0)


def test_everyone_with_everyone_when_there_is_nothing_in_common():
    files = [of_calls(dict.fromkeys(sites("chr1", start, 200), "0/1")) for start in (1, 2)]
    assert too_alike(files) == ([], 0, 1)
    assert too_alike([]) == ([], 0, 0)
    assert too_alike([read(vcf(["a"], {}))]) == ([], 0, 0)


def test_many_genomes_give_what_pairs_give():
    chance = random.Random(5)
    places = sites("chr1", 1000, 400)
    base = person(1, male=True, places=places)
    variants = [
        {
            site: call if chance.random() > share else "./." if chance.random() < 0.5 else "0/1"
            for site, call in base.items()
        }
        for share in (0, 0.05, 0.3, 0.9)
    ]
    files = [of_calls(one) for one in variants]
    pairs = {
        (one, other)
        for one in range(4)
        for other in range(one + 1, 4)
        if compare((files[one], 0), (files[other], 0)).same
    }
    assert set(too_alike(files).pairs) == pairs
    assert pairs


def test_real_people_are_not_alike(shared_data):
    raw = (shared_data / "vcf/bio2zarr/chr22.vcf.gz").read_bytes()
    people = read(raw)
    assert people.samples == 100
    assert too_alike([people]) == ([], 0, 4950)  # 90 sites: too few to say
    family = read((shared_data / "vcf/cyvcf2/o.vcf.gz").read_bytes())
    assert compare((family, 0), (family, 0)).same is True
    assert too_alike([family]).pairs == []
    assert np.count_nonzero(family.dosage >= 0) > 2_000
