"""Vectors that R writes in short (ALTREP: `1:n`, numbers not yet made text, wrapped vectors) become plain ones.

Rules: R source, src/main/altclasses.c. A class of another package is left as a node that says its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rdata.parser import RObject, RObjectInfo, RObjectType

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_arrays import Unkept

LONGEST = 32 * 1024 * 1024  # elements of a range: the file holds three numbers, memory all of them

Expanded = tuple[RObjectInfo, Any]


def _info(kind: RObjectType) -> RObjectInfo:
    return RObjectInfo(kind, False, False, False, 0, 0)


def _sequence(kind: RObjectType, dtype: type) -> Callable[[RObject], Expanded]:
    """Return what makes `start, start + step, …` of the three numbers (length, start, step)."""

    def expand(state: RObject) -> Expanded:
        length, start, step = (float(number) for number in state.value)
        if not 0 <= length <= LONGEST:
            raise FormatError(f"a range of more than {LONGEST:,} numbers")
        return _info(kind), (start + step * np.arange(int(length))).astype(dtype)

    return expand


def _deferred_text(state: RObject) -> Expanded:
    """Numbers as R's as.character() writes them: 15 significant digits."""
    numbers = state.value[0].value
    if isinstance(numbers, Unkept):
        return _info(RObjectType.ALTREP), None
    masked = np.ma.getmaskarray(numbers)
    texts = [None if gone else _number(value) for value, gone in zip(numbers.tolist(), masked, strict=True)]
    return _info(RObjectType.STR), texts


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if value != value:
        return "NaN"
    return f"{value:.15g}".replace("inf", "Inf")


def _wrapped(state: RObject) -> Expanded:
    """A vector wrapped for its flags (sorted, without NA)."""
    inner: RObject = state.value[0]
    return _info(inner.info.type), inner.value


class _Classes(dict[bytes, Callable[[RObject], Expanded]]):
    """Classes of R itself; of any other class, a node without value."""

    def __missing__(self, name: bytes) -> Callable[[RObject], Expanded]:
        return lambda _: (_info(RObjectType.ALTREP), None)


_KINDS = (b"real", b"string", b"logical", b"integer", b"complex", b"raw", b"list")
ALTREP = _Classes(
    {
        b"compact_intseq": _sequence(RObjectType.INT, np.int32),
        b"compact_realseq": _sequence(RObjectType.REAL, np.float64),
        b"deferred_string": _deferred_text,
        **{b"wrap_" + kind: _wrapped for kind in _KINDS},
    }
)
