"""salmon: reads assigned to transcripts (quant.sf) or genes (quant.genes.sf), one sample per folder.

The layout is that of the salmon documentation, "Salmon Output File Formats".
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from omics_orchestrator.formats import quantified
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import Found, MatrixTable, head_lines, stem, suffixed

HEADER = ["Name", "Length", "EffectiveLength", "TPM", "NumReads"]
_BESIDE = re.compile(
    r"(?:(?:aux_info|logs|libparams)/[^\n]*|(?:.*/)?(?:aux_info|logs|libparams)/[^\n]*"
    r"|(?:.*/)?(?:cmd_info|lib_format_counts)\.json)",
    re.IGNORECASE | re.DOTALL,
)
_FOLDER = re.compile(r"(.*?/|)(?:(?:aux_info|logs|libparams)/.*|[^/]*)", re.IGNORECASE | re.DOTALL)


class Salmon(MatrixTable):
    """Quantification of salmon: Name, Length, EffectiveLength, TPM, NumReads; the sample is the folder.

    Checked: lengths, numbers, repeated names; TPM add up to a million. What salmon writes beside it (cmd_info.json,
    aux_info/, logs/, libParams/) is registered with it. quant.genes.sf is a set of its own.
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("sf")

    format: Literal["salmon"] = "salmon"
    """Reads per transcript or gene by salmon (quant.sf)."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words."""
        return head_lines(head, 1) == [HEADER]

    @classmethod
    def is_companion(cls, name: str) -> bool:
        """Tell whether salmon writes such a file beside quant.sf."""
        return _BESIDE.fullmatch(name) is not None

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the folder's quant.sf for what salmon writes beside it."""
        if cls.is_companion(name) and (folder := _FOLDER.fullmatch(name)):
            parent = folder[1]
            if name.lower().endswith(("cmd_info.json", "lib_format_counts.json")) and "/" in name:
                parent = name.rpartition("/")[0] + "/"
            return parent + "quant.sf"
        return name.removesuffix(".gz") if name.endswith("quant.sf.gz") else name

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the table; `NumReads` become the matrix."""
        level = "gene" if "genes" in file.name.lower() else "transcript"
        return quantified.take(file, found, stem(file, self.suffixes), {level: HEADER}, "NumReads")
