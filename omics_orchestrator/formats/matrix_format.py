"""What formats that hold a matrix have in common: rows are samples (SampleMatrix) or single cells (CellMatrix).

How registered files become the matrix of an assay: matrices/.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, OpenFile

if TYPE_CHECKING:
    from anndata import AnnData

    from omics_orchestrator.formats.feature_table import MatrixData


class SampleMatrix(Format):
    """A format whose files are samples × features, many samples or one.

    `absent` is what a sample has of a feature that its file does not list while another file does: NaN (not
    measured) unless the format leaves out what it counted zero times.
    """

    matrix: ClassVar[Literal["", "samples", "cells"]] = "samples"
    absent: ClassVar[float] = math.nan

    @abstractmethod
    def read(self, file: OpenFile) -> MatrixData:
        """Read the whole file; a file of one sample that does not name it bears the file's name.

        Raises:
            FormatError: the file breaks its format.
        """


class CellMatrix(Format):
    """A format whose file sets are cells × features."""

    matrix: ClassVar[Literal["", "samples", "cells"]] = "cells"

    @abstractmethod
    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read one file set (path → file) whole; `uns["assays_left_out"]` counts what else the object holds.

        Raises:
            FormatError: the set breaks its format.
        """

    @staticmethod
    def only(files: Mapping[str, OpenFile]) -> OpenFile:
        """Return the one file of a set.

        Raises:
            FormatError: the set has another number of files.
        """
        if len(files) != 1:
            raise FormatError(f"{len(files)} files in a set of one")
        return next(iter(files.values()))
