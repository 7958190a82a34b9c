"""CRAM 2.1, 3.0, 3.1: the file's definition, its header, and the chain of containers up to the one that ends it.

Records are not decoded: that takes the reference. Fields of containers and blocks: cram_blocks.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.byte_reader import ByteReader
from omics_orchestrator.formats.cram_blocks import (
    CODECS,
    COMPRESSION_HEADER,
    FILE_HEADER,
    KEPT,
    SLICE_HEADER,
    Block,
    Container,
    read_block,
    read_container,
    read_slice,
)
from omics_orchestrator.formats.sam_header import SamHeader

MAGIC = b"CRAM"
VERSIONS = ((2, 1), (3, 0), (3, 1))
DEFINITION = 26  # bytes before the first container
NEWEST_CODEC = {2: 2, 3: 4}  # of version 2.1 and 3.0; 3.1 has all


def is_cram(head: bytes) -> bool:
    """Tell whether a file begins as a CRAM of any version does."""
    return head.startswith(MAGIC) and len(head) > 5 and 1 <= head[4] <= 4 and head[5] <= 9


def inspect(content: Iterator[bytes]) -> Inspection:
    """Read a CRAM from its blocks of bytes."""
    reader = ByteReader(content)
    found = _Chain()
    try:
        found.read(reader)
    except FormatError as error:
        return Inspection.refused(FormatError(f"{found.where}{error}"), found.facts())
    header = found.header
    return Inspection.of(found.facts(), header.samples, found.told(), identifying=header.identifying())


@dataclass
class _Chain:
    """What was read so far; `containers` counts those with records."""

    version: tuple[int, int] | None = None
    where: str = ""  # what is being read, for messages
    header: SamHeader = field(default_factory=SamHeader)
    containers: int = 0
    slices: int = 0
    records: int = 0
    bases: int = 0
    codecs: set[int] = field(default_factory=set)
    embedded: bool = False
    needs_reference: bool = False
    more: bool = False  # something follows the end
    unsorted: int = 0  # first container that is out of order; 0 = none
    _last: tuple[int, int] = (0, 0)

    def read(self, reader: ByteReader) -> None:
        """Read a whole file."""
        definition = reader.peek(DEFINITION)
        if len(definition) < DEFINITION:
            raise FormatError("the file is cut off in its first 26 bytes" if definition else "an empty file")
        version = definition[4], definition[5]
        if version not in VERSIONS:
            raise FormatError("a CRAM of a version other than 2.1, 3.0 and 3.1")
        reader.take(DEFINITION)
        self.version, self.where = version, "the header: "
        self._read_header(reader, version[0])
        while True:
            self.where = f"container {self.containers + 1}: "
            if not reader.peek(1):
                raise FormatError("the container that ends a CRAM is missing: the file is cut off")
            container = read_container(reader, version[0])
            self._read_blocks(reader, container, version[0])
            if container.ends:
                break
            self._count(container)
        self.more = bool(reader.peek(1))

    def _read_header(self, reader: ByteReader, major: int) -> None:
        """Read the first container: the SAM header, and what pads it."""
        container = read_container(reader, major)
        begins = reader.at
        block = read_block(reader, major)
        if block.kind != FILE_HEADER:
            raise FormatError("the file does not begin with its header")
        for _ in range(container.blocks - 1):
            read_block(reader, major)
        if reader.at - begins > container.length:
            raise FormatError("its blocks are longer than it says")
        for _ in reader.pieces(container.length - (reader.at - begins)):
            pass
        text = _inflated(block)
        length = int.from_bytes(text[:4], "little", signed=True)
        if not 0 <= length <= len(text) - 4:
            raise FormatError("the header is shorter than it says")
        self.header = SamHeader.parse(text[4 : 4 + length])

    def _read_blocks(self, reader: ByteReader, container: Container, major: int) -> None:
        """Go over the blocks of a container and hold them to what its fields say."""
        begins, landmarks, records, owed = reader.at, [], 0, 0
        for number in range(container.blocks):
            at = reader.at - begins
            block = read_block(reader, major)
            self.codecs.add(block.codec)
            if (number == 0) != (block.kind == COMPRESSION_HEADER):
                raise FormatError("its first block, and only that, is a compression header")
            if block.kind == SLICE_HEADER:
                if owed:
                    raise FormatError("a slice has fewer blocks than it says")
                landmarks.append(at)
                one = read_slice(block, major)
                records, owed = records + one.records, one.blocks
                self.embedded |= one.embedded
                self.needs_reference |= one.needs_reference
                if one.reference != container.reference:
                    raise FormatError("a slice and its container name different references")
            elif number:
                owed -= 1
        if reader.at - begins != container.length:
            raise FormatError("its blocks have another length than it says")
        if owed or records != container.records or (tuple(landmarks) != container.landmarks and records):
            raise FormatError("its slices are not those that it says")
        self.slices += len(landmarks)

    def _count(self, container: Container) -> None:
        if not -2 <= container.reference < len(self.header.references):
            raise FormatError("a reference that the header does not have")
        self.containers += 1
        self.records += container.records
        self.bases += container.bases
        if container.reference >= 0:
            place = container.reference, container.start
            if place < self._last and not self.unsorted:
                self.unsorted = self.containers
            self._last = place

    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered."""
        if not self.version:
            return {"format": "CRAM"}
        return {
            "format": "CRAM",
            "cram_version": ".".join(map(str, self.version)),
            **self.header.facts(),
            "records": self.records,
            "bases": self.bases,
            "containers": self.containers,
            "slices": self.slices,
            "codecs": [CODECS[one] for one in sorted(self.codecs)],
            "reference_embedded": self.embedded,
            "reference_needed": self.needs_reference,
            "records_decoded": False,
        }

    def told(self) -> list[str]:
        """Return what breaks the specification though tools can read it."""
        without = len(self.header.references) - self.header.hashed
        newest = NEWEST_CODEC.get(self.version[0], 8) if self.version and self.version != (3, 1) else 8
        order = self.header.order == "coordinate" and self.unsorted
        found = {
            f"{without} of {len(self.header.references)} references have no M5, which CRAM asks for": (
                without and self.needs_reference
            ),
            f"container {self.unsorted}: not in the order that the header tells (@HD SO:coordinate)": order,
            "a way of compression that this version of CRAM does not have": max(self.codecs, default=0)
            > newest,
            "something follows the container that ends the file": self.more,
        }
        return [*self.header.told(), *(text for text, holds in found.items() if holds)]


def _inflated(block: Block) -> bytes:
    """Return the content of a file header's block; it may be plain or gzip (section 8.3)."""
    if CODECS[block.codec] == "raw":
        return block.content
    if CODECS[block.codec] != "gzip":
        raise FormatError("the header is compressed by something other than gzip")
    try:
        text = zlib.decompressobj(31).decompress(block.content, KEPT[FILE_HEADER])
    except zlib.error:
        raise FormatError("the header's gzip stream is damaged") from None
    if len(text) != block.raw_size:
        raise FormatError("the header has another length than it says")
    return text
