"""Walks BAM records in one buffer, compiled by numba: structure and counts (SAM specification 1.6, section 4.2).

Import it only inside functions: numba is heavy, and without it the same code runs slowly. In words: bam_records.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omics_orchestrator.formats.compiled import compiled

whole: Any = np.int64  # without a type for mypy: compiled, these are plain numbers

# What is counted: entries of `state`.
(RECORDS, PRIMARY, MAPPED, UNMAPPED, SECONDARY, SUPPLEMENTARY, DUPLICATES, FAILED, PAIRED, PROPER, BASES) = (
    range(11)
)
(UNPLACED, LAST_REFERENCE, LAST_POSITION, LAST_NAME) = range(11, 15)
# The first record (from 1) that is so; 0 = none.
(DISORDER, NATURAL_DISORDER, LETTER_DISORDER, BEYOND, QUALITY, NAMED, LONE, GROUP, CIGAR_OF_UNMAPPED) = range(
    15, 24
)
PROBLEM = 24  # what is wrong with the record after the last one that was counted
SIZE = 25

# What may be wrong with it.
(FINE, BAD_SIZE, BAD_LENGTHS, BAD_REFERENCE, BAD_POSITION, BAD_NAME, BAD_CIGAR, BAD_LENGTH, BAD_TAGS) = range(
    9
)

CORE = 32  # bytes of a record before the read's name
LARGEST = 1 << 28  # bytes of one record; a longer one is no read
CONSUMES_READ, CONSUMES_REFERENCE = 0b110010011, 0b110001101  # bits by operation: MIDNSHP=X
PRIME = (1 << 31) - 1
MISSING, NUL, DIGIT_0, DIGIT_9 = 255, 0, 48, 57
UNMAPPED_FLAG, FAILED_FLAG, DUPLICATE_FLAG, SUPPLEMENTARY_FLAG, SECONDARY_FLAG = 4, 512, 1024, 2048, 256


@compiled
def unsigned(raw: Any, at: int, size: int) -> int:
    """Return the little-endian number of `size` bytes at `at`."""
    value: int = whole(0)
    for place in range(size):
        value += whole(raw[at + place]) << (8 * place)
    return value


@compiled
def signed(raw: Any, at: int) -> int:
    """Return the little-endian number of 4 bytes with a sign at `at`."""
    value = unsigned(raw, at, 4)
    return value - (1 << 32) if value >= (1 << 31) else value


@compiled
def digest(raw: Any, begin: int, end: int) -> int:
    """Return a number of 31 bits for some bytes (polynomial, modulo a Mersenne prime)."""
    value = 1
    for at in range(begin, end):
        value = (value * 257 + whole(raw[at])) % PRIME
    return value


@compiled
def _compare(one: Any, one_end: int, other: Any, begin: int, end: int) -> int:
    """Compare two names as letters: < 0, 0 or > 0."""
    for at in range(min(one_end, end - begin)):
        difference: int = whole(one[at]) - whole(other[begin + at])
        if difference != 0:
            return difference
    return one_end - (end - begin)


@compiled
def _number(raw: Any, at: int, end: int) -> tuple[int, int]:
    """Return the number that stands at `at` (of a very long one a remainder) and where it ends."""
    value = 0
    while at < end and DIGIT_0 <= raw[at] <= DIGIT_9:
        value = min(value * 10 + whole(raw[at]) - DIGIT_0, 1 << 55)
        at += 1
    return value, at


@compiled
def _compare_natural(one: Any, one_end: int, other: Any, begin: int, end: int) -> int:
    """Compare two names, runs of digits as numbers (`queryname:natural`)."""
    left, right = 0, begin
    while left < one_end and right < end:
        if DIGIT_0 <= one[left] <= DIGIT_9 and DIGIT_0 <= other[right] <= DIGIT_9:
            first, left = _number(one, left, one_end)
            second, right = _number(other, right, end)
            if first != second:
                return first - second
            continue
        if one[left] != other[right]:
            return int(whole(one[left]) - whole(other[right]))
        left += 1
        right += 1
    return (one_end - left) - (end - right)


@compiled
def _note(state: Any, what: int) -> None:
    if state[what] == 0:
        state[what] = state[RECORDS] + 1


@compiled
def _cigar(raw: Any, begin: int, end: int) -> tuple[int, int]:
    """Return how many bases of the read and of the reference the operations take; -1 = an unknown operation."""
    read = reference = 0
    for at in range(begin, end, 4):
        operation = whole(raw[at]) & 15
        length = unsigned(raw, at, 4) >> 4
        if operation > 8:
            return -1, 0
        read += length * ((CONSUMES_READ >> operation) & 1)
        reference += length * ((CONSUMES_REFERENCE >> operation) & 1)
    return read, reference


@compiled
def _width(kind: int) -> int:
    """Return the bytes of one value of a tag of this type; 0 = not of a fixed width."""
    if kind in (65, 99, 67):  # A c C
        return 1
    if kind in (115, 83):  # s S
        return 2
    return 4 if kind in (105, 73, 102) else 0  # i I f


@compiled
def _tag_end(raw: Any, at: int, end: int) -> int:
    """Return where the value of the tag at `at` ends; -1 = it is broken or runs beyond the record."""
    kind = whole(raw[at + 2])
    width = _width(kind)
    at += 3
    if width:
        return at + width if at + width <= end else -1
    if kind in (90, 72):  # Z H: up to a NUL
        while at < end and raw[at] != NUL:
            at += 1
        return at + 1 if at < end else -1
    if kind != 66 or at + 5 > end:  # B: an array
        return -1
    width = _width(whole(raw[at]))
    stop = at + 5 + unsigned(raw, at + 1, 4) * width
    return stop if width and raw[at] != 65 and stop <= end else -1


@compiled
def _tags(raw: Any, at: int, end: int, state: Any, groups: Any) -> int:
    while at < end:
        stop = _tag_end(raw, at, end) if at + 4 <= end else -1
        if stop < 0:
            return BAD_TAGS
        if groups.size and raw[at] == 82 and raw[at + 1] == 71 and raw[at + 2] == 90:  # RG:Z
            value = digest(raw, at + 3, stop - 1)
            place = np.searchsorted(groups, value)
            if place == groups.size or groups[place] != value:
                _note(state, GROUP)
        at = stop
    return FINE


@compiled
def _letters(raw: Any, name: int, name_end: int, quality: int, quality_end: int, state: Any) -> None:
    """Note a read's name, or a quality, outside what may stand there."""
    for at in range(name, name_end):
        if raw[at] < 33 or raw[at] > 126 or raw[at] == 64:
            _note(state, NAMED)
            break
    if quality < quality_end and raw[quality] != MISSING:
        highest = 0
        for at in range(quality, quality_end):
            highest = max(highest, whole(raw[at]))
        if highest > 93:
            _note(state, QUALITY)


@compiled
def _order(raw: Any, name: int, name_end: int, place: int, position: int, state: Any, last: Any) -> None:
    """Note what is out of order, by position and by name."""
    if place < state[LAST_REFERENCE] or (place == state[LAST_REFERENCE] and position < state[LAST_POSITION]):
        _note(state, DISORDER)
    state[LAST_REFERENCE], state[LAST_POSITION] = place, position
    if state[NATURAL_DISORDER] and state[LETTER_DISORDER]:
        return
    if _compare(last, state[LAST_NAME], raw, name, name_end) > 0:
        _note(state, LETTER_DISORDER)
    if _compare_natural(last, state[LAST_NAME], raw, name, name_end) > 0:
        _note(state, NATURAL_DISORDER)
    last[: name_end - name] = raw[name:name_end]
    state[LAST_NAME] = name_end - name


@compiled
def _count(flag: int, bases: int, state: Any) -> None:
    state[SECONDARY] += (flag & SECONDARY_FLAG) != 0
    state[SUPPLEMENTARY] += (flag & SUPPLEMENTARY_FLAG) != 0
    state[UNMAPPED] += (flag & UNMAPPED_FLAG) != 0
    state[MAPPED] += (flag & UNMAPPED_FLAG) == 0
    state[DUPLICATES] += (flag & DUPLICATE_FLAG) != 0
    state[FAILED] += (flag & FAILED_FLAG) != 0
    if (flag & (SECONDARY_FLAG | SUPPLEMENTARY_FLAG)) == 0:
        state[PRIMARY] += 1
        state[BASES] += bases
        state[PAIRED] += flag & 1
        state[PROPER] += (flag & 3) == 3


@compiled
def _damage(raw: Any, at: int, end: int, references: int) -> int:
    """Return what is wrong with the fields of fixed size, or with the room that they ask for."""
    bases, cigar = signed(raw, at + 16), at + CORE + whole(raw[at + 8])
    quality = cigar + 4 * unsigned(raw, at + 12, 2) + (bases + 1) // 2
    if bases < 0 or quality + bases > end:
        return BAD_LENGTHS
    if not (-1 <= signed(raw, at) < references and -1 <= signed(raw, at + 20) < references):
        return BAD_REFERENCE
    if signed(raw, at + 4) < -1 or signed(raw, at + 24) < -1:
        return BAD_POSITION
    return FINE if raw[at + 8] > 1 and raw[cigar - 1] == NUL else BAD_NAME


@compiled
def _place(raw: Any, at: int, span: int, state: Any, lengths: Any, placed: Any) -> None:
    """Count where a read lies; note one that lies nowhere, or beyond its reference."""
    reference, mapped = signed(raw, at), (unsigned(raw, at + 14, 2) & UNMAPPED_FLAG) == 0
    if reference < 0:
        state[UNPLACED] += 1
        if mapped:
            _note(state, LONE)
        return
    placed[reference] += mapped
    if signed(raw, at + 4) + (max(span, 1) if mapped else 1) > lengths[reference]:
        _note(state, BEYOND)


@compiled
def _record(
    raw: Any, at: int, end: int, state: Any, lengths: Any, placed: Any, groups: Any, last: Any
) -> int:
    """Check and count the record from `at` to `end`; returns what is wrong with it."""
    problem = _damage(raw, at, end, lengths.size)
    if problem != FINE:
        return problem
    name, flag, bases = at + CORE, unsigned(raw, at + 14, 2), signed(raw, at + 16)
    cigar = name + whole(raw[at + 8])
    sequence = cigar + 4 * unsigned(raw, at + 12, 2)
    quality = sequence + (bases + 1) // 2
    read, span = _cigar(raw, cigar, sequence)
    if read < 0:
        return BAD_CIGAR
    if sequence > cigar and bases and read != bases:
        if (flag & UNMAPPED_FLAG) == 0:
            return BAD_LENGTH
        _note(state, CIGAR_OF_UNMAPPED)
    problem = _tags(raw, quality + bases, end, state, groups)
    if problem != FINE:
        return problem
    _letters(raw, name, cigar - 1, quality, quality + bases, state)
    reference = signed(raw, at)
    _order(
        raw, name, cigar - 1, reference if reference >= 0 else lengths.size, signed(raw, at + 4), state, last
    )
    _count(flag, bases, state)
    _place(raw, at, span, state, lengths, placed)
    return FINE


@compiled
def walk(raw: Any, state: Any, lengths: Any, placed: Any, groups: Any, last: Any) -> int:
    """Check and count the records that lie whole in `raw`; returns where the first that does not begins.

    Args:
        raw: bytes, uint8; a record begins at 0.
        state: int64[SIZE], carried from buffer to buffer; `state[PROBLEM]` says why the walk ended early.
        lengths: of the references, in bases.
        placed: int64 per reference; mapped records are added.
        groups: sorted digests of the ids of the read groups; empty = not looked at.
        last: uint8[256], the name of the record before.
    """
    at = 0
    while at + 4 <= raw.size:
        size = signed(raw, at)
        if size < CORE or size > LARGEST:
            state[PROBLEM] = BAD_SIZE
            break
        if at + 4 + size > raw.size:
            break
        problem = _record(raw, at + 4, at + 4 + size, state, lengths, placed, groups, last)
        if problem != FINE:
            state[PROBLEM] = problem
            break
        state[RECORDS] += 1
        at += 4 + size
    return at
