"""Reads FASTQ text by the specification, sequences and qualities on one line or on several.

Source of the rules: Cock et al. 2010, Nucleic Acids Research 38:1767. What is counted: fastq_tally.py; the same in
compiled loops for plain four-line reads: fastq_kernel.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.fastq_scan import Scanner
from omics_orchestrator.formats.fastq_tally import LETTERS, LOWEST_QUALITY, QUALITIES, Tally

BASES = b"".join(LETTERS)
NO_BASES = b"EFIJLOPQZefijlopqz"  # letters, but of no base: the specification advises against them
QUALITY = bytes(range(LOWEST_QUALITY, LOWEST_QUALITY + QUALITIES))
CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f]")  # in a title; a tab is text
LONGEST_READ = 32 * 1024 * 1024  # bytes of text; bounds memory
SLICE = 4 * 1024 * 1024  # bytes of text looked at in one go; bounds memory
EMPTY_LINES = b"\n" * 1000  # more than any writer leaves behind
CUT_OFF = "the file ends within a read"


class Read(NamedTuple):
    """One read: its lines joined, and where in the list of lines the next one begins."""

    title: bytes
    sequence: bytes
    quality: bytes
    wrapped: bool
    after: int


def read_all(texts: Iterable[bytes], tally: Tally, scanner: Scanner | None) -> None:
    """Count all reads of a text that comes in pieces.

    Raises:
        FormatError: at the first read that breaks the format; `tally` holds those before it.
    """
    for _ in read_on(texts, tally, scanner):
        pass


def read_on(texts: Iterable[bytes], tally: Tally, scanner: Scanner | None) -> Iterator[None]:
    """Count all reads as `read_all` does, a step at a time."""
    pending: list[bytes] = []
    size = wanted = 0
    for text in _sliced(texts):
        pending.append(text)
        size += len(text)
        if size < wanted:
            continue
        rest = _consume(b"".join(pending), tally, scanner, last=False)
        if len(rest) > LONGEST_READ:
            raise FormatError(f"it is longer than {LONGEST_READ >> 20} MiB: no FASTQ", record=tally.reads + 1)
        pending, size = [rest], len(rest)
        wanted = min(2 * size, LONGEST_READ + 1)  # twice: a long read is not begun ever again
        yield
    if rest := b"".join(pending):
        _consume(rest if rest.endswith(b"\n") else rest + b"\n", tally, scanner, last=True)
        yield
    if not tally.reads:
        raise FormatError("no reads")


def _sliced(texts: Iterable[bytes]) -> Iterator[bytes]:
    for text in texts:
        if len(text) <= SLICE:
            yield text
        else:
            yield from (text[at : at + SLICE] for at in range(0, len(text), SLICE))


def _consume(text: bytes, tally: Tally, scanner: Scanner | None, *, last: bool) -> bytes:
    """Count the whole reads at the beginning of a text; return what is left."""
    if scanner:
        at, odd = scanner.scan(text, tally)
        text = text[at:]
        if not odd and not last:
            return text
    end = text.rfind(b"\n") + 1
    if text[:1] not in b"@\r\n":
        raise FormatError("the first line does not begin with @", record=tally.reads + 1)
    if text.endswith(EMPTY_LINES):
        raise FormatError("more than 1,000 empty lines", record=tally.reads + 1)
    left = _read(text[:end], tally, last=last) if end else 0
    return text[end - left :]


def _read(text: bytes, tally: Tally, *, last: bool) -> int:
    """Count the whole reads of some lines; return how many bytes of them are left."""
    stripped = lines = text.split(b"\n")
    lines.pop()
    if b"\r\n" in text:
        stripped = [line.removesuffix(b"\r") for line in lines]
        tally.crlf = True
    whole = len(lines) & ~3
    columns = [stripped[start:whole:4] for start in range(4)]
    if whole and _plain(*columns):
        tally.add(columns[0], columns[1], columns[3])
    else:
        whole = 0
    after = _OneByOne(stripped, tally, last).read(whole) if whole < len(lines) else whole
    return sum(map(len, lines[after:])) + len(lines) - after


def _plain(titles: list[bytes], sequences: list[bytes], pluses: list[bytes], qualities: list[bytes]) -> bool:
    """Tell whether all are good reads of four lines."""
    return (
        list(map(len, sequences)) == list(map(len, qualities))
        and {title[:1] for title in titles} == {b"@"}
        and not CONTROL.search(b"\n".join(titles))
        and (set(pluses) == {b"+"} or not any(map(_differ, titles, pluses)))
        and not b"".join(sequences).translate(None, BASES)
        and not b"".join(qualities).translate(None, QUALITY)
    )


def _differ(title: bytes, plus: bytes) -> bool:
    """Tell whether the line with + is neither `+` nor `+` and the title."""
    return plus != b"+" and (plus[:1] != b"+" or plus[1:] != title[1:])


@dataclass
class _OneByOne:
    """Reads of a list of lines, each looked at by itself."""

    lines: list[bytes]
    tally: Tally
    last: bool
    good: list[Read] = field(default_factory=list)

    def read(self, at: int) -> int:
        """Count the whole reads from line `at` on; return the line at which the first begins that is not whole."""
        try:
            for read in self._reads(at):
                self.good.append(read)
                at = read.after
        except _BadRead as bad:
            self._count()
            raise FormatError(str(bad), record=self.tally.reads + 1) from None
        self._count()
        if not self.last or at == len(self.lines):
            return at
        if any(self.lines[at:]):
            raise FormatError(CUT_OFF, record=self.tally.reads + 1)
        self.tally.blank = True
        return len(self.lines)

    def _count(self) -> None:
        titles, sequences, qualities, wrapped, _ = zip(*self.good, strict=True) if self.good else [()] * 5
        if not self.tally.strange:
            odd = (number for number, one in enumerate(sequences, 1) if one.translate(None, BASES))
            self.tally.strange = next((self.tally.reads + number for number in odd), 0)
        self.tally.wrapped |= any(wrapped)
        self.tally.add(titles, sequences, qualities)

    def _reads(self, at: int) -> Iterator[Read]:
        while at < len(self.lines):
            read = self._one(at)
            if read is None:
                return
            yield read
            at = read.after

    def _one(self, at: int) -> Read | None:
        """Return the read that begins with line `at`; None = the lines end before it does."""
        title = self.lines[at]
        if not title:
            if any(self.lines[at:]):
                raise _BadRead("an empty line where a read should begin")
            return None
        if not title.startswith(b"@"):
            raise _BadRead("the first line does not begin with @")
        if found := CONTROL.search(title):
            raise _BadRead(
                "its lines end in CR alone" if found[0] == b"\r" else "the title holds a control character"
            )
        plus = self._plus(at + 1)
        if plus is None:
            return None
        sequence = self.lines[at + 1 : plus]
        bases = b"".join(sequence)
        end = self._end(plus + 1, len(bases), title)
        if end is None:
            return None
        quality = self.lines[plus + 1 : end]
        wrapped = len(sequence) > 1 or len(quality) > 1
        return Read(title, bases, b"".join(quality), wrapped, end)

    def _plus(self, at: int) -> int | None:
        """Return the line with +, all before it being sequence."""
        for number in range(at, len(self.lines)):
            line = self.lines[number]
            if line.startswith(b"+"):
                if number == at:
                    raise _BadRead("no line with the sequence")
                return number
            if number > at and (not line or not self.lines[at]):
                if not any(self.lines[number:]):
                    return None
                raise _BadRead("an empty line within the sequence")
            if line.startswith(b"@"):
                raise _BadRead("the next read begins before a line with +")
            if line.translate(None, BASES + NO_BASES):
                raise _BadRead("the sequence holds a character that is no base")
        return None

    def _end(self, at: int, bases: int, title: bytes) -> int | None:
        """Return the line after the qualities, which end when they are as many as the bases."""
        count = 0
        for number in range(at, len(self.lines)):
            if number == at and _differ(title, self.lines[at - 1]):
                raise _BadRead("the line with + repeats another title")
            line = self.lines[number]
            more = count + len(line)
            if bases and not line and not any(self.lines[number:]):
                return None
            if more > bases or (not line and bases):
                seen = count if count and line.startswith(b"@") else more
                raise _BadRead(f"{bases} bases but {seen} qualities")
            if line.translate(None, QUALITY):
                raise _BadRead("the quality holds a character outside ! to ~")
            count = more
            if count == bases:
                return number + 1
        return None


class _BadRead(Exception):
    """Why a read breaks the format."""
