"""The text header of SAM, BAM and CRAM, by section 1.3 of the SAM specification. Records: bam_records.py, cram.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.header_words import entries
from omics_orchestrator.formats.reference_build import build_of

LINE = re.compile(r"@[A-Za-z][A-Za-z](?:\t[A-Za-z][A-Za-z0-9]:[^\t]*)+")
NAME = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
VERSION = re.compile(r"[0-9]+\.[0-9]+")
MD5 = re.compile(r"[0-9A-Fa-f]{32}")
PLAIN = re.compile(r"[\w.+/ -]{1,40}")
ORDERS = ("unknown", "unsorted", "queryname", "coordinate")
REQUIRED = {"@HD": ("VN",), "@SQ": ("SN", "LN"), "@RG": ("ID",), "@PG": ("ID",)}
LONGEST_REFERENCE = 2**31 - 1
FREE = ("SM", "DS", "CN", "LB", "PU", "CL")
LOOKED_AT = 2_000  # texts of one header that are searched for identifiers


@dataclass
class SamHeader:
    """What a header says; lines are counted from 1.

    `references` are names with their lengths, `hashed` how many of them bear an M5; `groups` the ids of read groups.
    """

    version: str = ""
    order: str = "unknown"
    sub_order: str = ""
    references: dict[str, int] = field(default_factory=dict)
    hashed: int = 0
    groups: dict[str, str] = field(default_factory=dict)  # id → sample
    platforms: set[str] = field(default_factory=set)
    programs: list[dict[str, str]] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)  # sentence → first line
    texts: dict[tuple[str, str], int] = field(default_factory=dict)  # (tag, text) → first line

    @classmethod
    def parse(cls, raw: bytes) -> SamHeader:
        """Read a header's text; NULs that pad it are left out.

        Raises:
            FormatError: with the number of the first line that breaks the specification beyond use.
        """
        header = cls()
        text = raw.rstrip(b"\0").decode("utf-8", "replace")
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            if text:
                header._line(number, line.removesuffix("\r"))
        header._chain()
        return header

    def _line(self, number: int, line: str) -> None:
        kind, where = line[:3], f"header line {number}"
        if kind == "@CO":
            if line[3:4] not in {"", "\t"}:
                self._warn("@CO without a tab after it", number)
            self.texts.setdefault(("@CO", line[3:].strip()), number)
            return
        parts = [part for part in line.split("\t") if part]
        if not LINE.fullmatch("\t".join(parts)):
            raise FormatError(f"{where}: not @XX and fields TAG:value, separated by tabs")
        if len(parts) <= line.count("\t"):
            self._warn("an empty field in a line of the header", number)
        fields = [(part[:2], part[3:]) for part in parts[1:]]
        tags = dict(fields)
        if len(tags) < len(fields):
            self._warn("a tag stands twice in a line of the header", number)
        for tag in REQUIRED.get(kind, ()):
            if not tags.get(tag):
                raise FormatError(f"{where}: {kind} without {tag}")
        self._told(number, kind, tags)

    def _told(self, number: int, kind: str, tags: dict[str, str]) -> None:
        """Read the fields of one line."""
        if kind == "@HD":
            self._first(number, tags)
        elif kind == "@SQ":
            self._reference(number, tags)
        elif kind == "@RG":
            self._group(number, tags)
        elif kind == "@PG":
            self.programs.append(tags)
        if kind in {"@RG", "@PG"}:
            for tag in (tag for tag in FREE if tag in tags):
                self.texts.setdefault((f"{kind} {tag}", tags[tag]), number)

    def _first(self, number: int, tags: dict[str, str]) -> None:
        if number != 1:
            self._warn("@HD is not the first line of the header", number)
        self.version, self.sub_order = tags["VN"], tags.get("SS", "")
        if not VERSION.fullmatch(self.version):
            self._warn("@HD VN is no version number", number)
            self.version = ""
        self.order = tags.get("SO", "unknown")
        if self.order not in ORDERS:
            self._warn(f"@HD SO is none of {', '.join(ORDERS)}", number)
            self.order = "unknown"

    def _reference(self, number: int, tags: dict[str, str]) -> None:
        name, length, where = tags["SN"], tags["LN"], f"header line {number}"
        if name in self.references:
            raise FormatError(f"{where}: this @SQ SN stands there twice")
        if not (length.isascii() and length.isdigit() and 1 <= int(length[:12]) <= LONGEST_REFERENCE):
            raise FormatError(f"{where}: @SQ LN is no whole number from 1 to {LONGEST_REFERENCE:,}")
        if not NAME.fullmatch(name):
            self._warn("@SQ SN holds a character that a reference's name may not have", number)
        self.references[name] = int(length)
        if "M5" in tags:
            self.hashed += 1
            if not MD5.fullmatch(tags["M5"]):
                self._warn("@SQ M5 is no MD5 digest", number)

    def _group(self, number: int, tags: dict[str, str]) -> None:
        if tags["ID"] in self.groups:
            raise FormatError(f"header line {number}: this @RG ID stands there twice")
        self.groups[tags["ID"]] = tags.get("SM", "")
        if PLAIN.fullmatch(tags.get("PL", "")):
            self.platforms.add(tags["PL"])

    def _chain(self) -> None:
        """Look at the chain of programs: ids that repeat, a predecessor that is not there."""
        ids = [tags["ID"] for tags in self.programs]
        if len(set(ids)) < len(ids):
            self.warnings["@PG IDs repeat"] = 0
        if {tags["PP"] for tags in self.programs if "PP" in tags} - set(ids):
            self.warnings["@PG PP names a program that the header does not have"] = 0

    def _warn(self, sentence: str, number: int) -> None:
        self.warnings.setdefault(sentence, number)

    @property
    def samples(self) -> tuple[str, ...]:
        """The samples of the read groups, each once."""
        return tuple(dict.fromkeys(sample for sample in self.groups.values() if sample))

    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered of a header."""
        programs = dict.fromkeys(tags.get("PN", tags["ID"]) for tags in self.programs)
        return {
            "version": self.version,
            "sort_order": self.order,
            "references": len(self.references),
            "references_with_md5": self.hashed,
            "reference_build": build_of(self.references),
            "read_groups": len(self.groups),
            "platforms": list[JsonValue](sorted(self.platforms)),
            "programs": list[JsonValue](name for name in programs if PLAIN.fullmatch(name)),
        }

    def told(self) -> list[str]:
        """Return the warnings, each with the first line that it is about."""
        return [f"header line {number}: {text}" if number else text for text, number in self.warnings.items()]

    def identifying(self) -> tuple[str, ...]:
        """Return the places that seem to hold a direct identifier."""
        return tuple(dict.fromkeys(suspicious(self._entries())))

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        for (where, text), number in list(self.texts.items())[:LOOKED_AT]:
            kind, _, tag = where.partition(" ")
            place = f"{kind} line {number}, {tag}" if tag else f"{kind} line {number}"
            yield from entries(place, text)
