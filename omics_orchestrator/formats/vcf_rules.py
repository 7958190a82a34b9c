"""The rules that a VCF or BCF is held to: what is said when one is broken, and whether the file can still be used.

A rule refuses the file where htslib cannot read it or would silently read something else; what htslib reads though
it breaks the specification (hts-specs, VCFv4.1 to VCFv4.5) is a warning. Applying them: the modules beside this one.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

UNREADABLE = re.compile(rb'[,<>]|^[ "\[]| $')
"""What an undeclared contig, FILTER or key may not hold: htslib writes a header line for it and fails (1.24, tried)."""


class Rule(NamedTuple):
    """What is said of a header line or record, and whether the file is refused for it."""

    says: str
    refuses: bool = False


# One bit each: what may be wrong in the columns of the samples; the bits are numbers that vcf_kernel.py knows too.
COLUMNS, GENOTYPE, ALLELE, MANY, TYPE, RANGE = 1, 2, 4, 8, 16, 32
SPELLING, CHARACTER, EMPTY, COUNT, CONTROL, ABSENT = 64, 128, 256, 512, 1024, 2048

CELLS = {
    COLUMNS: "columns",
    GENOTYPE: "genotype",
    ALLELE: "allele_index",
    MANY: "too_many",
    TYPE: "format_type",
    RANGE: "format_range",
    SPELLING: "format_spelling",
    CHARACTER: "format_character",
    EMPTY: "format_empty",
    COUNT: "format_count",
    CONTROL: "control",
    ABSENT: "genotype_absent",
}
"""Bit → the rule that it stands for in a sample's column."""

INFO = {
    TYPE: "info_type",
    RANGE: "info_range",
    SPELLING: "info_spelling",
    CHARACTER: "info_character",
    EMPTY: "info_empty",
    COUNT: "info_count",
}
"""Bit → the rule that it stands for in the INFO column."""

RULES = {
    # header
    "version": Rule("a version that the specifications 4.1 to 4.5 do not describe"),
    "spelling": Rule("the version is not written as VCFv4.x"),
    "second_version": Rule("##fileformat a second time"),
    "blank": Rule("an empty line in the header"),
    "malformed": Rule("a meta-information line is not well formed"),
    "no_id": Rule("a structured meta-information line without ID"),
    "bad_id": Rule("an ID has characters that are not allowed"),
    "incomplete": Rule("a declaration lacks Number, Type or Description"),
    "bad_type": Rule("a declaration has a Type that the specification does not know"),
    "bad_number": Rule("a declaration has a Number that this version does not know"),
    "flag_number": Rule("a Flag is declared with another Number than 0"),
    "unquoted": Rule("a Description without double quotes"),
    "declared_twice": Rule("an ID is declared twice"),
    "reserved": Rule(
        "a reserved key is declared with another Number or Type than the specification gives it"
    ),
    "contig_name": Rule("a contig's name has characters that are not allowed"),
    "contig_length": Rule("a contig's length is no whole number"),
    "utf8": Rule("text that is not UTF-8"),
    "header_tab": Rule("the line #CHROM ends in a tab"),
    # fixed columns of records
    "columns": Rule("the number of columns is not that of the line #CHROM", refuses=True),
    "trailing_tab": Rule("the line ends in a tab"),
    "position": Rule("the position is no whole number", refuses=True),
    "position_range": Rule("the position is beyond 2,147,483,647"),
    "beyond_contig": Rule("the position lies beyond the declared length of its contig"),
    "unsorted": Rule("not in order of position"),
    "contig_apart": Rule("its contig was left before: records of a contig do not stand together"),
    "contig_empty": Rule("no contig", refuses=True),
    "contig_undeclared": Rule("its contig is not declared in the header"),
    "zero_length": Rule("an empty field instead of a dot"),
    "id": Rule("the ID holds white space or repeats itself"),
    "ref": Rule("REF holds other letters than A, C, G, T, N"),
    "ref_broken": Rule("REF is no sequence of bases", refuses=True),
    "alt": Rule("ALT holds other letters than A, C, G, T, N, or a dot among alleles"),
    "alt_broken": Rule("ALT holds something that is no allele", refuses=True),
    "alt_repeats": Rule("an allele of ALT repeats another or REF"),
    "alt_undeclared": Rule("a symbolic allele is not declared in the header"),
    "quality": Rule("QUAL is no number", refuses=True),
    "filter": Rule("FILTER repeats itself, holds white space, or 0, or PASS beside another"),
    "filter_undeclared": Rule("a FILTER is not declared in the header"),
    "control": Rule("a control character"),
    # INFO of records
    "info_key": Rule("an INFO key is empty or has characters that are not allowed"),
    "info_twice": Rule("an INFO key stands twice"),
    "info_undeclared": Rule("an INFO key is not declared in the header"),
    "info_flag": Rule("an INFO flag has a value, or another key none"),
    "info_type": Rule("an INFO value is not of its declared Type", refuses=True),
    "info_range": Rule("an INFO integer beyond 32 bits: tools take it for missing"),
    "info_spelling": Rule("an INFO number is not written as the specification wants"),
    "info_character": Rule("an INFO value of Type Character has several letters"),
    "info_empty": Rule("an INFO key with = but no value"),
    "info_count": Rule("an INFO key has another number of values than declared"),
    "unreadable_name": Rule("a name that is not declared, and that htslib cannot take up", refuses=True),
    "info_equals": Rule("an equals sign within an INFO value"),
    "end": Rule("END lies before the position"),
    # FORMAT and samples of records
    "format_missing": Rule("no FORMAT, though there are samples", refuses=True),
    "format_key": Rule("a FORMAT key is empty or has characters that are not allowed"),
    "format_twice": Rule("a FORMAT key stands twice", refuses=True),
    "format_undeclared": Rule("a FORMAT key is not declared in the header"),
    "genotype_first": Rule("GT is not the first FORMAT key"),
    "genotype_declared": Rule(
        "GT is declared with another Type than String: htslib cannot read it", refuses=True
    ),
    "local_alleles": Rule("local-allele keys without LAA before them"),
    "genotype": Rule("a genotype is not well formed", refuses=True),
    "genotype_absent": Rule("a sample without the GT that FORMAT names"),
    "allele_index": Rule("a genotype names an allele that the record does not have", refuses=True),
    "too_many": Rule("a sample has more values than FORMAT has keys", refuses=True),
    "format_type": Rule("a sample's value is not of its declared Type", refuses=True),
    "format_range": Rule("a sample's integer beyond 32 bits: tools take it for missing"),
    "format_spelling": Rule("a sample's number is not written as the specification wants"),
    "format_character": Rule("a sample's value of Type Character has several letters"),
    "format_empty": Rule("a sample's value is empty instead of a dot"),
    "format_count": Rule("a sample has another number of values than declared"),
    # BCF only
    "dictionary": Rule("a number that the header's dictionary does not hold", refuses=True),
    "typed": Rule("a value of another binary type than BCF allows here", refuses=True),
}


class Tally:
    """Rules broken so far: where first (line or record, from 1), and how often."""

    def __init__(self, unit: Literal["line", "record"]) -> None:
        self._unit = unit
        self.broken: dict[str, list[int]] = {}

    def note(self, rule: str, number: int) -> None:
        """Note that a line or record breaks a rule; the same one twice in a row counts once."""
        known = self.broken.get(rule)
        if known is None:
            self.broken[rule] = [number, 1, number]
        elif known[2] != number:
            known[1] += 1
            known[2] = number

    def note_bits(self, bits: int, number: int, meaning: dict[int, str]) -> None:
        """Note each rule whose bit is set."""
        for bit, rule in meaning.items():
            if bits & bit:
                self.note(rule, number)

    def said(self, *, refusing: bool) -> list[str]:
        """Return one sentence per broken rule that refuses the file, or that does not; first come, first."""
        rows = sorted((first, count, rule) for rule, (first, count, _) in self.broken.items())
        return [
            f"{self._unit} {first}: {RULES[rule].says}" + (f" ({count:,} {self._unit}s)" if count > 1 else "")
            for first, count, rule in rows
            if RULES[rule].refuses is refusing
        ]
