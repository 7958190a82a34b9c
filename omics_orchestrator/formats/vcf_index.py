"""Indexes of VCF and BCF: tabix .tbi and .csi (hts-specs: tabix, CSIv1), and whether one fits its file.

An index knows contigs, records of each (in a bin of its own, where the writer kept it) and places in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.text import Lines

LARGEST = 256 * 1024 * 1024  # bytes of an inflated index; that of a whole human genome has a few
TBI_BINS = 37450  # number of the bin with counts, for the five levels of .tbi


@dataclass
class Index:
    """What an index says: names of contigs (none in that of a BCF), records of each, the furthest block it names.

    `counts` has one entry per contig; None = the writer kept no counts.
    """

    names: tuple[str, ...] = ()
    counts: list[int | None] = field(default_factory=list)
    furthest: int = 0


def misfits(file: OpenFile, facts: Mapping[str, JsonValue], size: int) -> list[str]:
    """Return why an index does not fit the file that lies beside it; empty = it may well fit.

    Args:
        file: the index.
        facts: what was found in the VCF or BCF.
        size: of the VCF or BCF, in bytes.
    """
    if file.name.lower().endswith(".idx"):
        return []
    try:
        index = read(file)
    except FormatError as error:
        return [f"the index {file.name.rpartition('.')[2]} cannot be used: {error}"]
    kind = file.name.rpartition(".")[2]
    if facts.get("compression") != "bgzip":
        return [f"an index {kind} beside a file that is not bgzip"]
    if index.furthest > size:
        return [f"the index {kind} is of another file: it names places beyond the end of this one"]
    by_contig = facts.get("records_by_contig")
    if not isinstance(by_contig, dict):
        return []
    mine = {name: number for name, number in by_contig.items() if isinstance(number, int)}
    return _differences(index, mine, kind)


def _differences(index: Index, mine: dict[str, int], kind: str) -> list[str]:
    """Compare contigs and records."""
    other = f"the index {kind} is of another file, or older than this one: "
    counted = [number for number in index.counts if number is not None]
    if index.names:
        used = {name for name, number in zip(index.names, index.counts, strict=False) if number != 0}
        unknown = len(used - mine.keys()) + len(mine.keys() - set(index.names))
        if unknown:
            return [f"{other}{unknown} contigs are in one only"]
    elif len(index.counts) < len(mine):
        return [f"{other}it has fewer contigs"]
    if counted and sorted(filter(None, counted)) != sorted(filter(None, mine.values())):
        return [f"{other}{sum(counted):,} records instead of {sum(mine.values()):,}"]
    return []


def read(file: OpenFile) -> Index:
    """Read an index, .tbi or .csi told by its content; `FormatError`: it is none, or damaged."""
    parts, length = [], 0
    for block in Lines(file.blocks()).text():
        parts.append(block)
        length += len(block)
        if length > LARGEST:
            raise FormatError("it is too large")
    raw = b"".join(parts)
    try:
        if raw.startswith(b"TBI\1"):
            return _tbi(raw)
        if raw.startswith(b"CSI\1"):
            return _csi(raw)
    except (struct.error, ValueError, IndexError):
        raise FormatError("it is damaged or cut off") from None
    raise FormatError("it is no index of tabix")


def _tbi(raw: bytes) -> Index:
    contigs, *_, length = struct.unpack_from("<8i", raw, 4)
    names = _names(raw[36 : 36 + length], length)
    if contigs != len(names):
        raise FormatError("its contigs do not add up")
    index, at = Index(names), 36 + length
    for _ in range(contigs):
        at = _bins(raw, at, index, counts=TBI_BINS, with_offset=False)
        (windows,) = struct.unpack_from("<i", raw, at)
        at = _beyond(raw, at + 4, windows * 8)
    return index


def _csi(raw: bytes) -> Index:
    _, depth, length = struct.unpack_from("<3i", raw, 4)
    if not 0 <= depth <= 20:
        raise FormatError("it has an impossible depth")
    names: tuple[str, ...] = ()
    if length >= 28:
        names = _names(raw[44 : 16 + length], length - 28)
    at = _beyond(raw, 16, length)
    (contigs,) = struct.unpack_from("<i", raw, at)
    at += 4
    if names and contigs != len(names):
        raise FormatError("its contigs do not add up")
    index = Index(names)
    counts = ((1 << 3 * (depth + 1)) - 1) // 7 + 1
    for _ in range(contigs):
        at = _bins(raw, at, index, counts=counts, with_offset=True)
    return index


def _names(raw: bytes, length: int) -> tuple[str, ...]:
    if len(raw) != length:
        _cut_off()
    return tuple(name.decode("utf-8", "replace") for name in raw.split(b"\0")[:-1])


def _bins(raw: bytes, at: int, index: Index, *, counts: int, with_offset: bool) -> int:
    """Read the bins of one contig; return where they end."""
    (bins,) = struct.unpack_from("<i", raw, at)
    at += 4
    records: int | None = 0 if bins == 0 else None
    for _ in range(bins):
        (number,) = struct.unpack_from("<I", raw, at)
        at += 12 if with_offset else 4
        (chunks,) = struct.unpack_from("<i", raw, at)
        at += 4
        ends = _beyond(raw, at, chunks * 16)
        if number == counts and chunks == 2:
            records = sum(struct.unpack_from("<2Q", raw, at + 16))
        elif chunks:
            places = struct.unpack_from(f"<{chunks * 2}Q", raw, at)
            index.furthest = max(index.furthest, max(places) >> 16)
        at = ends
    index.counts.append(records)
    return at


def _beyond(raw: bytes, at: int, length: int) -> int:
    if length < 0 or at + length > len(raw):
        _cut_off()
    return at + length


def _cut_off() -> NoReturn:
    raise FormatError("it is damaged or cut off")
