"""The compiled loops over FASTQ text (Numba): four-line reads are checked and counted, anything else stops them.

Imported by fastq_scan.py alone, since Numba takes most of a second to load. They never say what is wrong: the exact
parser (fastq_reads.py) does, from the read at which they stop. Numbers are laid out as fastq_tally.py says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from omics_orchestrator.formats.fastq_tally import (
    BASES,
    BINS,
    CLASSES,
    CODES,
    LONGEST,
    LOWEST_QUALITY,
    MATES,
    NO_BASE,
    QUALITIES,
    READS,
    SHIFT,
    SHORTEST,
)

LF, TAB, BLANK, PLUS, AT, SLASH, COLON = b"\n\t +@/:"
ONE, FOUR, YES, NO = b"14YN"
INCOMPLETE, ODD = -1, -2
ZERO: Any = np.int64(0)
ZERO8: Any = np.uint8(0)
RUN = 255  # letters counted in one byte each
CLASS_OF = np.array(CLASSES, np.int64)


def _compiled(function: Callable[..., Any]) -> Any:
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # nowhere to keep what was compiled
        return njit(function, nogil=True)


@_compiled
def _casava(text: Any, at: int) -> bool:
    """Tell whether a blank and `1:N:` follow, the mate after Casava 1.8."""
    return bool(
        (text[at] == BLANK or text[at] == TAB)
        and ONE <= text[at + 1] <= FOUR
        and text[at + 2] == COLON
        and (text[at + 3] == YES or text[at + 3] == NO)
        and text[at + 4] == COLON
    )


@_compiled
def _title(text: Any, at: int, stop: int, names: Any, filled: int) -> tuple[int, int, int]:
    """Copy the name behind `names[filled]`; return where the title ends (or why not), `filled`, the mate."""
    begin, mate = filled, 0
    while at < stop and text[at] > BLANK:
        names[filled] = text[at]
        filled += 1
        at += 1
    if filled - begin >= 2 and names[filled - 2] == SLASH and ONE <= names[filled - 1] <= FOUR:
        mate = names[filled - 1] - ONE + 1
        filled -= 2
    if at + 4 < stop and _casava(text, at):
        mate = text[at + 1] - ONE + 1
    while at < stop and text[at] != LF:
        if text[at] < BLANK and text[at] != TAB:
            return ODD, begin, 0
        at += 1
    return (at, filled, mate) if at < stop else (INCOMPLETE, begin, 0)


@_compiled
def _common_bases(text: Any, at: int, end: int, found: Any) -> bool:
    """Count A, C, G, T and N in capitals; False = something else is among them."""
    a, c, g, t, n, begin = ZERO, ZERO, ZERO, ZERO, ZERO, at
    while at < end:
        run = min(end - at, RUN)
        first = np.uint64(at)
        a8 = c8 = g8 = t8 = n8 = ZERO8
        for i in range(np.uint64(run)):
            letter = text[first + i]
            a8 = np.uint8(a8 + np.uint8(letter == 65))
            c8 = np.uint8(c8 + np.uint8(letter == 67))
            g8 = np.uint8(g8 + np.uint8(letter == 71))
            t8 = np.uint8(t8 + np.uint8(letter == 84))
            n8 = np.uint8(n8 + np.uint8(letter == 78))
        a, c, g = a + np.int64(a8), c + np.int64(c8), g + np.int64(g8)
        t, n, at = t + np.int64(t8), n + np.int64(n8), at + run
    found[0], found[1], found[2], found[3], found[4], found[5] = a, c, g, t, n, 0
    return bool(a + c + g + t + n == end - begin)


@_compiled
def _sequence(text: Any, at: int, stop: int, guess: int, found: Any) -> int:
    """Count the bases of a line that is as long as the one before, or not; return where it ends, or why not."""
    end = at + guess
    if end < stop and text[end] == LF and _common_bases(text, at, end, found):
        return end
    end = at
    while end < stop and text[end] != LF:
        end += 1
    if end == stop:
        return INCOMPLETE
    if not _common_bases(text, at, end, found):
        found[:] = 0
        for i in range(at, end):
            kind = CLASS_OF[text[i]]
            if kind == NO_BASE:
                return ODD
            found[kind] += 1
    return end


@_compiled
def _plus(text: Any, title: int, length: int, at: int, stop: int) -> int:
    """Return where the third line ends, or why not."""
    if at + 1 >= stop:
        return INCOMPLETE
    if text[at] != PLUS:
        return ODD
    if text[at + 1] == LF:
        return at + 1
    if at + 1 + length >= stop:
        return INCOMPLETE
    for i in range(length):
        if text[title + i] != text[at + 1 + i]:
            return ODD
    return at + 1 + length if text[at + 1 + length] == LF else ODD


@_compiled
def _in_range(text: Any, at: int, length: int) -> bool:
    """Tell whether all qualities are `!` to `~`."""
    first = np.uint64(at)
    outside = ZERO8
    for i in range(np.uint64(length)):
        above = np.uint8(text[first + i] - np.uint8(LOWEST_QUALITY))
        outside = np.uint8(outside | np.uint8(above >= np.uint8(QUALITIES)))
    return bool(outside == 0)


@_compiled
def _fold(profile: Any) -> None:
    """Make each bin of a profile twice as wide."""
    for row in range(2):
        for i in range(BINS // 2):
            profile[row, i] = profile[row, 2 * i] + profile[row, 2 * i + 1]
        profile[row, BINS // 2 :] = 0


@_compiled
def _add_values(text: Any, at: int, length: int, values: Any) -> None:
    """Count qualities by value, in four tables: the same value twice in a row need not wait for itself."""
    first, fours = np.uint64(at), np.uint64(length // 4 * 4)
    for i in range(np.uint64(0), fours, np.uint64(4)):
        place = first + i
        values[0, text[place]] += 1
        values[1, text[place + np.uint64(1)]] += 1
        values[2, text[place + np.uint64(2)]] += 1
        values[3, text[place + np.uint64(3)]] += 1
    for i in range(fours, np.uint64(length)):
        values[0, text[first + i]] += 1


@_compiled
def _add_positions(text: Any, at: int, length: int, shift: int, positions: Any) -> None:
    """Count qualities by position in bins of 2 to the power of `shift` bases."""
    first = np.uint64(at)
    if shift == 0:
        for i in range(np.uint64(length)):
            positions[0, i] += text[first + i]
            positions[1, i] += 1
        return
    for begin in range(0, length, 1 << shift):
        run, total = min(length - begin, 1 << shift), ZERO
        first = np.uint64(at + begin)
        for i in range(np.uint64(run)):
            total += np.int64(text[first + i])
        positions[0, begin >> shift] += total
        positions[1, begin >> shift] += run


@_compiled
def _read(
    text: Any, at: int, stop: int, guess: int, found: Any, names: Any, filled: int
) -> tuple[int, int, int, int]:
    """Check one read; return where its qualities begin (or why not), its length, `filled`, its mate."""
    if text[at] != AT:
        return ODD, 0, 0, 0
    title, filled, mate = _title(text, at + 1, stop, names, filled)
    sequence = title if title < 0 else _sequence(text, title + 1, stop, guess, found)
    plus = sequence if sequence < 0 else _plus(text, at + 1, title - at - 1, sequence + 1, stop)
    if plus < 0:
        return plus, 0, 0, 0
    length = sequence - title - 1
    end = plus + 1 + length
    if end >= stop:
        return INCOMPLETE, 0, 0, 0
    if text[end] != LF or not _in_range(text, plus + 1, length):
        return ODD, 0, 0, 0
    return plus + 1, length, filled, mate


@_compiled
def scan(
    text: Any, at: int, stop: int, numbers: Any, values: Any, profile: Any, names: Any, filled: int
) -> tuple[int, int, bool]:
    """Count the reads of `text[at:stop]` up to the first that is not whole, or not plain and good.

    `numbers`, `values` and `profile` are added to (see `Tally`); `names` takes the names of the reads, a line each,
    from `filled` on. Returned are where the first read begins that was not counted, `filled`, and whether that read
    is odd (else: not whole).
    """
    found = np.zeros(NO_BASE, np.int64)
    seen, positions = np.zeros((4, CODES), np.uint32), np.zeros((2, BINS), np.uint32)
    length, odd = 0, False
    while at < stop:
        quality, length, named, mate = _read(text, at, stop, length, found, names, filled)
        if quality < 0:
            odd = quality == ODD
            break
        while length > (BINS << numbers[SHIFT]):
            _fold(profile)
            _fold(positions)
            numbers[SHIFT] += 1
        _add_values(text, quality, length, seen)
        _add_positions(text, quality, length, numbers[SHIFT], positions)
        _add_read(numbers, length, mate, found)
        names[named] = LF
        filled, at = named + 1, quality + length + 1
    _add_all(seen, positions, values, profile)
    return at, filled, odd


@_compiled
def _add_all(seen: Any, positions: Any, values: Any, profile: Any) -> None:
    """Add what one call counted to what is kept in 64 bits."""
    for table in range(4):
        for code in range(CODES):
            values[code] += seen[table, code]
    for i in range(BINS):
        profile[0, i] += positions[0, i]
        profile[1, i] += positions[1, i]


@_compiled
def _add_read(numbers: Any, length: int, mate: int, found: Any) -> None:
    """Count one read."""
    if numbers[READS] == 0 or length < numbers[SHORTEST]:
        numbers[SHORTEST] = length
    numbers[LONGEST] = max(numbers[LONGEST], length)
    numbers[READS] += 1
    numbers[MATES + mate] += 1
    for kind in range(NO_BASE):
        numbers[BASES + kind] += found[kind]


@_compiled
def scan_many(
    text: Any, stops: Any, numbers: Any, values: Any, profiles: Any, names: Any, name_stops: Any, good: Any
) -> None:
    """Count the reads of many texts that lie behind each other, a row of `numbers` and so on each.

    `good` tells which texts were plain and good to their end; `name_stops` where each one's names end.
    """
    at, filled = 0, 0
    for one in range(len(stops)):
        end, filled, odd = scan(text, at, stops[one], numbers[one], values[one], profiles[one], names, filled)
        good[one] = end == stops[one] and not odd
        at, name_stops[one] = stops[one], filled
