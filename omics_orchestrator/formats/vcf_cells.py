"""The columns of the samples (VCFv4.5 §1.6.2): FORMAT keys, genotypes, types and counts, in plain Python.

Each different text of a sample is judged once per FORMAT and number of alleles. Large files go through
vcf_kernel.py, which must answer alike.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_rules import (
    ABSENT,
    ALLELE,
    COLUMNS,
    COUNT,
    EMPTY,
    GENOTYPE,
    MANY,
    UNREADABLE,
)
from omics_orchestrator.formats.vcf_values import (
    ANY,
    GT,
    LAA,
    LOCAL_ALLELE,
    LOCAL_ALT,
    LOCAL_GENOTYPE,
    PER_ALLELE,
    PER_ALT,
    PER_COPY,
    PER_GENOTYPE,
    STRING,
    TYPES,
    UNDECLARED,
    Declared,
    faults,
    genotypes,
)

KEY = re.compile(rb"[A-Za-z_][0-9A-Za-z_.]*")
OLD_GENOTYPE = re.compile(rb"(?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*")
GENOTYPE_44 = re.compile(rb"[/|]?(?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*")
ALLELES = re.compile(rb"[0-9]+|\.")
LOCAL = re.compile(rb"L(?:ADF?|ADR|EC|GL|GP|PL|PP)")
MOST_KEYS = 4096  # of one FORMAT; the rest counts as one key
MOST_NAMES = 1000  # FORMAT keys that are named among the facts
REMEMBERED = 20_000  # texts of samples whose judgement is kept
LOCAL_NUMBERS = (LOCAL_ALT, LOCAL_ALLELE, LOCAL_GENOTYPE)


class Row(NamedTuple):
    """Where one record's samples stand in a text, its FORMAT and how many alleles ALT lists."""

    start: int
    end: int
    format: int
    alternates: int


class Judged(NamedTuple):
    """What is wrong with one sample's text (bits), whether it holds a genotype, and whether none was called."""

    bits: int
    genotype: bool
    missing: bool


@dataclass
class Formats:
    """The FORMAT columns met so far, by number; which rules each breaks by itself."""

    header: Header
    numbers: dict[bytes, int] = field(default_factory=dict)
    keys: list[tuple[Declared, ...]] = field(default_factory=list)
    broken: list[tuple[str, ...]] = field(default_factory=list)
    names: dict[bytes, None] = field(default_factory=dict)

    def number(self, text: bytes) -> int:
        """Return the number of a FORMAT column."""
        known = self.numbers.get(text)
        if known is None:
            known = self.numbers[text] = len(self.keys)
            names = [] if text == b"." else text.split(b":", MOST_KEYS)
            self.keys.append(tuple(self._declared(name) for name in names))
            self.broken.append(tuple(dict.fromkeys(self._faults(names))))
            if len(self.names) < MOST_NAMES:
                self.names |= dict.fromkeys(names)
        return known

    def forget(self) -> None:
        """Forget the columns met so far (a file may hold any number of them), but not the names of their keys."""
        self.numbers.clear()
        self.keys.clear()
        self.broken.clear()

    def _declared(self, name: bytes) -> Declared:
        known = self.header.formats.get(name, UNDECLARED)
        if name == b"GT":
            return Declared(GT, ANY)
        if name == b"LAA" and self.header.version >= (4, 5):
            return Declared(LAA, ANY)
        return known if known.kind != TYPES["Flag"] else UNDECLARED

    def _faults(self, names: list[bytes]) -> list[str]:
        broken = []
        if names == [b""]:
            return ["format_missing"]
        if not all(KEY.fullmatch(name) for name in names):
            broken.append("format_key")
        if len(set(names)) < len(names):
            broken.append("format_twice")
        undeclared = [name for name in names if name and name not in self.header.formats]
        if undeclared:
            broken.append("format_undeclared")
        if b"." in undeclared or any(map(UNREADABLE.search, undeclared)):
            broken.append("unreadable_name")
        if b"GT" in names[1:]:
            broken.append("genotype_first")
        if b"GT" in names and self.header.formats.get(b"GT", Declared(STRING, 1)).kind != STRING:
            broken.append("genotype_declared")
        if self.header.version >= (4, 5):
            laa = names.index(b"LAA") if b"LAA" in names else len(names)
            if any(LOCAL.fullmatch(name) for name in names[:laa]):
                broken.append("local_alleles")
        return broken


class PlainCells:
    """Checks the samples' columns record by record; counts genotypes and those without a call."""

    def __init__(self, formats: Formats, samples: int) -> None:
        self._formats = formats
        self._samples = samples
        self._genotype = GENOTYPE_44 if formats.header.version >= (4, 4) else OLD_GENOTYPE
        self._known: dict[tuple[int, int], dict[bytes, Judged]] = {}
        self._remembered = 0
        self.genotypes = 0
        self.missing = 0

    def check(self, text: bytes, rows: list[Row]) -> list[tuple[int, int]]:
        """Return (index of the row, bits of the rules) of each record that breaks some."""
        found = []
        for index, row in enumerate(rows):
            cells = text[row.start : row.end].split(b"\t")
            bits = self._record(cells, row) if len(cells) == self._samples else COLUMNS
            if bits:
                found.append((index, bits))
        return found

    def forget(self) -> None:
        """Forget the texts judged so far: FORMAT columns get new numbers."""
        self._known.clear()
        self._remembered = 0

    def _record(self, cells: list[bytes], row: Row) -> int:
        if self._remembered > REMEMBERED:
            self.forget()
        known = self._known.setdefault((row.format, row.alternates), {})
        bits = 0
        for cell, times in Counter(cells).items():
            judged = known.get(cell)
            if judged is None:
                judged = known[cell] = self._judge(cell, row)
                self._remembered += 1
            bits |= judged.bits
            self.genotypes += judged.genotype * times
            self.missing += judged.missing * times
        return bits

    def _judge(self, cell: bytes, row: Row) -> Judged:
        keys = self._formats.keys[row.format]
        if not keys:
            return Judged(0 if cell == b"." else MANY if cell else EMPTY, genotype=False, missing=False)
        values = cell.split(b":")
        bits = MANY if len(values) > len(keys) else 0
        ploidy, local, missing = -1, -1, False
        for (kind, number), value in zip(keys, values, strict=False):
            if kind == GT:
                fault, ploidy, missing = self._gt(value, row.alternates)
                bits |= fault
            elif kind == LAA:
                local = value.count(b",") + 1 if value not in (b"", b".") else 0
                bits |= faults(TYPES["Integer"], value) if value else 0
            elif value or number not in LOCAL_NUMBERS or local > 0:  # no allele of its own, no values
                bits |= faults(kind, value)
                if number != ANY and value not in (b"", b"."):
                    count = value.count(b",") + 1
                    bits |= (
                        0 if _fits(count, number, row.alternates, ploidy, local, missing=missing) else COUNT
                    )
        if any(kind == GT for kind, _ in keys[len(values) :]):
            bits |= ABSENT
        return Judged(bits, genotype=ploidy > 0, missing=missing)

    def _gt(self, value: bytes, alternates: int) -> tuple[int, int, bool]:
        """Return (bits, number of alleles, no allele called) of a genotype; -1 alleles = none can be read."""
        if not self._genotype.fullmatch(value):
            return GENOTYPE, -1, False
        named = ALLELES.findall(value)
        called = [one.lstrip(b"0") for one in named if one != b"."]
        over = any(len(one) > 9 or int(one or b"0") > alternates for one in called)
        return (ALLELE if over else 0), len(named), not called


def _fits(count: int, number: int, alternates: int, ploidy: int, local: int, *, missing: bool) -> bool:
    """Tell whether a list is as long as its Number says (§1.4.4); what cannot be told fits."""
    if number >= 0:
        return count == number
    if number in LOCAL_NUMBERS:
        if local < 0:
            return True
        alternates, number = local, number - LOCAL_ALT + PER_ALT
    if number == PER_ALT:
        return count == alternates
    if number == PER_ALLELE:
        return count == alternates + 1
    if number == PER_COPY:
        return ploidy < 0 or count == ploidy
    if number == PER_GENOTYPE:
        wanted = genotypes(alternates, 2 if ploidy < 0 else ploidy)
        return (
            wanted < 0 or count == wanted or (missing and ploidy == 1 and count == genotypes(alternates, 2))
        )
    return True
