"""Reads one serialised R object, in any of R's writings (XDR, native, ASCII; versions 2 and 3).

Limits and nodes: rds_guard.py; bytes: rds_stream.py; what the nodes mean: rds_values.py and beyond.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
from rdata.missing import R_FLOAT_NA, R_INT_NA
from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import read_array, summary
from omics_orchestrator.formats.rds_guard import Guarded
from omics_orchestrator.formats.rds_stream import Stream, compression, inflated

BAD_CONTENT = (
    AssertionError,
    ArithmeticError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    TypeError,
    ValueError,
    RecursionError,
    EOFError,
    MemoryError,
)
"""What rdata raises on bytes that are no R object."""


@dataclass(frozen=True)
class Serialised:
    """What a file holds.

    Attributes:
        root: the object.
        version: of the serialisation, 2 or 3.
        written_by: the R version that wrote it, as `4.2.2`.
        writing: `xdr`, `native` or `ascii`.
        compression: `gzip`, `bzip2`, `xz` or `none`.
        rest: bytes that follow the object.
    """

    root: RObject
    version: int
    written_by: str
    writing: str
    compression: str
    rest: int


def parse(blocks: Iterable[bytes], *, keep: bool) -> Serialised:
    """Parse one serialised object.

    Args:
        blocks: the file as stored.
        keep: keep all values; otherwise large arrays are read, and of their values only the range is kept
            (`rds_arrays.Unkept`), so that a look into a file of any size takes bounded memory.

    Raises:
        FormatError: cut off, damaged, no R object, or beyond the limits of this module.
    """
    blocks = iter(blocks)
    first = next(blocks, b"")
    stream = Stream(inflated(chain([first], blocks)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser, writing = _parser(stream, keep=keep)
            tree = parser.parse_all()
    except BAD_CONTENT as error:
        raise FormatError(f"cut off, damaged or no R object ({type(error).__name__})") from None
    number = tree.versions.serialized
    written_by = f"{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return Serialised(
        tree.object, tree.versions.format, written_by, writing, compression(first), stream.rest()
    )


def _parser(stream: Stream, *, keep: bool) -> tuple[Guarded, str]:
    """Return the parser for what the first two bytes say."""
    first = stream.read(2)
    if first == b"X\n":
        return _Binary(stream, keep=keep), "xdr"
    if first == b"B\n":
        return _Native(stream, keep=keep), "native"
    if first in (b"A\n", b"A\r"):
        if first == b"A\r":
            stream.read(1)
        return _Ascii(stream, keep=keep), "ascii"
    if first == b"RD":
        raise FormatError("an .RData workspace, not one R object: save the object with saveRDS()")
    raise FormatError("no serialised R object")


class _Binary(Guarded):
    """Integers and doubles of a fixed byte order."""

    order: Literal["big", "little"] = "big"

    def next_int(self) -> int:
        return int.from_bytes(self.stream.read(4), self.order, signed=True)

    def _parse_array_values(self, dtype: Any, length: int) -> Any:
        stored = np.dtype(dtype).newbyteorder(">" if self.order == "big" else "<")
        return read_array(self.stream, stored, length, keep=self.keeps(length * stored.itemsize))

    def raw_values(self, length: int) -> Any:
        return read_array(self.stream, np.dtype(np.uint8), length, keep=self.keeps(length))


class _Native(_Binary):
    """The byte order of the machine that wrote it, told from the first number, which is 2 or 3."""

    def parse_versions(self) -> Any:
        first = self.stream.read(4)
        self.order = "little" if first[0] else "big"
        self._pending = int.from_bytes(first, self.order)
        return super().parse_versions()


class _Ascii(Guarded):
    """One number or text per line."""

    def next_int(self) -> int:
        return self._int(self.stream.line())

    @staticmethod
    def _int(line: bytes) -> int:
        return int(R_INT_NA) if line == b"NA" else int(line)

    @staticmethod
    def _double(line: bytes) -> float:
        if line == b"NA":
            return float(R_FLOAT_NA)
        return float.fromhex(line.decode()) if b"x" in line else float(line)

    def _parse_array_values(self, dtype: Any, length: int) -> Any:
        dtype = np.dtype(dtype)
        line = self.stream.line
        if dtype.kind == "i":
            values: Any = (self._int(line()) for _ in range(length))
        elif dtype.kind == "f":
            values = (self._double(line()) for _ in range(length))
        else:
            values = (complex(self._double(line()), self._double(line())) for _ in range(length))
        array = np.fromiter(values, dtype)
        return array if self.keeps(array.nbytes) else summary(array)

    def raw_values(self, length: int) -> Any:
        return np.fromiter((int(self.stream.line(), 16) for _ in range(length)), np.uint8)

    def parse_string(self, length: int) -> bytes:
        """Return the bytes of a text; what is no printable ASCII is written with a backslash."""
        raw = _ESCAPED.sub(_unescaped, self.stream.line())
        if len(raw) != length:
            raise FormatError("a text is not as long as it says: the file is damaged")
        return raw


_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"v": b"\v", b"b": b"\b", b"r": b"\r", b"f": b"\f", b"a": b"\a"}


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 255]) if code.isdigit() else _LETTERS.get(code, code)
