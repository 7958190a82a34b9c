"""CRAM's containers and blocks: their fields, and their CRC where the version has one (CRAM specification 3.1, 6–8).

What a whole file says, and in which order they come: cram.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.byte_reader import ByteReader

CODECS = ("raw", "gzip", "bzip2", "lzma", "rans4x8", "rans4x16", "arithmetic", "fqzcomp", "names")
FILE_HEADER, COMPRESSION_HEADER, SLICE_HEADER, EXTERNAL, CORE = 0, 1, 2, 4, 5
KEPT = {FILE_HEADER: 128 << 20, SLICE_HEADER: 1 << 20}  # bytes; of other blocks only the CRC is looked at
USUAL, LONG = 1 << 10, 1 << 20  # bytes in which the fields of a container stand
END = 4542278  # alignment start of the container that ends a file: the letters EOF


class Fields:
    """Numbers at the front of some bytes: ITF8, LTF8, four bytes (section 2.3)."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def byte(self) -> int:
        """Return the next byte; IndexError at the end."""
        self.at += 1
        return self.raw[self.at - 1]

    def word(self) -> int:
        """Return the next four bytes as a number with a sign."""
        return int.from_bytes(bytes(self.byte() for _ in range(4)), "little", signed=True)

    def itf8(self) -> int:
        """Return the next ITF8, of 32 bits with a sign."""
        first = self.byte()
        more = min(_leading_ones(first), 4)
        if more < 4:
            value = first & (0x7F >> more)
            for _ in range(more):
                value = value << 8 | self.byte()
            return value
        value = first & 0x0F
        for _ in range(3):
            value = value << 8 | self.byte()
        value = value << 4 | self.byte() & 0x0F
        return value - (1 << 32) if value >> 31 else value

    def ltf8(self) -> int:
        """Return the next LTF8, of 64 bits with a sign."""
        first = self.byte()
        more = _leading_ones(first)
        value = first & (0x7F >> more)
        for _ in range(more):
            value = value << 8 | self.byte()
        return value - (1 << 64) if value >> 63 else value

    def array(self) -> list[int]:
        """Return the next array of ITF8."""
        return [self.itf8() for _ in range(self.itf8())]


def _leading_ones(byte: int) -> int:
    return 8 - (byte ^ 0xFF).bit_length()


@dataclass(frozen=True)
class Container:
    """The fields of a container; `length` is that of its blocks, in bytes."""

    length: int
    reference: int
    start: int
    records: int
    bases: int
    blocks: int
    landmarks: tuple[int, ...]

    @property
    def ends(self) -> bool:
        """Whether it is the one that marks the end of a file."""
        return self.reference == -1 and self.start == END and not self.records


@dataclass(frozen=True)
class Block:
    """The fields of a block; `content` is kept of file headers and slice headers only."""

    codec: int
    kind: int
    raw_size: int
    content: bytes


def read_container(reader: ByteReader, major: int) -> Container:
    """Take the fields of the container that begins here."""
    for most in (USUAL, LONG):
        fields = Fields(reader.peek(most))
        try:
            container = _container(fields, major)
        except IndexError:
            if len(fields.raw) < most:
                raise FormatError("the file is cut off") from None
            continue
        taken = reader.take(fields.at)
        if major >= 3 and crc32(taken[:-4]) != int.from_bytes(taken[-4:], "little"):
            raise FormatError("the CRC of its fields does not hold")
        if container.length < 0 or container.blocks < 0 or container.records < 0:
            raise FormatError("its fields are damaged")
        return container
    raise FormatError("its fields are damaged")


def _container(fields: Fields, major: int) -> Container:
    length, reference, start, _ = fields.word(), fields.itf8(), fields.itf8(), fields.itf8()
    records = fields.itf8()
    _ = fields.ltf8() if major >= 3 else fields.itf8()
    bases, blocks, landmarks = fields.ltf8(), fields.itf8(), tuple(fields.array())
    if major >= 3:
        fields.word()
    return Container(length, reference, start, records, bases, blocks, landmarks)


def read_block(reader: ByteReader, major: int) -> Block:
    """Take the block that begins here and check its CRC; most content is gone over, not kept."""
    fields = Fields(reader.peek(32))
    try:
        codec, kind, _, size, raw_size = (
            fields.byte(),
            fields.byte(),
            fields.itf8(),
            fields.itf8(),
            fields.itf8(),
        )
    except IndexError:
        raise FormatError("the file is cut off") from None
    if codec >= len(CODECS) or kind > CORE or size < 0 or raw_size < 0:
        raise FormatError("the fields of a block are damaged")
    if codec == 0 and size != raw_size:
        raise FormatError("a block without compression has two sizes")
    if size > KEPT.get(kind, size):
        raise FormatError("a header block is too large")
    total = crc32(reader.take(fields.at))
    kept = []
    for piece in reader.pieces(size):
        total = crc32(piece, total)
        if kind in KEPT:
            kept.append(piece)
    if major >= 3 and int.from_bytes(reader.take(4), "little") != total:
        raise FormatError("the CRC of a block does not hold")
    return Block(codec, kind, raw_size, b"".join(kept))


@dataclass(frozen=True)
class Slice:
    """What a slice's header says: records, blocks that follow, and whether a reference is within it or needed."""

    reference: int
    records: int
    blocks: int
    embedded: bool
    needs_reference: bool


def read_slice(block: Block, major: int) -> Slice:
    """Read the header of a slice (section 8.5)."""
    fields = Fields(block.content)
    try:
        reference, _, _, records = fields.itf8(), fields.itf8(), fields.itf8(), fields.itf8()
        _ = fields.ltf8() if major >= 3 else fields.itf8()
        blocks, _, embedded = fields.itf8(), fields.array(), fields.itf8()
        digest = bytes(fields.byte() for _ in range(16))
    except IndexError:
        raise FormatError("the header of a slice is damaged") from None
    return Slice(reference, records, blocks, embedded >= 0, embedded < 0 and any(digest))
