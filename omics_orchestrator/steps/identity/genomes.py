"""What identity checks keep of a VCF: counts on X and Y per sample, and genotypes at a fixed choice of its sites.

The choice is the same for every file (the sites whose hash is smallest), so that any two files can be compared
later without reading them again, in bounded memory. Names of samples are not kept, only their order.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.human_chromosomes import PSEUDO_AUTOSOMAL, chromosome_of, human_build
from omics_orchestrator.formats.vcf_genotypes import Genotypes, genotypes
from omics_orchestrator.formats.vcf_header import Header

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

VERSION = "1"  # raise it when the same file would give other numbers
MOST_SITES = 20_000  # kept of one file
MOST_GENOTYPES = 20_000_000  # kept of one file: bounds a file of many samples
FEWEST_SITES = 1_000
THIN = 2_000  # sites of one file that take part when all files are compared with each other
SUBSTITUTIONS = {
    first + second: number
    for number, (first, second) in enumerate(
        (first, second) for first in "ACGT" for second in "ACGT" if first != second
    )
}
ANY_ALLELE = (",<NON_REF>", ",<*>")  # what gVCFs add to every ALT


@dataclass(frozen=True)
class Genomes:
    """The genomes of one VCF, in the order of its samples. Only single-base substitutions count.

    Attributes:
        build: `GRCh37`, `GRCh38`; empty = not recognised, then nothing is counted on X and Y.
        x_het: per sample, heterozygous calls on X outside the pseudo-autosomal regions.
        x_alt: calls there that are homozygous for the alternate allele, by two copies.
        x_haploid: calls there that were written with one allele.
        x_diploid: calls there that were written with two alleles.
        y_sites: sites on Y outside the pseudo-autosomal regions.
        y_called: per sample, calls there that are not heterozygous.
        y_alt: those of them with the alternate allele.
        sites: uint64, hashes of the autosomal sites that are kept, ascending.
        dosage: int8 (sites, samples), copies of the alternate allele; -1 = not called.
        limit: every site of the file whose hash is at most this was kept.
    """

    build: str
    x_het: Numbers
    x_alt: Numbers
    x_haploid: Numbers
    x_diploid: Numbers
    y_sites: int
    y_called: Numbers
    y_alt: Numbers
    sites: Numbers
    dosage: Numbers
    limit: int

    @property
    def samples(self) -> int:
        """How many samples the file has."""
        return int(self.dosage.shape[1])


def read_genomes(file: OpenFile) -> Genomes:
    """Read a VCF or BCF once.

    Raises:
        FormatError: the file breaks its format.
    """
    header = Header()
    chosen: _Chosen | None = None
    counted: _OnSexChromosomes | None = None
    for block in genotypes(file, header=header):
        if chosen is None or counted is None:
            chosen = _Chosen(len(header.samples))
            counted = _OnSexChromosomes(_build(header), len(header.samples))
        chromosome = chromosome_of(block.contig)
        if chromosome in {"X", "Y"}:
            counted.add(chromosome, block)
        elif chromosome:
            chosen.add(int(chromosome), block)
    chosen = chosen or _Chosen(len(header.samples))
    counted = counted or _OnSexChromosomes(_build(header), len(header.samples))
    return Genomes(build=counted.build, **counted.counts(), **chosen.kept())


def packed(genomes: Genomes) -> bytes:
    """Return the genomes as bytes (compressed NumPy arrays)."""
    import numpy as np

    arrays: dict[str, Any] = {name.name: np.asarray(getattr(genomes, name.name)) for name in fields(Genomes)}
    arrays["limit"] = np.asarray(genomes.limit, np.uint64)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def unpacked(raw: bytes) -> Genomes | None:
    """Return what `packed` wrote; None = the bytes are none of it. Nothing in them is executed."""
    import numpy as np

    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            held = {name.name: arrays[name.name] for name in fields(Genomes)}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None
    plain: dict[str, Callable[[Any], Any]] = {"build": str, "y_sites": int, "limit": int}
    return Genomes(**{name: plain.get(name, np.asarray)(value) for name, value in held.items()})


def thinned(genomes: Genomes) -> Genomes:
    """Return the genomes with the first `THIN` of their sites."""
    if len(genomes.sites) <= THIN:
        return genomes
    limit = int(genomes.sites[THIN - 1])
    return replace(
        genomes, sites=genomes.sites[:THIN].copy(), dosage=genomes.dosage[:THIN].copy(), limit=limit
    )


def _build(header: Header) -> str:
    lengths = {name.decode("utf-8", "replace"): length for name, length in header.contigs.items()}
    return human_build(lengths, header.reference)


def _substitutions(block: Genotypes) -> Numbers:
    """Return the number of the substitution at each site; -1 = none, or several."""
    import numpy as np

    return np.array(
        [SUBSTITUTIONS.get(ref + _bare(alt), -1) for ref, alt in zip(block.refs, block.alts, strict=True)],
        np.int64,
    )


def _bare(alt: str) -> str:
    if alt.endswith(ANY_ALLELE):
        alt = alt[: alt.rindex(",")]
    return alt if len(alt) == 1 else "?"


class _OnSexChromosomes:
    """Counts calls on X and Y outside the pseudo-autosomal regions."""

    def __init__(self, build: str, samples: int) -> None:
        import numpy as np

        self.build = build
        names = ("x_het", "x_alt", "x_haploid", "x_diploid", "y_called", "y_alt")
        self._counts: dict[str, Any] = {name: np.zeros(samples, np.int64) for name in names}
        self._y_sites = 0

    def add(self, chromosome: str, block: Genotypes) -> None:
        if not self.build:
            return
        rows = _substitutions(block) >= 0
        for first, last in PSEUDO_AUTOSOMAL[self.build][chromosome]:
            rows &= (block.positions < first) | (block.positions > last)
        dosage, ploidy = block.dosage[rows], block.ploidy[rows]
        called, het = dosage >= 0, (dosage == 1) & (ploidy == 2)
        if chromosome == "X":
            self._add("x_het", het)
            self._add("x_alt", (dosage == 2) & (ploidy == 2))
            self._add("x_haploid", called & (ploidy == 1))
            self._add("x_diploid", called & (ploidy == 2))
        else:
            self._y_sites += len(dosage)
            self._add("y_called", called & ~het)
            self._add("y_alt", (dosage > 0) & ~het)

    def _add(self, name: str, calls: Numbers) -> None:
        self._counts[name] += calls.sum(axis=0)

    def counts(self) -> dict[str, Any]:
        return {**self._counts, "y_sites": self._y_sites}


class _Chosen:
    """Keeps the genotypes at the autosomal sites whose hash is smallest."""

    def __init__(self, samples: int) -> None:
        import numpy as np

        self._most = max(FEWEST_SITES, min(MOST_SITES, MOST_GENOTYPES // max(samples, 1)))
        self._limit = 2**64 - 1
        self._sites: list[Numbers] = [np.zeros(0, np.uint64)]
        self._dosage: list[Numbers] = [np.zeros((0, samples), np.int8)]
        self._held = 0

    def add(self, chromosome: int, block: Genotypes) -> None:
        import numpy as np

        substitutions = _substitutions(block)
        sites = hashes(chromosome, block.positions, substitutions)
        rows = (substitutions >= 0) & (sites <= np.uint64(self._limit))
        dosage = block.dosage[rows]
        dosage[block.ploidy[rows] != 2] = -1
        self._sites.append(sites[rows])
        self._dosage.append(dosage)
        self._held += len(dosage)
        if self._held > 2 * self._most:
            self._shrink()

    def _shrink(self) -> None:
        """Keep the first of each site, and of the sites those with the smallest hashes."""
        import numpy as np

        sites, first = np.unique(np.concatenate(self._sites), return_index=True)
        if len(sites) > self._most:
            sites, first = sites[: self._most], first[: self._most]
            self._limit = int(sites[-1])
        self._sites, self._dosage = [sites], [np.concatenate(self._dosage)[first]]
        self._held = len(sites)

    def kept(self) -> dict[str, Any]:
        self._shrink()
        return {"sites": self._sites[0], "dosage": self._dosage[0], "limit": self._limit}


def hashes(chromosome: int, positions: Numbers, substitutions: Numbers) -> Numbers:
    """Return a number per site that looks random and is the same in every file (the finaliser of SplitMix64).

    Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014. It is one to one: no two
    sites share a number.
    """
    import numpy as np

    site = (np.uint64(chromosome) << np.uint64(44)) | (positions.astype(np.uint64) << np.uint64(4))
    site = site | (substitutions & 15).astype(np.uint64)
    with np.errstate(over="ignore"):
        site = site + np.uint64(0x9E3779B97F4A7C15)
        site = (site ^ (site >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        site = (site ^ (site >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Numbers = site ^ (site >> np.uint64(31))
    return mixed
