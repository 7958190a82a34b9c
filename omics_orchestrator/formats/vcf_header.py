"""The header of a VCF or BCF: meta-information lines, declarations, the line #CHROM (VCFv4.5 §1.4, §1.5).

What the records make of the declarations: vcf_fixed.py, vcf_cells.py; reserved keys: vcf_reserved.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.vcf_reserved import contradicts
from omics_orchestrator.formats.vcf_rules import Tally
from omics_orchestrator.formats.vcf_values import Declared, declared

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
VERSION = re.compile(r"##fileformat=VCF(v?)(\d{1,3})\.(\d{1,3})")
FIELD = re.compile(r'([^=,<>"\s]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|(?!\[)[^,"]*)(,|$)')
UNCLOSED = re.compile(r"=\[[^\]]*$")  # htslib refuses the whole header
CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
NUMBERS = {"A": (4, 1), "G": (4, 1), ".": (4, 1), "R": (4, 2)}  # since which version
FORMAT_NUMBERS = NUMBERS | {"P": (4, 4), "LA": (4, 5), "LR": (4, 5), "LG": (4, 5), "M": (4, 5)}
INFO_TYPES = frozenset({"Integer", "Float", "Flag", "Character", "String"})
KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")
SPACE = re.compile(r"\s")
BROKEN_ID = {"INFO": SPACE, "FORMAT": SPACE, "FILTER": re.compile(r"\s|;|^0$"), "ALT": re.compile(r"[\s<>]")}
VEP_DATABASE = re.compile(r'\bdb="?[^\s"@]*@[^\s"]*')  # name@host: no mail
DECLARES = frozenset({"INFO", "FORMAT", "FILTER", "ALT", "contig"})
NEWEST = (4, 5)
MOST_LINES = 5_000_000  # of a header: more than the contigs of any assembly
LONGEST_TEXT = 10_000  # characters of an entry that are looked at or kept
MOST_ENTRIES = 500  # of the header that are looked at for identifiers


@dataclass
class Header:
    """What the header says; `complete` once the line #CHROM was read.

    `strings` and `contig_numbers` are BCF's dictionaries (§6.2.1), `entries` what may hold an identifier: (place,
    what it is called, text).
    """

    version: tuple[int, int] = (0, 0)
    reference: str = ""
    infos: dict[bytes, Declared] = field(default_factory=dict)
    formats: dict[bytes, Declared] = field(default_factory=dict)
    filters: set[bytes] = field(default_factory=lambda: {b"PASS"})
    alts: set[bytes] = field(default_factory=set)
    contigs: dict[bytes, int] = field(default_factory=dict)
    strings: dict[int, bytes] = field(default_factory=lambda: {0: b"PASS"})
    contig_numbers: dict[int, bytes] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    columns: int = 0
    blocks: bool = False
    lines: int = 0
    entries: list[tuple[str, str, str]] = field(default_factory=list)
    tally: Tally = field(default_factory=lambda: Tally("line"))
    _known: set[tuple[str, str]] = field(default_factory=set)
    _placed: set[bytes] = field(default_factory=lambda: {b"PASS"})

    @property
    def complete(self) -> bool:
        """Whether the line #CHROM was read."""
        return self.columns > 0

    def add(self, raw: bytes) -> None:
        """Read one line of the header, without its end."""
        self.lines += 1
        if self.lines > MOST_LINES:
            raise FormatError(f"the header has more than {MOST_LINES:,} lines")
        if b"\0" in raw:
            raise FormatError(f"line {self.lines}: a NUL byte")
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            self._note("utf8")
            line = raw.decode("utf-8", "replace")
        if self.lines == 1:
            self._first(line)
        elif line.startswith("##"):
            self._meta(line)
        elif line.startswith("#CHROM"):
            self._names(line.split("\t"))
        elif not line.strip():
            self._note("blank")
        else:
            raise FormatError(f"line {self.lines}: records begin before the line #CHROM")

    def _note(self, rule: str) -> None:
        self.tally.note(rule, self.lines)

    def _first(self, line: str) -> None:
        """Read the version (§1.4.1); version 3 wrote alleles in another way."""
        found = VERSION.match(line)
        if not found:
            raise FormatError("line 1: a VCF begins with ##fileformat=VCFv4.")
        self.version = (int(found[2]), int(found[3]))
        if self.version[0] != 4:
            raise FormatError("line 1: not a VCF of version 4")
        if not found[1] or line[found.end() :].strip():
            self._note("spelling")
        if not (4, 1) <= self.version <= NEWEST:
            self._note("version")

    def _meta(self, line: str) -> None:
        """Read a meta-information line, structured or not (§1.4)."""
        called, equals, value = line[2:].partition("=")
        if not called or not equals or not value.strip():
            self._note("malformed")
        elif called == "fileformat":
            self._note("second_version")
        elif value.startswith("<") and (called in DECLARES or self._is_structured(value)):
            self._structured(called, value.rstrip())
        elif called in DECLARES:
            self._note("malformed")
        else:
            if called == "reference":
                self.reference = value[:LONGEST_TEXT]
            self._keep(called, called, value)
        self.blocks = self.blocks or called.startswith("GVCFBlock")

    @staticmethod
    def _is_structured(value: str) -> bool:
        """Tell a structured line from a plain value such as `<url>`, which versions up to 4.2 used."""
        return "=" in value

    def _keep(self, line: str, called: str, text: str) -> None:
        if len(self.entries) < MOST_ENTRIES:
            place = (
                f"##{line} (line {self.lines})"
                if called == line
                else f"##{line} (line {self.lines}), {called}"
            )
            self.entries.append((place, called, VEP_DATABASE.sub("", text[:LONGEST_TEXT])))

    def _structured(self, called: str, value: str) -> None:
        fields = _fields(value)
        if fields is None:
            if UNCLOSED.search(value):
                raise FormatError(f"line {self.lines}: a bracket that is not closed")
            self._note("malformed")
            return
        identity = fields.get("ID", "")
        if called not in DECLARES:
            for key, text in fields.items():
                self._keep(called, key, text.strip('"'))
        if not identity:
            if called in DECLARES or self.version >= (4, 3):
                self._note("no_id")
            return
        if (called, identity) in self._known and (called in DECLARES or self.version >= (4, 3)):
            self._note("declared_twice")
            return
        self._known.add((called, identity))
        if called == "contig":
            self._contig(identity, fields)
        elif called in DECLARES:
            self._declare(called, identity, fields)

    def _contig(self, name: str, fields: dict[str, str]) -> None:
        length = fields.get("length", "0").strip('"')
        if not (length.isdecimal() and len(length) < 19):
            self._note("contig_length")
            length = "0"
        if not CONTIG.fullmatch(name):
            self._note("contig_name")
        number = fields.get("IDX", "")
        at = int(number) if number.isdecimal() and len(number) < 10 else len(self.contig_numbers)
        self.contig_numbers[at] = name.encode()
        self.contigs[name.encode()] = int(length)

    def _declare(self, called: str, name: str, fields: dict[str, str]) -> None:
        """Take up an INFO, FORMAT, FILTER or ALT (§1.4.2 to §1.4.5)."""
        description = fields.get("Description")
        if description is None:
            self._note("incomplete")
        elif not description.startswith('"') and not (called == "ALT" and self.version < (4, 3)):
            self._note("unquoted")
        if BROKEN_ID[called].search(name) or (
            called in ("INFO", "FORMAT") and not self._is_key(called, name)
        ):
            self._note("bad_id")
        key = name.encode()
        if called == "ALT":
            self.alts.add(key)
            return
        self._number_string(key, fields.get("IDX", ""))
        if called == "FILTER":
            self.filters.add(key)
            return
        kind, number = fields.get("Type", "").strip('"'), fields.get("Number", "").strip('"')
        if not kind or not number:
            self._note("incomplete")
        self._check(called, name, kind, number)
        (self.infos if called == "INFO" else self.formats)[key] = declared(kind, number)

    def _is_key(self, called: str, name: str) -> bool:
        """Tell whether a key is spelt as versions from 4.3 on want it (§1.6.1, 8; §1.6.2)."""
        old = self.version < (4, 3) or (called, name) == ("INFO", "1000G")
        return old or KEY.fullmatch(name) is not None

    def _check(self, called: str, name: str, kind: str, number: str) -> None:
        """Check Type and Number of an INFO or FORMAT."""
        if kind and kind not in (INFO_TYPES if called == "INFO" else INFO_TYPES - {"Flag"}):
            self._note("bad_type")
        known = NUMBERS if called == "INFO" else FORMAT_NUMBERS
        if number and not number.isdecimal() and known.get(number, (9, 9)) > max(self.version, (4, 1)):
            self._note("bad_number")
        if called == "INFO" and number and (kind == "Flag") != (number == "0"):
            self._note("flag_number")
        elif kind and number and contradicts(called, name, kind, number, self.version):
            self._note("reserved")

    def _number_string(self, key: bytes, number: str) -> None:
        """Give the key its place in BCF's dictionary of strings (§6.2.1): IDX, or the order of appearance."""
        if number.isdecimal() and len(number) < 10:
            self.strings[int(number)] = key
        elif key not in self._placed:
            self.strings[max(self.strings) + 1] = key
        self._placed.add(key)

    def _names(self, names: list[str]) -> None:
        """Read the line #CHROM: the fixed columns, then FORMAT and one column a sample (§1.5)."""
        where = f"line {self.lines}"
        if tuple(names[:8]) != COLUMNS or names[8:9] not in ([], ["FORMAT"], [""]):
            raise FormatError(
                f"{where}: the columns are not {' '.join(COLUMNS)} [FORMAT samples], separated by tabs"
            )
        if names[8:] == [""]:
            self._note("header_tab")
            names = names[:8]
        samples = tuple(names[9:])
        if len(names) == 9:
            raise FormatError(f"{where}: FORMAT without any sample: htslib cannot read that")
        for number, name in enumerate(samples, 1):
            if not name.strip():
                raise FormatError(f"{where}: sample {number} has no name")
        if len(set(samples)) < len(samples):
            raise FormatError(f"{where}: {len(samples) - len(set(samples))} sample names repeat")
        self.columns, self.samples = len(names), samples


def _fields(value: str) -> dict[str, str] | None:
    """Return the key=value pairs of a structured line, quotes kept; None = not well formed, or a key twice."""
    if not value.endswith(">"):
        return None
    inner, at = value[1:-1], 0
    fields: dict[str, str] = {}
    while at < len(inner):
        found = FIELD.match(inner, at)
        if not found or found[1] in fields or (found[3] and found.end() == len(inner)):
            return None
        fields[found[1]] = found[2]
        at = found.end()
    return fields or None
