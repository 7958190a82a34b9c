"""Bytes of an .rds file become one stream, inflated by content: gzip, bzip2, xz or none, in bounded memory.

What the bytes mean: rds_parse.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.text import BOMB_RATIO, GZIP, Lines

BZIP2, XZ = b"BZh", b"\xfd7zXZ\x00"
PIECE = 1024 * 1024  # bytes inflated at once
BOMB = 256 * 1024 * 1024  # bytes; what inflates to more, and to more than BOMB_RATIO times, is refused
XZ_MEMORY = 256 * 1024 * 1024  # bytes that a dictionary of xz may take; `xz -9` needs 65 MiB
LONGEST = 64 * 1024 * 1024  # bytes of a line in the ASCII writing

# R Internals, section 1.8: two bytes of encoding, then three integers: version (2 or 3), the R version that wrote
# and the oldest that reads, both as 65536 major + 256 minor + patch.
_XDR = re.compile(rb"X\n\0\0\0[\2\3]\0[\0-\x0f]..\0[\0-\x0f]", re.DOTALL)
_NATIVE = re.compile(rb"B\n(?:\0\0\0[\2\3]\0[\0-\x0f]|[\2\3]\0\0\0..[\0-\x0f]\0)", re.DOTALL)
_ASCII = re.compile(rb"A\r?\n[23]\r?\n\d{5,7}\r?\n\d{5,7}\r?\n")


def compression(head: bytes) -> str:
    """Return how a file is compressed, by its first bytes: `gzip`, `bzip2`, `xz` or `none`."""
    for name, magic in (("gzip", GZIP), ("bzip2", BZIP2), ("xz", XZ)):
        if head.startswith(magic):
            return name
    return "none"


def is_rds(head: bytes) -> bool:
    """Tell whether the first bytes of a file, as stored, begin one serialised R object (an .RData does not)."""
    try:
        first = next((block for block in inflated([head]) if block), b"")[:64]
    except FormatError:
        return False
    return any(pattern.match(first) for pattern in (_XDR, _NATIVE, _ASCII))


class _Decompressor(Protocol):
    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflated(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content, inflated; damaged or cut off streams and decompression bombs are a `FormatError`."""
    blocks = iter(blocks)
    first = b""
    while len(first) < len(XZ) and (more := next(blocks, b"")):
        first += more
    kind = compression(first)
    whole = chain([first], blocks)
    taken = _Taken(whole)
    content = Lines(taken).text() if kind in {"gzip", "none"} else _members(taken, kind)
    given = 0
    for block in content:
        given += len(block)
        if given > BOMB and given > BOMB_RATIO * taken.bytes:
            raise FormatError(f"it inflates to more than {BOMB_RATIO} times its size: a decompression bomb?")
        yield block


class _Taken:
    """Blocks of a file that count their bytes as they go."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.bytes += len(block)
            yield block


def _members(blocks: Iterable[bytes], kind: str) -> Iterator[bytes]:
    """Yield the inflated members of a bzip2 or xz file."""
    import bz2
    import lzma

    def start() -> Any:
        if kind == "bzip2":
            return bz2.BZ2Decompressor()
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    member: _Decompressor | None = None
    for block in blocks:
        while block or (member and not member.needs_input):
            member = member or start()
            try:
                yield member.decompress(block, PIECE)
            except (OSError, EOFError, lzma.LZMAError):
                raise FormatError(f"the {kind} stream is damaged") from None
            block = b""
            if member.eof:
                block, member = member.unused_data.lstrip(b"\0"), None
    if member:
        raise FormatError(f"the {kind} stream ends early: the file is cut off")


class Stream:
    """Content that is read forwards in pieces of a wanted size; a short answer is a `FormatError`."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._block = b""
        self._at = 0

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes (≤ 1 MiB in one go is what it is made for)."""
        end = self._at + count
        if self._at <= end <= len(self._block):
            piece = self._block[self._at : end]
            self._at = end
            return piece
        if count < 0:
            raise FormatError("a length is negative: the file is damaged")
        return b"".join(self.pieces(count))

    def pieces(self, count: int) -> Iterator[bytes]:
        """Yield the next `count` bytes as they come."""
        while count:
            if self._at == len(self._block) and not self._next():
                raise FormatError("the object ends early: the file is cut off or damaged")
            piece = self._block[self._at : self._at + min(count, PIECE)]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def line(self) -> bytes:
        """Return the next line without its end; the last one may lack it."""
        parts: list[bytes] = []
        while self._at < len(self._block) or self._next():
            end = self._block.find(b"\n", self._at)
            parts.append(self._block[self._at : end if end >= 0 else None])
            self._at = end + 1 if end >= 0 else len(self._block)
            if end >= 0 or sum(map(len, parts)) > LONGEST:
                break
        if not parts:
            raise FormatError("the object ends early: the file is cut off or damaged")
        return b"".join(parts).removesuffix(b"\r")

    def rest(self) -> int:
        """Read to the end, which also checks the compression's own sums, and return how many bytes followed."""
        count = len(self._block) - self._at
        while self._next():
            count += len(self._block)
        self._at = len(self._block)
        return count

    def _next(self) -> bool:
        """Go to the next block that holds anything."""
        for block in self._blocks:
            if block:
                self._block, self._at = block, 0
                return True
        return False
