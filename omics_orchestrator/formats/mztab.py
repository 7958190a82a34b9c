"""mzTab 1.0 and mzTab-M 2.0: metadata, then tables of proteins, peptides, spectra or small molecules.

The specifications: HUPO-PSI mzTab 1.0.0, section 6; mzTab-M 2.0.0, section 6. Its sections: mztab_sections.py.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData, unique
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_table import (
    Found,
    MatrixTable,
    Wide,
    head_lines,
    rows,
    suffixed,
)
from omics_orchestrator.formats.mztab_sections import ROWS, Metadata, Section

LOOKED_AT = ("title", "description", "contact", "sample", "custom", "study_variable", "assay")
MOST = 200  # entries that are looked at for identifiers


class Mztab(MatrixTable):
    """mzTab: lines that begin with MTD, then headers (PRH, PEH, PSH, SMH …) and their rows (PRT, PEP, PSM, SML …).

    Checked: prefixes, metadata first and complete, columns that 1.0 requires, every row as wide as its header, no empty
    cells, runs of spectra, numbers of abundances. The matrix is the first section with abundances per assay.
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("mztab", "txt", "tsv")
    holds_samples: ClassVar[bool] = True

    format: Literal["mztab"] = "mztab"
    """Proteins, peptides or small molecules in mzTab."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by a first line of metadata with a key of mzTab."""
        for cells in head_lines(head):
            if cells[0] not in ("COM", ""):
                return cells[0] == "MTD" and len(cells) == 3
        return False

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read metadata and sections."""
        metadata, sections, current = Metadata(), dict[str, Section](), ""
        for line, cells in rows(file, found, blank=True):
            prefix = cells[0]
            if prefix == "COM":
                continue
            if prefix == "MTD":
                if sections:
                    raise FormatError(f"line {line}: metadata below a table")
                metadata.add(line, cells)
            elif prefix in ROWS:
                if not sections:
                    metadata.complete(found)
                if prefix in sections:
                    raise FormatError(f"line {line}: a second header of the same section")
                current = ROWS[prefix]
                sections[prefix] = Section(line, cells, metadata)
            elif prefix in ROWS.values():
                header = next((one for one, row in ROWS.items() if row == prefix), "")
                if header not in sections or current != prefix:
                    raise FormatError(f"line {line}: a row without its header above")
                sections[header].add(line, cells)
            else:
                raise FormatError(f"line {line}: begins with none of the words of mzTab")
        metadata.complete(found)
        found.identifying = suspicious(metadata.entries(LOOKED_AT, MOST))
        return _matrix(sections, metadata, found)


def _matrix(sections: dict[str, Section], metadata: Metadata, found: Found) -> MatrixData:
    """Return the first section with abundances; without any, a table of no features."""
    if not sections:
        raise FormatError("no table below the metadata")
    found.facts["rows"] = {ROWS[prefix]: section.count for prefix, section in sections.items()}
    found.warnings += [problem for section in sections.values() for problem in section.told()]
    for prefix, section in sections.items():
        if section.samples:
            found.samples = section.samples
            found.facts["matrix"] = ROWS[prefix]
            return section.matrix()
    found.samples, _ = unique(metadata.samples())
    return Wide(found.samples).matrix()
