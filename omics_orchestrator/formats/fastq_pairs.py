"""Which FASTQ files belong together by their names, and whether their reads do.

What one file holds: fastq_reads.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.fastq_reads import read_on
from omics_orchestrator.formats.fastq_scan import LateScanner
from omics_orchestrator.formats.fastq_tally import Tally
from omics_orchestrator.formats.text import Lines

END = r"\.(fastq|fq)(\.b?gz)?"
MATE = re.compile(
    rf"(?P<before>.*[._-])((?P<mate>[12])(?P<after>(_\d{{3}})?{END})"  # a_1.fq
    rf"|(?P<r>[Rr])(?P<read>[12])(?P<rest>(_\d{{3}})?{END}|(?<=R[12])[._-].*)"  # a_R1_001.fastq.gz, a_R1_trimmed.fq
    rf"|(?P<i>[Ii])(?P<index>[12])(?P<tail>(_\d{{3}})?{END})"  # a_I1_001.fastq.gz: index reads
    rf"|R(?P<third>[34])(?P<run>_\d{{3}}{END}))"  # a_R3_001.fastq.gz: three reads of a fragment
)


def set_key(path: str) -> str:
    """Return the path with the mate left open: `a_R1_001.fastq`, `a_R2_001.fastq`, `a_I1_001.fastq` are one set."""
    found = _parts(path)
    if not found:
        return path
    letter = "" if found["mate"] else "r" if (found["r"] or found["i"]) in ("r", "i") else "R"
    after = found["after"] or found["rest"] or found["tail"] or found["run"]
    return f"{found['before']}{letter}?{after}"


@lru_cache(maxsize=4096)  # a portion of a registration: its names are asked for when grouped and when judged
def _parts(path: str) -> re.Match[str] | None:
    return MATE.fullmatch(path)


def mate_of(path: str) -> str:
    """Return which of its set a file is by its name: `R1`, `R2`, `I1`, …; empty = none."""
    found = _parts(path)
    if not found:
        return ""
    number = found["mate"] or found["read"] or found["third"]
    return f"R{number}" if number else f"I{found['index']}"


def judge(members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
    """Say whether all files of a set hold the same reads in the same order, by the reads' names."""
    read = {
        path: one.facts
        for path, one in members.items()
        if one.verdict != "invalid" and "names_digest" in one.facts
    }
    if len(read) < 2:
        return Inspection.of({})
    mates = {path: mate_of(path) for path in read}
    (first, facts), *others = sorted(read.items(), key=lambda one: (mates[one[0]][:1] == "I", mates[one[0]]))
    for path, other in others:
        if (other["reads"], other["names_digest"]) != (facts["reads"], facts["names_digest"]):
            problem = _disagreement(first, path, facts["reads"], other["reads"], files)
            if problem:
                return Inspection("invalid", {}, (), (problem,))
    told = [_mistaken(mates[path], one.get("mates")) for path, one in read.items()]
    return Inspection.of({"fragments": facts["reads"]}, warnings=[warning for warning in told if warning])


def _mistaken(name: str, mates: object) -> str:
    """Return a warning where all titles tell another mate than the name of the file; empty = they agree."""
    if name in ("R1", "R2") and mates in ([1], [2]) and mates != [int(name[1])]:
        return f"the file named {name} says that it holds read {mates[0]} of each fragment"
    return ""


def _disagreement(first: str, second: str, one: object, two: object, files: Mapping[str, OpenFile]) -> str:
    """Return how the reads of two files differ, for which both are read once more; empty = they do not."""
    names = mate_of(first) or "the first file", mate_of(second) or "the second file"
    counts = f"; {names[0]} holds {one} reads, {names[1]} {two}" if one != two else ""
    try:
        record = _first_difference(files[first], files[second])
    except FormatError as error:
        return f"a file that was read before can no longer be read: {error}"
    if record == 0:
        return ""
    return f"record {record}: the names of the reads differ between {names[0]} and {names[1]}{counts}"


def _first_difference(first: OpenFile, second: OpenFile) -> int:
    """Return the number of the first read whose names differ; 0 = none."""
    ways = {b".1.2", b"_1_2"}  # SRA: name.1 and name.2 may be the mates of one fragment
    for number, (one, two) in enumerate(zip_longest(_names(first), _names(second)), 1):
        if one == two:
            ways = set()
            continue
        if one is None or two is None:
            return number
        ways &= {one[-2:] + two[-2:]} if one[:-2] == two[:-2] else set()
        if not ways:
            return number
    return 0


def _names(file: OpenFile) -> Iterator[bytes]:
    """Yield the names of the reads."""
    kept = _Names()
    for _ in read_on(Lines(file.blocks()).text(), kept, LateScanner(file.size)):
        yield from kept.taken()


class _Names(Tally):
    """Keeps the names of the reads."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[bytes] = []

    def add_names(self, names: bytes) -> None:
        """Keep the names of the next reads."""
        self._kept += bytes(names).split(b"\n")[:-1]

    def taken(self) -> list[bytes]:
        """Hand out the names that were kept since last time."""
        kept, self._kept = self._kept, []
        return kept
