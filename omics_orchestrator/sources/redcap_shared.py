"""Answers of a REDCap server that serve several askers of this process for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

SECONDS = 10.0  # so long an answer serves all forms of a project


class Shared:
    """Answers that serve several askers for some seconds; one of them asks, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._found: dict[tuple[str, ...], tuple[float, Any]] = {}

    def get(self, key: tuple[str, ...], ask: Callable[[], Any], *, fresh: bool = False) -> Any:
        """Return the answer under `key`, asked for when none is young enough, or `fresh` demands it."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            at, found = self._found.get(key, (float("-inf"), None))
            if fresh or time.monotonic() - at > SECONDS:
                at, found = time.monotonic(), ask()
                self._found[key] = (at, found)
            return found

    def forget(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._found.clear()


SHARED = Shared()
