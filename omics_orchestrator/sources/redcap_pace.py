"""How fast a REDCap server is asked: one pace for each host of the process, and the patience with what may pass."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from omics_orchestrator.errors import DeliveryError


class Stopped(DeliveryError):
    """The pull was given up; its workers end."""

    def __init__(self) -> None:
        super().__init__("the pull was stopped", retry=True)


@dataclass(frozen=True)
class Patience:
    """How often and how long to wait for what may pass.

    Attributes:
        attempts: so many requests in all.
        first: seconds before the second one; doubled before each further one.
        longest: the most that a server may ask to wait (`Retry-After`).
    """

    attempts: int = 4
    first: float = 1.0
    longest: float = 120.0

    def seconds(self, attempt: int, asked: float) -> float:
        """Return how long to wait after the failed `attempt` (from 1): what the server asked, or more."""
        jitter: float = random.uniform(0.5, 1.0)  # noqa: S311 - so that workers do not come back together
        backoff: float = self.first * 2 ** (attempt - 1) * jitter
        return max(asked, backoff)


class Pace:
    """A token bucket: so many requests a second, and as many again in a burst."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = 0.0  # when all that was asked so far would have been asked evenly

    def wait(self, per_second: float, stop: threading.Event) -> None:
        """Wait for one's turn.

        Raises:
            Stopped: the pull was given up meanwhile.
        """
        step = 1 / per_second
        with self._lock:
            now = time.monotonic()
            self._due = max(self._due, now) + step
            pause = self._due - now - 1.0 - step
        if stop.wait(max(0.0, pause)):
            raise Stopped


_PACES: dict[str, Pace] = {}
_LOCK = threading.Lock()


def pace_of(host: str) -> Pace:
    """Return the one pace of a host."""
    with _LOCK:
        return _PACES.setdefault(host, Pace())
