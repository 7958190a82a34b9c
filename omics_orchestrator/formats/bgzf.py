"""BGZF: the blocks of a blocked gzip file, each checked (length, CRC), inflated in bounded memory.

What is in them is said by the formats beside this module. Plain gzip and lines of text: text.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.text import BGZF_END, GZIP

MAGIC: Final = b"\x1f\x8b\x08\x04"
FIXED, TRAILER = 12, 8  # bytes of a gzip member before its extra fields, and after its content
LARGEST = 64 * 1024  # bytes in a block, inflated or not
GATHERED = 1024 * 1024  # bytes given at once: what is read next has fewer ends to join


class Blocks:
    """The inflated content of a BGZF file in pieces of about 1 MiB (SAM specification 1.6, section 4.1).

    Iterate once; `count` blocks were read so far; `whole` is False until the end marker was met as the last block.
    Each block's lengths and CRC are checked; what does not hold is a `FormatError` with the block's number.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.count = 0
        self.whole = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield inflated pieces."""
        pieces: list[bytes] = []
        gathered = 0
        for piece in self._inflated():
            pieces.append(piece)
            gathered += len(piece)
            if gathered >= GATHERED:
                yield b"".join(pieces)
                pieces, gathered = [], 0
        yield b"".join(pieces)

    def _inflated(self) -> Iterator[bytes]:
        zlib = _zlib()
        carry = b""
        for read in self._blocks:
            buffer = carry + read if carry else read
            view, at = memoryview(buffer), 0
            while length := self._length(buffer, at):
                if at + length > len(buffer):
                    break
                self.count += 1
                yield self._one(zlib, view[at : at + length])
                at += length
            carry = buffer[at:]
        if carry:
            raise FormatError(f"BGZF block {self.count + 1}: the file is cut off in it")

    def _length(self, buffer: bytes, at: int) -> int:
        """Return the length of the block at `at`; 0 = its beginning is not all there."""
        begins = buffer[at : at + FIXED]
        if not begins.startswith(MAGIC[: len(begins)]):
            raise self._no_block(begins)
        wanted = int.from_bytes(begins[10:], "little")
        if len(begins) < FIXED or len(buffer) - at < FIXED + wanted:
            return 0
        extra = buffer[at + FIXED : at + FIXED + wanted]
        length = _block_length(extra)
        if length < FIXED + wanted + TRAILER:
            raise FormatError(f"BGZF block {self.count + 1}: its length is missing or too small")
        return length

    def _no_block(self, begins: bytes) -> FormatError:
        if self.count:
            return FormatError(f"BGZF block {self.count + 1}: no block begins where the one before it ends")
        what = "gzip instead of BGZF" if begins.startswith(GZIP) else "not compressed as BGZF"
        return FormatError(f"{what}: no tool can read it as it is")

    def _one(self, zlib: Any, block: memoryview) -> bytes:
        """Return what one whole block inflates to."""
        begin = FIXED + int.from_bytes(block[10:12], "little")
        promised = int.from_bytes(block[-4:], "little")
        if promised > LARGEST:
            raise FormatError(f"BGZF block {self.count}: it says that it inflates to more than 64 KiB")
        try:
            text: bytes = zlib.decompress(block[begin:-TRAILER], wbits=-15, bufsize=promised or 1)
        except zlib.error:
            raise FormatError(f"BGZF block {self.count} is damaged") from None
        if len(text) != promised or zlib.crc32(text) != int.from_bytes(block[-8:-4], "little"):
            raise FormatError(f"BGZF block {self.count}: its length or its CRC does not hold")
        self.whole = not text and block == BGZF_END
        return text


def _block_length(extra: bytes) -> int:
    """Return the length of a block from its extra fields; 0 = they do not tell."""
    at = 0
    while at + 4 <= len(extra):
        size = int.from_bytes(extra[at + 2 : at + 4], "little")
        if extra[at : at + 4] == b"BC\x02\x00" and at + 6 <= len(extra):
            return int.from_bytes(extra[at + 4 : at + 6], "little") + 1
        at += 4 + size
    return 0


def _zlib() -> Any:
    """Return isal's zlib (2–3 times as fast) or, without the extra `reads`, Python's."""
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib
    return isal_zlib
