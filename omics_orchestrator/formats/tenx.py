"""10x Genomics matrices: the folder of three text files and the .h5 of Cell Ranger.

The parts: tenx_mtx.py, tenx_text.py, tenx_h5.py; to an AnnData in memory: tenx_read.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5, tenx_h5, tenx_mtx, tenx_text
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_format import CellMatrix
from omics_orchestrator.formats.text import text_head

if TYPE_CHECKING:
    from anndata import AnnData

_NAMES = re.compile(r"(matrix\.mtx|barcodes\.tsv|(?:features|genes)\.tsv)(?:\.gz)?$", re.IGNORECASE)
PARTS = ("matrix", "barcodes", "features")


class Tenx(CellMatrix):
    """Single-cell counts of 10x Genomics: matrix.mtx with barcodes.tsv and features.tsv (or genes.tsv), or one .h5.

    The three text files, plain or gzip, are one file set; a prefix before their names (`GSM1_matrix.mtx.gz`) is
    part of the set's name. Rows are features, columns are cells.
    """

    suffixes: ClassVar[tuple[str, ...]] = (
        *(f".{name}{packed}" for name in ("mtx", "tsv") for packed in ("", ".gz")),
        ".h5",
    )

    format: Literal["tenx"] = "tenx"
    """Counts of single cells, as Cell Ranger writes them."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell a matrix by its first line, an .h5 by its parts, lists of names by their name and columns."""
        if hdf5.is_hdf5(head):
            return name.lower().endswith(".h5") and b"barcodes" in head and b"indptr" in head
        text = text_head(head)
        if text.startswith(tenx_mtx.BANNER):
            return True
        first = text.partition(b"\n")[0].rstrip(b"\r")
        part = part_of(name)
        if not first.strip() or b"\0" in text[:1000] or part in ("", "matrix"):
            return False
        return (b"\t" in first) == (part == "features")

    def inspect(self, file: OpenFile) -> Inspection:
        """Check one part: entries inside the matrix and as many as stated, names there and unique."""
        facts: dict[str, JsonValue] = {}
        identifying: tuple[str, ...] = ()
        blocks = iter(file.blocks())
        first = next(blocks, b"")
        try:
            if hdf5.is_hdf5(first):
                facts["part"] = "h5"
                warnings, identifying = tenx_h5.inspect_h5(file, facts)
            elif text_head(first).startswith(tenx_mtx.BANNER) or part_of(file.name) == "matrix":
                facts["part"] = "matrix"
                warnings, header = tenx_mtx.inspect_matrix(chain((first,), blocks), facts)
                identifying = suspicious(
                    (f"line {line}", "comment", text[:200]) for line, text in header.comments[:9]
                )
            else:
                warnings = _inspect_names(file.name, chain((first,), blocks), facts)
        except FormatError as error:
            return Inspection.refused(error, facts)
        return Inspection.of(facts, (), warnings, identifying=identifying)

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the folder and the prefix that the three files share; an .h5 is a set of its own."""
        return _NAMES.sub("matrix", name)

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say whether matrix, barcodes and features are all there and as long as the matrix's sides."""
        del files
        found: dict[str, list[Inspection]] = {part: [] for part in PARTS}
        for path, member in members.items():
            part = member.facts.get("part")
            if part == "h5" or not (part in found or part_of(path)):
                return Inspection.of({})
            found[str(part) if part in found else part_of(path)].append(member)
        facts: dict[str, JsonValue] = {}
        try:
            warnings = _whole(found, facts)
        except FormatError as error:
            return Inspection.refused(error, facts)
        old = any(path.lower().removesuffix(".gz").endswith("genes.tsv") for path in members)
        facts["layout"] = "Cell Ranger before 3" if old else "Cell Ranger 3 and later"
        return Inspection.of(facts, (), warnings)

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read the three text files, or the .h5."""
        from omics_orchestrator.formats.tenx_read import read

        return read(files)


def part_of(name: str) -> str:
    """Return which part of a folder a file is by its name: `matrix`, `barcodes`, `features`; empty = none."""
    found = _NAMES.search(name)
    if not found:
        return ""
    part = found[1].lower().partition(".")[0]
    return "features" if part == "genes" else part


def _inspect_names(name: str, blocks: Iterator[bytes], facts: dict[str, JsonValue]) -> list[str]:
    part = part_of(name)
    if not part:
        raise FormatError("neither a matrix nor named barcodes.tsv, features.tsv or genes.tsv")
    facts["part"] = part
    look = tenx_text.inspect_barcodes if part == "barcodes" else tenx_text.inspect_features
    return look(blocks, facts)


def _whole(found: Mapping[str, list[Inspection]], facts: dict[str, JsonValue]) -> list[str]:
    """Compare the parts and fill the set's facts; returns warnings."""
    for part in PARTS:
        if not found[part]:
            raise FormatError(f"no {part} in the set")
    warnings = [f"{len(found[part])} files with the {part}" for part in PARTS if len(found[part]) > 1]
    for part in PARTS[1:]:
        facts |= {
            name: fact for name, fact in found[part][0].facts.items() if name not in ("part", "compression")
        }
    matrix = found["matrix"][0].facts
    for part, side, what in (("barcodes", "n_obs", "columns"), ("features", "n_vars", "rows")):
        for member in found[part]:
            listed, stated = member.facts.get(side), matrix.get(side)
            if listed is not None and stated is not None and listed != stated:
                raise FormatError(f"{listed} {part}, but the matrix has {stated} {what}{_turned(found)}")
    facts |= {name: fact for name, fact in matrix.items() if name not in ("part", "compression")}
    return warnings


def _turned(found: Mapping[str, list[Inspection]]) -> str:
    """Return a hint where the matrix would fit if rows were cells."""
    matrix, barcodes, features = (found[part][0].facts for part in PARTS)
    sides = (matrix.get("n_vars"), matrix.get("n_obs"))
    return (
        ": rows and columns are exchanged" if sides == (barcodes.get("n_obs"), features.get("n_vars")) else ""
    )
