"""Values of INFO and of samples: their types and counts (VCFv4.5 §1.3, §1.4.2, §1.4.4), one value at a time.

The same for millions of samples' values at one go: vcf_kernel.py; both must answer alike.
"""

from __future__ import annotations

import re
from math import comb
from typing import NamedTuple

from omics_orchestrator.formats.vcf_rules import CHARACTER, CONTROL, COUNT, EMPTY, RANGE, SPELLING, TYPE

STRING, INTEGER, FLOAT, CHARACTER_TYPE, GT, LAA, FLAG = range(7)
TYPES = {"String": STRING, "Integer": INTEGER, "Float": FLOAT, "Character": CHARACTER_TYPE, "Flag": FLAG}
ANY, PER_ALT, PER_ALLELE, PER_GENOTYPE, LOCAL_ALT, LOCAL_ALLELE, LOCAL_GENOTYPE, PER_COPY = range(-1, -9, -1)
NUMBERS = {
    ".": ANY,
    "M": ANY,
    "A": PER_ALT,
    "R": PER_ALLELE,
    "G": PER_GENOTYPE,
    "LA": LOCAL_ALT,
    "LR": LOCAL_ALLELE,
    "LG": LOCAL_GENOTYPE,
    "P": PER_COPY,
}
SMALLEST, LARGEST = -(2**31) + 8, 2**31 - 1  # §1.3: the eight below cannot be stored in BCF
LARGEST_PLOIDY = 16  # beyond it, values per genotype are not counted
INTEGER_TEXT = re.compile(rb"[-+]?[0-9]+")
FLOAT_TEXT = re.compile(rb"[-+]?(?:[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|(?i:inf|infinity|nan))")
LOOSE_FLOAT = re.compile(rb"[-+]?[0-9]+\.(?:[eE][-+]?[0-9]+)?")
CONTROLS = bytes(range(32))


class Declared(NamedTuple):
    """Type and Number of a key, as codes; a Number of 0 or more is meant as it stands."""

    kind: int
    number: int


UNDECLARED = Declared(STRING, ANY)


def declared(kind: str, number: str) -> Declared:
    """Return the codes of a declaration; what the specification does not know counts as text of any number."""
    count = int(number) if number.isdecimal() and len(number) < 10 else NUMBERS.get(number, ANY)
    return Declared(TYPES.get(kind, STRING), count)


def faults(kind: int, value: bytes) -> int:
    """Return what is wrong with a value (a list, maybe), as bits; its count is another matter."""
    if value == b".":
        return 0
    if not value:
        return EMPTY
    if kind == INTEGER:
        return _integers(value)
    if kind == FLOAT:
        return _floats(value)
    if kind == CHARACTER_TYPE:
        return 0 if all(_one_letter(part) for part in value.split(b",")) else CHARACTER
    return CONTROL if len(value.translate(None, CONTROLS)) < len(value) else 0


def _integers(value: bytes) -> int:
    bits = 0
    for part in value.split(b","):
        if part == b".":
            continue
        if not INTEGER_TEXT.fullmatch(part):
            return bits | TYPE
        digits = part.lstrip(b"+-").lstrip(b"0")
        if (
            len(digits) > 10
            or not SMALLEST <= int(part[:1].strip(b"+0123456789") + (digits or b"0")) <= LARGEST
        ):
            bits |= RANGE
    return bits


def _floats(value: bytes) -> int:
    bits = 0
    for part in value.split(b","):
        if part == b"." or FLOAT_TEXT.fullmatch(part):
            continue
        if not LOOSE_FLOAT.fullmatch(part):
            return bits | TYPE
        bits |= SPELLING
    return bits


def _one_letter(part: bytes) -> bool:
    """Tell whether it is one character of UTF-8, or one in percent encoding (§1.2)."""
    letters = sum(byte & 0xC0 != 0x80 for byte in part)
    return letters == 1 or (letters == 3 and part[:1] == b"%")


def genotypes(alternates: int, ploidy: int) -> int:
    """Return how many genotypes there are (§1.6.2, genotype ordering); -1 = not counted."""
    return comb(alternates + ploidy, ploidy) if 0 < ploidy <= LARGEST_PLOIDY else -1


def miscounted(number: int, value: bytes, alternates: int) -> int:
    """Return COUNT where an INFO value is not as long as its Number says.

    How many genotypes a site has (Number=G) is not defined without a ploidy: any length will do.
    """
    if value == b"." or number in (ANY, PER_GENOTYPE):
        return 0
    expected = {PER_ALT: alternates, PER_ALLELE: alternates + 1}.get(number, number)
    return COUNT if expected >= 0 and value.count(b",") + 1 != expected else 0
