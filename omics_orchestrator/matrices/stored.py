"""How a matrix lies in our store: AnnData in Zarr v3 in a folder named by its content, a marker beside it.

    matrix/<study>/<assay>.zarr/<content digest>/…    the Zarr group
    matrix/<study>/<assay>.zarr/matrix.json           names the content that counts; written last

So a write that was cut off is never seen: the marker still names the content before. What goes in: build.py.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from omics_orchestrator.errors import UnknownKey

if TYPE_CHECKING:
    from anndata import AnnData
    from zarr.core.buffer import Buffer
    from zarr.storage import MemoryStore

    from omics_orchestrator.storage.objects import Store, Stores

MARKER = "matrix.json"
MARKED = re.compile(rf"matrix/(?P<study>[^/]+)/(?P<assay>[^/]+)\.zarr/{re.escape(MARKER)}")
MARKED_FOLDER = re.compile(
    r"(?P<prefix>matrix/[^/]+/[^/]+\.zarr/)(?P<content>[^/]+)/"
)  # of any object of a matrix


def matrix_key(study: str, assay: str) -> str:
    """Return the prefix in our own store under which the matrix lies."""
    return f"matrix/{study}/{assay}.zarr/"


def load_matrix(stores: Stores, study: str, assay_name: str) -> AnnData:
    """Return the matrix: X (empty = NaN), sample ids as `obs_names`, feature ids and columns in `var`.

    Raises:
        UnknownKey: there is no such matrix, or none was written to its end.
    """
    import anndata

    prefix = matrix_key(study, assay_name)
    marker = read_marker(stores.own, prefix)
    if marker is None:
        known = [f"matrix/{one}/{other}" for one, other in list_matrices(stores)]
        raise UnknownKey("matrix", f"matrix/{study}/{assay_name}", known)
    folder = f"{prefix}{marker['content']}/"
    objects = {found.key.removeprefix(folder): stores.own.get(found.key) for found in stores.own.list(folder)}
    return anndata.io.read_zarr(_in_memory(objects))


def list_matrices(stores: Stores) -> list[tuple[str, str]]:
    """Return (study, assay) of every matrix that was written to its end."""
    markers = (MARKED.fullmatch(found.key) for found in stores.own.list("matrix/"))
    return [(marker["study"], marker["assay"]) for marker in markers if marker]


def read_marker(store: Store, prefix: str) -> dict[str, str] | None:
    """Return what the marker says (`content`, the folder's name), or None where there is none."""
    if store.head(prefix + MARKER) is None:
        return None
    marker: dict[str, str] = json.loads(store.get(prefix + MARKER))
    return marker


def is_whole(store: Store, prefix: str, content: str) -> bool:
    """Tell whether the marker names this content and all objects that it counts are there."""
    marker = read_marker(store, prefix)
    if marker is None or marker["content"] != content:
        return False
    return marker["objects"] == _count(found.size for found in store.list(f"{prefix}{content}/"))


def write_matrix(store: Store, prefix: str, content: str, matrix: AnnData) -> int:
    """Write the matrix, then the marker, then remove what earlier ones left; return the objects written."""
    objects = _as_zarr(matrix)
    folder = f"{prefix}{content}/"
    for key, raw in objects.items():
        store.put(folder + key, raw)
    marker = {"content": content, "objects": _count(map(len, objects.values()))}
    store.put(prefix + MARKER, json.dumps(marker).encode())
    kept = {folder + key for key in objects} | {prefix + MARKER}
    for key in [found.key for found in store.list(prefix) if found.key not in kept]:
        store.delete(key)
    return len(objects) + 1


def _count(sizes: Iterable[int]) -> str:
    listed = list(sizes)
    return f"{len(listed)} objects, {sum(listed)} bytes"


def _as_zarr(matrix: AnnData) -> dict[str, bytes]:
    """Return key → bytes of the matrix as a Zarr v3 group."""
    import anndata
    import zarr
    from zarr.storage import MemoryStore

    buffers: dict[str, Buffer] = {}
    group = zarr.open_group(MemoryStore(buffers), mode="w", zarr_format=3)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # announcements of later defaults; what counts is read back in the tests
        anndata.io.write_elem(group, "/", matrix)
    return {key: buffers[key].to_bytes() for key in sorted(buffers)}


def _in_memory(objects: Mapping[str, bytes]) -> MemoryStore:
    from zarr.core.buffer import default_buffer_prototype
    from zarr.storage import MemoryStore

    buffer = default_buffer_prototype().buffer
    return MemoryStore({key: buffer.from_bytes(raw) for key, raw in objects.items()})
