"""What one channel has told: how far it came, which trouble it told of within a day, when to try again after a failure.

It is small (a day's troubles, hashed) and lies in the cursor of the sensor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.steps.notify.digest import Failure

DAY = 86_400.0  # seconds after which the same trouble is told again
FIRST, LONGEST = 60.0, 1800.0  # seconds to the next try after a message could not be sent


@dataclass(frozen=True)
class Memory:
    """The state of one channel.

    Attributes:
        after: number of the last event of Dagster that was told or passed over.
        told: hash of a trouble → when it was told (seconds since 1970).
        tries: how often in a row sending failed.
        again: not before this moment (seconds since 1970).
    """

    after: int
    told: Mapping[str, float] = field(default_factory=dict)
    tries: int = 0
    again: float = 0.0

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Memory:
        """Return what `stored()` gave."""
        return cls(stored["after"], stored["told"], stored["tries"], stored["again"])

    def stored(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"after": self.after, "told": dict(self.told), "tries": self.tries, "again": self.again}

    def new(self, failures: Iterable[Failure], now: float) -> list[Failure]:
        """Return the failures to tell: of the same trouble the last, and none that was told within a day."""
        last = {_hash(failure): failure for failure in failures}
        return [failure for name, failure in last.items() if now - self.told.get(name, 0.0) >= DAY]

    def sent(self, failures: Iterable[Failure], after: int, now: float) -> Memory:
        """Return the memory after `failures` were told (none: there was nothing to tell)."""
        kept = {name: when for name, when in self.told.items() if now - when < DAY}
        return Memory(after, {**kept, **{_hash(failure): now for failure in failures}})

    def unsent(self, now: float) -> Memory:
        """Return the memory after sending failed: the same is tried again, at longer intervals."""
        wait = min(FIRST * 2**self.tries, LONGEST) if self.tries < 10 else LONGEST
        return Memory(self.after, self.told, self.tries + 1, now + wait)


def _hash(failure: Failure) -> str:
    return hashlib.sha256(failure.identity().encode()).hexdigest()[:16]
