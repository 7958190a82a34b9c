"""The metadata of a Zarr store (format 2 or 3) as a tree of groups and arrays, and which chunks they name.

Chunks are not opened, and no codec runs: one of them, `pickle`, would run code. What the tree means is said by
anndata_zarr.py. Source: Zarr storage specification, versions 2 and 3.0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from omics_orchestrator.errors import FormatError

METADATA = (".zgroup", ".zattrs", ".zarray", ".zmetadata", "zarr.json")
LARGEST = 64 * 1024**2  # bytes of one metadata file
CHUNK_NAME = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,7}|c(?:\.\d{1,9}){0,8}")


@dataclass
class ZarrGroup:
    """A group; looks like one of h5py as far as formats/anndata_*.py ask."""

    attrs: dict[str, Any] = field(default_factory=dict)
    children: dict[str, Any] = field(default_factory=dict)

    def __contains__(self, path: str) -> bool:
        return path in self.children

    def __getitem__(self, name: str) -> Any:
        return self.children[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.children)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a child, or `default`."""
        return self.children.get(name, default)


@dataclass
class ZarrArray:
    """An array: its sides, those of a chunk, the kind of its values, and how its chunks are called."""

    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: Any
    attrs: dict[str, Any]
    separator: str
    start: str = ""

    def grid(self) -> tuple[int, ...]:
        """Return how many chunks there are along each side."""
        return tuple(-(-side // chunk) for side, chunk in zip(self.shape, self.chunks, strict=True))

    def is_chunk(self, key: str) -> bool:
        """Tell whether the array names a chunk that is called so (path below the array)."""
        if not self.shape:
            return key == (self.start.rstrip("/.") or "0")
        at = key.removeprefix(self.start).split(self.separator)
        return (
            key.startswith(self.start)
            and len(at) == len(self.shape)
            and all(re.fullmatch(r"0|[1-9]\d{0,17}", one) for one in at)
            and all(int(one) < most for one, most in zip(at, self.grid(), strict=True))
        )


def read_metadata(raw: bytes) -> dict[str, Any]:
    """Return the content of one metadata file.

    Raises:
        FormatError: no JSON object; a codec that unpickles.
    """
    if len(raw) > LARGEST:
        raise FormatError(f"metadata of more than {LARGEST >> 20} MiB")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise FormatError("no JSON: cut off or damaged") from None
    if not isinstance(found, dict):
        raise FormatError("no JSON object")
    if _unpickles(found):
        raise FormatError("an array of Python pickles, which may run code when opened: refused, not opened")
    return found


def _unpickles(stated: dict[str, Any]) -> bool:
    """Tell whether a codec of an array, or of one in consolidated metadata, is `pickle`."""
    inner = [stated, *_entries(stated)]
    for one in inner:
        codecs = [one.get("compressor"), *_list(one.get("filters")), *_list(one.get("codecs"))]
        while codecs:
            codec = codecs.pop()
            if not isinstance(codec, dict):
                continue
            if "pickle" in f"{codec.get('id', '')} {codec.get('name', '')}".lower():
                return True
            if isinstance(settings := codec.get("configuration"), dict):
                codecs += [*_list(settings.get("codecs")), *_list(settings.get("index_codecs"))]
    return False


def _entries(stated: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what consolidated metadata hold."""
    whole = stated.get("consolidated_metadata") or stated
    inner = whole.get("metadata") if isinstance(whole, dict) else None
    return [one for one in inner.values() if isinstance(one, dict)] if isinstance(inner, dict) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def tree(metadata: Mapping[str, dict[str, Any]]) -> dict[str, ZarrGroup | ZarrArray]:
    """Return path → node of a store, the root under the empty path.

    Args:
        metadata: path of each metadata file below the root (`obs/.zarray`) → its content.

    Raises:
        FormatError: an array without sides or chunks; an array in an array; a node in no group.
    """
    nodes: dict[str, ZarrGroup | ZarrArray] = {}
    for path in sorted(metadata, key=lambda one: (one.count("/"), one)):
        folder, _, name = path.rpartition("/")
        stated = metadata[path]
        if name == "zarr.json":
            nodes[folder] = _node(folder, stated, stated.get("attributes"), 3)
        elif name in (".zgroup", ".zarray"):
            attributes = metadata.get(f"{folder}/.zattrs" if folder else ".zattrs")
            nodes[folder] = _node(folder, {"node_type": name[2:], **stated}, attributes, 2)
    for number, (path, node) in enumerate(nodes.items(), 1):
        folder, _, name = path.rpartition("/")
        if path:
            parent = nodes.get(folder)
            if not isinstance(parent, ZarrGroup):
                raise FormatError("a node that lies in no group", record=number)
            parent.children[name] = node
    return nodes


def _node(path: str, stated: dict[str, Any], attributes: Any, version: int) -> ZarrGroup | ZarrArray:
    attrs = attributes if isinstance(attributes, dict) else {}
    if stated.get("zarr_format") != version:
        raise FormatError("metadata of another version of Zarr than their file's name")
    if stated.get("node_type") == "group":
        return ZarrGroup(attrs)
    try:
        shape = _sides(stated["shape"], least=0)
        if version == 2:
            chunks, kind = _sides(stated["chunks"], least=1), stated["dtype"]
            start, separator = "", stated.get("dimension_separator") or "."
        else:
            chunks, kind = (
                _sides(stated["chunk_grid"]["configuration"]["chunk_shape"], least=1),
                stated["data_type"],
            )
            start, separator = _keys(stated["chunk_key_encoding"])
        if len(chunks) != len(shape) or separator not in (".", "/"):
            raise FormatError("an array whose chunks have not its sides")
        return ZarrArray(path, shape, chunks, _kind(kind), attrs, separator, start)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FormatError("an array without its sides, chunks or kind of values") from None


def _sides(stated: Any, *, least: int) -> tuple[int, ...]:
    sides = tuple(stated)
    if not all(isinstance(side, int) and side >= least for side in sides):
        raise ValueError
    return sides


def _keys(stated: Any) -> tuple[str, str]:
    """Return what stands before the numbers of a chunk's key, and between them."""
    settings = stated.get("configuration") or {}
    if stated["name"] == "v2":
        return "", settings.get("separator", ".")
    separator = settings.get("separator", "/")
    return f"c{separator}", separator


def _kind(stated: Any) -> Any:
    """Return kind and field names of values as numpy calls them: f, i, u, b, O (text), V."""
    if isinstance(stated, list):
        return SimpleNamespace(kind="V", names=[str(one[0]) for one in stated if one])
    if isinstance(stated, dict):
        return SimpleNamespace(kind="V", names=None)
    word = str(stated)
    if word[:1] in "<>|=":
        return SimpleNamespace(kind=word[1:2], names=None)
    kinds = {"float": "f", "int": "i", "uint": "u", "bool": "b", "string": "O"}
    return SimpleNamespace(kind=kinds.get(word.rstrip("0123456789"), "V"), names=None)


def count_chunks(array: ZarrArray, keys: Iterable[str]) -> tuple[int, int, int]:
    """Return (chunks that are there, that the array names, files that are no chunk of it)."""
    there = others = 0
    for key in keys:
        if array.is_chunk(key):
            there += 1
        else:
            others += 1
    return there, math.prod(array.grid()), others
