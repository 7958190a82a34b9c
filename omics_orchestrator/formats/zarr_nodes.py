"""The metadata of a Zarr store (format 2 or 3) as a tree of groups and arrays.

No chunk is opened here (zarr_array.py), and the codec `pickle`, which would run code, is refused. What the tree means
is said by anndata_zarr.py. Source: Zarr storage specification, versions 2 and 3.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.zarr_array import ZarrArray

METADATA = (".zgroup", ".zattrs", ".zarray", ".zmetadata", "zarr.json")
LARGEST = 64 * 1024**2  # bytes of one metadata file
WORDS = frozenset(
    ("X", "obs", "var", "layers", "obsm", "varm", "obsp", "varp", "uns", "raw", "mod", "obsmap", "varmap", "data",
     "indices", "indptr", "codes", "categories", "values", "mask", "_index", "__categories")
)  # fmt: skip
"""Names of nodes that the formats of AnnData and MuData give; all others are content."""
KIND = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)")
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

    def __len__(self) -> int:
        return len(self.children)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a child, or `default`."""
        return self.children.get(name, default)


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
    for path, node in nodes.items():
        if isinstance(node, ZarrArray):
            node.called = _called(path, nodes)
    return nodes


def _called(path: str, nodes: Mapping[str, ZarrGroup | ZarrArray]) -> str:
    """Return the path with words of AnnData as they are, and a number in the place of names that people gave."""
    parts = path.split("/")
    shown = []
    for end, part in enumerate(parts):
        parent = nodes["/".join(parts[:end])]
        among = sorted(parent.children) if isinstance(parent, ZarrGroup) else [part]
        shown.append(part if part in WORDS else f"entry {among.index(part) + 1}")
    return "/".join(shown)


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
        return ZarrArray(path, shape, chunks, _kind(kind), attrs, separator, start, stated)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError, SyntaxError):
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
    """Return numpy's kind of values; of text of any length, and of what is not known here, `kind` and `names` only."""
    import numpy as np

    unknown = SimpleNamespace(kind="V", names=None)
    if isinstance(stated, list):
        return np.dtype([(str(one[0]), str(one[1]), *one[2:3]) for one in stated])
    if isinstance(stated, dict):
        length = (stated.get("configuration") or {}).get("length_bytes")
        letter = {"fixed_length_utf32": "U", "null_terminated_bytes": "S"}.get(str(stated.get("name")))
        if letter is None or not isinstance(length, int):
            return unknown
        return np.dtype(f"<{letter}{length // (4 if letter == 'U' else 1)}")
    word = str(stated)
    if word in ("|O", "string"):
        return SimpleNamespace(kind="O", names=None)
    if word[:1] in "<>|=":
        return np.dtype(word)
    return np.dtype(word) if KIND.fullmatch(word) else unknown
