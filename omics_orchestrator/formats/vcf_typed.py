"""Typed values of BCF (VCFv4.5 §6.3.3): what INFO and samples hold, against the header's declarations."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_rules import ALLELE, COUNT, GENOTYPE, TYPE
from omics_orchestrator.formats.vcf_values import (
    ANY,
    CHARACTER_TYPE,
    FLAG,
    FLOAT,
    INTEGER,
    PER_ALLELE,
    PER_ALT,
    PER_GENOTYPE,
    STRING,
    UNDECLARED,
    genotypes,
)

SIZES = {0: 0, 1: 1, 2: 2, 3: 4, 5: 4, 7: 1}  # bytes of one value; 4 and 6 are not used
INTEGERS = {1: "b", 2: "h", 3: "i"}
MISSING = {1: -(2**7), 2: -(2**15), 3: -(2**31)}  # the next one above marks the end of a shorter vector
FLOAT_END, FLOAT_MISSING = 0x7F800002, 0x7F800001
KINDS = {INTEGER: (1, 2, 3), FLOAT: (5,), STRING: (7,), CHARACTER_TYPE: (7,)}


class Typed(NamedTuple):
    """One typed value: its binary type, how many, the bytes."""

    kind: int
    length: int
    raw: bytes

    def values(self) -> list[Any]:
        """Return integers or text without what marks a missing value or the end; empty = missing."""
        if self.kind in INTEGERS:
            missing = MISSING[self.kind]
            numbers = struct.unpack(f"<{self.length}{INTEGERS[self.kind]}", self.raw)
            return [number for number in numbers if number > missing + 7]
        return [self.raw] if self.kind == 7 and self.raw.rstrip(b"\0") not in (b"", b".") else []

    def number(self) -> int:
        """Return how many values there are, missing ones included; 0 = missing as a whole."""
        if self.kind == 7:
            return self.raw.rstrip(b"\0").count(b",") + 1 if self.values() else 0
        if self.kind == 5:
            words = [word for word in struct.unpack(f"<{self.length}I", self.raw) if word != FLOAT_END]
            return 0 if words in ([], [FLOAT_MISSING]) else len(words)
        if self.kind not in INTEGERS:
            return 0
        missing = MISSING[self.kind]
        numbers = [
            one
            for one in struct.unpack(f"<{self.length}{INTEGERS[self.kind]}", self.raw)
            if one != missing + 1
        ]
        return 0 if numbers in ([], [missing]) else len(numbers)


class Cursor:
    """A place in the bytes of a record; beyond their end is an `IndexError` or `ValueError`."""

    def __init__(self, raw: bytes, at: int = 0) -> None:
        self._raw = raw
        self._at = at

    def descriptor(self) -> tuple[int, int]:
        """Return (binary type, how many values) of what follows."""
        byte = self._raw[self._at]
        self._at += 1
        kind, length = byte & 15, byte >> 4
        if kind not in SIZES:
            raise ValueError(kind)
        return kind, self.integer() if length == 15 else length

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        piece = self._raw[self._at : self._at + length]
        if length < 0 or len(piece) < length:
            raise IndexError(length)
        self._at += length
        return piece

    def typed(self) -> Typed:
        """Return the next typed value."""
        kind, length = self.descriptor()
        return Typed(kind, length, self.take(SIZES[kind] * length))

    def integers(self) -> list[int]:
        """Return the next typed value, which is of integers."""
        found = self.typed()
        if found.kind not in INTEGERS and found.length:
            raise ValueError(found.kind)
        return found.values()

    def integer(self) -> int:
        """Return the next typed value, which is one integer."""
        (number,) = self.integers()
        return int(number)

    def text(self) -> bytes:
        """Return the next typed value, which is text."""
        found = self.typed()
        if found.kind != 7 and found.length:
            raise ValueError(found.kind)
        return found.raw.rstrip(b"\0")


def info_faults(header: Header, key: bytes, typed: Typed, alternates: int) -> int:
    """Return what is wrong with a value of INFO, as bits."""
    kind, number = header.infos.get(key, UNDECLARED)
    if kind == FLAG or typed.kind == 0:
        return 0
    if typed.kind not in KINDS.get(kind, (7,)):
        return TYPE
    count = typed.number()
    wanted = {PER_ALT: alternates, PER_ALLELE: alternates + 1}.get(number, number)
    return COUNT if count and wanted >= 0 and count != wanted else 0


class TypedCells:
    """Checks the samples of a record, key by key; counts genotypes and those without a call."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._samples = len(header.samples)
        self._ploidies: Any = None
        self.genotypes = 0
        self.missing = 0

    def begin(self) -> None:
        """Begin with the samples of another record."""
        self._ploidies = None

    def check(self, key: bytes, cursor: Cursor, alternates: int) -> int:
        """Return what is wrong with the samples' values of one key, as bits."""
        import numpy as np

        kind, length = cursor.descriptor()
        raw = cursor.take(SIZES[kind] * length * self._samples)
        if key == b"GT":
            return self._genotypes(kind, length, raw, alternates)
        declared, number = self._header.formats.get(key, UNDECLARED)
        if kind and kind not in KINDS.get(declared, (7,)):
            return TYPE
        if kind not in (1, 2, 3, 5) or number == ANY or number < PER_GENOTYPE or not length:
            return 0
        words = np.frombuffer(raw, "<u4" if kind == 5 else f"<i{SIZES[kind]}").reshape(self._samples, length)
        end, missing = (FLOAT_END, FLOAT_MISSING) if kind == 5 else (MISSING[kind] + 1, MISSING[kind])
        if length == self._usual(number, alternates) and (length == 1 or not (words == end).any()):
            return 0
        counts = (words != end).sum(axis=1)
        void = (counts == 0) | ((counts == 1) & (words[:, 0] == missing))
        wanted = self._wanted(number, alternates)
        wrong = (counts != wanted) & ~void & (wanted >= 0)
        if number == PER_GENOTYPE:
            wrong &= counts != genotypes(alternates, 2)
        return COUNT if wrong.any() else 0

    @staticmethod
    def _usual(number: int, alternates: int) -> int:
        """Return how many values a diploid sample has."""
        if number == PER_GENOTYPE:
            return genotypes(alternates, 2)
        return {PER_ALT: alternates, PER_ALLELE: alternates + 1}.get(number, number)

    def _wanted(self, number: int, alternates: int) -> Any:
        """Return how many values each sample should have; -1 = any."""
        import numpy as np

        if number != PER_GENOTYPE or self._ploidies is None:
            return np.int64(self._usual(number, alternates))
        table = np.array([genotypes(alternates, ploidy) for ploidy in range(int(self._ploidies.max()) + 1)])
        return table[self._ploidies]

    def _genotypes(self, kind: int, length: int, raw: bytes, alternates: int) -> int:
        """Check genotypes: (allele + 1) << 1 | phased, 0 = missing (§6.3.3)."""
        import numpy as np

        if kind not in INTEGERS or not length:
            return GENOTYPE if self._samples else 0
        words = np.frombuffer(raw, f"<i{SIZES[kind]}").reshape(self._samples, length)
        lowest, highest = (int(words.min()), int(words.max())) if self._samples else (2, 2)
        if lowest >= 2 and highest >> 1 <= alternates + 1:  # all are called, and there
            self._ploidies = np.full(self._samples, length)
            self.genotypes += self._samples
            return 0
        if lowest >= 0 and highest >> 1 <= alternates + 1:  # none is shorter than others
            called = words[:, 0] > 1
            for place in range(1, length):
                called |= words[:, place] > 1
            self._ploidies = np.full(self._samples, length)
            self.genotypes += self._samples
            self.missing += self._samples - int(np.count_nonzero(called))
            return 0
        return self._odd_genotypes(words, kind, alternates)

    def _odd_genotypes(self, words: Any, kind: int, alternates: int) -> int:
        """Check genotypes of different ploidy, or with wrong alleles."""
        here = (words != MISSING[kind] + 1) & (words != MISSING[kind])
        codes = words >> 1
        self._ploidies = here.sum(axis=1)
        called = (here & (codes > 0)).any(axis=1)
        self.genotypes += int((self._ploidies > 0).sum())
        self.missing += int((~called & (self._ploidies > 0)).sum())
        if (here & (words < 0)).any():
            return GENOTYPE
        return ALLELE if (here & (codes > alternates + 1)).any() else 0


def genotype_counts(header: Header, cursor: Cursor, keys: int) -> tuple[Any, Any] | None:
    """Return (copies of alternate alleles, -1 = not all called; alleles) of each sample, int8; None = no GT."""
    import numpy as np

    samples = len(header.samples)
    for _ in range(keys):
        name = header.strings.get(cursor.integer())
        kind, length = cursor.descriptor()
        raw = cursor.take(SIZES[kind] * length * samples)
        if name == b"GT" and kind in INTEGERS and length:
            words = np.frombuffer(raw, f"<i{SIZES[kind]}").reshape(samples, length)
            here = (words != MISSING[kind] + 1) & (words != MISSING[kind])
            codes = words >> 1
            ploidy = here.sum(axis=1)
            whole = (ploidy > 0) & ~(here & (codes <= 0)).any(axis=1)
            copies = (here & (codes > 1)).sum(axis=1)
            return np.where(whole, copies, -1).astype(np.int8), np.minimum(ploidy, 127).astype(np.int8)
    return None
