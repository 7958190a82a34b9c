"""An array of a Zarr store: what its metadata say, which files are its chunks, and its values, chunk by chunk.

Looks like a dataset of h5py as far as formats/anndata_*.py and hdf5.py ask. One chunk at a time is in memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.text import BOMB, BOMB_RATIO
from omics_orchestrator.formats.zarr_decode import LARGEST_CHUNK, decoder

MOST_FILLED = 1024**3  # bytes of chunks that are not stored, up to which the fill value is looked at
MOST_LACKING = 1_000_000  # chunks
Index = tuple[int, ...]


@dataclass
class ZarrArray:
    """An array: its sides, those of a chunk, the kind of its values, and how its chunks are called.

    Attributes:
        stated: its metadata as they stand in the file.
        called: how a problem names it: words of AnnData, and numbers where the store has words of its own.
        fetch: returns the bytes of a chunk by its key below the array, None where there is none; set by the reader.
        there: chunks that the store holds: key below the array → bytes as stored.
        seen: chunks that were decoded.
    """

    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: Any
    attrs: dict[str, Any]
    separator: str
    start: str = ""
    stated: dict[str, Any] = field(default_factory=dict, repr=False)
    called: str = ""
    there: dict[str, int] = field(default_factory=dict, repr=False)
    fetch: Callable[[str], bytes | None] = field(default=lambda _: None, repr=False)
    seen: set[Index] = field(default_factory=set, repr=False)
    _last: tuple[Index, Any] | None = field(default=None, repr=False)
    _decode: Any = field(default=None, repr=False)

    def grid(self) -> tuple[int, ...]:
        """Return how many chunks there are along each side."""
        return tuple(-(-side // chunk) for side, chunk in zip(self.shape, self.chunks, strict=True))

    def is_chunk(self, key: str) -> bool:
        """Tell whether the array names a chunk that is called so (path below the array)."""
        if not self.shape:
            return key == self.key(())
        at = key.removeprefix(self.start).split(self.separator)
        return (
            key.startswith(self.start)
            and len(at) == len(self.shape)
            and all(re.fullmatch(r"0|[1-9]\d{0,17}", one) for one in at)
            and all(int(one) < most for one, most in zip(at, self.grid(), strict=True))
        )

    def key(self, at: Index) -> str:
        """Return how the chunk is called below the array."""
        return self.start + self.separator.join(map(str, at)) if at else (self.start.rstrip("/.") or "0")

    @property
    def ndim(self) -> int:
        """How many sides it has."""
        return len(self.shape)

    @property
    def is_readable(self) -> bool:
        """Whether its codecs and values are known here, and a chunk is small enough to be looked at."""
        if self._decode is None:
            kind = None if self.dtype.kind == "O" else self.dtype
            known = kind is None or hasattr(kind, "itemsize")
            try:
                self._decode = (known and decoder(self.stated, self.chunks, kind)) or False
            except (TypeError, ValueError, AttributeError, LookupError, OverflowError):
                self._decode = False  # metadata that no writer writes
        return bool(self._decode)

    def is_written(self) -> bool:
        """Tell whether the values were stored: metadata may claim any shape and store next to nothing.

        Raises:
            FormatError: they inflate so much that it is a decompression bomb.
        """
        each = math.prod(self.chunks) * getattr(self.dtype, "itemsize", 8)
        lacking = math.prod(self.grid()) - len(self.there)
        if lacking * each > MOST_FILLED or lacking > MOST_LACKING:
            return False
        whole = len(self.there) * each
        if self.dtype.kind != "O" and whole > BOMB and whole > BOMB_RATIO * sum(self.there.values()):
            raise FormatError(f"{self.called}: it inflates to more than {BOMB_RATIO} times its size: a bomb?")
        return True

    def decode_rest(self) -> None:
        """Decode the chunks that are there and that nothing read yet.

        Raises:
            FormatError: a chunk is cut off or damaged; it is named by its numbers in the grid.
        """
        if not self.is_written() and not self.there:
            return
        for key in self.there:
            at = tuple(map(int, key.removeprefix(self.start).split(self.separator))) if self.shape else ()
            if at not in self.seen:
                self._chunk(at)

    def __getitem__(self, key: Any) -> Any:
        """Return the values of a slice along each side."""
        import numpy as np

        asked = list(key) if isinstance(key, tuple) else [] if key is ... else [key]
        asked += [slice(None)] * (self.ndim - len(asked))
        bounds = [one.indices(side)[:2] for one, side in zip(asked, self.shape, strict=True)]
        sides = tuple(max(stop - start, 0) for start, stop in bounds)
        found = np.empty(sides, object if self.dtype.kind == "O" else self.dtype)
        if not math.prod(sides):
            return found
        for at in self._touched(bounds):
            into, of = [], []
            for number, size, (start, stop) in zip(at, self.chunks, bounds, strict=True):
                first, last = max(start, number * size), min(stop, (number + 1) * size)
                into.append(slice(first - start, last - start))
                of.append(slice(first - number * size, last - number * size))
            found[tuple(into)] = self._chunk(at)[tuple(of)]
        return found

    def _touched(self, bounds: list[tuple[int, int]]) -> Iterator[Index]:
        spans = [
            range(start // size, -(-stop // size))
            for (start, stop), size in zip(bounds, self.chunks, strict=True)
        ]
        return product(*spans)

    def _chunk(self, at: Index) -> Any:
        if self._last is not None and self._last[0] == at:
            return self._last[1]
        raw = self.fetch(self.key(at))
        self.seen.add(at)
        if raw is None:
            values = self._filled()
        else:
            try:
                if len(raw) > LARGEST_CHUNK or not self.is_readable:
                    raise FormatError("not to be decoded here")
                values = self._decode(raw)
            except FormatError as error:
                number = ".".join(map(str, at)) or "0"
                raise FormatError(f"{self.called}, chunk {number}: {error}") from None
        self._last = at, values
        return values

    def _filled(self) -> Any:
        """Return a chunk that was not stored: the fill value throughout."""
        import numpy as np

        fill = self.stated.get("fill_value")
        if self.dtype.kind == "O":
            return np.full(self.chunks, fill if isinstance(fill, str) else "", object)
        try:
            return np.full(self.chunks, 0 if fill is None else fill, self.dtype)
        except (ValueError, TypeError, OverflowError):
            return np.zeros(self.chunks, self.dtype)
