"""FASTQ: sequencing reads with qualities, plain, gzip or bgzip, checked against the specification.

The specification is Cock et al. 2010, Nucleic Acids Research 38:1767. Reading: fastq_reads.py (exact),
fastq_kernel.py (compiled); many small files: fastq_batch.py; facts: fastq_tally.py; pairs: fastq_pairs.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, MemoryFile, OpenFile
from omics_orchestrator.formats.fastq_batch import inspect_plain
from omics_orchestrator.formats.fastq_pairs import judge, set_key
from omics_orchestrator.formats.fastq_reads import read_all
from omics_orchestrator.formats.fastq_scan import LateScanner, Scanner, scanner
from omics_orchestrator.formats.fastq_tally import Tally, facts_of_all
from omics_orchestrator.formats.text import Lines, text_head


class Fastq(Format):
    """Sequencing reads (FASTQ), plain, gzip or bgzip; the reads and index reads of one run are one file set.

    Checked: every read is a title with `@`, a sequence, a line with `+` (bare or with the same title) and as many
    qualities (`!` to `~`) as bases. Sequences and qualities may go over several lines; the fact `wrapped` tells, since
    many tools of today read four lines only. In a set, all files hold reads of the same names in the same order.
    Warnings: lines that end in CR LF, empty lines at the end, letters that stand for no base, a bgzip file without
    its end marker, an R1 whose titles say that it is read 2.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(
        f".{name}{packed}" for name in ("fastq", "fq") for packed in ("", ".gz", ".bgz")
    )
    version: ClassVar[str] = "2"

    format: Literal["fastq"] = "fastq"
    """Sequencing reads with qualities."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the title of the first read and what follows it; by the name where that is not all there."""
        text = text_head(head)
        if not text.startswith(b"@"):
            return False
        lines = text.split(b"\n", 3)
        return cls.bears_suffix(name) or (len(lines) == 4 and lines[2].startswith(b"+") and bool(lines[1]))

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name with the mate's number left open: `a_R1.fastq` and `a_R2.fastq` are a pair."""
        return set_key(name)

    def inspect(self, file: OpenFile) -> Inspection:
        """Count reads and bases; stops at the first read that breaks the format."""
        return _inspect([file], LateScanner(file.size))[0]

    def inspect_many(self, files: Sequence[tuple[str, bytes]]) -> list[Inspection]:
        """Inspect small files, plain and good ones in batches."""
        fast = scanner(sum(len(raw) for _, raw in files))
        if fast is None:
            return _inspect([MemoryFile(name, raw) for name, raw in files], None)
        found = inspect_plain([raw for _, raw in files], fast)
        return [one or self.inspect_bytes(name, raw) for one, (name, raw) in zip(found, files, strict=True)]

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say whether all files hold the same reads in the same order, by name."""
        return judge(members, files)


def _inspect(files: Sequence[OpenFile], fast: Scanner | None) -> list[Inspection]:
    """Inspect each file; what was counted becomes facts at one go."""
    looks = [_look(file, fast) for file in files]
    facts = facts_of_all([tally for tally, _, _ in looks]) if looks else []
    return [_told(*look, one) for look, one in zip(looks, facts, strict=True)]


def _look(file: OpenFile, fast: Scanner | None) -> tuple[Tally, Lines, FormatError | None]:
    lines, tally = Lines(file.blocks()), Tally()
    try:
        read_all(lines.text(), tally, fast)
    except FormatError as error:
        return tally, lines, error
    return tally, lines, None


def _told(tally: Tally, lines: Lines, error: FormatError | None, facts: dict[str, JsonValue]) -> Inspection:
    facts["compression"] = lines.compression
    return (
        Inspection.refused(error, facts) if error else Inspection.of(facts, warnings=_warnings(tally, lines))
    )


def _warnings(tally: Tally, lines: Lines) -> list[str]:
    told = {
        "lines end in CR LF: several tools refuse that": tally.crlf,
        "empty lines follow the last read": tally.blank,
        f"record {tally.strange}: the sequence holds a letter that stands for no base": tally.strange,
        "the bgzip end marker is missing: the file may be cut off": not lines.whole,
    }
    return [warning for warning, holds in told.items() if holds]
