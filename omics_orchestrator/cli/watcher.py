"""Ends a process group when its owner dies, even by `kill -9`: reads a pipe whose other end only the owner holds.

Run as `python -m omics_orchestrator.cli.watcher`; the first line on stdin is the process group.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 3.0


def end_group(group: int) -> None:
    """Terminate the process group; what does not leave within the grace time is killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Wait for the owner's end (or its closing of the pipe), then end the group."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    group = int(sys.stdin.readline())
    sys.stdin.read()
    end_group(group)


if __name__ == "__main__":
    main()
