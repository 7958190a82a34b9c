"""Writes R objects: nodes made of plain Python and NumPy become R's serialisation (XDR, version 2), gzipped.

Rules: R Internals, section 1.8. Only data can be written, no code. Which nodes a Seurat object is made of:
rds_write.py.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np

SYMBOL, PAIRS, CHAR, LOGICAL, WHOLE, REAL, TEXT, LIST, S4, END = 1, 2, 9, 10, 13, 14, 16, 19, 25, 254
IS_OBJECT, HAS_ATTRIBUTES, HAS_TAG = 0x100, 0x200, 0x400
S4_BIT, UTF8, ASCII = 1 << 16, 8 << 12, 64 << 12
NA_INTEGER = -(2**31)
NA_REAL = np.uint64(0x7FF00000000007A2).view("f8")
R_VERSION, R_OLDEST = 0x40202, 0x20300  # 4.2.2 writes it, 2.3.0 reads it
PIECE = 1 << 20  # elements converted at once


@dataclass(frozen=True)
class Node:
    """An R object: its type, its value (array, texts, nodes; nothing for S4 and NULL) and its attributes."""

    kind: int
    value: Any = None
    attributes: Mapping[str, Node] = field(default_factory=dict)


NULL = Node(END)
NULL_SLOT = Node(SYMBOL, "\x01NULL\x01")
"""NULL as the value of a slot."""


def texts(values: Sequence[str | None], **attributes: Node) -> Node:
    """Return a text vector; None is NA."""
    return Node(TEXT, values, attributes)


def whole(values: Any, **attributes: Node) -> Node:
    """Return a vector of whole numbers of 32 bits."""
    return Node(WHOLE, np.asarray(values, "i4").ravel(), attributes)


def real(values: Any, **attributes: Node) -> Node:
    """Return a vector of doubles."""
    return Node(REAL, np.asarray(values, "f8").ravel(), attributes)


def logical(values: Any, **attributes: Node) -> Node:
    """Return a vector of TRUE, FALSE and NA (the smallest integer)."""
    return Node(LOGICAL, np.asarray(values, "i4").ravel(), attributes)


def named_list(values: Mapping[str, Node], **attributes: Node) -> Node:
    """Return a list with names; an empty one has none."""
    names = {"names": texts(list(values))} if values else {}
    return Node(LIST, list(values.values()), {**names, **attributes})


def s4(kind: str, package: str, slots: Mapping[str, Node]) -> Node:
    """Return an S4 object of class `kind`, defined by `package`."""
    declared = texts([kind], package=texts([package]))
    return Node(
        S4,
        None,
        {**{name: NULL_SLOT if one is NULL else one for name, one in slots.items()}, "class": declared},
    )


def save(root: Node, path: Path) -> None:
    """Write one object to a gzipped .rds; the file appears whole or not at all. Same object, same bytes."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            for piece in serialised(root):
                file.write(piece)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def serialised(root: Node) -> Iterator[bytes]:
    """Yield the bytes of one object before compression."""
    yield b"X\n" + pack(">iii", 2, R_VERSION, R_OLDEST)
    yield from _node(root)


def _node(node: Node) -> Iterator[bytes]:
    flags = node.kind
    if node.kind == END:
        yield pack(">i", END)
        return
    if node.kind == SYMBOL:
        yield pack(">i", SYMBOL) + _char(node.value)
        return
    if node.attributes:
        flags |= HAS_ATTRIBUTES | (IS_OBJECT if "class" in node.attributes else 0)
    yield pack(">i", flags | (S4_BIT if node.kind == S4 else 0))
    if node.kind == TEXT:
        yield _length(len(node.value))
        yield from _chars(node.value)
    elif node.kind == LIST:
        yield _length(len(node.value))
        for one in node.value:
            yield from _node(one)
    elif node.kind != S4:
        yield from _numbers(node.value)
    if node.attributes:
        yield from _attributes(node.attributes)


def _attributes(attributes: Mapping[str, Node]) -> Iterator[bytes]:
    for name, value in attributes.items():
        yield pack(">ii", PAIRS | HAS_TAG, SYMBOL) + _char(name)
        yield from _node(value)
    yield pack(">i", END)


def _length(count: int) -> bytes:
    """Return a length; from 2^31 on it is -1 and two halves."""
    return pack(">i", count) if count < 2**31 else pack(">iII", -1, count >> 32, count & 0xFFFFFFFF)


def _chars(values: Sequence[str | None]) -> Iterator[bytes]:
    for start in range(0, len(values), PIECE):
        yield b"".join(map(_char, values[start : start + PIECE]))


def _char(text: str | None) -> bytes:
    if text is None:
        return pack(">ii", CHAR, -1)
    raw = text.encode("utf-8", "replace").replace(b"\0", b"")  # R holds no zero byte in text
    return pack(">ii", CHAR | (ASCII if raw.isascii() else UTF8), len(raw)) + raw


def _numbers(values: Any) -> Iterator[bytes]:
    yield _length(len(values))
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        yield piece.astype(piece.dtype.newbyteorder(">")).tobytes()
