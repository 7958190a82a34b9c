"""Checks many small FASTQ texts at one go, as columns of one NumPy buffer.

Vouches only for flawless texts in plain letters; whatever else there is to say about a file says fastq.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

LF, PLUS, AT = b"\n+@"


class Counts(NamedTuple):
    """What was counted in one file; quality characters as ASCII codes."""

    reads: int
    bases: int
    shortest: int
    longest: int
    quality_lowest: int
    quality_highest: int


def flawless(texts: Sequence[bytes]) -> list[Counts | None]:
    """Return the counts of each text; None = not plainly flawless, to be looked at read by read.

    Flawless: whole reads of four lines that end in LF, `@`, a bare `+`, as many qualities (`!` to `~`) as
    bases, at least one of each, all of them A, C, G, T or N.
    """
    import numpy as np

    if not texts:
        return []
    whole = b"".join(texts)
    codes = np.frombuffer(whole, np.uint8)
    ends = np.flatnonzero(codes == LF)
    stops = np.cumsum([len(text) for text in texts])
    lines = np.searchsorted(ends, stops)  # lines up to the end of each text
    counts = np.diff(lines, prepend=0)
    fit = all(counts) and not np.any(counts & 3) and np.array_equal(ends[lines - 1] + 1, stops)
    if not fit or b"\r" in whole:
        return [None] if len(texts) == 1 else [one for text in texts for one in flawless([text])]
    starts = np.concatenate(([0], ends[:-1] + 1))
    reads = _Reads(codes, starts.reshape(-1, 4), ends.reshape(-1, 4))
    first = (lines - counts) >> 2
    good = np.logical_and.reduceat(reads.good, first)
    columns = (
        counts >> 2,
        np.add.reduceat(reads.lengths, first),
        np.minimum.reduceat(reads.lengths, first),
        np.maximum.reduceat(reads.lengths, first),
        np.minimum.reduceat(reads.lowest, first),
        np.maximum.reduceat(reads.highest, first),
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Counts(*row) if one else None for one, row in zip(good.tolist(), rows, strict=True)]


class _Reads:
    """One entry per read: length, lowest and highest quality, whether it is good."""

    def __init__(self, codes: Any, starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> None:
        import numpy as np

        lengths = ends - starts
        self.lengths = lengths[:, 1]
        bases, qualities = _spans(starts, ends, 1), _spans(starts, ends, 3)
        self.lowest = np.minimum.reduceat(codes, qualities)[::2]
        self.highest = np.maximum.reduceat(codes, qualities)[::2]
        letters = codes == ord("A")
        for letter in b"CGTN":
            letters |= codes == letter
        self.good = (
            (codes[starts[:, 0]] == AT)
            & (codes[starts[:, 2]] == PLUS)
            & (lengths[:, 2] == 1)
            & (self.lengths == lengths[:, 3])
            & (self.lowest >= ord("!"))  # an empty line shows its LF here
            & (self.highest <= ord("~"))
            & np.logical_and.reduceat(letters, bases)[::2]
        )


def _spans(starts: Any, ends: Any, line: int) -> Any:
    """Return start and end of one line of each read, in turn, as `reduceat` wants them."""
    import numpy as np

    return np.column_stack((starts[:, line], ends[:, line])).ravel()
