"""Inputs of the fuzzer: small good files of every format, and what chance makes of them.

What is asked of a format that reads them: fuzz.py.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omics_orchestrator.formats import FORMATS, Format
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.text import BGZF_END, HEAD
from omics_orchestrator_tests.conftest import SHARED_DATA
from omics_orchestrator_tests.formats.fuzz_hdf5 import MAGIC, rebuilt
from omics_orchestrator_tests.formats.test_contract import tiny

SMALL = 300_000  # bytes of a public file that is taken
CANARY = "Zz9Canary"  # stands for a participant: no message may repeat it
MIB = 1024 * 1024
FILLINGS = (b"\0", b"A", b"\n", b"\t", b"1\t", b"ACGT\n", b"[", b"<a>", b"@r\nA\n+\nF\n", b'"')
NUMBERS = (
    b"0", b"-1", b"1", b"2147483647", b"2147483648", b"-2147483649", b"4294967296", b"9223372036854775808",
    b"1" + b"0" * 30, b"9" * 5000, b"1e400", b"-0", b"1.5", b"nan", b"inf", b"", b"0x10", b"1_000", "٣".encode(),
)  # fmt: skip
WORDS = (
    b"\0", b"\r", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b'"', b"\x1a",
    b"x" * 10_000, b"\t" * 10_000, b"," * 10_000, b";" * 3000, b"[" * 50_000, b"{" * 3000, b"<a>" * 5000, b"%n%s",
    CANARY.encode(), b"\\u0000", b"NA", b"NULL", b"=cmd()", "\u202eé中".encode(), b"\xc2\x85", b"\xe2\x80\xa8",
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>', b"cos\nsystem\n(S'true'\ntR.",
)  # fmt: skip
INTEGERS = (
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
)
Mutation = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Sown:
    """A good file set: its declaration, and content by path below the assay's location."""

    declared: Format
    files: dict[str, bytes]


@cache
def sown(tag: str, shared: Path | None = SHARED_DATA) -> tuple[Sown, ...]:
    """Return the good file sets of a format: what its tests give and the small public ones."""
    declared, name, raw = tiny(tag)
    return (Sown(declared, {name: raw}), *_public(shared).get(tag, ()))


@cache
def _public(shared: Path | None) -> dict[str, list[Sown]]:
    """Return the file sets among the small public files, by format as they are recognised."""
    sets: dict[tuple[str, str, str], Sown] = {}
    paths = sorted(shared.rglob("*")) if shared and shared.is_dir() else []
    for path in paths:
        if path.is_file() and path.stat().st_size <= SMALL:
            raw = path.read_bytes()
            declared = recognise(path.name, raw[:HEAD])
            key = declared.format, str(path.parent), declared.set_key(path.name)
            sets.setdefault(key, Sown(declared, {})).files[path.name] = raw
    found: dict[str, list[Sown]] = {tag: [] for tag in FORMATS}
    for (tag, _, _), one in sets.items():
        found[tag].append(one)
    return found


def made(tag: str, seed: int, number: int, shared: Path | None = SHARED_DATA, *, bombs: bool = True) -> Sown:
    """Return one input; seed, format and number alone decide what it is (and the good files there are)."""
    chance = random.Random(f"{seed} {tag} {number}")
    good = sown(tag, shared)
    start = good[0] if chance.random() < 0.4 else chance.choice(good)
    files = dict(start.files)
    name = chance.choice(list(files))
    other = chance.choice([raw for one in good for raw in one.files.values()])
    files[name] = mutated(files[name], other, chance, bombs=bombs)
    return Sown(start.declared, files)


def mutated(raw: bytes, other: bytes, chance: random.Random, *, bombs: bool = True) -> bytes:
    """Return a damaged copy: as it lies in the store, or damaged inside its compression."""
    if raw.startswith(MAGIC) and chance.random() < 0.8:
        return rebuilt(raw, chance)
    if chance.random() < 0.15:
        return _several(raw, other, chance)
    text = inflated(raw)
    if text is None:
        changed = _several(raw, other, chance)
        return _packed(changed, chance, bombs=bombs) if chance.random() < 0.2 else changed
    changed = _several(text, inflated(other) or other, chance)
    if chance.random() < 0.8 and raw[3:4] == b"\x04":
        return bgzipped(changed)
    return _packed(changed, chance, bombs=bombs)


def inflated(raw: bytes) -> bytes | None:
    """Return what a compressed file holds, at most 4 MiB; None = it is not compressed."""
    try:
        if raw.startswith(b"\x1f\x8b"):
            text, rest = b"", raw
            while rest.startswith(b"\x1f\x8b") and len(text) < 4 * MIB:
                member = zlib.decompressobj(31)
                text += member.decompress(rest, 4 * MIB)
                rest = member.unused_data
            return text
        if raw.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(raw, 4 * MIB)
        if raw.startswith(b"\xfd7zXZ"):
            return lzma.LZMADecompressor().decompress(raw, 4 * MIB)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        pass
    return None


def bgzipped(text: bytes, size: int = 0xFF00) -> bytes:
    """Return a text as bgzip writes it (SAM specification 1.6, section 4.1)."""
    blocks = []
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = deflate.compress(piece) + deflate.flush()
        head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(packed) + 25)
        blocks.append(head + packed + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join(blocks) + BGZF_END


def _packed(text: bytes, chance: random.Random, *, bombs: bool) -> bytes:
    """Return a text compressed in some way, the right one or a wrong one, sometimes followed by a bomb."""
    cut = chance.randrange(len(text) + 1)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: gzip.compress(text, 1, mtime=0),
        lambda: gzip.compress(text, 1, mtime=0),
        lambda: gzip.compress(text, 1, mtime=0),
        lambda: text,
        lambda: bgzipped(text, chance.choice([1 + len(text) // 50, 0xFF00])),
        lambda: gzip.compress(text[:cut], 1, mtime=0) + gzip.compress(text[cut:], 1, mtime=0),
        lambda: bz2.compress(text, 1),
        lambda: lzma.compress(text, preset=0),
        lambda: gzip.compress(gzip.compress(text, 1, mtime=0), 1, mtime=0),
        lambda: gzip.compress(text, 1, mtime=0) + b"\0" * chance.randrange(1, 1000),
        lambda: gzip.compress(text, 1, mtime=0)[: -chance.randrange(1, 9)],
        lambda: gzip.compress(text[:cut], 1, mtime=0) + bomb(chance),
    )
    return chance.choice(ways if bombs else ways[:-1])()


def bomb(chance: random.Random) -> bytes:
    """Return members of gzip that inflate to 16 to 128 MiB of one filling."""
    return _member(chance.randrange(len(FILLINGS))) * chance.choice([1, 4, 8])


@cache
def _member(filling: int) -> bytes:
    one = FILLINGS[filling]
    return gzip.compress(one * (16 * MIB // len(one)), 6, mtime=0)


def _several(raw: bytes, other: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        raw = chance.choice(MUTATIONS)(raw, chance) if chance.random() < 0.9 else _splice(raw, other, chance)
    return raw


def _splice(raw: bytes, other: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def _flip(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice([1, 1, 2, 16]) if raw else 0):
        changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _span(raw: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(raw) + 1)
    return start, min(len(raw), start + chance.choice([1, 2, 4, 8, 64, 1000]))


def _remove(raw: bytes, chance: random.Random) -> bytes:
    start, end = _span(raw, chance)
    return raw[:start] + raw[end:]


def _repeat(raw: bytes, chance: random.Random) -> bytes:
    start, end = _span(raw, chance)
    return raw[:end] + raw[start:end] * chance.choice([1, 2, 50]) + raw[end:]


def _noise(raw: bytes, chance: random.Random) -> bytes:
    start, end = _span(raw, chance)
    return raw[:start] + chance.randbytes(chance.choice([0, end - start, 3, 100])) + raw[end:]


def _integer(raw: bytes, chance: random.Random) -> bytes:
    """Overwrite a field of 1, 2, 4 or 8 bytes: lengths, offsets and counts among them."""
    width = chance.choice([1, 2, 4, 4, 4, 8])
    value = chance.choice([*INTEGERS, len(raw), max(len(raw) - 1, 0), chance.getrandbits(64)])
    start = chance.randrange(max(len(raw) - width, 0) + 1)
    field = (value & ((1 << 8 * width) - 1)).to_bytes(width, chance.choice(["little", "little", "big"]))
    return raw[:start] + field + raw[start + width :]


def _number(raw: bytes, chance: random.Random) -> bytes:
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", raw[:SMALL]))
    if not found:
        return _integer(raw, chance)
    one = chance.choice(found)
    return raw[: one.start()] + chance.choice(NUMBERS) + raw[one.end() :]


def _word(raw: bytes, chance: random.Random) -> bytes:
    """Put a nasty word into the place of another, or between two."""
    found = list(re.finditer(rb"[^\s,;:=|\"/]+", raw[:SMALL]))
    start, end = chance.choice(found).span() if found else (0, 0)
    return raw[:start] + chance.choice(WORDS) + raw[end if chance.random() < 0.7 else start :]


def _canary(raw: bytes, chance: random.Random) -> bytes:
    found = list(re.finditer(rb"[A-Za-z0-9_.]+", raw[:SMALL]))
    start, end = chance.choice(found).span() if found else (0, 0)
    return raw[:start] + CANARY.encode() + raw[end:]


def _lines(raw: bytes, chance: random.Random) -> bytes:
    """Remove, repeat, swap or empty lines; exchange or remove fields of one."""
    lines = raw.split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    separator = chance.choice([b"\t", b"\t", b",", b" ", b";", b":"])
    fields = lines[one].split(separator)
    what = chance.randrange(6)
    if what == 0:
        del lines[one]
    elif what == 1:
        lines[two:two] = [lines[one]] * chance.choice([1, 3])
    elif what == 2:
        lines[one], lines[two] = lines[two], lines[one]
    elif what == 3:
        lines[one] = separator.join(chance.sample(fields, len(fields)))
    elif what == 4:
        lines[one] = separator.join(fields[: chance.randrange(len(fields) + 1)])
    else:
        lines[one] = separator.join([*fields, chance.choice(fields)])
    return b"\n".join(lines)


def _encoded(raw: bytes, chance: random.Random) -> bytes:
    """Return the bytes as another encoding, other line ends, or with some padding before or behind."""
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: raw.decode("latin-1").encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + raw,
        lambda: raw.replace(b"\n", b"\r\n"),
        lambda: raw.replace(b"\n", b"\r"),
        lambda: raw.replace(b"\n", b"\n\n"),
        lambda: raw + b"\0" * chance.choice([1, 512, 70_000]),
        lambda: b"\0" * chance.choice([1, 512]) + raw,
        lambda: raw + raw,
        lambda: raw.upper(),
        lambda: (raw + b"\n") * min(40, 1 + 2 * MIB // (len(raw) + 1)),
    )
    return chance.choice(ways)()


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _flip, _cut, _remove, _repeat, _noise, _integer, _integer, _number, _number, _word, _word, _canary,
    _lines, _lines, _encoded,
)  # fmt: skip
