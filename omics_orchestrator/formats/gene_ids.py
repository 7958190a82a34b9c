"""Tells which naming system the gene ids of a matrix follow: Ensembl, Entrez, RefSeq or gene symbols.

By the shape of the ids alone; whether a gene exists is not looked up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

MOST = 200_000  # ids that are looked at; more than any annotation has genes
ENOUGH = 0.5  # share of ids that must follow one system

# Ensembl stable ids: https://www.ensembl.org/info/genome/stable_ids/prefixes.html (11 digits, then a version).
# RefSeq accessions: NCBI Handbook, chapter 18, table 1. Entrez: a plain number.
_SHAPES = (
    ("ensembl_human", r"ENSG\d{11}"),
    ("ensembl_mouse", r"ENSMUSG\d{11}"),
    ("ensembl_human_transcript", r"ENST\d{11}"),
    ("ensembl_mouse_transcript", r"ENSMUST\d{11}"),
    ("ensembl_other", r"ENS[A-Z]{3,5}[GT]\d{11}"),
)
_STABLE = re.compile(
    r"(?:[A-Za-z][\w.\-]*?_+)?(?:" + "|".join(f"(?P<{name}>{shape})" for name, shape in _SHAPES) + r")"
    r"(?:\.\d+)?(?:_PAR_Y|_[\w.\-]+|\|.*)?"
)
_REFSEQ = re.compile(r"[NX][MR]_\d{6,9}(?:\.\d+)?")
_ENTREZ = re.compile(r"[1-9]\d{0,8}")
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-._@/][A-Za-z0-9]+)*-?")
_UNIPROT = re.compile(r"(?:[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2})(?:-\d+)?")


class GeneIds(NamedTuple):
    """Which system most ids follow (`ensembl_human`, `symbol`, …, `unknown`), and their share, 0–1."""

    system: str
    share: float


def gene_id_system(ids: Iterable[str]) -> GeneIds:
    """Return the naming system that most ids follow.

    Understood: Ensembl ids with a version (`.5`), a genome in front (`GRCh38_ENSG…`, `hg19_…`), `_PAR_Y`, or a
    symbol behind (`ENSG…|TSPAN6`, `ENSG…_TSPAN6`). A symbol is a word that starts with a letter: its spelling does
    not tell human from mouse for certain, so it is one system.

    Args:
        ids: gene ids in any order; at most the first 200,000 are looked at.

    Returns:
        `ensembl_human`, `ensembl_mouse`, the two with `_transcript`, `ensembl_other`, `refseq`, `entrez`,
        `uniprot`, `symbol`; `unknown` where no system has half of the ids. The share is rounded to 4 places.
    """
    counts = Counter(_system(one) for one in islice(ids, MOST))
    total = counts.total()
    unknown = counts.pop("unknown", 0)
    if not counts:
        return GeneIds("unknown", 1.0 if unknown else 0.0)
    # a tie goes to the stricter shape: any word may be a symbol
    system, count = max(counts.items(), key=lambda one: (one[1], one[0] != "symbol", one[0]))
    if count < ENOUGH * total:
        return GeneIds("unknown", round(unknown / total, 4))
    return GeneIds(system, round(count / total, 4))


def _system(one: str) -> str:
    """Return the system that one id follows."""
    if len(one) > 200:
        return "unknown"
    if stable := _STABLE.fullmatch(one):
        return stable.lastgroup or "unknown"
    for system, shape in (
        ("entrez", _ENTREZ),
        ("refseq", _REFSEQ),
        ("uniprot", _UNIPROT),
        ("symbol", _SYMBOL),
    ):
        if shape.fullmatch(one):
            return system
    return "unknown"
