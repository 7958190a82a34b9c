"""Reads assigned to transcripts or genes, one sample per file: what salmon and RSEM write alike.

Their columns: salmon.py, rsem.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import Found, Wide, add_up, fits, numbers, once, rows

MILLION = 1e6
TPM_SHARE = 0.001  # TPM are written with 2 (RSEM) to 6 (salmon) decimals


def take(
    file: OpenFile, found: Found, sample: tuple[str], headers: Mapping[str, list[str]], counts: str
) -> MatrixData:
    """Read a table whose header begins with one of `headers` (level → columns); x is the column `counts`.

    Text stands in the first columns up to `length`; the other named columns are numbers, zero or more.
    """
    lines = rows(file, found)
    _, names = next(lines)
    level = next((level for level, header in headers.items() if names[: len(header)] == header), None)
    if level is None:
        raise FormatError("line 1: not the header of the program")
    found.facts["level"] = level
    header = headers[level]
    first = next(position for position, name in enumerate(header) if name.lower() == "length")
    value, tpm = header.index(counts), header.index("TPM")
    wide = Wide(sample, tuple(header))
    seen: dict[str, int] = {}
    total = assigned = 0.0
    for line, cells in lines:
        fits(cells, line, len(names))
        once(seen, cells[0], line, level)
        values = numbers(cells[first:], line, first)
        if values[0] <= 0:
            raise FormatError(f"line {line}: the length is zero")
        total += values[tpm - first]
        assigned += values[value - first]
        wide.add(cells[0], [values[value - first]], *cells[: len(header)])
    if not wide.ids:
        raise FormatError("no line below the header")
    if not add_up(total, MILLION, TPM_SHARE):
        found.warnings.append("TPM do not add up to one million: lines may be missing")
    found.facts["assigned_reads"] = round(assigned, 3)
    found.gene_ids(wide.ids)
    return wide.matrix()
