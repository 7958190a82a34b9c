"""What a file format is: its declaration, what a look into a file answers, and how bytes become lines.

One module per format beside this one; linking files to samples and storing what was found live in registry/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, Protocol

from pydantic import JsonValue

from omics_orchestrator.declared import Declared
from omics_orchestrator.errors import FormatError

Verdict = Literal["valid", "warnings", "invalid"]
GZIP = b"\x1f\x8b"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
PIECE = (
    64 * 1024
)  # compressed bytes inflated at once: bounds memory, and the rest copied at each end of a member
LARGE_TEXT = 1024 * 1024  # bytes; what inflates to more is not held whole
LONGEST_LINE = 64 * 1024 * 1024  # bytes; a longer line is no text file of ours


class OpenFile(Protocol):
    """A file wherever it lies: read through `blocks`, or through `path` where a library needs a name."""

    @property
    def name(self) -> str:
        """The last part of the key."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the content; every block but the last holds at least 64 KiB."""

    def path(self) -> Path:
        """Return a local file with the content, valid as long as this object."""


@dataclass(frozen=True)
class MemoryFile:
    """An `OpenFile` whose bytes are at hand."""

    name: str
    raw: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.raw)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.raw

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(prefix="omics-")

    def path(self) -> Path:
        """Return a temporary file that goes with this object."""
        file = Path(self._folder.name, "content")
        file.write_bytes(self.raw)
        return file


@dataclass(frozen=True)
class Inspection:
    """What a look into a file answers.

    Attributes:
        verdict: `invalid` files are never linked or built into a matrix.
        facts: counts and header entries, as JSON.
        samples: names of samples found inside, in order; empty where the format holds none.
        problems: one sentence each, with the number of the first record or line; never content of the file.
    """

    verdict: Verdict
    facts: dict[str, JsonValue]
    samples: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, facts: dict[str, JsonValue], samples: tuple[str, ...] = (), warnings: Iterable[str] = ()
    ) -> Inspection:
        """Return the verdict on a file that can be used: `valid`, or `warnings` where there are any."""
        problems = tuple(warnings)
        return cls("warnings" if problems else "valid", facts, samples, problems)

    @classmethod
    def refused(cls, error: FormatError, facts: dict[str, JsonValue]) -> Inspection:
        """Return the verdict `invalid` for what `error` says."""
        return cls("invalid", facts, (), (str(error),))


class Format(Declared, ABC):
    """A file format of an assay: how to recognise a file, what is in it, which files belong together.

    `suffixes` end the names of its files, in lower case; `companions` those of files that are registered with
    their set but not inspected (indexes); `holds_samples`: sample names stand inside the files.
    """

    suffixes: ClassVar[tuple[str, ...]]
    companions: ClassVar[tuple[str, ...]] = ()
    holds_samples: ClassVar[bool] = False

    format: str
    """Which format the files have."""

    @classmethod
    @abstractmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell from the name and the first bytes (64 KiB are enough) whether a file may be of this format."""

    @abstractmethod
    def inspect(self, file: OpenFile) -> Inspection:
        """Read the file once, in bounded memory, and say what is in it; never raises for a bad content."""

    def inspect_bytes(self, name: str, raw: bytes) -> Inspection:
        """Inspect a small file whose bytes are at hand."""
        return self.inspect(MemoryFile(name, raw))

    def inspect_many(self, files: Sequence[tuple[str, bytes]]) -> list[Inspection]:
        """Inspect small files (name, bytes), each as `inspect_bytes` would; a format may do it at one go."""
        return [self.inspect_bytes(name, raw) for name, raw in files]

    @classmethod
    def bears_suffix(cls, name: str) -> bool:
        """Tell whether the name ends like a file of this format (companions do not)."""
        return name.lower().endswith(cls.suffixes)

    @classmethod
    def is_companion(cls, name: str) -> bool:
        """Tell whether the name is that of an index or the like, which is registered but not inspected."""
        return bool(cls.companions) and name.lower().endswith(cls.companions)

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return what the names of one file set have in common; by default a file is a set of its own."""
        return name

    @classmethod
    def file_set(cls, names: Iterable[str]) -> list[tuple[str, ...]]:
        """Group names into file sets, sets and members in order of appearance."""
        sets: dict[str, list[str]] = {}
        for name in names:
            sets.setdefault(cls.set_key(name), []).append(name)
        return [tuple(members) for members in sets.values()]


class Lines:
    """Lines of a text file in batches, without their ends, inflated by content (gzip, bgzip or neither).

    Iterate once; then `compression` (`none`, `gzip`, `bgzip`), `crlf` (some line ended in CR LF) and `whole`
    (False: a bgzip file without its end marker) are known. Broken compression is a `FormatError`.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.compression = "none"
        self.crlf = False
        self.whole = True

    def __iter__(self) -> Iterator[list[bytes]]:
        """Yield the lines in batches; a last line needs no line end."""
        carry = b""
        for text in self.text():
            lines = text.split(b"\n")
            if carry:
                lines[0] = carry + lines[0]
            carry = lines.pop()
            if len(carry) > LONGEST_LINE:
                raise FormatError(f"a line is longer than {LONGEST_LINE >> 20} MiB: no text file")
            if lines:
                yield self._without_cr(lines, text)
        if carry:
            yield self._without_cr([carry], carry)

    def _without_cr(self, lines: list[bytes], text: bytes) -> list[bytes]:
        if b"\r" not in text and not lines[0].endswith(b"\r"):
            return lines
        self.crlf = True
        return [line.removesuffix(b"\r") for line in lines]

    def text(self) -> Iterator[bytes]:
        """Yield the inflated content in blocks."""
        blocks = iter(self._blocks)
        first = next(blocks, b"")
        if not first.startswith(GZIP):
            yield first
            yield from blocks
            return
        self.compression = "bgzip" if first[3:4] == b"\x04" and first[12:14] == b"BC" else "gzip"
        last = yield from _inflate(first, blocks)
        self.whole = self.compression == "gzip" or last == BGZF_END


def _inflate(block: bytes, more: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """Yield the inflated members of a gzip file; returns its last 28 bytes."""
    members = _Members()
    last = b""
    while block:
        last = (last + block[-len(BGZF_END) :])[-len(BGZF_END) :]
        for start in range(0, len(block), PIECE):
            yield from members.feed(block[start : start + PIECE])
        block = next(more, b"")
    if members.open is not None:
        raise FormatError("the gzip stream ends early: the file is cut off")
    return last


class _Members:
    """The members of a gzip file, one after the other; `open` is None between two of them."""

    def __init__(self) -> None:
        self._zlib = _zlib()
        self.open: Any = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next piece of the file inflates to."""
        while piece:
            if self.open is None:
                if not (piece := piece.lstrip(b"\0")):  # tapes pad with zeros
                    return
                if not piece.startswith(GZIP[: len(piece)]):
                    raise FormatError("something else follows the end of the gzip stream")
                self.open = self._zlib.decompressobj(31)
            try:
                text = self.open.decompress(piece)
            except self._zlib.error:
                raise FormatError("the gzip stream is damaged") from None
            if text:
                yield text
            piece = b""
            if self.open.eof:
                piece, self.open = self.open.unused_data, None


def inflated(raw: bytes) -> bytes | None:
    """Return the content of an ordinary gzip file of one member; None = it is something else, or damaged."""
    if not raw.startswith(GZIP) or raw[3:4] == b"\x04":
        return None
    zlib = _zlib()
    member = zlib.decompressobj(31)
    try:
        text: bytes = member.decompress(raw, LARGE_TEXT)
    except zlib.error:
        return None
    return text if member.eof and not member.unused_data else None


@cache
def _zlib() -> Any:
    """Return isal's zlib (2–3 times as fast) or, without the extra `reads`, Python's."""
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib
    return isal_zlib
