"""h5mu: MuData in HDF5, several AnnData (modalities) with the cells or genes they share.

Source: mudata's page "MuData nuances and on-disk format", format version 0.1.0. One modality: anndata_slots.py;
to an AnnData in memory: modality_read.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.anndata_elements import Slots, columns, frame, is_array
from omics_orchestrator.formats.anndata_slots import read_slots
from omics_orchestrator.formats.anndata_values import check_values
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.h5ad import header_entries, samples_of
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_format import CellMatrix

if TYPE_CHECKING:
    from anndata import AnnData


class H5mu(CellMatrix):
    """Single-cell matrices of several kinds (MuData, .h5mu): each modality is checked as an AnnData.

    `sample_column` names the column of the shared `obs` that tells the samples of cells apart. One modality becomes
    the matrix: the one that `modality` names, else the first of the file's own order.
    """

    version: ClassVar[str] = "2"
    suffixes: ClassVar[tuple[str, ...]] = (".h5mu",)
    holds_samples: ClassVar[bool] = True

    format: Literal["h5mu"] = "h5mu"
    """Several annotated single-cell matrices in one file."""
    sample_column: str | None = None
    """Column of `obs` with the sample of each cell; without it the file holds no sample names."""
    modality: str | None = None
    """Modality that becomes the matrix; by default the first of the file's own order. Declare an assay for each."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the HDF5 signature and the word before it, or the suffix."""
        return hdf5.is_hdf5(head) and (head.startswith(b"MuData") or cls.bears_suffix(name))

    def inspect(self, file: OpenFile) -> Inspection:
        """Check each modality, and that maps and masks lead to its cells and genes."""
        slots = Slots()
        identifying: tuple[str, ...] = ()
        try:
            with hdf5.opened(file, "MuData") as content:
                _whole(content, slots)
                identifying = suspicious(islice(header_entries(content), hdf5.MOST_ENTRIES))
                samples = samples_of(content["obs"], self.sample_column) if self.sample_column else ()
                _modalities(content, slots)
        except FormatError as error:
            return Inspection("invalid", slots.facts, (), (str(error),), identifying)
        return Inspection.of(slots.facts, samples, slots.warnings, identifying=identifying)

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read one modality of the one file of the set."""
        from omics_orchestrator.formats.modality_read import read_group

        with hdf5.opened(self.only(files), "MuData") as content:
            return read_group(content, self.modality)


def _whole(content: Any, slots: Slots) -> None:
    """Read the shared frames."""
    for part in ("obs", "var", "mod"):
        if part not in content:
            raise FormatError(f"no {part}: not a MuData file")
    if is_array(content["mod"]) or not len(content["mod"]):
        raise FormatError("no modality: not a MuData file")
    slots.n_obs, slots.n_vars = frame(content["obs"], "obs", slots), frame(content["var"], "var", slots)
    slots.facts |= {
        "n_obs": slots.n_obs,
        "n_vars": slots.n_vars,
        "axis": int(content.attrs.get("axis", 0)),
        "obs_columns": list[JsonValue](columns(content["obs"])),
        "var_columns": list[JsonValue](columns(content["var"])),
        "encoding_version": hdf5.text(content.attrs.get("encoding-version", "")),
    }
    if slots.facts["encoding_version"] != "0.1.0":
        slots.warnings.append("the file: a version of its encoding that is not known here")


def _modalities(content: Any, slots: Slots) -> None:
    """Check every modality and what leads to it; its facts stand under its name."""
    facts: dict[str, JsonValue] = {}
    slots.facts["modalities"] = facts
    order = hdf5.texts(content["mod"].attrs.get("mod-order", ()))
    names = sorted(content["mod"])
    if order and sorted(order) != names:
        slots.warnings.append("mod-order does not name the modalities that are there")
    for number, name in enumerate(names, 1):
        inner = Slots()
        try:
            read_slots(content["mod"][name], inner)
            check_values(content["mod"][name], inner)
        except FormatError as error:
            raise FormatError(f"modality {number}: {error}") from None
        slots.warnings += [f"modality {number}: {warning}" for warning in inner.warnings]
        facts[name] = inner.facts
        for axis, whole, own in (("obs", slots.n_obs, inner.n_obs), ("var", slots.n_vars, inner.n_vars)):
            _leads(content, axis, name, (whole, own), f"{axis} of modality {number}")


def _leads(content: Any, axis: str, name: str, sides: tuple[int, int], place: str) -> None:
    """Check the mask (obsm) and the map (obsmap: 0 = not there, else its number from 1) of a modality."""
    whole, own = sides
    for slot, kinds, what in ((f"{axis}m", "b", "mask"), (f"{axis}map", "iu", "map")):
        if slot not in content:
            continue
        if is_array(content[slot]):
            raise FormatError(f"{slot} is no group")
        if name not in content[slot]:
            continue
        node = content[slot][name]
        if not is_array(node) or node.dtype.kind not in kinds:
            continue
        if node.shape[:1] != (whole,):
            raise FormatError(f"the {what} of {place} has {node.shape[0]} entries instead of {whole}")
        there = 0
        for piece in hdf5.pieces(node):
            if what == "map" and piece.size and (piece.min() < 0 or piece.max() > own):
                raise FormatError(f"the map of {place} leads outside of it")
            there += int((piece > 0).sum())
        if there != own:
            raise FormatError(f"the {what} of {place} names {there} of its {own}")
