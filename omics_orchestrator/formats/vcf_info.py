"""The INFO column (VCFv4.5 §1.6.1, 8): keys, types, counts.

Most records of a file have the same keys in the same order: such a layout is met again by one pattern that only a
flawless column fits; whatever does not fit is looked at key by key.
"""

from __future__ import annotations

import re
from collections import Counter

from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_rules import INFO, UNREADABLE, Tally
from omics_orchestrator.formats.vcf_values import (
    ANY,
    FLAG,
    FLOAT,
    INTEGER,
    PER_ALLELE,
    PER_ALT,
    PER_GENOTYPE,
    STRING,
    Declared,
    faults,
    miscounted,
)

KEY = re.compile(rb"[A-Za-z_][0-9A-Za-z_.]*|1000G")
MOST_ENTRIES = 10_000  # of one column that are looked at
OFTEN = 30  # times that a layout is met before a pattern is made of it: that takes a millisecond
LAYOUTS = 12  # patterns that are tried for a record
MOST_LAYOUTS = 300  # that are counted and made; a file with more has none in common
LONGEST = 500  # values of a key that a pattern may hold
ONE = {
    INTEGER: rb"(?:-?[0-9]{1,9}|\.)",
    FLOAT: rb"(?:-?(?:[0-9]*\.)?[0-9]+(?:[eE][-+]?[0-9]+)?|\.)",
    STRING: rb"[^;=,]+",
}


class InfoColumn:
    """Checks the INFO column of one record after the other."""

    def __init__(self, header: Header, tally: Tally) -> None:
        self._header = header
        self._tally = tally
        self._patterns: dict[int, list[re.Pattern[bytes]]] = {}
        self._met: Counter[tuple[int, tuple[bytes, ...]]] = Counter()

    def check(self, info: bytes, alternates: int, record: int) -> bytes | None:
        """Note what is wrong with a column; return the text of END, None = there is none."""
        if info == b".":
            return None
        for place, pattern in enumerate(self._patterns.get(alternates, ())):
            if found := pattern.fullmatch(info):
                if place:
                    patterns = self._patterns[alternates]
                    patterns.insert(0, patterns.pop(place))
                return found[1] if pattern.groups else None
        if not info:
            self._tally.note("zero_length", record)
            return None
        return self._by_key(info, alternates, record)

    def _by_key(self, info: bytes, alternates: int, record: int) -> bytes | None:
        keys: dict[bytes, bytes] = {}
        entries = info.split(b";", MOST_ENTRIES)
        for entry in entries:
            key, equals, value = entry.partition(b"=")
            keys[key] = value
            known = self._header.infos.get(key)
            if known is None:
                self._undeclared(key, value, record)
            elif known.kind == FLAG or not equals:
                if (known.kind == FLAG) == bool(equals):
                    self._tally.note("info_flag", record)
            elif known.number not in (1, ANY) or not value.isdigit() or len(value) > 9:
                self._value(known, value, alternates, record)
        if len(keys) < len(entries):
            self._tally.note("info_twice", record)
        elif len(keys) < 100:
            self._learn(alternates, tuple(keys))
        return keys.get(b"END")

    def _value(self, known: Declared, value: bytes, alternates: int, record: int) -> None:
        """Check type and count of one value."""
        bits = faults(known.kind, value) | (miscounted(known.number, value, alternates) if value else 0)
        if bits:
            self._tally.note_bits(bits, record, INFO)
        if b"=" in value:
            self._tally.note("info_equals", record)

    def _undeclared(self, key: bytes, value: bytes, record: int) -> None:
        if not key or (self._header.version >= (4, 3) and not KEY.fullmatch(key)):
            self._tally.note("info_key", record)
        if key:
            self._tally.note("info_undeclared", record)
        if UNREADABLE.search(key):
            self._tally.note("unreadable_name", record)
        if b"=" in value:
            self._tally.note("info_equals", record)

    def _learn(self, alternates: int, keys: tuple[bytes, ...]) -> None:
        """Make a pattern of a layout that is met often."""
        layout = (alternates, keys)
        if len(self._met) >= MOST_LAYOUTS and layout not in self._met:
            return
        self._met[layout] += 1
        if self._met[layout] == OFTEN and (pattern := self._pattern(alternates, keys)):
            patterns = self._patterns.setdefault(alternates, [])
            patterns.insert(0, pattern)
            del patterns[LAYOUTS:]

    def _pattern(self, alternates: int, keys: tuple[bytes, ...]) -> re.Pattern[bytes] | None:
        """Return what a flawless column of these keys fits; None = a key is not declared, or of another Type."""
        parts = []
        for key in keys:
            known = self._header.infos.get(key)
            if known is None or (known.kind not in ONE and known.kind != FLAG):
                return None
            if max(known.number, alternates) > LONGEST:
                return None
            value = b"" if known.kind == FLAG else b"=" + _values(known, alternates, capture=key == b"END")
            parts.append(re.escape(key) + value)
        return re.compile(b";".join(parts))


def _values(known: Declared, alternates: int, *, capture: bool) -> bytes:
    """Return the pattern of a key's values."""
    one = ONE[known.kind]
    number = {PER_ALT: alternates, PER_ALLELE: alternates + 1, PER_GENOTYPE: ANY}.get(
        known.number, known.number
    )
    if number < 0:
        values = one + b"(?:," + one + b")*"
    elif number:
        values = one + (b"(?:," + one + b"){%d}" % (number - 1) if number > 1 else b"")
    else:
        values = rb"\."
    return b"(" + values + b")" if capture else b"(?:" + values + rb"|\.)"
