"""The names beside a 10x matrix: barcodes.tsv, features.tsv and the older genes.tsv, as text or gzip.

Source: 10x Genomics, "Feature-barcode matrices" (id, name, type; with ATAC also place). The matrix: tenx_mtx.py.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.gene_ids import MOST, gene_id_system
from omics_orchestrator.formats.text import Lines

LONGEST = 10_000  # bytes of a line
MOST_TYPES = 1000  # feature types that are told apart
_BARCODE = re.compile(rb"[ACGTN]+(?:-(\d{1,5}))?")
GENES = "Gene Expression"
GENOME = re.compile(r"([A-Za-z][A-Za-z0-9.]{1,20}?)_+ENS[A-Z]*G\d")


def inspect_barcodes(blocks: Iterable[bytes], facts: dict[str, JsonValue]) -> list[str]:
    """Count barcodes; returns warnings.

    Raises:
        FormatError: a line without a barcode, no barcode at all.
    """
    lines = Lines(blocks)
    digests, groups = array("q"), set[bytes | None]()
    sequences = 0
    for number, line in _numbered(lines):
        barcode = line.partition(b"\t")[0]
        if not barcode.strip():
            raise FormatError(f"line {number}: no barcode")
        digests.append(hash(barcode))
        if found := _BARCODE.fullmatch(barcode):
            sequences += 1
            if len(groups) < MOST_TYPES:
                groups.add(found[1])
    if not digests:
        raise FormatError("no barcode")
    facts |= {"n_obs": len(digests), "gem_groups": len(groups)}
    facts |= {"sequence_barcodes": round(sequences / len(digests), 4), "compression": lines.compression}
    return _repeated(digests, "barcodes")


def inspect_features(blocks: Iterable[bytes], facts: dict[str, JsonValue]) -> list[str]:
    """Count features by type, and recognise the ids; returns warnings.

    Raises:
        FormatError: a line of another width than the first, less than two columns, no id.
    """
    lines = Lines(blocks)
    digests, ids = array("q"), list[str]()
    types: Counter[str] = Counter()
    genomes: Counter[str] = Counter()
    width = 0
    for number, line in _numbered(lines):
        cells = line.decode("utf-8", "replace").split("\t")
        width = width or len(cells)
        if len(cells) < 2 or len(cells) != width:
            raise FormatError(f"line {number}: {len(cells)} columns instead of {max(width, 2)}")
        if not cells[0].strip():
            raise FormatError(f"line {number}: a feature without an id")
        digests.append(hash(cells[0]))
        kind = cells[2] if width > 2 else GENES
        types[kind if kind in types or len(types) < MOST_TYPES else "others"] += 1
        if kind == GENES and len(ids) < MOST:
            ids.append(cells[0])
            if prefixed := GENOME.match(cells[0]):
                genomes[prefixed[1]] += 1
    if not digests:
        raise FormatError("no feature")
    system, share = gene_id_system(ids)
    facts |= {"n_vars": len(digests), "columns": width, "gene_ids": system, "gene_ids_share": share}
    facts |= {"feature_types": dict[str, JsonValue](types.most_common(20)), "compression": lines.compression}
    if genomes:
        facts["genome"] = dict[str, JsonValue](genomes.most_common(20))
    return _repeated(digests, "feature ids")


def _numbered(lines: Lines) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers; binary content and very long lines are refused."""
    number = 0
    for batch in lines:
        for line in batch:
            number += 1
            if len(line) > LONGEST or b"\0" in line:
                raise FormatError(f"line {number}: no text of a 10x file")
            yield number, line


def _repeated(digests: array[int], what: str) -> list[str]:
    import numpy as np

    repeats = len(digests) - len(np.unique(np.frombuffer(digests, np.int64)))
    return [f"{repeats} {what} repeat earlier ones"] if repeats else []
