"""Invented genomes: genotypes of the invented people at a panel of sites on chr1, chr2, chr16, X and Y.

A person's genotypes are the same in every file; men bear one X and one Y. How a file is packed: omics_files.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.random import Generator

from omics_orchestrator.demo.cohort import Person
from omics_orchestrator.demo.omics_files import bgzip

if TYPE_CHECKING:
    Numbers = np.ndarray[Any, np.dtype[Any]]

LENGTHS = {
    "chr1": 248_956_422,
    "chr2": 242_193_529,
    "chr16": 90_338_345,
    "chrX": 156_040_895,
    "chrY": 57_227_415,
}
SITES = {"chr1": 60, "chr2": 60, "chr16": 60, "chrX": 180, "chrY": 20}
PAIRED_ENDS = 2_781_479  # PAR1 of GRCh38: up to here X and Y are alike, and men have two copies
IN_PAR = 20  # of the sites on X


class Panel(NamedTuple):
    """The sites of a study: contig, position, letters of reference and alternate allele, frequency of the latter."""

    contigs: list[str]
    positions: Numbers
    letters: Numbers
    frequencies: Numbers


def panel(dice: Generator) -> Panel:
    """Return common sites, those of Y outside the pseudo-autosomal regions."""
    contigs, positions = [], []
    for name, count in SITES.items():
        places = dice.choice(LENGTHS[name] // 2 - PAIRED_ENDS, count, replace=False) + PAIRED_ENDS + 1
        if name == "chrX":
            places[:IN_PAR] = dice.choice(PAIRED_ENDS - 20_000, IN_PAR, replace=False) + 20_000
        positions.append(np.sort(places))
        contigs += [name] * count
    count = len(contigs)
    reference = dice.integers(0, 4, count)
    alternate = (reference + dice.integers(1, 4, count)) % 4
    frequencies = dice.uniform(0.35, 0.65, count)
    return Panel(contigs, np.concatenate(positions), np.stack([reference, alternate]), frequencies)


def genotypes(sites: Panel, person: Person) -> list[str]:
    """Return a person's genotypes as a caller writes them that knows nobody's sex."""
    dice = np.random.default_rng(zlib.crc32(person.id.encode()))
    copies = dice.random((2, len(sites.contigs))) < sites.frequencies
    found = []
    for contig, position, (one, other) in zip(sites.contigs, sites.positions, copies.T, strict=True):
        if contig == "chrY" and not person.male:
            found.append("./.")
            continue
        single = person.male and (contig == "chrY" or (contig == "chrX" and position > PAIRED_ENDS))
        first, second = sorted((int(one), int(one if single else other)))
        found.append(f"{first}/{second}")
    return found


def vcf(sites: Panel, people: Sequence[tuple[str, Person]], dice: Generator) -> bytes:
    """Return variant calls of these samples (name in the file, whose genome it is), bgzip."""
    header = ["##fileformat=VCFv4.2", "##source=omics_orchestrator demo", "##reference=GRCh38"]
    header += [f"##contig=<ID={name},length={length}>" for name, length in LENGTHS.items()]
    header += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    names = [name for name, _ in people]
    header += ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])]
    calls = zip(*(genotypes(sites, person) for _, person in people), strict=True)
    quality = dice.integers(30, 99, len(sites.contigs))
    lines = []
    for number, (contig, of_all) in enumerate(zip(sites.contigs, calls, strict=True)):
        ref, alt = ("ACGT"[letter] for letter in sites.letters[:, number])
        fixed = [contig, str(sites.positions[number]), ".", ref, alt, str(quality[number]), "PASS", ".", "GT"]
        lines.append("\t".join([*fixed, *of_all]))
    return bgzip("\n".join([*header, *lines, ""]).encode())
