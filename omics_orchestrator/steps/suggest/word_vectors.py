"""Vectors of words from a file that an operator copied onto this machine: the text format of GloVe and word2vec.

A line is a word and its numbers; a first line `words numbers` and gzip are optional. Nothing is fetched. What the
vectors are used for: meaning.py.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from omics_orchestrator.dictionary.similarity import spoken
from omics_orchestrator.errors import NotConfigured

Vector = npt.NDArray[np.float32]
LONGEST = 1 << 20  # bytes of a line; 4,096 numbers take a tenth of it
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
RIGHT = "right is a word and its numbers, with spaces between, as GloVe and word2vec write text"


class WordVectors:
    """A file of word vectors. It is read in one pass for the words that are asked for; only they are kept."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._asked: set[str] = set()
        self._known: dict[str, Vector] = {}

    def of(self, words: Collection[str]) -> Mapping[str, Vector]:
        """Return word → its vector, of length 1, for those of the words (as `spoken` writes them) that the file has.

        Words that differ in capitals or accents are one; the same letters count before others, the first of others.

        Raises:
            NotConfigured: there is no such file, it breaks the format, or it has none of the words.
        """
        if not self._asked.issuperset(words):
            wanted = self._asked.union(words)
            self._known = self._read(wanted)
            self._asked = wanted
        return self._known

    def __str__(self) -> str:
        """Tell how many of the words have a vector."""
        return (
            f"word vectors: {len(self._known):,} of {len(self._asked):,} words of names and labels have one"
        )

    def _read(self, wanted: Collection[str]) -> dict[str, Vector]:
        found: dict[str, Vector] = {}
        exact: set[str] = set()
        with self._opened() as stream:
            for number, text, numbers in self._lines(stream):
                word = _folded(text)
                if word is None:
                    self._refuse(number, "is not UTF-8", "save the file as UTF-8")
                same = text == word.encode()
                if word in wanted and word not in exact and (same or word not in found):
                    found[word] = self._vector(number, numbers)
                    if same:
                        exact.add(word)
        if not found:
            raise NotConfigured(
                f"OMICS_WORD_VECTORS: {self.file} has none of the {len(wanted)} words of the dictionary and of the"
                " columns: it takes vectors of the language that they are written in"
            )
        return {word: vector for word, vector in found.items() if vector.any()}

    @contextmanager
    def _opened(self) -> Iterator[BufferedIOBase]:
        """Open the file, unpacked; what goes wrong while it is read is told with its name."""
        try:
            with self.file.open("rb") as raw:
                first = raw.read(len(ZIP))
                raw.seek(0)
                if first.startswith(ZIP):
                    raise NotConfigured(
                        f"OMICS_WORD_VECTORS: {self.file} is a zip: unpack it, name the text in it"
                    )
                if not first.startswith(GZIP):
                    yield raw
                    return
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise NotConfigured(
                f"OMICS_WORD_VECTORS: {self.file} is damaged: copy it again ({error})"
            ) from error
        except OSError as error:
            raise NotConfigured(
                f"OMICS_WORD_VECTORS: {self.file} cannot be read ({error.strerror}): name a file of word vectors, or"
                " take the setting away"
            ) from error

    def _lines(self, stream: BufferedIOBase) -> Iterator[tuple[int, bytes, list[bytes]]]:
        """Yield number, word and fields of each line; raises where their count is not that of the first."""
        width = announced = count = 0
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST), b""), start=1):
            if len(line) == LONGEST:
                self._refuse(number, f"is longer than {LONGEST:,} bytes", RIGHT)
            fields = line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").split()
            if number == 1 and (header := _header(fields)):
                announced, width = header
                continue
            width = width or len(fields) - 1
            if not fields:
                continue
            if not 1 < width < len(fields) or (len(fields) > width + 1 and _number(fields[-width - 1])):
                self._ragged(number, len(fields) - 1, width)
            count += 1
            yield number, b" ".join(fields[:-width]), fields[-width:]
        if announced and count != announced:
            raise NotConfigured(
                f"OMICS_WORD_VECTORS: {self.file} announces {announced:,} words and has {count:,}: copy it again"
            )

    def _ragged(self, number: int, has: int, width: int) -> NoReturn:
        if width > 1:
            self._refuse(number, f"has {has} numbers, the lines before it {width}", "copy the file again")
        self._refuse(number, "has no word with numbers", RIGHT)

    def _vector(self, number: int, fields: list[bytes]) -> Vector:
        try:
            vector = np.array([float(field) for field in fields])
        except ValueError:
            self._refuse(number, "has a field that is no number", RIGHT)
        if not np.isfinite(vector).all():
            self._refuse(number, "has a number that is not finite", "take another file of vectors")
        vector /= np.abs(vector).max() or 1.0  # else the squares of very large or small numbers are lost
        return (vector / (np.linalg.norm(vector) or 1.0)).astype(np.float32)

    def _refuse(self, number: int, what: str, right: str) -> NoReturn:
        raise NotConfigured(f"OMICS_WORD_VECTORS: {self.file}:{number}: {what}: {right}")


def _header(fields: list[bytes]) -> tuple[int, int] | None:
    """Return how many words of how many numbers a first line announces; None = it is a word."""
    if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit():
        return int(fields[0]), int(fields[1])
    return None


def _number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _folded(text: bytes) -> str | None:
    """Return a word as `spoken` writes it; None = it is not UTF-8 (zeros: it is UTF-16)."""
    if b"\0" in text:
        return None
    if text.isascii():
        return text.decode().lower()
    try:
        return spoken(text.decode())
    except UnicodeDecodeError:
        return None
