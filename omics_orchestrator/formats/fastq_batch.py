"""Checks many small FASTQ files at one go, with the compiled loops of fastq_kernel.py.

Vouches only for plain and good files; whatever else there is to say about a file says fastq.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.fastq_scan import Scanner
from omics_orchestrator.formats.fastq_tally import facts_of
from omics_orchestrator.formats.text import GZIP, LARGE_TEXT, Lines, inflated

BATCH = 1024 * 1024  # bytes of text checked at one go


def inspect_plain(files: Sequence[bytes], scanner: Scanner) -> list[Inspection | None]:
    """Return the verdict on each file that is plain and good; None = to be inspected by itself."""
    found: list[Inspection | None] = []
    for batch in _batches(files):
        found += _inspect(batch, scanner)
    return found


def _batches(files: Sequence[bytes]) -> Iterator[list[tuple[bytes, str]]]:
    """Yield (inflated text, compression) of files whose texts are checked together."""
    batch: list[tuple[bytes, str]] = []
    size = 0
    for raw in files:
        batch.append(_text(raw))
        size += len(batch[-1][0])
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _text(raw: bytes) -> tuple[bytes, str]:
    """Return the text of a file, and its compression; empty = it is large, damaged, or no FASTQ."""
    if text := inflated(raw):
        return text, "gzip"
    lines, pieces, size = Lines([raw]), [], 0
    if not raw.startswith((GZIP, b"@")):
        return b"", "none"
    try:
        for piece in lines.text():
            pieces.append(piece)
            size += len(piece)
            if size > LARGE_TEXT:
                return b"", "none"
    except FormatError:
        return b"", "none"
    return b"".join(pieces) if lines.whole else b"", lines.compression


def _inspect(batch: Sequence[tuple[bytes, str]], scanner: Scanner) -> Iterator[Inspection | None]:
    if not batch:
        return
    good, numbers, values, profiles, names = scanner.scan_many([text for text, _ in batch])
    facts = facts_of(numbers, values, profiles, [zlib.crc32(part) for part in names])
    for (_, compression), fine, reads, one in zip(batch, good, numbers[:, 0].tolist(), facts, strict=True):
        one["compression"] = compression
        yield Inspection("valid", one) if fine and reads else None
