"""Keeps Python's garbage collector from walking through all that a process holds while many small objects are made.

A fifth of the CPU of registering small files was that walk (measured): the modules of a loaded process never go.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

YOUNG = 20_000  # objects made before the young ones are looked through: some megabytes


class _Busy:
    """How many threads make much just now, and what was set before the first of them."""

    lock = Lock()
    count = 0
    before: tuple[int, int, int] | None = None


@contextmanager
def many_objects() -> Iterator[None]:
    """Collect only what is made from here on, and less often; the collector never stops. May be nested."""
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    with _Busy.lock:
        _Busy.count += 1
        # 0: somebody stopped the collector; what somebody froze is theirs to thaw
        if _Busy.count == 1 and gc.get_threshold()[0] and not gc.get_freeze_count():
            _Busy.before = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(max(YOUNG, _Busy.before[0]), *_Busy.before[1:])


def _end() -> None:
    with _Busy.lock:
        _Busy.count -= 1
        if _Busy.count == 0 and _Busy.before:
            gc.set_threshold(*_Busy.before)
            gc.unfreeze()
            _Busy.before = None
