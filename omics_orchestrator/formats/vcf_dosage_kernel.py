"""Genotypes of a VCF as numbers of alternate copies, at machine speed: for vcf_genotypes.py.

Needs numba, the extra `variants`; imported only where it is used. At the end of each row stands a byte below 32.
"""

from __future__ import annotations

from typing import Any

from numba import njit

TAB, COLON, DOT, SLASH, BAR, ZERO, NINE = 9, 58, 46, 47, 124, 48, 57
MOST_ALLELES = 127  # of one genotype
ODD = -1  # instead of a place: no genotype
jit = njit(cache=True, nogil=True)
inlined = njit(cache=True, nogil=True, inline="always")


@inlined
def _copies(text: Any, at: int) -> tuple[int, int, int, int]:
    """Return (place after the genotype, alleles, alleles called, of them alternate)."""
    alleles, called, copies = 0, 0, 0
    while True:
        if text[at] == DOT:
            at += 1
        else:
            begin, alternate = at, False
            while ZERO <= text[at] <= NINE:
                alternate = alternate or text[at] != ZERO
                at += 1
            if at == begin:
                at = ODD
                break
            called += 1
            copies += alternate
        alleles += 1
        if (text[at] != SLASH and text[at] != BAR) or alleles == MOST_ALLELES:
            break
        at += 1
    return at, alleles, called, copies


@inlined
def _is_pair(text: Any, at: int, end: int) -> bool:
    """Tell whether two called alleles of one digit, and no more, stand here."""
    return (
        at + 3 <= end
        and (text[at + 1] == SLASH or text[at + 1] == BAR)
        and ZERO <= text[at] <= NINE
        and ZERO <= text[at + 2] <= NINE
        and (text[at + 3] == TAB or text[at + 3] == COLON or at + 3 == end)
    )


@inlined
def _odd(text: Any, at: int, end: int, dosage: Any, ploidy: Any, column: int) -> int:
    """Write any other genotype; return a place in it or after it."""
    begin = at + (text[at] == SLASH or text[at] == BAR)
    place, alleles, called, copies = _copies(text, begin)
    if place != ODD and (place == end or text[place] == COLON or text[place] == TAB):
        at = place
        ploidy[column] = alleles
        if called == alleles:
            dosage[column] = copies
    return at


@jit
def dosages(text: Any, rows: Any, columns: Any, dosage: Any, ploidy: Any) -> bool:
    """Write alternate copies and alleles of each sample that is wanted; False: a record's columns do not add up.

    Args:
        text: uint8.
        rows: int64, one row a record: start, end.
        columns: int64, one a sample of the file: its column in `dosage` and `ploidy`; -1 = not wanted.
        dosage: int8 (records, wanted), -1 beforehand: copies of alternate alleles where all alleles are called.
        ploidy: int8 (records, wanted), 0 beforehand: alleles of the genotype, which stands first.
    """
    for index in range(rows.shape[0]):
        at, end = rows[index, 0], rows[index, 1]
        of_record, its_ploidy = dosage[index], ploidy[index]
        for column in columns:
            if at > end:
                return False
            if column >= 0:
                if _is_pair(text, at, end):
                    of_record[column] = (text[at] != ZERO) + (text[at + 2] != ZERO)
                    its_ploidy[column] = 2
                    at += 3
                else:
                    at = _odd(text, at, end, of_record, its_ploidy, column)
            while at < end and text[at] != TAB:
                at += 1
            at += 1
        if at != end + 1:
            return False
    return True
