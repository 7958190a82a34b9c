"""rds: one R object in a file: Seurat, SingleCellExperiment, SummarizedExperiment. R itself is not needed.

What is checked and said is here; the object as AnnData: rds_read.py; back to R: rds_write.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_format import CellMatrix
from omics_orchestrator.formats.rds_stream import BZIP2, is_rds

if TYPE_CHECKING:
    from anndata import AnnData

    from omics_orchestrator.formats.rds_facts import Look


class Rds(CellMatrix):
    """R objects (.rds): Seurat 3 to 5, SingleCellExperiment, SummarizedExperiment; of others, what they are.

    All bytes are read, large arrays are not kept. One file may hold cells of many samples: `sample_column` names
    the column of the cells' metadata that tells them apart. Code within the object is named and never run.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".rds",)
    holds_samples: ClassVar[bool] = True

    format: Literal["rds"] = "rds"
    """Serialised R objects with single-cell or bulk experiments."""
    sample_column: str | None = None
    """Column of the metadata of cells with the sample of each; without it the file holds no sample names."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the first bytes once inflated; a first block of bzip2 may be longer than `head`: by the name."""
        return is_rds(head) or (cls.bears_suffix(name) and head.startswith(BZIP2) and len(head) >= 64 * 1024)

    def inspect(self, file: OpenFile) -> Inspection:
        """Parse the object and check that its parts fit together."""
        facts: dict[str, JsonValue] = {}
        try:
            look = self._look(file, facts)
            samples = look.samples(self.sample_column) if self.sample_column else ()
        except FormatError as error:
            return Inspection.refused(error, facts)
        return Inspection.of(facts, samples, look.warnings, identifying=suspicious(look.entries()))

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read the object; of several assays the active or, of experiments, the main one."""
        from omics_orchestrator.formats.rds_read import main_assay, read_rds

        return main_assay(read_rds(self.only(files).path()))

    @staticmethod
    def _look(file: OpenFile, facts: dict[str, JsonValue]) -> Look:
        """Fill `facts` and return what was found."""
        from omics_orchestrator.formats.rds_facts import Look
        from omics_orchestrator.formats.rds_parse import BAD_CONTENT, parse
        from omics_orchestrator.formats.rds_plain import not_representable

        read = parse(file.blocks(), keep=False)
        facts |= {
            "serialisation": read.version,
            "written_by_r": read.written_by,
            "writing": read.writing,
            "compression": read.compression,
        }
        try:
            look = Look(read.root)
            look.facts = facts | look.facts
            try:
                look.take()
                look.facts["not_representable"] = [*not_representable(read.root)]
            finally:
                facts |= look.facts
        except BAD_CONTENT as error:
            raise FormatError(f"an object of R whose parts do not fit ({type(error).__name__})") from None
        if read.rest:
            look.warnings.append(f"{read.rest} bytes follow the object: R does not read them")
        return look
