"""A Zarr store becomes an AnnData in memory, read through the zarr library from files wherever they lie.

Only codecs that anndata_zarr.py would decode are let through: none runs code. What is read of it: modality_read.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.anndata_zarr import metadata_of, root_of
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.modality_read import read_group
from omics_orchestrator.formats.zarr_array import ZarrArray
from omics_orchestrator.formats.zarr_nodes import tree

if TYPE_CHECKING:
    from anndata import AnnData


class _Chunks(MutableMapping[str, Any]):
    """The files of a store as zarr's memory store wants them; a file is read when it is asked for, and not kept."""

    def __init__(self, files: Mapping[str, OpenFile]) -> None:
        self._files = dict(files)

    def __getitem__(self, key: str) -> Any:
        from zarr.core.buffer import default_buffer_prototype

        raw = b"".join(self._files[key].blocks())
        return default_buffer_prototype().buffer.from_bytes(raw)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, key: object) -> bool:
        return key in self._files

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("read only")

    def __delitem__(self, key: str) -> None:
        raise TypeError("read only")


def read_store(files: Mapping[str, OpenFile], modality: str | None) -> AnnData:
    """Return one store as cells × features.

    Raises:
        FormatError: metadata that do not fit together, a codec that is not known here, what anndata cannot read.
    """
    import zarr
    from zarr.storage import MemoryStore

    members = {path: Inspection.of({}) for path in files}
    root = root_of(members)
    nodes = tree(metadata_of(root, members, files))
    if any(isinstance(node, ZarrArray) and not node.is_readable for node in nodes.values()):
        raise FormatError("an array with a codec, values or chunks of a size that are not known here")
    inside = {path.removeprefix(root): file for path, file in files.items() if path.startswith(root)}
    kept = {path: file for path, file in inside.items() if path.rpartition("/")[2] != ".zmetadata"}
    version: Literal[2, 3] = 3 if "zarr.json" in kept else 2
    store = MemoryStore(_Chunks(kept), read_only=True)
    try:
        group = zarr.open_group(store, mode="r", zarr_format=version, use_consolidated=False)
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise FormatError(f"it is not to be read as Zarr ({type(error).__name__})") from None
    return read_group(group, modality)
