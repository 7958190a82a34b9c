"""Alleles of one record: what REF and ALT may be (VCFv4.5 §1.6.1, §5.4), and which kind of variant they make."""

from __future__ import annotations

import re
from typing import NamedTuple

BASES = re.compile(rb"[ACGTNacgtn]+")
AMBIGUOUS = re.compile(rb"[ACGTNRYSWKMBDHVacgtnryswkmbdhv]+")
SYMBOLIC = re.compile(rb"<([^\s,<>]+)>")
BREAKEND = re.compile(
    rb"(?:[ACGTNacgtn.]+|)([\[\]])(?:<[^\s,<>]+>|[^\s,<>\[\]]+):[0-9]+\1(?:[ACGTNacgtn.]+|)"
    rb"|\.[ACGTNacgtn]+|[ACGTNacgtn]+\."
)
MOST = 65_534  # alleles of ALT: BCF has 16 bits for REF and them (§6.3.1)
UNSPECIFIED = frozenset({b"<*>", b"<NON_REF>"})  # §5.5, and what GATK writes for it


class Alleles(NamedTuple):
    """What REF and ALT of a record say.

    Attributes:
        alternates: how many alleles ALT lists.
        broken: names of the rules that they break.
        kinds: kinds of variant, each once; `reference` alone where no variant is listed.
        symbols: names of the symbolic alleles that a header should declare.
        unspecified: `<*>` or `<NON_REF>` is among them, as in a gVCF.
    """

    alternates: int
    broken: tuple[str, ...]
    kinds: tuple[str, ...]
    symbols: tuple[bytes, ...]
    unspecified: bool


def alleles(ref: bytes, alt: bytes) -> Alleles:
    """Return what REF and ALT say."""
    broken = dict.fromkeys(_ref_faults(ref))
    if not alt:
        broken["zero_length"] = None
    if alt in (b".", b""):
        return Alleles(0, tuple(broken), ("reference",), (), unspecified=False)
    if alt.count(b",") >= MOST:
        return Alleles(alt.count(b",") + 1, ("alt_broken",), ("other",), (), unspecified=False)
    listed = alt.split(b",")
    kinds: dict[str, None] = {}
    for one in listed:
        kind, fault = _kind(ref, one)
        if kind:
            kinds[kind] = None
        if fault:
            broken[fault] = None
    folded = [one if one[:1] == b"<" else one.upper() for one in listed]
    if len({*folded, ref.upper()}) <= len(listed):
        broken["alt_repeats"] = None
    symbols = tuple(found[1] for one in listed if (found := SYMBOLIC.fullmatch(one)) and one != b"<*>")
    unspecified = not UNSPECIFIED.isdisjoint(listed)
    return Alleles(len(listed), tuple(broken), tuple(kinds) or ("reference",), symbols, unspecified)


def _ref_faults(ref: bytes) -> list[str]:
    if BASES.fullmatch(ref):
        return []
    if not ref:
        return ["zero_length"]
    return ["ref" if ref == b"." or AMBIGUOUS.fullmatch(ref) else "ref_broken"]


def _kind(ref: bytes, one: bytes) -> tuple[str, str]:
    """Return the kind of variant that an allele makes (empty = none) and the rule that it breaks (empty = none)."""
    if BASES.fullmatch(one):
        if len(one) != len(ref):
            return "indel", ""
        return ("snv" if len(one) == 1 else "mnv"), ""
    if one == b"*":
        return "", ""
    if SYMBOLIC.fullmatch(one):
        return ("" if one in UNSPECIFIED else "symbolic"), ""
    if BREAKEND.fullmatch(one):
        return ("breakend" if one.strip(b".ACGTNacgtn") or len(one) > 1 else ""), ""
    if one == b"." or AMBIGUOUS.fullmatch(one):
        return "other", "alt"
    return "other", "alt_broken"
