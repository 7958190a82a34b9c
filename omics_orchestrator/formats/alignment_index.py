"""Indexes of BAM and CRAM (.bai, .csi, .crai): are they whole, and can they be those of the file beside them?

Bins and offsets by section 5.2 of the SAM specification, CSIv1, and section 12 of the CRAM specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.text import GZIP, Lines

LARGEST = 512 * 1024 * 1024  # bytes of an index; a larger one is not looked at
BAI, CSI = b"BAI\1", b"CSI\1"
BAI_DEPTH = 5


@dataclass
class Index:
    """What an index says: references, highest offset in the file, and counts where the indexer left them."""

    references: int = 0
    highest: int = 0
    counted: bool = True  # every reference with bins tells its counts
    placed: int = 0
    unplaced: int | None = None
    containers: set[int] = field(default_factory=set)


def complaints(file: OpenFile, facts: Mapping[str, JsonValue], size: int) -> Iterator[str]:
    """Yield why an index is not that of a file: sentences without their subject; nothing = it may well be.

    Args:
        file: the index.
        facts: what was found in the file that it lies beside.
        size: of that file, in bytes.
    """
    if file.size > LARGEST:
        return
    try:
        raw = _content(file)
        if facts.get("format") != ("BAM" if raw.startswith((BAI, CSI)) else "CRAM"):
            yield "is of another kind than its file"
            return
        index = _bins(raw) if raw.startswith((BAI, CSI)) else _slices(raw)
    except FormatError as error:
        yield f"cannot be used: {error}"
        return
    yield from _disagreements(index, facts, size)


def _content(file: OpenFile) -> bytes:
    """Return the whole index, inflated; BAI is never compressed, CSI and CRAI usually are."""
    held, size = [], 0
    for piece in Lines(file.blocks()).text():
        held.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise FormatError("it inflates to more than 512 MiB")
    if not file.size:
        raise FormatError("an empty file")
    return b"".join(held)


def _disagreements(index: Index, facts: Mapping[str, JsonValue], size: int) -> Iterator[str]:
    known, containers = facts.get("references"), facts.get("containers", 0)
    if facts.get("format") == "BAM":
        if index.references != known:
            yield f"is of {index.references} references, the file has {known}"
        counts = (index.placed, index.unplaced or 0)
        told = index.unplaced is not None and index.counted
        if told and sum(counts) != facts.get("records"):
            yield "counts other records than the file holds"
    elif index.references > int(str(known)) or len(index.containers) > int(str(containers)):
        yield "names references or containers that the file does not have"
    if index.highest > size:
        yield "points beyond the end of the file"


def _bins(raw: bytes) -> Index:
    """Read a BAI or an inflated CSI."""
    try:
        return _read_bins(raw)
    except struct.error:
        raise FormatError("it is cut off or damaged") from None


def _read_bins(raw: bytes) -> Index:
    if raw.startswith(BAI):
        at, depth, wide = 4, BAI_DEPTH, 0
    else:
        _, depth, auxiliary = struct.unpack_from("<iii", raw, 4)
        at, wide = 16 + max(auxiliary, 0), 8
        if not 0 <= depth <= 9:
            raise FormatError("it is cut off or damaged")
    index = Index(*struct.unpack_from("<i", raw, at))
    at += 4
    summary = ((1 << 3 * (depth + 1)) - 1) // 7 + 1  # the bin that holds counts, no chunks
    for _ in range(index.references):
        at = _read_reference(raw, at, index, summary, wide)
    if len(raw) - at >= 8:
        (index.unplaced,) = struct.unpack_from("<Q", raw, at)
        at += 8
    if at != len(raw):
        raise FormatError("something follows its end")
    return index


def _read_reference(raw: bytes, at: int, index: Index, summary: int, wide: int) -> int:
    """Read the bins of one reference, and of a BAI its linear index; returns where they end."""
    (bins,) = struct.unpack_from("<i", raw, at)
    at += 4
    counted = bins == 0
    for _ in range(bins):
        (number,) = struct.unpack_from("<I", raw, at)
        (chunks,) = struct.unpack_from("<i", raw, at + 4 + wide)
        at += 8 + wide
        if chunks < 0:
            raise FormatError("it is cut off or damaged")
        offsets = struct.unpack_from(f"<{2 * chunks}Q", raw, at)
        at += 16 * chunks
        if number == summary and chunks == 2:
            index.placed += offsets[2] + offsets[3]
            counted, offsets = True, offsets[:2]
        index.highest = max((index.highest, *(offset >> 16 for offset in offsets)))
    index.counted &= counted
    if not wide:
        (intervals,) = struct.unpack_from("<i", raw, at)
        at += 4 + 8 * max(intervals, 0)
    if at > len(raw):
        raise FormatError("it is cut off or damaged")
    return at


def _slices(raw: bytes) -> Index:
    """Read the lines of a CRAI: reference, start, span, offsets of container and slice, size."""
    if raw.startswith(GZIP):
        raise FormatError("it is compressed twice")
    index = Index()
    for number, line in enumerate(raw.splitlines(), 1):
        cells = line.split(b"\t")
        if len(cells) != 6 or not all(cell.removeprefix(b"-").isdigit() for cell in cells):
            raise FormatError(f"line {number}: not six whole numbers, separated by tabs")
        reference, container, size = int(cells[0][:12]), int(cells[3][:20]), int(cells[5][:20])
        index.references = max(index.references, reference + 1)
        index.highest = max(index.highest, container + size)
        index.containers.add(container)
    return index
