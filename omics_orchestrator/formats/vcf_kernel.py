"""Vouches for the samples' columns of records that are plainly flawless; the rest is for vcf_cells.py.

Needs numba, the extra `variants`; imported only where it is used. At the end of each row stands a byte below 32, so
that a run of digits or letters ends there by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from omics_orchestrator.formats import vcf_values as values

TAB, COLON, COMMA, DOT, SLASH, BAR, ZERO, NINE, PLUS, MINUS = 9, 58, 44, 46, 47, 124, 48, 57, 43, 45
MOST_DIGITS = 9  # of an integer that surely has 32 bits
ODD = -1  # a place: look at this record by other means
jit = njit(cache=True, nogil=True)
inlined = njit(cache=True, nogil=True, inline="always")


@inlined
def _genotype(text: Any, at: int, alternates: int) -> tuple[int, int, int]:
    """Return (place after it, alleles, alleles called)."""
    alleles, called = 0, 0
    while True:
        if text[at] == DOT:
            at += 1
        else:
            begin, allele = at, 0
            while ZERO <= text[at] <= NINE:
                allele = allele * 10 + text[at] - ZERO
                at += 1
            if at == begin or at - begin > MOST_DIGITS or allele > alternates:
                at = ODD
                break
            called += 1
        alleles += 1
        if text[at] != SLASH and text[at] != BAR:
            break
        at += 1
    return at, alleles, called


@inlined
def _integers(text: Any, at: int) -> tuple[int, int]:
    """Return (place after the list, its length)."""
    count = 1
    while True:
        if text[at] == DOT:
            at += 1
        else:
            if text[at] == MINUS:
                at += 1
            begin = at
            while ZERO <= text[at] <= NINE:
                at += 1
            if at == begin or at - begin > MOST_DIGITS:
                at = ODD
                break
        if text[at] != COMMA:
            break
        count += 1
        at += 1
    return at, count


@inlined
def _digits(text: Any, at: int) -> int:
    while ZERO <= text[at] <= NINE:
        at += 1
    return at


@inlined
def _floats(text: Any, at: int) -> tuple[int, int]:
    """Return (place after the list, its length)."""
    count = 1
    while True:
        if text[at] == MINUS:
            at += 1
        begin = at
        at = _digits(text, at)
        if text[at] == DOT:
            dot = at
            at = _digits(text, at + 1)
            if at == dot + 1 and not (
                dot == begin and text[begin - 1] != MINUS
            ):  # a lone dot is a missing one
                at = ODD
                break
        elif at == begin:
            at = ODD
            break
        if text[at] | 32 == 101 and text[at - 1] != DOT:
            at += 1
            at += text[at] == MINUS or text[at] == PLUS
            begin = at
            at = _digits(text, at)
            if at == begin:
                at = ODD
                break
        if text[at] != COMMA:
            break
        count += 1
        at += 1
    return at, count


@inlined
def _string(text: Any, at: int) -> tuple[int, int]:
    """Return (place after the list, its length)."""
    count = 1
    begin = at
    while text[at] >= 32 and text[at] != COLON:
        count += text[at] == COMMA
        at += 1
    if at == begin:
        at = ODD
    return at, count


@inlined
def _wanted(number: int, alternates: int, alleles: int, called: int) -> int:
    """Return how many values there must be; -1 = any number, -2 = cannot be told here."""
    if number >= values.ANY:
        return number
    if number == values.PER_ALT:
        return alternates
    if number == values.PER_ALLELE:
        return alternates + 1
    if alleles == 0 or alleles == 2:
        return (alternates + 1) * (alternates + 2) // 2
    return alternates + 1 if alleles == 1 and called == 1 else -2


@inlined
def _value(text: Any, at: int, kind: int) -> tuple[int, int]:
    """Return (place after the value, its length)."""
    if kind == values.INTEGER:
        at, count = _integers(text, at)
    elif kind == values.FLOAT:
        at, count = _floats(text, at)
    else:
        at, count = _string(text, at)
    return at, count


@inlined
def _cell(text: Any, at: int, form: Any, alternates: int) -> tuple[int, int, int]:
    """Return (place after a sample's text, alleles of its genotype, alleles called)."""
    kinds, numbers, key, last = form
    alleles, called = 0, 0
    if kinds[key] == values.GT:
        at, alleles, called = _genotype(text, at, alternates)
        key += 1
        if key < last and at != ODD and text[at] == COLON:
            at += 1
        else:
            last = key
    while key < last:
        begin = at
        at, count = _value(text, at, kinds[key])
        if at == ODD:
            break
        wanted = _wanted(numbers[key], alternates, alleles, called)
        if wanted != values.ANY and count != wanted and not (at == begin + 1 and text[begin] == DOT):
            at = ODD
            break
        key += 1
        if key == last or text[at] != COLON:
            break
        at += 1
    return at, alleles, called


@jit
def _pairs(text: Any, at: int, end: int, alternates: int) -> tuple[int, int]:
    """Return (place after the last sample, samples) where all are two alleles of one digit; else where that ends."""
    samples, highest = 0, ZERO + min(alternates, 9)
    while (
        at + 3 <= end
        and (text[at + 1] == SLASH or text[at + 1] == BAR)
        and ZERO <= text[at] <= highest
        and ZERO <= text[at + 2] <= highest
        and (text[at + 3] == TAB or at + 3 == end)
    ):
        at += 4
        samples += 1
    return at, samples


@jit
def _record(text: Any, at: int, end: int, form: Any, alternates: int, samples: int) -> tuple[int, int, int]:
    """Return (1 = flawless, genotypes, genotypes without a call) of one record."""
    alone = form[3] - form[2] == 1 and form[0][form[2]] == values.GT
    seen, genotypes, missing = 0, 0, 0
    while at <= end and seen < samples:
        if alone:
            at, pairs = _pairs(text, at, end, alternates)
            seen += pairs
            genotypes += pairs
            if at > end:
                break
        at, alleles, called = _cell(text, at, form, alternates)
        if at == ODD or (text[at] != TAB and at != end):
            return 0, 0, 0
        genotypes += alleles > 0
        missing += alleles > 0 and called == 0
        seen += 1
        at += 1
    return int(seen == samples and at == end + 1), genotypes, missing


@jit
def flawless(text: Any, rows: Any, starts: Any, kinds: Any, numbers: Any, samples: int, found: Any) -> Any:
    """Write 1 for each record whose samples' columns are plainly flawless into `found`, else 0.

    Args:
        text: uint8.
        rows: int64, one row a record: start, end, FORMAT (-1 = not for here), alleles of ALT.
        starts: int64, where the keys of each FORMAT begin in `kinds` and `numbers`; one more at the end.
        kinds: int64, types of the keys: GT (first only), Integer, Float, String.
        numbers: int64, Numbers of the keys: as they stand, ANY, A, R, G.
        samples: how many samples there must be.
        found: uint8, one a record.

    Returns:
        (genotypes, genotypes without a call) of the flawless records.
    """
    counted = np.zeros(2, np.int64)
    for index in range(rows.shape[0]):
        number = rows[index, 2]
        if number >= 0:
            form = (kinds, numbers, starts[number], starts[number + 1])
            at, end, alternates = rows[index, 0], rows[index, 1], rows[index, 3]
            good, genotypes, missing = _record(text, at, end, form, alternates, samples)
            found[index] = good
            if good:
                counted[0] += genotypes
                counted[1] += missing
    return counted
