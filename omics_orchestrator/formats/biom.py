"""BIOM: tables of observations × samples, version 1 (JSON) and 2 (HDF5), held to https://biom-format.org.

The JSON: biom_json.py; the HDF5: biom_hdf5.py. Both give the same parts, which are judged here.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import biom_hdf5, biom_json, hdf5
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.biom_parts import BiomParts
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import Found, MatrixTable
from omics_orchestrator.formats.text import text_head

TYPES = {
    f"{kind} table"
    for kind in ("otu", "pathway", "function", "ortholog", "gene", "metabolite", "taxon")
}  # fmt: skip
LARGEST = 2**29  # cells of a table that is held whole: 4 GiB


class Biom(MatrixTable):
    """BIOM tables, version 1 (JSON) or 2 (HDF5): counts of taxa, genes or functions per sample.

    Checked: the required entries, the shape, unique ids, every entry inside the table, finite and (but for
    metabolites) not below zero; in HDF5 both copies of the matrix hold as many values.
    """

    absent: ClassVar[float] = 0  # what was not found is not listed
    suffixes: ClassVar[tuple[str, ...]] = (".biom",)
    holds_samples: ClassVar[bool] = True

    format: Literal["biom"] = "biom"
    """Observations × samples by the Biological Observation Matrix format."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell the JSON by its keys, the HDF5 by its groups and attributes."""
        if hdf5.is_hdf5(head):
            stated = b"observation" in head and b"format-url" in head
            return stated or name.lower().endswith(".biom")
        text = text_head(head).lstrip()
        if not text.startswith(b"{"):
            return False
        keys = (b'"format_url"', b'"generated_by"', b'"matrix_type"', b'"matrix_element_type"')
        return b"biom-format.org" in text or sum(key in text for key in keys) > 1

    def inspect(self, file: OpenFile) -> Inspection:
        """Check the table as it is stored: no cell that holds nothing is made."""
        found = Found()
        try:
            parts = _parts(file, found)
        except FormatError as error:
            return Inspection.refused(error, found.facts)
        return Inspection.of(found.facts, tuple(parts.samples), found.warnings)

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the table; taxonomy and other metadata of observations become their columns."""
        import numpy as np

        parts = _parts(file, found)
        if len(parts.observations) * len(parts.samples) > LARGEST:
            raise FormatError(f"more than {LARGEST:,} cells: too large to be held whole")
        x = np.zeros((len(parts.samples), len(parts.observations)))
        x[parts.columns, parts.rows] = parts.values
        features = {"id": parts.observations, **parts.metadata}
        found.samples = tuple(parts.samples)
        return MatrixData(x, found.samples, tuple(parts.observations), features, {"repeated_features": 0})


def _parts(file: OpenFile, found: Found) -> BiomParts:
    """Read and check the parts of a table."""
    is_hdf5 = hdf5.is_hdf5(next(iter(file.blocks()), b""))
    parts = biom_hdf5.read(file, found) if is_hdf5 else biom_json.read(file, found)
    _judge(parts, found)
    found.facts |= {"features": len(parts.observations), "samples": len(parts.samples)}
    return parts


def _judge(parts: BiomParts, found: Found) -> None:
    """Check ids, shape and values; fills the facts."""
    import numpy as np

    for ids, what in ((parts.observations, "observation"), (parts.samples, "sample")):
        if repeats := len(ids) - len(set(ids)):
            raise FormatError(f"{repeats} {what} ids repeat")
        if not all(ids):
            raise FormatError(f"{what} {ids.index('') + 1} has no id")
    if (len(parts.observations), len(parts.samples)) != parts.shape:
        raise FormatError("the shape is not that of the lists of observations and samples")
    if not (parts.observations and parts.samples):
        raise FormatError("the table has no observations or no samples")
    inside = (parts.rows >= 0) & (parts.rows < parts.shape[0])
    inside &= (parts.columns >= 0) & (parts.columns < parts.shape[1])
    inside &= np.isfinite(parts.values)
    if not inside.all():
        raise FormatError("an entry lies outside the table or is not finite", record=_first(~inside))
    low = parts.values < 0
    if low.any() and parts.kind.lower() != "metabolite table":
        raise FormatError("an entry is below zero", record=_first(low))
    cells = parts.rows * parts.shape[1] + parts.columns
    if len(np.unique(cells)) < len(cells):
        raise FormatError("two entries stand for the same cell")
    if parts.kind.lower() not in TYPES:
        found.warnings.append("the type is none of those that the specification lists")
    found.facts |= {
        "type": parts.kind if parts.kind.lower() in TYPES else None,
        "nonzero": int((parts.values != 0).sum()),
        "total": float(parts.values.sum()),
        "counts": "whole" if bool((parts.values % 1 == 0).all()) else "fractional",
        "metadata": len(parts.metadata),
    }


def _first(bad: object) -> int:
    import numpy as np

    return int(np.argmax(bad)) + 1  # type: ignore[call-overload]
