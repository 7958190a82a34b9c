"""BAM, CRAM and SAM: aligned or unaligned reads, with their indexes. CRAM's records are not decoded.

Records of a BAM: bam_records.py; containers of a CRAM: cram.py; lines of a SAM: sam_text.py; indexes:
alignment_index.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import alignment_index, bgzf, cram, sam_text
from omics_orchestrator.formats.bam_records import MAGIC, Alignments
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.text import text_head

FILE_OF = {".bai": ".bam", ".csi": ".bam", ".crai": ".cram"}


class Bam(Format):
    """Aligned or unaligned reads (BAM, CRAM, SAM); an index (.bai, .csi, .crai) belongs to the file that it indexes.

    Checked: every BGZF block and its CRC, the header, the structure of every BAM record and their order, CRAM's
    chain of containers and blocks with their CRC, the end marker, and whether the index can be that of the file.
    A header without records is valid, as it is in VCF (SAM 1.6 §1: one alignment line after another until the file
    ends, §4.2: of BAM alike; CRAM 3.1 §6: zero or more data containers).
    """

    version: ClassVar[str] = "2"
    suffixes: ClassVar[tuple[str, ...]] = (".bam", ".cram", ".sam")
    companions: ClassVar[tuple[str, ...]] = (".bai", ".csi", ".crai")
    holds_samples: ClassVar[bool] = True
    indexable: ClassVar[bool] = True

    format: Literal["bam"] = "bam"
    """Reads as BAM, CRAM or SAM; sample names stand in the header (@RG SM)."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the first bytes: BGZF with BAM's magic number, CRAM's, or a SAM's header."""
        del name
        text = text_head(head)
        return text.startswith(MAGIC) or sam_text.is_sam(text) or cram.is_cram(head)

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the name of the file that an index belongs to: `a.bam` for `a.bam.bai` and for `a.bai`."""
        for index, suffix in FILE_OF.items():
            if name.lower().endswith(index):
                stem = name[: -len(index)]
                return stem if stem.lower().endswith(cls.suffixes) else stem + suffix
        return name

    def inspect(self, file: OpenFile) -> Inspection:
        """Read header, blocks and records; stops at the first that breaks the format."""
        blocks = iter(file.blocks())
        first = next(blocks, b"")
        content = chain([first], blocks)
        if first.startswith(cram.MAGIC):
            return cram.inspect(content)
        return sam_text.inspect(content) if sam_text.is_sam(text_head(first)) else _inspect(content)

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say whether there is an index, and whether it can be that of the file."""
        main = [path for path in members if self.bears_suffix(path)]
        indexes = [path for path in members if self.is_companion(path)]
        if not main:
            return Inspection.of({"has_index": False}, warnings=["an index without the file that it indexes"])
        found = members[main[0]]
        if found.verdict == "invalid":
            return Inspection.of({"has_index": bool(indexes)})
        told = [
            f"the index {path[path.rindex('.') :].lower()} {problem}"
            for path in indexes
            for problem in alignment_index.complaints(files[path], found.facts, files[main[0]].size)
        ]
        return Inspection.of({"has_index": bool(indexes) and not told}, warnings=told)


def _inspect(content: Iterator[bytes]) -> Inspection:
    """Read a BAM."""
    blocks = bgzf.Blocks(content)
    reads = Alignments()
    try:
        reads.add(iter(blocks))
    except FormatError as error:
        return Inspection.refused(error, {"format": "BAM", **reads.facts()})
    told = reads.told()
    if not blocks.whole:
        told.append("the BGZF end marker is missing: the file may be cut off")
    facts = {"format": "BAM", **reads.facts(), "end_marker": blocks.whole}
    return Inspection.of(facts, reads.header.samples, told, identifying=reads.header.identifying())
