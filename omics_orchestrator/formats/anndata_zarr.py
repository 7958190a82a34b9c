"""AnnData (or MuData) in a Zarr store: a folder of small files, which together are one file set.

Metadata: zarr_nodes.py; slots and shapes: anndata_slots.py; chunks: zarr_array.py; to an AnnData: zarr_read.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.anndata_elements import Slots
from omics_orchestrator.formats.anndata_slots import read_slots
from omics_orchestrator.formats.anndata_values import check_values
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.h5ad import samples_of
from omics_orchestrator.formats.matrix_format import CellMatrix
from omics_orchestrator.formats.modality_read import is_multimodal
from omics_orchestrator.formats.zarr_array import ZarrArray
from omics_orchestrator.formats.zarr_decode import LARGEST_CHUNK
from omics_orchestrator.formats.zarr_nodes import (
    CHUNK_NAME,
    LARGEST,
    METADATA,
    ZarrGroup,
    read_metadata,
    tree,
)

if TYPE_CHECKING:
    from anndata import AnnData

SIDE_SLOTS = {
    "uns",
    "obsm",
    "varm",
    "obsp",
    "varp",
    "obsmap",
    "varmap",
}  # whose values have no rules of their own
_STORE = re.compile(r"^(?:.*?/)??[^/]+\.zarr(?=/)", re.IGNORECASE)


class AnndataZarr(CellMatrix):
    """Single-cell matrices (AnnData) in a Zarr store, format 2 or 3: a folder is one file set.

    A store is the first folder whose name ends in .zarr; without one, all files below the location are one store.
    Every chunk is decoded once and its values held to each other, as in a .h5ad; what is damaged is named by array and
    chunk. A chunk of one codec without a digest may hold a changed number that nothing gives away.
    """

    version: ClassVar[str] = "3"
    holds_samples: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (".zgroup", ".zattrs", ".zarray", ".zmetadata", ".json")

    format: Literal["anndata_zarr"] = "anndata_zarr"
    """Annotated single-cell matrices, a folder in Zarr."""
    sample_column: str | None = None
    """Column of `obs` with the sample of each cell; without it the store holds no sample names."""
    modality: str | None = None
    """Of a MuData, the modality that becomes the matrix; by default the first of the store's own order."""

    @classmethod
    def bears_suffix(cls, name: str) -> bool:
        """Tell whether the name is that of metadata or of a chunk."""
        last = name.rpartition("/")[2]
        return last in METADATA or bool(CHUNK_NAME.fullmatch(last))

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the name, which Zarr prescribes; metadata by their words, too."""
        last = name.rpartition("/")[2]
        if last not in METADATA:
            return bool(head) and bool(CHUNK_NAME.fullmatch(last))
        words = {".zattrs": b"{", ".zmetadata": b'"zarr_consolidated_format"'}
        return (
            head.lstrip()[:1] == b"{"
            and words.get(last, b'"zarr_format"') in head
            and b'"multiscales"' not in head
        )

    def inspect(self, file: OpenFile) -> Inspection:
        """Read metadata; of a chunk only that it is not empty: what it should be is said by the metadata (judge)."""
        facts: dict[str, JsonValue] = {}
        try:
            if not file.size:
                raise FormatError("the file is empty")
            if file.name.rpartition("/")[2] in METADATA:
                facts["part"] = "metadata"
                stated = read_metadata(_whole(file))
                if isinstance(version := stated.get("zarr_format"), int):
                    facts["zarr_format"] = version
            elif CHUNK_NAME.fullmatch(file.name.rpartition("/")[2]):
                facts["part"] = "chunk"
            else:
                raise FormatError("neither metadata nor a chunk of Zarr by its name")
        except FormatError as error:
            return Inspection.refused(error, facts)
        return Inspection.of(facts)

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the store's folder."""
        found = _STORE.match(name)
        return found[0] if found else "store"

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Check that the metadata fit together, that the chunks they name are there, and every value.

        Each chunk is read and decoded once, one at a time.
        """
        slots = Slots()
        try:
            root = root_of(members)
            nodes = tree(metadata_of(root, members, files))
            whole = nodes.get("")
            if not isinstance(whole, ZarrGroup):
                raise FormatError("the store has no group at its root")
            slots.facts["zarr_format"] = 3 if f"{root}zarr.json" in members else 2
            attach(nodes, root, files)
            parts = list(_slots(whole, slots))
            _chunks(nodes, slots)
            _values(nodes, parts, slots)
            samples = samples_of(whole["obs"], self.sample_column) if self.sample_column else ()
        except FormatError as error:
            return Inspection.refused(error, slots.facts)
        return Inspection.of(slots.facts, samples, slots.warnings)

    def read_cells(self, files: Mapping[str, OpenFile]) -> AnnData:
        """Read one store; of a MuData, one modality."""
        from omics_orchestrator.formats.zarr_read import read_store

        return read_store(files, self.modality)


def _whole(file: OpenFile) -> bytes:
    """Return the content of a small file."""
    if file.size > LARGEST:
        raise FormatError(f"metadata of more than {LARGEST >> 20} MiB")
    return b"".join(file.blocks())


def root_of(members: Mapping[str, Inspection]) -> str:
    """Return the folder of the store's root, with its slash."""
    folders = [path[: path.rfind("/") + 1] for path in members if path.rpartition("/")[2] in METADATA]
    if not folders:
        raise FormatError("no metadata in the store")
    return min(folders, key=len)


def metadata_of(
    root: str, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]
) -> dict[str, dict[str, Any]]:
    """Return path below the root → content of the metadata files; consolidated copies are left out."""
    found = {}
    for path in members:
        name = path.rpartition("/")[2]
        if name in METADATA and name != ".zmetadata" and path.startswith(root) and path in files:
            if members[path].verdict == "invalid":
                raise FormatError("metadata that are invalid by themselves")
            found[path.removeprefix(root)] = read_metadata(_whole(files[path]))
    return found


def attach(nodes: Mapping[str, ZarrGroup | ZarrArray], root: str, files: Mapping[str, OpenFile]) -> None:
    """Give each array its files: sizes by key, and what fetches one."""
    arrays = {path: node for path, node in nodes.items() if isinstance(node, ZarrArray)}
    for path, array in arrays.items():
        array.fetch = _fetcher(f"{root}{path}/" if path else root, files)
    for full, file in files.items():
        path = full.removeprefix(root)
        parts = path.split("/")
        if not full.startswith(root) or parts[-1] in METADATA:
            continue
        owner = next((one for end in range(len(parts)) if (one := "/".join(parts[:end])) in arrays), None)
        if owner is not None:
            arrays[owner].there[path.removeprefix(f"{owner}/") if owner else path] = file.size


def _fetcher(folder: str, files: Mapping[str, OpenFile]) -> Callable[[str], bytes | None]:
    def fetch(key: str) -> bytes | None:
        file = files.get(folder + key)
        if file is None:
            return None
        if file.size > LARGEST_CHUNK:
            raise FormatError(f"more than {LARGEST_CHUNK >> 20} MiB")
        return b"".join(file.blocks())

    return fetch


def _slots(whole: ZarrGroup, slots: Slots) -> Iterator[tuple[str, ZarrGroup, Slots]]:
    """Check the slots of an AnnData, or of each modality of a MuData; yields (place, group, its slots)."""
    if not is_multimodal(whole):
        _guarded(read_slots, whole, slots)
        yield "", whole, slots
        return
    facts: dict[str, JsonValue] = {}
    slots.facts["modalities"] = facts
    modalities = whole["mod"] if "mod" in whole else ZarrGroup()
    for number, name in enumerate(sorted(modalities), 1):
        inner = Slots()
        try:
            _guarded(read_slots, modalities[name], inner)
        except FormatError as error:
            raise FormatError(f"modality {number}: {error}") from None
        facts[name] = inner.facts
        yield f"modality {number}: ", modalities[name], inner


def _guarded(check: Callable[[Any, Slots], None], group: Any, slots: Slots) -> None:
    try:
        check(group, slots)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError) as error:
        raise FormatError(f"metadata that are none of AnnData ({type(error).__name__})") from None


def _chunks(nodes: Mapping[str, ZarrGroup | ZarrArray], slots: Slots) -> None:
    """Compare the chunks that are there with those that the arrays name; one that lacks reads as the fill value.

    That is no fault by itself: zarr does not store a chunk of nothing but fill values. Names are never such, and
    the lists of a sparse matrix hardly.
    """
    arrays = {path: node for path, node in nodes.items() if isinstance(node, ZarrArray)}
    named = lacking = strange = of_sparse = 0
    for path, array in arrays.items():
        parent = nodes.get(path.rpartition("/")[0])
        attrs = parent.attrs if isinstance(parent, ZarrGroup) else {}
        others = [key for key in array.there if not array.is_chunk(key)]
        for key in others:
            del array.there[key]
        wanted = math.prod(array.grid())
        lack = wanted - len(array.there)
        if lack and "/" in path and attrs.get("_index") == path.rpartition("/")[2]:
            raise FormatError(f"the names of a frame lack {lack} of {wanted} chunks")
        of_sparse += lack if isinstance(parent, ZarrGroup) and "indptr" in parent else 0
        named, lacking, strange = named + wanted, lacking + lack, strange + len(others)
    slots.facts |= {"arrays": len(arrays), "chunks": named, "chunks_missing": lacking}
    if of_sparse:
        slots.warnings.append(
            f"{of_sparse} chunks of sparse matrices are not there and read as the fill value"
        )
    if strange:
        slots.warnings.append(f"{strange} files are no chunk that an array names")


def _values(
    nodes: Mapping[str, ZarrGroup | ZarrArray], parts: Iterable[tuple[str, ZarrGroup, Slots]], slots: Slots
) -> None:
    """Check values as in HDF5, then decode what that did not look at; both name the array and the chunk."""
    arrays = [node for node in nodes.values() if isinstance(node, ZarrArray)]
    unknown = [array for array in arrays if not array.is_readable]
    slots.facts["arrays_not_decoded"] = len(unknown)
    core = [array for array in unknown if not SIDE_SLOTS & set(array.name.split("/"))]
    for place, group, inner in parts:
        if not core:
            try:
                _guarded(check_values, group, inner)
            except FormatError as error:
                raise FormatError(f"{'' if str(error).startswith('mod/') else place}{error}") from None
        if place:
            slots.warnings += [f"{place}{warning}" for warning in inner.warnings]
    for array in arrays:
        if array.is_readable:
            array.decode_rest()
