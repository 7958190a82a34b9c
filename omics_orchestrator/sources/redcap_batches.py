"""Records asked for in batches: as many at once as the server manages, by a few workers. Of what, is not known here."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from omics_orchestrator.sources.redcap_refusals import Cut, TooBig

FIRST_CELLS = 250_000
MOST_CELLS = 500_000  # larger ones spare few requests, and cost memory here and there
MOST_RECORDS = 5_000  # PHP drops words of a form beyond `max_input_vars`; REDCap asks for 10,000 at least
QUICK = 20.0  # seconds; batches grow while answers come faster
PATIENT = 3  # slow failures in a row, per worker: then the server is not too small but too slow
Got = TypeVar("Got")
Outcome = tuple[list[str], "Got | BaseException", float]


class Batches(Generic[Got]):
    """Asks for records until all were answered.

    Args:
        fetch: asks for some records; raises `TooBig` or `Cut` when fewer may do.
        cells: record → cells that it has, roughly.
        workers: so many requests at a time.
        stop: set when the workers shall end; they are daemons, so that none outlives the process.
        cells_at_once: size of the first batches.
    """

    def __init__(
        self,
        fetch: Callable[[list[str]], Got],
        cells: Callable[[str], int],
        *,
        workers: int,
        stop: threading.Event,
        cells_at_once: float = FIRST_CELLS,
    ) -> None:
        self._fetch, self._cells, self._workers, self._stop = fetch, cells, workers, stop
        self.size = cells_at_once
        self.count = 0
        self._ceiling = float(MOST_CELLS)
        self._slow = 0
        self._jobs: SimpleQueue[list[str] | None] = SimpleQueue()
        self._done: SimpleQueue[Outcome[Got]] = SimpleQueue()

    def all(self, records: Sequence[str]) -> list[Got]:
        """Return the answers, in the order of the records; whatever goes wrong ends all workers."""
        todo, running, place = deque(records), 0, {record: n for n, record in enumerate(records)}
        found: list[tuple[int, Got]] = []
        for _ in range(self._workers):
            threading.Thread(target=self._work, daemon=True).start()
        try:
            while todo or running:
                while todo and running < self._workers:
                    self._jobs.put(self._next(todo))
                    running += 1
                batch, outcome, seconds = self._done.get()
                running -= 1
                tired = self._tired(outcome, seconds)
                if isinstance(outcome, (TooBig, Cut)) and len(batch) > 1 and not tired:
                    self._shrink(batch)
                    todo.extendleft(reversed(batch))
                elif isinstance(outcome, BaseException):
                    raise outcome
                else:
                    found.append((place[batch[0]], outcome))
                    self._grow(seconds)
        except BaseException:
            self._stop.set()
            raise
        finally:
            for _ in range(self._workers):
                self._jobs.put(None)
        self.count += len(found)
        return [got for _, got in sorted(found, key=lambda pair: pair[0])]

    def _tired(self, outcome: object, seconds: float) -> bool:
        """Tell whether so many slow answers in a row failed that smaller batches will not do either."""
        if not isinstance(outcome, BaseException):
            self._slow = 0
        elif seconds > QUICK:
            self._slow += 1
        return self._slow > PATIENT * self._workers

    def _next(self, todo: deque[str]) -> list[str]:
        batch = [todo.popleft()]
        cells = self._cells(batch[0])
        while todo and len(batch) < MOST_RECORDS and (cells := cells + self._cells(todo[0])) <= self.size:
            batch.append(todo.popleft())
        return batch

    def _shrink(self, batch: list[str]) -> None:
        """Halve the batches; what was too big is tried again late, and only in small steps."""
        cells = sum(map(self._cells, batch))
        self._ceiling = min(self._ceiling, max(1.0, cells * 0.8))
        self.size = min(self.size, max(1.0, cells / 2))

    def _grow(self, seconds: float) -> None:
        self._ceiling = min(MOST_CELLS, self._ceiling * 1.1)
        if seconds < QUICK:
            self.size = min(self.size * 1.5, self._ceiling)

    def _work(self) -> None:
        while (batch := self._jobs.get()) is not None:
            begun = time.monotonic()
            try:
                outcome: Got | BaseException = self._fetch(batch)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                outcome = error
            self._done.put((batch, outcome, time.monotonic() - begun))
