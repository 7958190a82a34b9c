"""FASTQ: sequencing reads with qualities, four lines a read, plain, gzip or bgzip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.fastq_batch import Counts, flawless
from omics_orchestrator.formats.text import GZIP, Lines, inflated

BASES = b"ACGTUNRYSWKMBDHVXacgtunryswkmbdhvx.-*"
QUALITIES = bytes(range(33, 127))
BATCH = 112 * 1024  # bytes of text checked at one go: malloc gets memory above 128 KiB afresh each time
MATE = re.compile(
    r"(?P<before>.*[._-])(?P<r>[Rr]?)[12](?P<after>(_\d{3})?\.(fastq|fq)(\.b?gz)?|(?<=R[12])[._-].*)"
)


class Fastq(Format):
    """Sequencing reads (FASTQ), plain, gzip or bgzip; R1 and R2 of a pair are one file set.

    Checked: four lines a read, `@` and `+`, equal lengths, letters, unbroken compression. Sequences wrapped
    over several lines (an old way to write) are refused: tools of today read four lines.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(
        f".{name}{packed}" for name in ("fastq", "fq") for packed in ("", ".gz", ".bgz")
    )

    format: Literal["fastq"] = "fastq"
    """Sequencing reads with qualities."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the suffix and, where it is not compressed, by the first character."""
        return cls.bears_suffix(name) and head.startswith((GZIP, b"@"))

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name with the mate's number left open: `a_R1.fastq` and `a_R2.fastq` are a pair."""
        mate = MATE.fullmatch(name)
        return f"{mate['before']}{mate['r']}?{mate['after']}" if mate else name

    def inspect(self, file: OpenFile) -> Inspection:
        """Count reads and bases; stops at the first read that breaks the format."""
        lines = Lines(file.blocks())
        reads = _Reads()
        try:
            reads.read(lines)
        except FormatError as error:
            return Inspection.refused(error, reads.facts(lines))
        warnings = []
        if lines.crlf:
            warnings.append("lines end in CR LF: several tools refuse that")
        if not lines.whole:
            warnings.append("the bgzip end marker is missing: the file may be cut off")
        return Inspection.of(reads.facts(lines), warnings=warnings)

    def inspect_many(self, files: Sequence[tuple[str, bytes]]) -> list[Inspection]:
        """Inspect gzip files in batches; one that is not plainly flawless is inspected by itself."""
        found: list[Inspection] = []
        for batch in _batches(files):
            counts = iter(flawless([text for *_, text in batch if text]))
            for name, raw, text in batch:
                count = next(counts) if text else None
                found.append(_valid(count) if count else self.inspect_bytes(name, raw))
        return found


def _batches(files: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes, bytes | None]]]:
    """Yield (name, bytes, inflated text) of files whose texts are checked together."""
    batch: list[tuple[str, bytes, bytes | None]] = []
    size = 0
    for name, raw in files:
        text = inflated(raw)
        batch.append((name, raw, text))
        size += len(text or b"")
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _valid(counts: Counts) -> Inspection:
    """Return what `inspect` says of a gzip file without a flaw."""
    encoding = _encoding(counts.quality_lowest, counts.quality_highest)
    return Inspection("valid", {**counts._asdict(), "compression": "gzip", "quality_encoding": encoding})


@dataclass
class _Reads:
    """What was counted so far; quality characters as ASCII codes."""

    reads: int = 0
    bases: int = 0
    shortest: int | None = None
    longest: int = 0
    lowest: int = 127
    highest: int = 0

    def read(self, lines: Lines) -> None:
        """Count all reads, or raise at the first bad one."""
        rest: list[bytes] = []
        for batch in lines:
            if rest:
                batch = rest + batch
            whole = len(batch) & ~3
            if whole:
                self._add(batch[:whole] if whole < len(batch) else batch)
            rest = batch[whole:]
        if any(rest):
            raise FormatError("the file ends within a read", record=self.reads + 1)
        if not self.reads:
            raise FormatError("no reads")

    def _add(self, lines: list[bytes]) -> None:
        """Check a batch at one go; what makes it fail is looked up read by read."""
        titles, sequences, pluses, qualities = (lines[start::4] for start in range(4))
        lengths = list(map(len, sequences))
        quality = b"".join(qualities)
        if (
            lengths != list(map(len, qualities))
            or {title[:1] for title in titles} != {b"@"}
            or (set(pluses) != {b"+"} and any(map(_differ, titles, pluses)))
            or b"".join(sequences).translate(None, BASES)
            or quality.translate(None, QUALITIES)
        ):
            self._tell(lines)
        self.reads += len(lengths)
        self.bases += len(quality)
        shortest = min(lengths)
        self.shortest = shortest if self.shortest is None else min(self.shortest, shortest)
        self.longest = max(self.longest, *lengths)
        if quality:
            import numpy as np

            codes = np.frombuffer(quality, np.uint8)
            self.lowest = min(self.lowest, int(np.minimum.reduce(codes)))
            self.highest = max(self.highest, int(np.maximum.reduce(codes)))

    def _tell(self, lines: list[bytes]) -> None:
        """Raise for the first bad read of a batch."""
        for start in range(0, len(lines), 4):
            if problem := _problem(*lines[start : start + 4]):
                if start:
                    self._add(lines[:start])
                raise FormatError(problem, record=self.reads + 1)

    def facts(self, lines: Lines) -> dict[str, JsonValue]:
        """Return the counts as they are registered."""
        facts: dict[str, JsonValue] = {
            "reads": self.reads,
            "bases": self.bases,
            "compression": lines.compression,
        }
        if self.reads:
            facts |= {"shortest": self.shortest, "longest": self.longest}
        if self.highest:
            facts |= {
                "quality_lowest": self.lowest,
                "quality_highest": self.highest,
                "quality_encoding": _encoding(self.lowest, self.highest),
            }
        return facts


def _differ(title: bytes, plus: bytes) -> bool:
    """Tell whether the third line is neither `+` nor `+` and the title."""
    return plus != b"+" and (plus[:1] != b"+" or plus[1:] != title[1:])


def _problem(title: bytes, sequence: bytes, plus: bytes, quality: bytes) -> str:
    """Return what is wrong with one read; empty = nothing."""
    if not title.startswith(b"@"):
        return "the first line does not begin with @"
    if not plus.startswith(b"+"):
        return "the third line does not begin with + (a sequence wrapped over several lines?)"
    if _differ(title, plus):
        return "the line with + repeats another title"
    if sequence.translate(None, BASES):
        return "the sequence holds a character that is no base"
    if quality.translate(None, QUALITIES):
        return "the quality holds a character outside ! to ~"
    if len(sequence) != len(quality):
        return f"{len(sequence)} bases but {len(quality)} qualities"
    return ""


def _encoding(lowest: int, highest: int) -> str:
    """Guess how qualities are written; `unclear` where all lie in the range that the encodings share."""
    if lowest < 59:
        return "phred+33"
    if highest <= 75:
        return "unclear"
    return "phred+64" if lowest >= 64 else "solexa+64"
