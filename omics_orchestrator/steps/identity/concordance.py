"""Whether two genomes are one person's: the share of identical genotypes at sites that both files hold.

Sites at which both are homozygous for the reference are left out: any two people agree at most of them. What is left
is identical for one person (and for identical twins), and at most about three quarters for siblings. Files of one
short region cannot be told apart so: its sites are inherited together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from omics_orchestrator.steps.identity.genomes import Genomes
from omics_orchestrator.steps.identity.outcome import Answer

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

# One person's samples agree at 95 % of sites and more, two people's at 40 to 65 %; Conpair (Bergmann et al.,
# Bioinformatics 2016) calls a pair mismatched below 80 %.
SAME_FROM = 0.9
OTHER_TO = 0.8
# With 50 sites, siblings (0.75 at most) reach 0.9 about once in 400, unrelated people (0.65 at most) once in 20,000.
SITES_NEEDED = 50
SITES_NEEDED_AMONG_ALL = 100  # when everyone is compared with everyone, chance has more occasions
MOST_AMONG_ALL = 3_000  # genomes that are compared each with each: time and memory grow with their square
SITES_AMONG_ALL = 20_000  # sites at which they are
PORTION = 4_096  # sites that are multiplied at a time

BUILDS = "the files are on different reference builds"
TOO_FEW = f"fewer than {SITES_NEEDED} common sites at which one has the alternate allele"
BETWEEN = "too alike for two people, too different for one: contamination or poor calls"


class Compared(NamedTuple):
    """What a pair has in common: identical genotypes among `sites`; `same` None = it cannot be told."""

    same: bool | None
    reason: str
    share: float | None
    sites: int


def compare(one: tuple[Genomes, int], other: tuple[Genomes, int]) -> Compared:
    """Compare two genomes, each given as its file and the place of its sample there (from 0)."""
    import numpy as np

    (first, at), (second, there) = one, other
    if first.build and second.build and first.build != second.build:
        return Compared(None, BUILDS, None, 0)
    _, in_first, in_second = np.intersect1d(
        first.sites, second.sites, assume_unique=True, return_indices=True
    )
    left, right = first.dosage[in_first, at], second.dosage[in_second, there]
    told = (left >= 0) & (right >= 0) & ((left > 0) | (right > 0))
    sites, identical = int(told.sum()), int((told & (left == right)).sum())
    share = identical / sites if sites else None
    if share is None or sites < SITES_NEEDED:
        return Compared(None, TOO_FEW, share, sites)
    if share >= SAME_FROM:
        return Compared(True, "one person's genotypes", share, sites)
    if share <= OTHER_TO:
        return Compared(False, "genotypes of two people", share, sites)
    return Compared(None, BETWEEN, share, sites)


def answer(compared: Compared, *, one_person: bool) -> Answer:
    """Return whether the genotypes agree with the links: both to one participant, or to two."""
    if compared.same is None:
        return "undetermined"
    return "agrees" if compared.same == one_person else "differs"


class Alike(NamedTuple):
    """What comparing everyone with everyone gave: pairs that seem to be one person, and how many were too short."""

    pairs: list[tuple[int, int]]
    compared: int
    undecided: int


def too_alike(files: Sequence[Genomes]) -> Alike:
    """Return the pairs of genomes that may be one person's; genomes are numbered through all files in order.

    Every pair that is returned is to be looked at by `compare`: here only the sites that all files chose are regarded.
    """
    import numpy as np

    genotypes = _together(files)
    people = genotypes.shape[1]
    identical, told = (np.zeros((people, people), np.float32) for _ in range(2))
    for start in range(0, len(genotypes), PORTION):
        part = genotypes[start : start + PORTION]
        called, reference = (part >= 0).astype(np.float32), (part == 0).astype(np.float32)
        told += called.T @ called - reference.T @ reference
        for copies in (1, 2):
            equal = (part == copies).astype(np.float32)
            identical += equal.T @ equal
    upper = np.triu(np.ones((people, people), bool), 1)
    enough = upper & (told >= SITES_NEEDED_AMONG_ALL)
    found = np.argwhere(enough & (identical >= SAME_FROM * told))
    pairs = [(int(one), int(other)) for one, other in found]
    return Alike(pairs, int(enough.sum()), int(upper.sum() - enough.sum()))


def _together(files: Sequence[Genomes]) -> Numbers:
    """Return int8 (sites, genomes): the sites up to the lowest limit of a file that two files hold, or one of many."""
    import numpy as np

    limit = np.uint64(min((file.limit for file in files), default=0))
    chosen = [file.sites[file.sites <= limit] for file in files]
    everywhere, counts = np.unique(np.concatenate([np.zeros(0, np.uint64), *chosen]), return_counts=True)
    several = [sites for file, sites in zip(files, chosen, strict=True) if file.samples > 1]
    sites = np.union1d(everywhere[counts > 1], np.concatenate([np.zeros(0, np.uint64), *several]))
    sites = sites[:SITES_AMONG_ALL]
    table = np.full((len(sites), sum(file.samples for file in files)), -1, np.int8)
    start = 0
    for file in files:
        _, here, there = np.intersect1d(sites, file.sites, assume_unique=True, return_indices=True)
        table[here, start : start + file.samples] = file.dosage[there]
        start += file.samples
    return table
