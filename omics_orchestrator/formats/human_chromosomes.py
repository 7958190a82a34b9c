"""Human chromosomes by the names that files give their contigs, and where X and Y pair up like autosomes.

Which assembly a file was made on, by the length of a chromosome: reference_build.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from omics_orchestrator.formats.reference_build import build_of

# RefSeq numbers chromosomes NC_000001 to NC_000024 (X = 23, Y = 24), GenBank CM000663 to CM000686.
_NAMED = re.compile(r"(?i:chr)?(?:0?([1-9]|1[0-9]|2[0-4])|([XY]))")
_ACCESSION = re.compile(r"(?:NC_0000(0[1-9]|1[0-9]|2[0-4])|CM000(66[3-9]|67[0-9]|68[0-6]))\.[0-9]+")
_SEX = {23: "X", 24: "Y"}
_FIRST_GENBANK = 662
_WORDS = {
    "GRCh37": re.compile(r"(?i)(?<![a-z0-9])(?:grch37|hg19|b37|hs37d5|g1k_v37|human_g1k_v37)"),
    "GRCh38": re.compile(r"(?i)(?<![a-z0-9])(?:grch38|hg38|hs38dh?)"),
}
PSEUDO_AUTOSOMAL: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "GRCh37": {
        "X": ((60_001, 2_699_520), (154_931_044, 155_260_560)),
        "Y": ((10_001, 2_649_520), (59_034_050, 59_363_566)),
    },
    "GRCh38": {
        "X": ((10_001, 2_781_479), (155_701_383, 156_030_895)),
        "Y": ((10_001, 2_781_479), (56_887_903, 57_217_415)),
    },
}
"""Assembly → chromosome → (first, last position from 1) of PAR1 and PAR2: Genome Reference Consortium, as in
ncbi.nlm.nih.gov/grc/human and ensembl.org/info/genome/genebuild/human_PARS.html."""


def chromosome_of(contig: str) -> str:
    """Return `1` to `22`, `X` or `Y`; empty = another contig, or a name that is not known.

    >>> [chromosome_of(name) for name in ("chr7", "X", "23", "NC_000024.10", "CM000663.2", "chrUn_1")]
    ['7', 'X', 'X', 'Y', '1', '']
    """
    if named := _NAMED.fullmatch(contig):
        return named[2] or _SEX.get(int(named[1]), named[1])
    if accession := _ACCESSION.fullmatch(contig):
        number = int(accession[1]) if accession[1] else int(accession[2]) - _FIRST_GENBANK
        return _SEX.get(number, str(number))
    return ""


def human_build(lengths: Mapping[str, int], reference: str = "") -> str:
    """Return `GRCh37` or `GRCh38` by the declared lengths, else by the words of `reference`; empty = neither."""
    found = build_of(lengths)
    if not found:
        named = [build for build, words in _WORDS.items() if words.search(reference)]
        found = named[0] if len(named) == 1 else ""
    return found if found in PSEUDO_AUTOSOMAL else ""
