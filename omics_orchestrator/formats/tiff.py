"""The structure of a TIFF file: header, directories, where each tile or strip lies; held to the size of the file.

TIFF 6.0 and BigTIFF (64-bit offsets). Nothing is decoded here: pictures are made in tiff_picture.py, the words of
OME and Aperio are read in ome_tiff.py and svs.py.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Reach

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SIZES = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18),
        (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 8, 8, 8),
        strict=True,
    )
)
NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
MOST_PAGES = 100_000
MOST_TAGS = 4096
LONGEST_TEXT = 32 * 1024 * 1024  # bytes of one text
TELLING = 64 * 1024  # bytes of the first description that tell whose TIFF it is
TEXTS = {
    269: "DocumentName",
    285: "PageName",
    305: "Software",
    315: "Artist",
    316: "HostComputer",
    33432: "Copyright",
}
DESCRIPTION, SUB_PAGES = 270, 330
LAYOUT = {
    256: "width", 257: "height", 322: "tile_width", 323: "tile_height", 278: "strip_height", 277: "samples",
    254: "kind", 259: "compression", 284: "planes", 262: "colours",
}  # fmt: skip
JPEG = (6, 7, 33007)


@dataclass
class Page:
    """One image of a TIFF: what its directory says.

    Attributes:
        number: of the directory in the main chain, from 0; a smaller level in SubIFDs bears that of its parent.
        offset: where its directory begins.
        description: the text ImageDescription.
        texts: other texts, by name of their tag.
        parts: offset and byte count of each tile or strip, as two arrays.
    """

    number: int
    offset: int
    sub: bool = False
    width: int = 0
    height: int = 0
    tile_width: int = 0
    tile_height: int = 0
    strip_height: int = 0
    samples: int = 1
    kind: int = 0
    compression: int = 1
    planes: int = 1
    colours: int = 1
    bits: int = 1
    description: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    parts: tuple[Any, Any] | None = None

    @property
    def tiled(self) -> bool:
        """Whether it is stored in tiles, not strips."""
        return self.tile_width > 0

    @property
    def called(self) -> str:
        """How a problem names it: pages are counted from 1."""
        return f"page {self.number + 1}" + (" (a smaller level)" if self.sub else "")


class Structure:
    """Reads the directories of an open TIFF; what points outside the file, or in a circle, is a `FormatError`."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        head = self._bytes(0, 16 if size >= 16 else 8, "the header")
        if head[:4] not in MAGIC:
            raise FormatError("no TIFF header")
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = b"+" in head[:4]
        if self.big and head[4:8] != struct.pack(self.order + "HH", 8, 0):
            raise FormatError("the BigTIFF header does not name offsets of 8 bytes")
        self._first = self._number(head[8:16] if self.big else head[4:8])
        self._seen: set[int] = set()
        self.warnings: list[str] = []

    def pages(self) -> list[Page]:
        """Return all images, each before its smaller levels."""
        found: list[Page] = []
        offset, number = self._first, 0
        if not offset:
            raise FormatError("the file holds no image")
        while offset:
            page, subs, offset = self._page(offset, number)
            found.append(page)
            for sub in subs:
                found.append(self._page(sub, number, sub=True)[0])
            number += 1
        return found

    def _page(self, offset: int, number: int, *, sub: bool = False) -> tuple[Page, list[int], int]:
        """Read one directory: the page, offsets of its smaller levels, offset of the next directory."""
        page = Page(number, offset, sub)
        if offset in self._seen or len(self._seen) >= MOST_PAGES:
            raise FormatError(f"{page.called}: the directories lead in a circle, or are too many")
        self._seen.add(offset)
        wide, entry = (8, 20) if self.big else (2, 12)
        count = self._number(self._bytes(offset, wide, f"the directory of {page.called}"))
        if not 0 < count <= MOST_TAGS:
            raise FormatError(f"{page.called}: a directory of {count} entries")
        tail = 8 if self.big else 4
        raw = self._bytes(offset + wide, count * entry + tail, f"the directory of {page.called}")
        tags = {}
        for start in range(0, count * entry, entry):
            tag, kind = struct.unpack(self.order + "HH", raw[start : start + 4])
            tags[tag] = (kind, raw[start + 4 : start + entry])
        values = {tag: self._value(page, tag, *found) for tag, found in tags.items()}
        self._fill(page, values)
        subs = [] if values.get(SUB_PAGES) is None else [int(one) for one in values[SUB_PAGES]]
        return page, subs, self._number(raw[-tail:])

    def _value(self, page: Page, tag: int, kind: int, rest: bytes) -> Any:
        """Return the numbers or the text of an entry of interest; of others, check only where they lie."""
        half = len(rest) // 2
        count, place = self._number(rest[:half]), rest[half:]
        if kind not in SIZES:
            return None  # TIFF 6.0, section 2: readers skip unknown field types
        length = count * SIZES[kind]
        at = self._number(place)
        if length > len(place) and at + length > self._size:
            raise FormatError(f"{page.called}: tag {tag} points outside the file: it is cut off or damaged")
        is_text = tag in TEXTS or tag == DESCRIPTION
        if not is_text and tag not in LAYOUT and tag not in (258, 273, 279, 324, 325, SUB_PAGES):
            return None
        if is_text and length > LONGEST_TEXT:
            raise FormatError(f"{page.called}: tag {tag} holds {length >> 20} MiB of text")
        raw = (
            place[:length] if length <= len(place) else self._bytes(at, length, f"tag {tag} of {page.called}")
        )
        if is_text:
            return raw.rstrip(b"\0").decode("utf-8", "replace")
        if kind not in NUMBERS or not count:
            raise FormatError(f"{page.called}: tag {tag} is not of whole numbers")
        return self._array(raw, kind)

    def _array(self, raw: bytes, kind: int) -> Any:
        import numpy as np

        return np.frombuffer(raw, dtype=self.order + NUMBERS[kind])

    def _fill(self, page: Page, values: dict[int, Any]) -> None:
        for tag, name in LAYOUT.items():
            if values.get(tag) is not None:
                setattr(page, name, int(values[tag][0]))
        page.bits = int(values[258].max()) if values.get(258) is not None else 1
        page.description = values.get(DESCRIPTION) or ""
        page.texts = {name: values[tag] for tag, name in TEXTS.items() if values.get(tag)}
        if not page.width or not page.height or not page.samples:
            raise FormatError(f"{page.called}: it has no width, height or samples")
        offsets, counts = (
            (values.get(324), values.get(325)) if page.tiled else (values.get(273), values.get(279))
        )
        if offsets is None or counts is None:
            raise FormatError(f"{page.called}: it does not say where its tiles or strips lie")
        page.parts = (offsets, counts)
        self._check_parts(page, offsets, counts)

    def _check_parts(self, page: Page, offsets: Any, counts: Any) -> None:
        """Hold number and place of tiles or strips to the dimensions and to the file."""
        import numpy as np

        if page.tiled:
            if not page.tile_height:
                raise FormatError(f"{page.called}: tiles without a height")
            expected = -(-page.width // page.tile_width) * -(-page.height // page.tile_height)
        else:
            expected = -(-page.height // max(1, min(page.strip_height or page.height, page.height)))
        expected *= page.samples if page.planes == 2 else 1
        if len(offsets) != len(counts) or len(offsets) < expected:
            raise FormatError(f"{page.called}: {len(offsets)} tiles or strips, {expected} needed")
        ends = offsets.astype(np.uint64) + counts.astype(np.uint64)
        beyond = (ends > np.uint64(self._size)) | (ends < offsets)
        if beyond.any():
            raise FormatError(
                f"{page.called}: tile or strip {int(np.argmax(beyond)) + 1} of {len(offsets)} lies outside the file: "
                "it is cut off or damaged"
            )
        if empty := int(((counts == 0) | (offsets == 0)).sum()):
            self.warnings.append(f"{page.called}: {empty} of {len(offsets)} tiles or strips are empty")
        if page.compression in JPEG:
            self._check_jpeg(page, offsets, counts)

    def _check_jpeg(self, page: Page, offsets: Any, counts: Any) -> None:
        """Every JPEG part begins with the marker SOI (ITU-T T.81, B.1.1.3)."""
        for number, (offset, count) in enumerate(zip(offsets.tolist(), counts.tolist(), strict=True), 1):
            if count and self._bytes(offset, min(2, count), "a tile") != b"\xff\xd8":
                raise FormatError(f"{page.called}: tile or strip {number} is no JPEG")

    def _bytes(self, offset: int, length: int, what: str) -> bytes:
        if offset + length > self._size:
            raise FormatError(f"{what} lies outside the file: it is cut off or damaged")
        self._file.seek(offset)
        raw = self._file.read(length)
        if len(raw) < length:
            raise FormatError(f"{what} cannot be read")
        return raw

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self.order == "<" else "big")


def read_structure(path: Path) -> tuple[list[Page], list[str]]:
    """Return the pages of a TIFF and what is to be warned of.

    Raises:
        FormatError: it is no TIFF, or its structure is broken.
    """
    size = path.stat().st_size
    if size < 8:
        raise FormatError("the file is empty or cut off")
    with path.open("rb") as file:
        structure = Structure(file, size)
        return structure.pages(), structure.warnings


def first_description(head: bytes, read: Reach | None = None) -> bytes | None:
    """Return how the first ImageDescription of a TIFF begins; empty = it has none, None = it lies out of reach.

    Args:
        head: the first bytes of the file.
        read: reads other bytes of it; three short reads are made at most.
    """
    if not head.startswith(MAGIC):
        return None
    order: Any = "little" if head[:2] == b"II" else "big"
    wide, entry, pointer = (8, 20, 8) if b"+" in head[:4] else (2, 12, 4)

    def at(start: int, length: int) -> bytes:
        if start + length <= len(head):
            return head[start : start + length]
        return read(start, length) if read is not None else b""

    def number(raw: bytes) -> int:
        return int.from_bytes(raw, order)

    directory = number(head[8:16] if pointer == 8 else head[4:8])
    counted = at(directory, wide)
    if len(counted) < wide or not 0 < number(counted) <= MOST_TAGS:
        return None
    entries = at(directory + wide, number(counted) * entry)
    if len(entries) < number(counted) * entry:
        return None
    for start in range(0, len(entries), entry):
        if number(entries[start : start + 2]) == DESCRIPTION:
            place = entries[start + 4 + pointer : start + entry]
            length = number(entries[start + 4 : start + 4 + pointer])
            return place[:length] if length <= pointer else at(number(place), min(length, TELLING)) or None
    return b""
