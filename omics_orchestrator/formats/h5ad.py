"""h5ad: AnnData in HDF5, checked against anndata's on-disk specification, in pieces of bounded size.

Slots and shapes: anndata_slots.py; values: anndata_values.py; to an AnnData in memory: tenx_read.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.anndata_elements import Slots, columns, encoding, is_array, unmasked
from omics_orchestrator.formats.anndata_slots import read_slots, uns_nodes
from omics_orchestrator.formats.anndata_values import cells, check_values
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_format import CellMatrix

if TYPE_CHECKING:
    from anndata import AnnData

SHOWN = 3  # values of a column of obs that are looked at for identifiers


class H5ad(CellMatrix):
    """Single-cell matrices (AnnData, .h5ad): every slot of the specification is checked.

    One file may hold cells of many samples: `sample_column` names the column of `obs` that tells them apart.
    """

    version: ClassVar[str] = "2"
    suffixes: ClassVar[tuple[str, ...]] = (".h5ad",)
    holds_samples: ClassVar[bool] = True

    format: Literal["h5ad"] = "h5ad"
    """Annotated single-cell matrices."""
    sample_column: str | None = None
    """Column of `obs` with the sample of each cell; without it the file holds no sample names."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the HDF5 signature and the word anndata, which modern files state, or the suffix."""
        if not hdf5.is_hdf5(head) or b"MuData" in head or (b"row_attrs" in head and b"col_attrs" in head):
            return False
        return cls.bears_suffix(name) or b"anndata" in head

    def inspect(self, file: OpenFile) -> Inspection:
        """Check shapes, encodings, indices, codes and names; the matrix streams by and is not held."""
        slots = Slots()
        identifying: tuple[str, ...] = ()
        try:
            with hdf5.opened(file, "AnnData") as content:
                read_slots(content, slots)
                identifying = suspicious(islice(header_entries(content), hdf5.MOST_ENTRIES))
                samples = samples_of(content["obs"], self.sample_column) if self.sample_column else ()
                check_values(content, slots)
        except FormatError as error:
            return Inspection("invalid", slots.facts, (), (str(error),), identifying)
        return Inspection.of(slots.facts, samples, slots.warnings, identifying=identifying)

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read the one file of the set."""
        from omics_orchestrator.formats.tenx_read import read_h5ad

        return read_h5ad(self.only(files))


def samples_of(obs: Any, column: str) -> tuple[str, ...]:
    """Return the distinct values of a column of `obs`, in order of category or of appearance."""
    if column not in columns(obs):
        raise FormatError(f'obs has no column "{column}"')
    if is_array(obs):
        rows = chain.from_iterable(piece[column] for piece in hdf5.pieces(obs))
        return tuple(dict.fromkeys(hdf5.text(value) for value in rows))
    values = obs[column]
    old = obs.get("__categories")
    if old is not None and not is_array(old) and column in old:
        return _used(old[column], values)
    if encoding(values) == "categorical":
        return _used(unmasked(values["categories"]), values["codes"])
    return tuple(dict.fromkeys(cells(values)))


def _used(categories: Any, codes: Any) -> tuple[str, ...]:
    """Return the categories that some cell has; the code -1 is a cell without a value."""
    import numpy as np

    used: set[int] = set()
    for piece in hdf5.pieces(codes):
        used.update(np.unique(piece).tolist())
    names = chain.from_iterable(hdf5.pieces(categories))
    return tuple(hdf5.text(name) for code, name in enumerate(names) if code in used)


def header_entries(content: Any) -> Iterator[tuple[str, str, str]]:
    """Yield what the header says, in short texts: attributes, entries of `uns`, columns of `obs`."""
    yield from hdf5.attribute_texts(content, "the file's")
    for place, name, node in uns_nodes(content):
        if node.dtype.kind in "OS" and (node.shape == () or (node.ndim == 1 and 0 < node.shape[0] <= SHOWN)):
            for value in hdf5.texts(node[()]):
                if 0 < len(value) <= hdf5.SMALL_TEXT:
                    yield place, name, value
    if is_array(content["obs"]):
        return
    for number, name in enumerate(columns(content["obs"]), 1):
        values = unmasked(content["obs"][name])
        if not is_array(values):
            values = unmasked(values["categories"]) if "categories" in values else values
        if is_array(values) and values.dtype.kind in "OS" and values.ndim == 1:
            for value in hdf5.texts(values[:SHOWN]):
                yield f"obs column {number}", name, value[: hdf5.SMALL_TEXT]
