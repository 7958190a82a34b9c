"""Hands out the compiled loops of fastq_kernel.py where they are worth their loading; never a verdict of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omics_orchestrator.formats.fastq_tally import Tally

WORTH = (
    8 * 1024 * 1024
)  # bytes of files after which loading Numba (1 to 2 s) costs less than going on without


class Scanner:
    """Counts plain four-line reads; not to be shared by threads."""

    def __init__(self, kernel: ModuleType) -> None:
        self._kernel = kernel
        self._names: Any = None

    def _room(self, size: int) -> Any:
        import numpy as np

        if self._names is None or len(self._names) < size:
            self._names = np.empty(size, np.uint8)
        return self._names

    def scan(self, text: bytes, tally: Tally) -> tuple[int, bool]:
        """Count reads up to the first that is not whole, or not plain and good.

        Returns:
            Where that one begins, and whether it is odd (else: not whole).
        """
        import numpy as np

        names = self._room(len(text))
        at, filled, odd = self._kernel.scan(
            np.frombuffer(text, np.uint8), 0, len(text), tally.numbers, tally.values, tally.profile, names, 0
        )
        tally.add_names(names[:filled].data)
        return int(at), bool(odd)

    def scan_many(self, texts: Sequence[bytes]) -> tuple[list[bool], Any, Any, Any, list[Any]]:
        """Count the reads of several texts.

        Returns:
            Which texts were plain and good to the end; numbers, values and profiles as in `Tally`, a row per text;
            the names of each.
        """
        import numpy as np

        from omics_orchestrator.formats.fastq_tally import BINS, CODES, WIDTH

        stops = np.cumsum([len(text) for text in texts])
        whole = np.frombuffer(b"".join(texts), np.uint8)
        names = self._room(len(whole))
        count = len(texts)
        numbers, values = np.zeros((count, WIDTH), np.int64), np.zeros((count, CODES), np.int64)
        profiles = np.zeros((count, 2, BINS), np.int64)
        name_stops, good = np.zeros(count, np.int64), np.zeros(count, np.bool_)
        self._kernel.scan_many(whole, stops, numbers, values, profiles, names, name_stops, good)
        ends = name_stops.tolist()
        parts = [names[begin:end].data for begin, end in zip([0, *ends], ends, strict=False)]
        return good.tolist(), numbers, values, profiles, parts


class LateScanner(Scanner):
    """Looks at nothing until the compiled loops are worth their loading: few packed bytes may hold a long text."""

    def __init__(self, size: int) -> None:
        self._late = scanner(size)

    def scan(self, text: bytes, tally: Tally) -> tuple[int, bool]:
        """Count reads as `Scanner.scan` does; until then leave every read to the exact parser."""
        self._late = self._late or scanner(len(text))
        return self._late.scan(text, tally) if self._late else (0, True)


class _Demand:
    """How many bytes of FASTQ files, and of text inside them, this process was asked to check so far."""

    size = 0


def scanner(size: int) -> Scanner | None:
    """Return what counts quickly; None = not installed (extra `reads`), or not worth loading yet.

    Args:
        size: bytes of the files, or of text, that are to be checked now.
    """
    _Demand.size += size
    if _Demand.size < WORTH:
        return None
    kernel = _kernel()
    return Scanner(kernel) if kernel else None


@cache
def _kernel() -> ModuleType | None:
    try:
        from omics_orchestrator.formats import fastq_kernel
    except ImportError:
        return None
    return fastq_kernel
