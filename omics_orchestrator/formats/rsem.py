"""RSEM: expected counts per gene (genes.results) or transcript (isoforms.results), one sample per file.

The layout is that of the RSEM manual, rsem-calculate-expression, section "OUTPUT".
"""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.formats import quantified
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import Found, MatrixTable, head_lines, stem, suffixed

_NUMBERS = ["length", "effective_length", "expected_count", "TPM", "FPKM"]
HEADERS = {
    "gene": ["gene_id", "transcript_id(s)", *_NUMBERS],
    "transcript": ["transcript_id", "gene_id", *_NUMBERS, "IsoPct"],
}


class Rsem(MatrixTable):
    """Results of RSEM: ids, length, effective_length, expected_count, TPM, FPKM (and IsoPct of transcripts).

    Checked: lengths, numbers, repeated ids; TPM add up to a million. Columns of the posterior mean may follow.
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("results", "tsv", "txt")

    format: Literal["rsem"] = "rsem"
    """Expected counts per gene or transcript by RSEM."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words."""
        first = (head_lines(head, 1) or [[]])[0]
        return any(first[: len(header)] == header for header in HEADERS.values())

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the table; `expected_count` becomes the matrix."""
        sample = stem(file, (".genes.results", ".isoforms.results", *self.suffixes))
        return quantified.take(file, found, sample, HEADERS, "expected_count")
