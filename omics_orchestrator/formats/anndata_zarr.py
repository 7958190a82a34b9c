"""AnnData (or MuData) in a Zarr store: a folder of small files, which together are one file set.

Metadata: zarr_nodes.py; slots and shapes: anndata_slots.py. Chunks are counted, not opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.anndata_elements import Slots, encoding
from omics_orchestrator.formats.anndata_slots import read_slots
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.zarr_nodes import (
    CHUNK_NAME,
    LARGEST,
    METADATA,
    ZarrArray,
    ZarrGroup,
    count_chunks,
    read_metadata,
    tree,
)

_STORE = re.compile(r"^(?:.*?/)??[^/]+\.zarr(?=/)", re.IGNORECASE)


class AnndataZarr(Format):
    """Single-cell matrices (AnnData) in a Zarr store, format 2 or 3: a folder is one file set.

    A store is the first folder whose name ends in .zarr; without one, all files below the location are one store.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".zgroup", ".zattrs", ".zarray", ".zmetadata", ".json")

    format: Literal["anndata_zarr"] = "anndata_zarr"
    """Annotated single-cell matrices, a folder in Zarr."""

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
        """Read metadata; of a chunk only that it is not empty, for its codec may run code."""
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
        """Check that the metadata fit together as an AnnData, and that the chunks they name are there."""
        slots = Slots()
        try:
            root = _root(members)
            nodes = tree(_metadata(root, members, files))
            whole = nodes.get("")
            if not isinstance(whole, ZarrGroup):
                raise FormatError("the store has no group at its root")
            slots.facts["zarr_format"] = 3 if f"{root}zarr.json" in members else 2
            _slots(whole, slots)
            _chunks(nodes, [path.removeprefix(root) for path in members if path.startswith(root)], slots)
        except FormatError as error:
            return Inspection.refused(error, slots.facts)
        return Inspection.of(slots.facts, (), slots.warnings)


def _whole(file: OpenFile) -> bytes:
    """Return the content of a small file."""
    if file.size > LARGEST:
        raise FormatError(f"metadata of more than {LARGEST >> 20} MiB")
    return b"".join(file.blocks())


def _root(members: Mapping[str, Inspection]) -> str:
    """Return the folder of the store's root, with its slash."""
    folders = [path[: path.rfind("/") + 1] for path in members if path.rpartition("/")[2] in METADATA]
    if not folders:
        raise FormatError("no metadata in the store")
    return min(folders, key=len)


def _metadata(
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


def _slots(whole: ZarrGroup, slots: Slots) -> None:
    """Check the slots of an AnnData, or of each modality of a MuData."""
    if encoding(whole) != "MuData" and "mod" not in whole:
        _read(whole, slots)
        return
    facts: dict[str, JsonValue] = {}
    slots.facts["modalities"] = facts
    modalities = whole["mod"] if "mod" in whole else ZarrGroup()
    for number, name in enumerate(sorted(modalities), 1):
        inner = Slots()
        try:
            _read(modalities[name], inner)
        except FormatError as error:
            raise FormatError(f"modality {number}: {error}") from None
        facts[name] = inner.facts
        slots.warnings += [f"modality {number}: {warning}" for warning in inner.warnings]


def _read(group: Any, slots: Slots) -> None:
    try:
        read_slots(group, slots)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"metadata that are none of AnnData ({type(error).__name__})") from None


def _chunks(nodes: Mapping[str, ZarrGroup | ZarrArray], paths: list[str], slots: Slots) -> None:
    """Compare the chunks that are there with those that the arrays name; one that lacks reads as the fill value."""
    keys: dict[str, list[str]] = {path: [] for path, node in nodes.items() if isinstance(node, ZarrArray)}
    for path in paths:
        parts = path.split("/")
        if parts[-1] in METADATA:
            continue
        owner = next((one for end in range(len(parts)) if (one := "/".join(parts[:end])) in keys), None)
        if owner is not None:
            keys[owner].append(path.removeprefix(f"{owner}/") if owner else path)
    indexes = {
        f"{path}/{node.attrs.get('_index')}"
        for path, node in nodes.items()
        if path and "_index" in node.attrs
    }
    named = lacking = strange = 0
    for path, found in keys.items():
        array = nodes[path]
        assert isinstance(array, ZarrArray)
        there, wanted, others = count_chunks(array, found)
        if there < wanted and path in indexes:
            raise FormatError(f"the names of a frame lack {wanted - there} of {wanted} chunks")
        named, lacking, strange = named + wanted, lacking + wanted - there, strange + others
    slots.facts |= {"arrays": len(keys), "chunks": named, "chunks_missing": lacking}
    if lacking:
        slots.warnings.append(f"{lacking} of {named} chunks are not there and read as the fill value")
    if strange:
        slots.warnings.append(f"{strange} files are no chunk that an array names")
