"""Bytes become lines of text: gzip and bgzip are inflated by content, in bounded memory.

What the lines mean is said by the formats beside this module.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import cache
from typing import Any

from omics_orchestrator.errors import FormatError

GZIP = b"\x1f\x8b"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
OTHERS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\3\4": "zip",
}  # compressions that no text format of ours names
PIECE = (
    64 * 1024
)  # compressed bytes inflated at once: bounds memory, and the rest copied at each end of a member
MOST_TEXT = 4 * 1024 * 1024  # bytes inflated at once: a bomb comes in pieces, no other file needs two
LARGE_TEXT = 1024 * 1024  # bytes; what inflates to more is not held whole
LONGEST_LINE = 64 * 1024 * 1024  # bytes; a longer line is no text file of ours
HEAD = 64 * 1024  # bytes of text that tell a format
BOMB = 4 * 1024**3  # bytes of text; beyond it, what inflates more than BOMB_RATIO times is refused
BOMB_RATIO = 200  # no sequencing file comes near; deflate ends at 1,032


class Lines:
    """Lines of a text file in batches, without their ends, inflated by content (gzip, bgzip or neither).

    Iterate once; then `compression` (`none`, `gzip`, `bgzip`), `crlf` (some line ended in CR LF) and `whole`
    (False: a bgzip file without its end marker) are known. Broken compression is a `FormatError`.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.compression = "none"
        self.crlf = False
        self.whole = True

    def __iter__(self) -> Iterator[list[bytes]]:
        """Yield the lines in batches; a last line needs no line end."""
        carry = b""
        for text in self.text():
            lines = text.split(b"\n")
            if carry:
                lines[0] = carry + lines[0]
            carry = lines.pop()
            if len(carry) > LONGEST_LINE:
                raise FormatError(f"a line is longer than {LONGEST_LINE >> 20} MiB: no text file")
            if lines:
                yield self._without_cr(lines, text)
        if carry:
            yield self._without_cr([carry], carry)

    def _without_cr(self, lines: list[bytes], text: bytes) -> list[bytes]:
        if b"\r" not in text and not lines[0].endswith(b"\r"):
            return lines
        self.crlf = True
        return [line.removesuffix(b"\r") for line in lines]

    def text(self) -> Iterator[bytes]:
        """Yield the inflated content in blocks."""
        blocks = iter(self._blocks)
        first = next(blocks, b"")
        if not first.startswith(GZIP):
            _refuse_others(first)
            yield first
            yield from blocks
            return
        self.compression = "bgzip" if first[3:4] == b"\x04" and first[12:14] == b"BC" else "gzip"
        last = yield from _inflate(first, blocks)
        self.whole = self.compression == "gzip" or last == BGZF_END


def _refuse_others(first: bytes) -> None:
    """Name the compression of a file that is neither plain nor gzip."""
    for magic, name in OTHERS.items():
        if first.startswith(magic) and (name != "bzip2" or first[4:10] == b"1AY&SY"):  # BZh may begin a word
            raise FormatError(f"it is compressed by {name}: plain text, gzip and bgzip are read")


def _inflate(block: bytes, more: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """Yield the inflated members of a gzip file; returns its last 28 bytes."""
    members = _Members()
    last = b""
    while block:
        last = (last + block[-len(BGZF_END) :])[-len(BGZF_END) :]
        for start in range(0, len(block), PIECE):
            yield from members.feed(block[start : start + PIECE])
        block = next(more, b"")
    if members.open is not None:
        raise FormatError("the gzip stream ends early: the file is cut off")
    return last


class _Members:
    """The members of a gzip file, one after the other; `open` is None between two of them."""

    def __init__(self) -> None:
        self._zlib = _zlib()
        self.open: Any = None
        self._taken = self._given = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next piece of the file inflates to."""
        full = False
        while piece or full:
            if self.open is None:
                if not (piece := piece.lstrip(b"\0")):  # tapes pad with zeros
                    return
                if not piece.startswith(GZIP[: len(piece)]):
                    raise FormatError("something else follows the end of the gzip stream")
                self.open = self._zlib.decompressobj(31)
            try:
                text = self.open.decompress(piece, MOST_TEXT)
            except self._zlib.error:
                raise FormatError("the gzip stream is damaged") from None
            rest: bytes = self.open.unconsumed_tail
            self._count(len(piece) - len(rest), len(text))
            if text:
                yield text
            piece, full = rest, len(text) == MOST_TEXT
            if self.open.eof:
                piece, self.open, full = self.open.unused_data, None, False

    def _count(self, taken: int, given: int) -> None:
        """Refuse a decompression bomb."""
        self._taken += taken
        self._given += given
        if self._given > BOMB and self._given > BOMB_RATIO * self._taken:
            raise FormatError(f"it inflates to more than {BOMB_RATIO} times its size: a decompression bomb?")


def text_head(head: bytes) -> bytes:
    """Return the first text of a file, of at most 64 KiB, from its first bytes, gzip or not; empty = damaged."""
    if not head.startswith(GZIP):
        return head[:HEAD]
    zlib = _zlib()
    try:
        text: bytes = zlib.decompressobj(31).decompress(head, HEAD)
    except zlib.error:
        return b""
    return text


def inflated(raw: bytes) -> bytes | None:
    """Return the content of an ordinary gzip file of one member; None = it is something else, or damaged."""
    if not raw.startswith(GZIP) or raw[3:4] == b"\x04":
        return None
    zlib = _zlib()
    member = zlib.decompressobj(31)
    try:
        text: bytes = member.decompress(raw, LARGE_TEXT)
    except zlib.error:
        return None
    return text if member.eof and not member.unused_data else None


@cache
def _zlib() -> Any:
    """Return isal's zlib (2–3 times as fast) or, without the extra `reads`, Python's."""
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib
    return isal_zlib
