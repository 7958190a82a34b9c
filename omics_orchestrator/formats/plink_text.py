"""The tables of a PLINK set: samples (.fam, .psam) and variants (.bim, .pvar), plain, gzip or Zstandard.

Columns as cog-genomics.org documents them (PLINK 1.9 and 2.0 formats). Genotypes: plink_genotypes.py.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.header_words import entries
from omics_orchestrator.formats.text import BOMB, BOMB_RATIO, Lines

ZSTD = b"\x28\xb5\x2f\xfd"
PIECE = 64 * 1024  # bytes of text inflated at once
FAM, BIM = ("FID", "IID", "PAT", "MAT", "SEX", "PHENO"), ("CHROM", "ID", "CM", "POS", "A1", "A2")
PVAR = ("CHROM", "POS", "ID", "REF", "ALT")
SEXES = {b"1": "males", b"M": "males", b"m": "males", b"2": "females", b"F": "females", b"f": "females"}
MOST_NOTES = 200  # lines of a header that are searched for identifiers


def inspect_samples(file: OpenFile) -> Inspection:
    """Read a .fam, or a .psam with its header line or the columns of a .fam, the phenotype left out if need be."""
    return _Samples(phenotyped=".fam" in file.name.lower()).inspect(file)


def inspect_variants(file: OpenFile) -> Inspection:
    """Read a .bim, or a .pvar with its header line."""
    return _Variants().inspect(file)


def text_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a file, those of Zstandard inflated; gzip is left as it is.

    Raises:
        FormatError: the stream is damaged, cut off, or a decompression bomb.
    """
    import pyarrow as pa

    stored = _Stored(blocks)
    if not stored.begins(ZSTD):
        yield from stored.blocks
        return
    given = 0
    try:
        with pa.CompressedInputStream(pa.PythonFile(io.BufferedReader(stored), mode="r"), "zstd") as stream:
            while piece := stream.read(PIECE):
                given += len(piece)
                if given > BOMB and given > BOMB_RATIO * stored.taken:
                    raise FormatError(f"it inflates to more than {BOMB_RATIO} times its size: a bomb?")
                yield piece
    except OSError:
        raise FormatError("the Zstandard stream is damaged or cut off") from None


class _Stored(io.RawIOBase):
    """Blocks of bytes as a stream; `taken` were read so far."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        super().__init__()
        self._rest = b""
        self._blocks = iter(blocks)
        self.taken = 0

    def begins(self, magic: bytes) -> bool:
        """Tell how the content begins."""
        self._rest = self._rest or next(self._blocks, b"")
        return self._rest.startswith(magic)

    @property
    def blocks(self) -> Iterator[bytes]:
        """What was not taken yet."""
        yield self._rest
        yield from self._blocks

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer with what comes next."""
        room = memoryview(buffer)  # type: ignore[arg-type]
        self._rest = self._rest or next(self._blocks, b"")
        part, self._rest = self._rest[: len(room)], self._rest[len(room) :]
        room[: len(part)] = part
        self.taken += len(part)
        return len(part)


@dataclass
class _Table(ABC):
    """A table of one line per sample or variant; `plain` are its columns where no header line names them."""

    plain: tuple[str, ...] = ()
    fewest: int = 6
    needed: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    headed: bool = False
    lines: int = 0
    rows: int = 0
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    crlf: bool = False

    def inspect(self, file: OpenFile) -> Inspection:
        """Read the whole table; stops at the first line that breaks it."""
        lines = Lines(text_blocks(file.blocks()))
        try:
            for batch in lines:
                self._add(batch)
            if not self.rows:
                raise FormatError("no rows" if self.lines else "an empty file")
        except FormatError as error:
            return Inspection.refused(error, self.facts())
        told = ["lines end in CR LF"] if lines.crlf else []
        found = suspicious(self.notes)
        return Inspection.of(self.facts(), self.samples(), [*told, *self.told()], identifying=found)

    def _add(self, batch: list[bytes]) -> None:
        for line in batch:
            self.lines += 1
            if not self.rows and line.startswith(b"#"):
                self._header(line)
                continue
            cells = line.split()
            if not self.columns:
                self.columns = self.plain
            if not (len(cells) == len(self.columns) or (not self.headed and len(cells) >= self.fewest)):
                self._refuse(f"{len(cells)} columns instead of {len(self.columns)}")
            if b"\0" in line:
                self._refuse("NUL bytes")
            self.rows += 1
            if self.headed and self.rows == 1:
                self._look(cells)
            self.row(cells)

    def _header(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        if line.startswith(b"##") or self.headed:
            if len(self.notes) < MOST_NOTES:
                self.notes += entries(f"line {self.lines}", text)
            return
        self.columns, self.headed = tuple(text[1:].split()), True
        if missing := [name for name in self.needed if name not in self.columns]:
            self._refuse(f"the header line names no {missing[0]}")
        if len(set(self.columns)) < len(self.columns):
            self._refuse("names of columns repeat")

    def _look(self, cells: list[bytes]) -> None:
        """Keep the first row of a table with named columns for the search for identifiers."""
        self.notes += [
            (f"column {number}", name, cell.decode("utf-8", "replace"))
            for number, (name, cell) in enumerate(zip(self.columns, cells, strict=False), 1)
            if name not in (*FAM[:5], *PVAR)
        ][:MOST_NOTES]

    def _refuse(self, problem: str) -> None:
        raise FormatError(f"line {self.lines}: {problem}")

    @abstractmethod
    def row(self, cells: list[bytes]) -> None:
        """Take one row."""

    @abstractmethod
    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered."""

    def told(self) -> list[str]:
        """Return what tools may stumble over."""
        return []

    def samples(self) -> tuple[str, ...]:
        """Return the names of the samples."""
        return ()


@dataclass
class _Samples(_Table):
    """A .fam or a .psam."""

    plain: tuple[str, ...] = FAM
    fewest: int = 5
    needed: tuple[str, ...] = ("IID",)
    phenotyped: bool = False
    short: int = 0  # first line without a phenotype; 0 = none
    ids: dict[tuple[bytes, bytes], None] = field(default_factory=dict)
    sexes: dict[str, int] = field(default_factory=lambda: {"males": 0, "females": 0, "sex_unknown": 0})

    def row(self, cells: list[bytes]) -> None:
        """Take one sample; its id is unique within its family."""
        at = {name: cells[place] for place, name in enumerate(self.columns[: len(cells)])}
        key = (at.get("FID", b"0") + b"\0" + at.get("SID", b"0"), at["IID"])
        if key in self.ids or at["IID"] == b"0":
            self._refuse("a sample's id is 0" if at["IID"] == b"0" else "a sample that stands there already")
        self.ids[key] = None
        self.short = self.short or self.lines * (len(cells) < len(self.columns))
        self.sexes[SEXES.get(at.get("SEX", b""), "sex_unknown")] += 1

    def facts(self) -> dict[str, JsonValue]:
        """Return how many samples there are, by sex."""
        return {"kind": "samples", "samples": self.rows, **self.sexes}

    def told(self) -> list[str]:
        """Tell a .fam of five columns, which PLINK reads only when told to (--no-pheno)."""
        refused = self.short and self.phenotyped
        return [f"line {self.short}: 5 columns instead of 6: PLINK refuses that"] if refused else []

    def samples(self) -> tuple[str, ...]:
        """Return the ids within the families; where they repeat, with the family's before them."""
        names = [name.decode("utf-8", "replace") for _, name in self.ids]
        if len(set(names)) < len(names):
            families = [key.partition(b"\0")[0].decode("utf-8", "replace") for key, _ in self.ids]
            names = [f"{family}_{name}" for family, name in zip(families, names, strict=True)]
        return tuple(dict.fromkeys(names))


@dataclass
class _Variants(_Table):
    """A .bim or a .pvar."""

    plain: tuple[str, ...] = BIM
    fewest: int = 6
    needed: tuple[str, ...] = PVAR
    chromosomes: dict[bytes, int] = field(default_factory=dict)  # → position of its last variant
    multiallelic: int = 0
    unsorted: int = 0  # first variant that is out of order; 0 = none
    same: int = 0  # first variant with one allele twice; 0 = none
    _position: int = -1
    _alternate: int = -1
    _reference: int = -1

    def row(self, cells: list[bytes]) -> None:
        """Take one variant."""
        if self._position < 0:
            self._position = self.columns.index("POS")
            self._alternate = self.columns.index("ALT" if self.headed else "A1")
            self._reference = self.columns.index("REF" if self.headed else "A2")
        chromosome, position = cells[0], cells[self._position]
        if not position.removeprefix(b"-").isdigit() or len(position) > 11:
            self._refuse("the position is no whole number")
        at = int(position)
        if at < self.chromosomes.get(chromosome, at) and not self.unsorted:
            self.unsorted = self.rows
        if chromosome not in self.chromosomes and len(self.chromosomes) >= 1_000_000:
            self._refuse("more than a million chromosomes")
        self.chromosomes[chromosome] = at
        alternate, reference = cells[self._alternate], cells[self._reference]
        self.multiallelic += b"," in alternate
        if alternate == reference and alternate not in (b"0", b".") and not self.same:
            self.same = self.rows

    def facts(self) -> dict[str, JsonValue]:
        """Return how many variants there are."""
        return {
            "kind": "variants",
            "variants": self.rows,
            "chromosomes": len(self.chromosomes),
            "multiallelic": self.multiallelic,
            "in_order": not self.unsorted,
        }

    def told(self) -> list[str]:
        """Tell variants out of order, which PLINK sorts, and those of one allele, which PLINK 1.9 refuses."""
        places = {"not in order of position": self.unsorted, "both alleles are the same": self.same}
        return [f"record {record}: {problem}" for problem, record in places.items() if record]
