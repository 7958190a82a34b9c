"""Peak memory of the parts of a station, sampled while it works."""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

from omics_orchestrator_tests.faults.station import Station

EVERY_SECONDS = 0.5
PARTS = {  # part → a word of its command line
    "daemon": "daemon",
    "code server": "code-server",
    "code server, its child": "grpc",
    "worker": "spawn_main",
}


class Memory:
    """A thread that asks each process of a station for its resident memory; `peaks` in MiB of the largest of a kind."""

    def __init__(self, station: Station) -> None:
        self.peaks: dict[str, float] = {}
        self._station, self._ended = station, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def told(self) -> str:
        """Return the peaks as one line."""
        return ", ".join(f"{part} {self.peaks[part]:.0f} MiB" for part in PARTS if part in self.peaks)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            for process in self._station.processes():
                with suppress(psutil.Error):
                    words = process.cmdline()
                    mib = process.memory_info().rss / 2**20
                    for part, word in PARTS.items():
                        if any(word in one for one in words):
                            self.peaks[part] = max(self.peaks.get(part, 0.0), mib)
                            break
