"""Takes a stored file's bytes in order, in bounded memory: so many to keep, so many to go over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from omics_orchestrator.errors import FormatError


class ByteReader:
    """A file read from front to back; `at` is the offset of the next byte."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = b""
        self._from = 0
        self.at = 0

    def peek(self, count: int) -> bytes:
        """Return up to `count` of the next bytes without taking them; fewer only at the end of the file."""
        while len(self._held) - self._from < count:
            block = next(self._blocks, b"")
            if not block:
                break
            self._held = self._held[self._from :] + block
            self._from = 0
        return self._held[self._from : self._from + count]

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            FormatError: the file ends before.
        """
        taken = self.peek(count)
        if len(taken) < count:
            raise FormatError("the file is cut off")
        self._from += count
        self.at += count
        return taken

    def pieces(self, count: int) -> Iterator[bytes]:
        """Take the next `count` bytes piece by piece, however many they are."""
        while count:
            held = len(self._held) - self._from
            piece = self.take(min(count, held or len(self.peek(1)) or 1))
            count -= len(piece)
            yield piece
