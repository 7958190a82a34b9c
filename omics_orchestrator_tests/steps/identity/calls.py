"""Invented genomes as VCF text: what the tests of identity checks read."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

LENGTHS = {
    "GRCh38": {"chr1": 248_956_422, "chr2": 242_193_529, "chrX": 156_040_895, "chrY": 57_227_415},
    "GRCh37": {"1": 249_250_621, "2": 243_199_373, "X": 155_270_560, "Y": 59_373_566},
}
Genotype = str
Site = tuple[str, int, str, str]


def sites(contig: str, start: int, count: int, step: int = 10_000) -> list[Site]:
    """Return sites on a contig, all A>C, T>G and so on by turns."""
    letters = ("A", "C"), ("T", "G"), ("C", "T"), ("G", "A")
    return [(contig, start + number * step, *letters[number % 4]) for number in range(count)]


def vcf(
    names: Sequence[str], calls: Mapping[Site, Sequence[Genotype]], build: str = "GRCh38", extra: str = ""
) -> bytes:
    """Return a VCF of these samples."""
    head = ["##fileformat=VCFv4.2"]
    head += [f"##contig=<ID={name},length={length}>" for name, length in LENGTHS.get(build, {}).items()]
    head += [extra] if extra else []
    head += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    head += ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])]
    rows = [
        "\t".join([contig, str(position), ".", ref, alt, ".", "PASS", ".", "GT", *found])
        for (contig, position, ref, alt), found in calls.items()
    ]
    return ("\n".join([*head, *rows]) + "\n").encode()


def person(number: int, *, male: bool, places: Sequence[Site]) -> dict[Site, Genotype]:
    """Return the genotypes of one invented person, the same for the same number."""
    chance = random.Random(number)
    found = {}
    for site in places:
        first, second = chance.random() < 0.5, chance.random() < 0.5
        if site[0].endswith("Y"):
            found[site] = f"{int(first)}/{int(first)}" if male else "./."
        elif site[0].endswith("X") and male and site[1] > 2_800_000:
            found[site] = f"{int(first)}/{int(first)}"
        else:
            found[site] = f"{min(first, second):d}/{max(first, second):d}"
    return found


PLACES = [
    *sites("chr1", 1_000_000, 150),
    *sites("chrX", 100_000, 60),  # PAR1
    *sites("chrX", 5_000_000, 160),
    *sites("chrY", 5_000_000, 60),
]


def genome(number: int, name: str, *, male: bool) -> bytes:
    """Return a VCF of one invented person."""
    return vcf([name], {site: [call] for site, call in person(number, male=male, places=PLACES).items()})
