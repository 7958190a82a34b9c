"""The genotypes of a PLINK set: .bed and .pgen, their dimensions and whether they are whole; no genotype is decoded.

By the description of PLINK 1.9's .bed and the PLINK 2 file format specification, sections 2.2 and 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.byte_reader import ByteReader

MAGIC = b"\x6c\x1b"
SAMPLE_MAJOR, VARIANT_MAJOR = 0, 1
FIXED = {2: 0, 3: 2, 4: 4}  # storage mode → bytes of dosage per sample and variant
VARIABLE, EXTENDED = 0x10, 0x11
EXTERNAL = (0x20, 0x21)  # the header lies in a .pgi
MODES = (SAMPLE_MAJOR, VARIANT_MAJOR, *FIXED, VARIABLE, EXTENDED, *EXTERNAL)
BLOCK = 1 << 16  # variants whose types and lengths stand together
MOST_SAMPLES = (1 << 31) - 3
PHASE, DOSAGE, MULTIALLELIC = 0x10, 0x60, 0x08  # bits of a record's type


def is_genotypes(head: bytes) -> bool:
    """Tell whether a file begins as a .bed or a .pgen does."""
    return head.startswith(MAGIC) and len(head) > 2 and head[2] in MODES


def inspect_genotypes(file: OpenFile) -> Inspection:
    """Read the header of a .bed or a .pgen, and hold the size of the file to it as far as it tells."""
    facts: dict[str, JsonValue] = {"kind": "genotypes"}
    try:
        warnings = _read(file, facts)
    except FormatError as error:
        return Inspection.refused(error, facts)
    return Inspection.of(facts, warnings=warnings)


def bed_size(samples: int, variants: int) -> int:
    """Return the size that a .bed must have, in bytes."""
    return 3 + variants * -(-samples // 4)


def _read(file: OpenFile, facts: dict[str, JsonValue]) -> list[str]:
    reader = ByteReader(file.blocks())
    begins = reader.peek(3)
    if not begins:
        raise FormatError("an empty file")
    if not is_genotypes(begins):
        raise FormatError("it does not begin with 6c 1b and a mode: no .bed or .pgen of PLINK")
    reader.take(3)
    mode = begins[2]
    facts["mode"] = mode
    if mode in (SAMPLE_MAJOR, VARIANT_MAJOR):
        facts["layout"] = "bed"
        return ["sample by sample, as PLINK wrote before 2009: several tools refuse it"] * (not mode)
    facts["layout"] = "pgen"
    if mode in EXTERNAL:
        facts["header_in"] = ".pgi"
        return []
    facts |= _Header.of(reader, mode, file.size).facts()
    if mode != EXTENDED:
        facts |= _opened(file, facts)
    return []


@dataclass
class _Header:
    """What the header of a .pgen says; `types` are the bits that occur in the types of its records."""

    variants: int
    samples: int
    control: int
    types: int = 0

    @classmethod
    def of(cls, reader: ByteReader, mode: int, size: int) -> _Header:
        """Read a header, up to the first record."""
        try:
            raw = reader.take(9)
        except FormatError:
            raise FormatError("the file is cut off in its header") from None
        header = cls(int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:8], "little"), raw[8])
        if not 0 < header.samples <= MOST_SAMPLES or not header.variants:
            raise FormatError("the header tells no samples or no variants")
        whole = -(-header.samples // 4)
        if mode in FIXED:
            flags = -(-header.variants // 8) if header.control >> 6 == 3 else 0
            end = 12 + flags + header.variants * (whole + FIXED[mode] * header.samples)
        else:
            end = header._blocks(reader, whole)
        if end > size or (end < size and mode != EXTENDED):
            raise FormatError(f"by its header the file has {end:,} bytes, and it has {size:,}")
        return header

    def _blocks(self, reader: ByteReader, whole: int) -> int:
        """Go through types and lengths of all records (section 2.2.5); returns where the last record ends."""
        blocks = -(-self.variants // BLOCK)
        offsets = []
        end = 0
        try:
            for _ in range(blocks):
                offsets.append(int.from_bytes(reader.take(8), "little"))
            for number, offset in enumerate(offsets):
                if number and offset != end:
                    raise FormatError(
                        f"variant block {number + 1} does not begin where the one before it ends"
                    )
                count = min(BLOCK, self.variants - number * BLOCK)
                end = offset + self._lengths(reader, count, whole)
        except FormatError as error:
            raise FormatError(str(error).replace("the file is", "the header is")) from None
        if offsets[0] != reader.at:
            raise FormatError("the first record does not begin where the header ends")
        return end

    def _lengths(self, reader: ByteReader, count: int, whole: int) -> int:
        """Return the bytes of the records of one block; goes past allele counts and flags."""
        import numpy as np

        kind = self.control & 15
        if kind > 9:
            raise FormatError("the lengths of its records are stored in a way that PLINK does not know")
        if kind < 8:
            width = kind % 4 + 1
            types = np.frombuffer(reader.take(count if kind > 3 else -(-count // 2)), np.uint8)
            self.types |= int(np.bitwise_or.reduce(types if kind > 3 else types | types >> 4 | types << 4))
            if kind <= 3:
                self.types &= 15
            stored = np.frombuffer(reader.take(count * width), np.uint8).reshape(count, width)
            total = sum(int(stored[:, place].sum(dtype=np.int64)) << 8 * place for place in range(width))
        else:
            bits = 2 if kind == 8 else 4
            stored = np.frombuffer(reader.take(-(-count * bits // 8)), np.uint8)
            parts = [(stored >> shift) & ((1 << bits) - 1) for shift in range(0, 8, bits)]
            extra = np.stack(parts, axis=1).ravel()[:count]
            self.types |= MULTIALLELIC if extra.any() else 0
            total = int(extra.sum(dtype=np.int64)) + whole * count
        for _ in reader.pieces((self.control >> 4 & 3) * count):
            pass
        for _ in reader.pieces(-(-count // 8) if self.control >> 6 == 3 else 0):
            pass
        return total

    def facts(self) -> dict[str, JsonValue]:
        """Return what is registered."""
        return {
            "variants": self.variants,
            "samples": self.samples,
            "phased": bool(self.types & PHASE),
            "dosages": bool(self.types & DOSAGE),
            "multiallelic": bool(self.types & MULTIALLELIC),
        }


def _opened(file: OpenFile, facts: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Open the file by PLINK's own library, where it is installed."""
    try:
        import pgenlib
    except ImportError:
        return {"opened": False}
    try:
        reader = pgenlib.PgenReader(str(file.path()).encode())
        try:
            found = reader.get_variant_ct(), reader.get_raw_sample_ct()
        finally:
            reader.close()
    except (RuntimeError, OSError, ValueError, AssertionError):
        raise FormatError("PLINK's library cannot open it") from None
    if found != (facts["variants"], facts["samples"]):
        raise FormatError("PLINK's library finds other dimensions in it")
    return {"opened": True}
