"""What is counted in FASTQ files, and the facts that come of it; the layout is shared with fastq_kernel.py.

How reads are found in the text: fastq_reads.py (exact) and fastq_kernel.py (compiled).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import JsonValue

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

# Numba keeps compiled code until fastq_kernel.py itself changes: who changes a number here touches that file too.
# places in `numbers`; BASES is followed by one number per kind of base, MATES by reads without and of mate 1 to 4
READS, SHORTEST, LONGEST, SHIFT, BASES, MATES, WIDTH = 0, 1, 2, 3, 4, 10, 15
KINDS: Final = ("A", "C", "G", "T", "N", "other")  # of bases; U counts as T, a dot as N
LETTERS: Final = (b"Aa", b"Cc", b"Gg", b"TtUu", b"Nn.", b"RYSWKMBDHVXryswkmbdhvx-*")
NO_BASE: Final = len(KINDS)
CLASSES: Final = [
    next((kind for kind, letters in enumerate(LETTERS) if code in letters), NO_BASE) for code in range(256)
]  # kind of base by ASCII code (IUPAC; lower case = masked)
CODES: Final = 256
BINS: Final = 256  # of the profile, each 2 to the power of `numbers[SHIFT]` bases wide
READS_PER_BIN: Final = 4  # fewer tell nothing
LOWEST_QUALITY, QUALITIES = ord("!"), 94  # `!` to `~`

TITLE = re.compile(
    rb"^@([^ \t\n]*)(?:[ \t]([1-4])(?=:[YN]:))?", re.MULTILINE
)  # Casava 1.8: `name 1:N:0:ACGT`


class Tally:
    """What was counted so far in one file.

    Attributes:
        numbers: see the constants above.
        values: how often each quality occurs, by ASCII code.
        profile: sum of the ASCII codes of the qualities, and how many, by position in the read.
        crlf: a line ended in CR LF; `wrapped`: a read has its sequence or quality on several lines; `blank`: empty
            lines follow the last read; `strange`: the first read that has a letter which stands for no base.
    """

    def __init__(self) -> None:
        import numpy as np

        self.numbers: Numbers = np.zeros(WIDTH, np.int64)
        self.values: Numbers = np.zeros(CODES, np.int64)
        self.profile: Numbers = np.zeros((2, BINS), np.int64)
        self.names = 0
        self.crlf = self.wrapped = self.blank = False
        self.strange = 0

    @property
    def reads(self) -> int:
        """How many reads were counted."""
        return int(self.numbers[READS])

    def add_names(self, names: bytes) -> None:
        """Take the names of the next reads, each ended by a line feed, into the digest."""
        self.names = zlib.crc32(names, self.names)

    def add(self, titles: Sequence[bytes], sequences: Sequence[bytes], qualities: Sequence[bytes]) -> None:
        """Count reads that were checked."""
        if not titles:
            return
        lengths = list(map(len, sequences))
        numbers, shortest = self.numbers, min(lengths)
        numbers[SHORTEST] = min(shortest, int(numbers[SHORTEST])) if numbers[READS] else shortest
        numbers[LONGEST] = max(int(numbers[LONGEST]), *lengths)
        numbers[READS] += len(titles)
        self._add_titles(titles)
        self._add_bases(b"".join(sequences))
        self._add_qualities(b"".join(qualities), lengths)

    def _add_titles(self, titles: Sequence[bytes]) -> None:
        joined = b"\n".join(titles)
        found = TITLE.findall(joined)
        if b"/" in joined:
            found = [_without_mate(*one) for one in found]
        for _, mate in found:
            self.numbers[MATES + int(mate or 0)] += 1
        self.add_names(b"\n".join([name for name, _ in found]) + b"\n")

    def _add_bases(self, bases: bytes) -> None:
        import numpy as np

        letters = np.bincount(np.frombuffer(bases, np.uint8), minlength=CODES)
        kinds = np.bincount(_classes(), letters, NO_BASE + 1).astype(np.int64)
        self.numbers[BASES : BASES + NO_BASE] += kinds[:NO_BASE]
        self.numbers[BASES + NO_BASE - 1] += kinds[NO_BASE]

    def _add_qualities(self, quality: bytes, lengths: list[int]) -> None:
        import numpy as np

        codes = np.frombuffer(quality, np.uint8)
        self.values += np.bincount(codes, minlength=CODES)
        while self.numbers[LONGEST] > BINS << int(self.numbers[SHIFT]):
            self.profile[:, : BINS // 2] = self.profile.reshape(2, -1, 2).sum(-1)
            self.profile[:, BINS // 2 :] = 0
            self.numbers[SHIFT] += 1
        if lengths.count(lengths[0]) == len(lengths) and not self.numbers[SHIFT]:
            self.profile[0, : lengths[0]] += codes.reshape(len(lengths), -1).sum(0, dtype=np.int64)
            self.profile[1, : lengths[0]] += len(lengths)
            return
        ends = np.cumsum(lengths)
        places = (np.arange(len(codes)) - np.repeat(ends - lengths, lengths)) >> self.numbers[SHIFT]
        self.profile[0] += np.bincount(places, codes, BINS).astype(np.int64)
        self.profile[1] += np.bincount(places, minlength=BINS)

    def facts(self) -> dict[str, JsonValue]:
        """Return what was counted, as it is registered."""
        return facts_of_all([self])[0]


def facts_of_all(tallies: Sequence[Tally]) -> list[dict[str, JsonValue]]:
    """Return the facts of several files."""
    import numpy as np

    numbers, values = np.stack([one.numbers for one in tallies]), np.stack([one.values for one in tallies])
    profiles = np.stack([one.profile for one in tallies])
    found = facts_of(numbers, values, profiles, [one.names for one in tallies])
    return [
        {**facts, "wrapped": True} if one.wrapped else facts
        for one, facts in zip(tallies, found, strict=True)
    ]


@cache
def _classes() -> Numbers:
    import numpy as np

    return np.array(CLASSES)


def _without_mate(name: bytes, mate: bytes) -> tuple[bytes, bytes]:
    """Return a name without the `/1` at its end, and the mate that one of both tells."""
    if name[-2:-1] == b"/" and name[-1:] in b"1234":
        return name[:-2], mate or name[-1:]
    return name, mate


def facts_of(
    numbers: Numbers, values: Numbers, profiles: Numbers, names: Sequence[int]
) -> list[dict[str, JsonValue]]:
    """Return the facts of several files, a row of each array for a file.

    `base_counts` by kind; `gc`: share of G and C in all A, C, G and T; `n_share`: of N in all bases; `mates`: the
    numbers of mates that the titles tell; `names_digest`: CRC-32 of all names in order, a line feed behind each,
    without `/1` and what follows a blank. Qualities are Phred, or Solexa, scores: ASCII code less 33 or 64 by
    `quality_encoding` (unclear: 33). `quality_profile`: means by position, `quality_profile_width` bases at a time;
    at most 256, and not more than a quarter of the reads.
    """
    encodings = [encoding_of(*one) for one in _ranges(values)]
    shapes = _profiles(numbers, profiles, encodings)
    shares = _shares(numbers, values, encodings)
    bases = numbers[:, BASES : BASES + NO_BASE].sum(1).tolist()
    facts: list[dict[str, JsonValue]] = []
    for row, total, name, encoding, (gc, n_share, mean, q30), (profile, width) in zip(
        numbers.tolist(), bases, names, encodings, shares, shapes, strict=True
    ):
        found: dict[str, JsonValue] = {"reads": row[READS], "bases": total}
        if row[READS]:
            found["shortest"], found["longest"] = row[SHORTEST], row[LONGEST]
            found["names_digest"] = f"{name:08x}"
            found["mates"] = [mate for mate in (1, 2, 3, 4) if row[MATES + mate]]
        if total:
            found |= {
                "base_counts": dict(zip(KINDS, row[BASES:], strict=False)),
                "gc": gc,
                "n_share": n_share,
                "quality_mean": mean,
                "q30_share": q30,
                "quality_lowest": encoding.lowest,
                "quality_highest": encoding.highest,
                "quality_encoding": encoding.name,
                "quality_profile": profile,
                "quality_profile_width": width,
            }
        facts.append(found)
    return facts


class Encoding(NamedTuple):
    """How qualities are written: its name, the ASCII code of 0, the lowest and highest code that occur."""

    name: str
    offset: int
    lowest: int
    highest: int


@cache
def encoding_of(lowest: int, highest: int) -> Encoding:
    """Return how qualities are written, from the lowest and highest code that occur.

    `phred+33` (Sanger, Illumina 1.8 and later), `phred+64` (Illumina 1.3 to 1.7), `solexa+64` (Solexa, Illumina 1.0),
    `unclear` where all lie in the range that they share (Cock et al. 2010, Nucleic Acids Res 38:1767, table 1).
    """
    if lowest < 59:
        return Encoding("phred+33", 33, lowest, highest)
    if highest <= 75:
        return Encoding("unclear", 33, lowest, highest)
    return Encoding("phred+64" if lowest >= 64 else "solexa+64", 64, lowest, highest)


def _ranges(values: Numbers) -> list[tuple[int, int]]:
    """Return the lowest and highest code of each row."""
    occurs = values > 0
    lowest, below = occurs.argmax(1), occurs[:, ::-1].argmax(1)
    return list(zip(lowest.tolist(), (CODES - 1 - below).tolist(), strict=True))


def _shares(numbers: Numbers, values: Numbers, encodings: Sequence[Encoding]) -> list[list[float]]:
    """Return GC, N, mean quality and share of 30 and better, of each row."""
    import numpy as np

    kinds = numbers[:, BASES : BASES + NO_BASE]
    bases = np.maximum(kinds.sum(1), 1)
    offsets = np.array([one.offset for one in encodings])
    good = np.where(offsets == 33, values[:, 33 + 30 :].sum(1), values[:, 64 + 30 :].sum(1))
    columns = (
        np.round(kinds[:, 1:3].sum(1) / np.maximum(kinds[:, :4].sum(1), 1), 4),
        np.round(kinds[:, 4] / bases, 6),
        np.round(values @ np.arange(CODES) / bases - offsets, 2),
        np.round(good / bases, 4),
    )
    return np.column_stack(columns).tolist()  # type: ignore[no-any-return]


def _profiles(
    numbers: Numbers, profiles: Numbers, encodings: Sequence[Encoding]
) -> list[tuple[list[JsonValue], int]]:
    """Return mean quality by position, and bases per mean, of each row."""
    import numpy as np

    offsets = np.array([[one.offset] for one in encodings])
    folded: dict[int, list[list[JsonValue]]] = {}
    found: list[tuple[list[JsonValue], int]] = []
    highest = max(1, int((-(-numbers[:, LONGEST] >> numbers[:, SHIFT])).max()))  # bins in use
    for place, (reads, _, longest, shift) in enumerate(numbers[:, : SHIFT + 1].tolist()):
        more = _folds(longest, shift, min(BINS, max(1, reads // READS_PER_BIN)))
        if more not in folded:
            used = profiles[:, :, : -(-highest >> more) << more]
            sums, counts = np.moveaxis(used.reshape(len(used), 2, -1, 1 << more).sum(-1), 1, 0)
            folded[more] = np.round(sums / np.maximum(counts, 1) - offsets, 1).tolist()
        width = 1 << (shift + more)
        found.append((folded[more][place][: -(-longest // width)], width))
    return found


@lru_cache(maxsize=1024)
def _folds(longest: int, shift: int, most: int) -> int:
    """Return how often the bins of a profile are made twice as wide until there are at most `most`."""
    more = 0
    while -(-longest >> (shift + more)) > most:
        more += 1
    return more
