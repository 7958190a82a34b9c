"""loom: a matrix with rows of genes and columns of cells in HDF5, with attributes of both.

Source: linnarssonlab, "Loom file format specs", 3.0.0 and 2.0.1. To an AnnData in memory: tenx_read.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.anndata_elements import Slots, is_array
from omics_orchestrator.formats.anndata_values import check_names, strings
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.count_matrix import Counts
from omics_orchestrator.formats.gene_ids import MOST, gene_id_system
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_format import CellMatrix

if TYPE_CHECKING:
    from anndata import AnnData

GROUPS = ("layers", "row_attrs", "col_attrs", "row_graphs", "col_graphs")
VERSIONS = ("3.0.0", "2.0.1", "2.0.0", "1.0.0")
GENE_NAMES = ("Accession", "Gene", "var_names")
CELL_NAMES = ("CellID", "obs_names")


class Loom(CellMatrix):
    """Single-cell matrices in .loom files: matrix, layers, attributes and graphs of genes (rows) and cells (columns).

    One file may hold cells of many samples: `sample_column` names the column attribute that tells them apart.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".loom",)
    holds_samples: ClassVar[bool] = True

    format: Literal["loom"] = "loom"
    """Single-cell matrices with genes as rows."""
    sample_column: str | None = None
    """Column attribute with the sample of each cell; without it the file holds no sample names."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the HDF5 signature and the names of its groups, or the suffix."""
        return hdf5.is_hdf5(head) and (
            cls.bears_suffix(name) or (b"row_attrs" in head and b"col_attrs" in head)
        )

    def inspect(self, file: OpenFile) -> Inspection:
        """Check that all sides fit, and count; matrix and layers stream by."""
        slots = Slots()
        identifying: tuple[str, ...] = ()
        samples: tuple[str, ...] = ()
        try:
            with hdf5.opened(file, "loom") as content:
                _sides(content, slots)
                identifying = suspicious(islice(_entries(content), hdf5.MOST_ENTRIES))
                if self.sample_column:
                    samples = _samples(_group(content, "col_attrs"), self.sample_column)
                _values(content, slots)
        except FormatError as error:
            return Inspection("invalid", slots.facts, (), (str(error),), identifying)
        return Inspection.of(slots.facts, samples, slots.warnings, identifying=identifying)

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read the one file of the set."""
        from omics_orchestrator.formats.tenx_read import read_loom

        return read_loom(self.only(files))


def _sides(content: Any, slots: Slots) -> None:
    """Check shapes: layers as the matrix, attributes and graphs as its sides."""
    if "matrix" not in content or not is_array(content["matrix"]) or content["matrix"].ndim != 2:
        raise FormatError("no matrix: not a loom file")
    rows, columns = (int(side) for side in content["matrix"].shape)
    slots.n_obs, slots.n_vars = columns, rows
    slots.facts |= {"n_obs": columns, "n_vars": rows, "loom_version": _version(content)}
    if slots.facts["loom_version"] not in VERSIONS:
        slots.warnings.append("no version of the loom specification that is known here")
    for group in GROUPS:
        if group not in content or is_array(content[group]):
            slots.warnings.append(f"no group {group}")
            continue
        slots.facts[group] = list[JsonValue](sorted(content[group]))
        for number, name in enumerate(sorted(content[group]), 1):
            _entry(group, content[group][name], f"{group} entry {number}", slots)


def _entry(group: str, node: Any, place: str, slots: Slots) -> None:
    """Check one layer, attribute or graph."""
    side = slots.n_vars if group.startswith("row") else slots.n_obs
    if group.endswith("graphs"):
        shapes = {node[part].shape if not is_array(node) and part in node else () for part in "abw"}
        if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
            raise FormatError(f"{place}: not the three lists a, b and w of one length")
        for part in "ab":
            for piece in hdf5.pieces(node[part]):
                if piece.size and (piece.min() < 0 or piece.max() >= side):
                    raise FormatError(f"{place}: a node outside of the matrix")
        return
    sides = node.shape if is_array(node) else None
    wanted = (slots.n_vars, slots.n_obs) if group == "layers" else (side,)
    if not sides or sides[: len(wanted)] != wanted or (group == "layers" and len(sides) != 2):
        raise FormatError(f"{place} has the shape {sides}, but its first sides must be {wanted}")


def _group(content: Any, name: str) -> Any:
    """Return a group; an empty one where there is none, or a dataset, which would be searched value by value."""
    found = content.get(name)
    return {} if found is None or is_array(found) else found


def _version(content: Any) -> str:
    """Return the stated version: an entry of `attrs` since 3.0, an attribute of the file before."""
    name = "LOOM_SPEC_VERSION"
    if name in (stated := _group(content, "attrs")):
        return hdf5.text(stated[name][()])[:20]
    return hdf5.text(content.attrs.get(name, ""))[:20]


def _values(content: Any, slots: Slots) -> None:
    """Look at names and values."""
    for group, names, what in (("row_attrs", GENE_NAMES, "genes"), ("col_attrs", CELL_NAMES, "cells")):
        attributes = _group(content, group)
        named = next((name for name in names if name in attributes), None)
        if named is None:
            slots.warnings.append(f"no attribute with the names of {what}")
        elif attributes[named].ndim == 1 and attributes[named].dtype.kind in "OS":
            check_names(what, attributes[named], slots)
            if what == "genes":
                system, share = gene_id_system(islice(strings(attributes[named]), MOST))
                slots.facts |= {"gene_ids": system, "gene_ids_share": share}
    matrix = content["matrix"]
    if matrix.dtype.kind not in "iufb":
        raise FormatError("the matrix holds no numbers")
    if not hdf5.is_written(matrix):
        slots.warnings.append("the values of the matrix were never stored")
        return
    counts = Counts(slots.n_obs, slots.n_vars)
    for left, block in hdf5.tiles(matrix, columns=True):
        counts.add_columns(left, block)
    slots.facts |= counts.facts()
    if counts.not_finite:
        slots.warnings.append(f"the matrix: {counts.not_finite} values are no finite numbers")


def _samples(attributes: Any, column: str) -> tuple[str, ...]:
    if column not in attributes or attributes[column].ndim != 1:
        raise FormatError(f'no column attribute "{column}" with one value per cell')
    return tuple(dict.fromkeys(strings(attributes[column])))


def _entries(content: Any) -> Iterator[tuple[str, str, str]]:
    """Yield short texts: attributes of the file and the first values of each attribute of cells."""
    yield from hdf5.attribute_texts(content, "the file's")
    for group, most in (("attrs", 1), ("col_attrs", 3)):
        nodes = _group(content, group)
        for number, name in enumerate(sorted(nodes), 1):
            node = nodes[name]
            if is_array(node) and node.shape is not None and node.dtype.kind in "OS" and node.ndim < 2:
                for value in hdf5.texts(node[()] if node.ndim == 0 else node[:most]):
                    yield f"{group} entry {number}", name, value[: hdf5.SMALL_TEXT]
