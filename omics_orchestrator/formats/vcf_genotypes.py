"""Genotypes of a VCF or BCF in blocks, as numbers of alternate copies: what identity checks ask for.

The file is taken to be well formed (vcf.py told so); what is no genotype counts as missing.
"""

from __future__ import annotations

import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from omics_orchestrator.errors import FormatError, UnknownKey
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.text import Lines
from omics_orchestrator.formats.vcf_bcf import MAGIC, Site, Stream, records
from omics_orchestrator.formats.vcf_bcf import read_header as read_binary_header
from omics_orchestrator.formats.vcf_header import Header
from omics_orchestrator.formats.vcf_text import CARRIAGE_RETURN, PREFIX, SMALL, WholeLines, read_header
from omics_orchestrator.formats.vcf_typed import Cursor, genotype_counts

if TYPE_CHECKING:
    import numpy as np

GENOTYPE = re.compile(rb"[/|]?((?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*)")
ALLELE = re.compile(rb"[0-9]+|\.")
MOST_ALLELES = 127  # of one genotype
MOST_SITES = 4096  # of one block of a BCF; texts of genotypes that are remembered


@dataclass(frozen=True)
class Genotypes:
    """Genotypes at successive records of one contig.

    Attributes:
        contig: its name.
        samples: names, in the order of the columns.
        positions: int64 (sites,), from 1.
        refs: REF of each site.
        alts: ALT of each site as written: alleles with commas between, `.` = none.
        multiallelic: bool (sites,), more than one allele in ALT.
        dosage: int8 (sites, samples), copies of alternate alleles of any kind (`*` and symbolic ones too);
            -1 = an allele is not called (`./1`, `.`), or no genotype. A haploid call gives 0 or 1.
        ploidy: int8 (sites, samples), alleles written in the genotype, called or not; 0 = no genotype.
    """

    contig: str
    samples: tuple[str, ...]
    positions: np.ndarray[Any, Any]
    refs: tuple[str, ...]
    alts: tuple[str, ...]
    multiallelic: np.ndarray[Any, Any]
    dosage: np.ndarray[Any, Any]
    ploidy: np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Record:
    """A record whose genotypes are still to be read: `held` is (start, end) in a text, or counts by sample (BCF)."""

    contig: bytes
    position: int
    ref: bytes
    alt: bytes
    genotype: int  # which FORMAT key GT is; -1 = none
    held: Any


def genotypes(
    file: OpenFile,
    *,
    contigs: Collection[str] | None = None,
    samples: Sequence[str] | None = None,
    header: Header | None = None,
) -> Iterator[Genotypes]:
    """Yield the genotypes of a VCF or BCF in blocks, each of one contig, in the order of the file.

    Args:
        file: the VCF or BCF, plain, gzip or bgzip; it is read once, in bounded memory.
        contigs: names of contigs; None = all. Records of others are passed over.
        samples: names of samples, in the order of the columns wanted; None = all, in the order of the file.
        header: an empty one, which is filled before the first block comes.

    Raises:
        FormatError: the file breaks its format.
        UnknownKey: a sample is not in the file.
    """
    lines = Lines(file.blocks()).text()
    first = next(lines, b"")
    blocks = chain((first,), lines)
    wanted = None if contigs is None else {name.encode() for name in contigs}
    header = Header() if header is None else header
    if first.startswith(MAGIC):
        stream = Stream(blocks)
        read_binary_header(stream, header)
        reader: _Reader = _Binary(header, samples)
        batches: Iterable[tuple[bytes, list[_Record]]] = _of_bcf(stream, header, wanted)
    else:
        texts = _after_header(WholeLines(blocks), header)
        held = next(texts, None)
        if not header.complete:
            raise FormatError("the header ends before the line #CHROM")
        reader = _Text(header, samples, large=file.size > SMALL)
        batches = _of_text(chain((held,) if held else (), texts), header, wanted)
    for text, batch in batches:
        for _, same in groupby(batch, key=lambda record: record.contig):
            yield reader.block(text, list(same))


def _after_header(texts: Iterable[bytes], header: Header) -> Iterator[tuple[bytes, int]]:
    """Yield (text, where its records begin)."""
    for text in texts:
        at = read_header(text, header)
        if at < len(text):
            yield text, at


def _of_text(
    texts: Iterable[tuple[bytes, int]], header: Header, wanted: set[bytes] | None
) -> Iterator[tuple[bytes, list[_Record]]]:
    """Yield (text, its records of the contigs wanted)."""
    number = 0
    for text, at in texts:
        batch = []
        while at < len(text):
            number += 1
            after = text.index(b"\n", at)
            end = after - (text[after - 1] == CARRIAGE_RETURN)
            contig = text[at : text.find(b"\t", at, end)]
            if wanted is None or contig in wanted:
                record = _split(text, at, end) if header.samples else None
                if record is None:
                    raise FormatError("no genotypes, or no position", record=number)
                batch.append(record)
            at = after + 1
        if batch:
            yield text, batch


def _split(text: bytes, at: int, end: int) -> _Record | None:
    piece = text[at : min(end, at + PREFIX)]
    columns = piece.split(b"\t", 9)
    if len(columns) < 10:
        piece = text[at:end]
        columns = piece.split(b"\t", 9)
    if len(columns) < 10 or not columns[1].isdigit() or len(columns[1]) > 18:
        return None
    keys = columns[8].split(b":")
    genotype = keys.index(b"GT") if b"GT" in keys else -1
    held = (at + len(piece) - len(columns[9]), end)
    return _Record(columns[0], int(columns[1]), columns[3], columns[4], genotype, held)


def _of_bcf(
    stream: Stream, header: Header, wanted: set[bytes] | None
) -> Iterator[tuple[bytes, list[_Record]]]:
    """Yield (nothing, records of the contigs wanted)."""
    batch: list[_Record] = []
    for number, (shared, samples) in enumerate(records(stream), 1):
        try:
            site = Site(shared, header)
            if wanted is None or site.contig in wanted:
                counts = genotype_counts(header, Cursor(samples), site.keys)
                contig, position, _, ref, alt, *_ = site.columns()
                batch.append(_Record(contig, int(position), ref, alt, 0, counts))
        except (struct.error, IndexError, ValueError):
            raise FormatError("it is damaged", record=number) from None
        if len(batch) >= MOST_SITES:
            yield b"", batch
            batch = []
    if batch:
        yield b"", batch


class _Reader(ABC):
    """Reads the genotypes of records into blocks; `columns` tells the column of each sample of the file, -1 = none."""

    def __init__(self, header: Header, samples: Sequence[str] | None) -> None:
        self._names = header.samples if samples is None else tuple(samples)
        places = {name: place for place, name in enumerate(header.samples)}
        for name in self._names:
            if name not in places:
                raise UnknownKey("sample in the file", name, ())
        self._picked = [places[name] for name in self._names]
        self._count = len(header.samples)

    def block(self, text: bytes, batch: list[_Record]) -> Genotypes:
        """Return the genotypes of records of one contig."""
        import numpy as np

        dosage = np.full((len(batch), len(self._names)), -1, np.int8)
        ploidy = np.zeros((len(batch), len(self._names)), np.int8)
        self._fill(text, batch, dosage, ploidy)
        return Genotypes(
            contig=batch[0].contig.decode("utf-8", "replace"),
            samples=self._names,
            positions=np.array([record.position for record in batch], np.int64),
            refs=tuple(record.ref.decode("ascii", "replace") for record in batch),
            alts=tuple(record.alt.decode("ascii", "replace") for record in batch),
            multiallelic=np.array([b"," in record.alt for record in batch]),
            dosage=dosage,
            ploidy=ploidy,
        )

    @abstractmethod
    def _fill(self, text: bytes, batch: list[_Record], dosage: Any, ploidy: Any) -> None:
        """Fill both arrays, (records, samples), which stand at "not called"."""


class _Binary(_Reader):
    """Genotypes of a BCF, which are counted already."""

    def _fill(self, text: bytes, batch: list[_Record], dosage: Any, ploidy: Any) -> None:
        for row, record in enumerate(batch):
            if record.held is not None:
                dosage[row], ploidy[row] = (counts[self._picked] for counts in record.held)


class _Text(_Reader):
    """Genotypes of a VCF: compiled code for a large file where GT is the first key, else plain Python."""

    def __init__(self, header: Header, samples: Sequence[str] | None, *, large: bool) -> None:
        super().__init__(header, samples)
        self._known: dict[bytes, tuple[int, int]] = {}
        self._kernel = _kernel() if large and len(set(self._picked)) == len(self._picked) else None

    def _fill(self, text: bytes, batch: list[_Record], dosage: Any, ploidy: Any) -> None:
        if self._kernel and all(record.genotype == 0 for record in batch):
            import numpy as np

            columns = np.full(self._count, -1, np.int64)
            columns[self._picked] = np.arange(len(self._picked))
            rows = np.array([record.held for record in batch], np.int64)
            if not self._kernel(np.frombuffer(text, np.uint8), rows, columns, dosage, ploidy):
                raise FormatError("the number of columns is not that of the line #CHROM")
            return
        for row, record in enumerate(batch):
            cells = text[slice(*record.held)].split(b"\t")
            if len(cells) != self._count:
                raise FormatError("the number of columns is not that of the line #CHROM")
            if record.genotype >= 0:
                found = [self._one(cells[place], record.genotype) for place in self._picked]
                dosage[row], ploidy[row] = zip(*found, strict=True) if found else ((), ())

    def _one(self, cell: bytes, key: int) -> tuple[int, int]:
        """Return (dosage, ploidy) of one sample's text."""
        parts = cell.split(b":", key + 1)
        text = parts[key] if len(parts) > key else b""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = _counted(text)
            if len(self._known) > MOST_SITES:
                self._known.clear()
        return known


def _counted(text: bytes) -> tuple[int, int]:
    """Return (dosage, ploidy) of a genotype as written."""
    found = GENOTYPE.fullmatch(text)
    alleles = ALLELE.findall(found[1]) if found else []
    if not 0 < len(alleles) <= MOST_ALLELES:
        return -1, 0
    if b"." in alleles:
        return -1, len(alleles)
    return sum(bool(one.strip(b"0")) for one in alleles), len(alleles)


@cache
def _kernel() -> Any:
    try:
        from omics_orchestrator.formats.vcf_dosage_kernel import dosages
    except (ImportError, RuntimeError):  # without the extra `variants`, or nowhere to keep compiled code
        return None
    return dosages
