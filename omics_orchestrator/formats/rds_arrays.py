"""Numbers and texts of a serialised R object, read from the stream; of large ones that are not kept, the range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from omics_orchestrator.formats.rds_stream import Stream

SMALL = 1024 * 1024  # bytes; an array up to this size is always kept
FIRST = 1024 * 1024  # elements allocated before any is read; more only as they come


@dataclass(frozen=True)
class Unkept:
    """An array of which only this is known.

    Attributes:
        size: elements.
        low: smallest, NaN left out; 0 where there is none.
        high: largest.
    """

    size: int
    low: float
    high: float

    def __len__(self) -> int:
        return self.size


def read_array(stream: Stream, stored: np.dtype[Any], length: int, *, keep: bool) -> Any:
    """Return the next `length` numbers in the machine's byte order, or their range where they are not kept.

    Memory grows with what has been read, never with what the file says that will come.
    """
    native = stored.newbyteorder("=")
    if length * stored.itemsize <= SMALL:
        return np.frombuffer(stream.read(length * stored.itemsize), stored).astype(native)
    values = np.empty(min(length, FIRST) if keep else 0, native)
    ranges: list[Unkept] = []
    done, rest = 0, b""
    for piece in stream.pieces(length * stored.itemsize):
        part = rest + piece if rest else piece
        whole = len(part) // stored.itemsize
        rest = part[whole * stored.itemsize :]
        numbers = np.frombuffer(part, stored, whole)
        if not keep:
            ranges.append(summary(numbers))
        else:
            if done + whole > len(values):
                values.resize(min(length, 2 * (done + whole)), refcheck=False)
            values[done : done + whole] = numbers
        done += whole
    return values if keep else _joined(ranges)


def summary(numbers: Any) -> Unkept:
    """Return size and range of an array of real numbers; of complex ones only the size is meant."""
    real = numbers.real
    if real.dtype.kind == "f":
        real = real[np.isfinite(real)]
    if not len(real):
        return Unkept(len(numbers), 0, 0)
    return Unkept(len(numbers), float(real.min()), float(real.max()))


def _joined(ranges: list[Unkept]) -> Unkept:
    some = [one for one in ranges if one.size]
    return Unkept(
        sum(one.size for one in some),
        min((one.low for one in some), default=0),
        max((one.high for one in some), default=0),
    )


def text_of(raw: bytes, flags: int, encoding: str | None) -> str:
    """Return a text as Python's; R marks what is UTF-8, Latin-1 or bytes, the rest is in the file's encoding."""
    if flags & 2:
        return raw.decode("ascii", "backslashreplace")
    if flags & 4:
        return raw.decode("latin-1")
    for name in ("utf-8", encoding or "latin-1"):
        try:
            return raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("latin-1")
