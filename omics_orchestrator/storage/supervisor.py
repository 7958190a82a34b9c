"""The owner of an embedded PostgreSQL: a detached process that starts it and stops it after its last client.

embedded.py: `python -m omics_orchestrator.storage.supervisor <home> <programs> <version> <lock descriptor>`.
On its standard output it says "ready", or what went wrong. PostgreSQL dies with it (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.storage.binaries import Binaries
from omics_orchestrator.storage.embedded import READY
from omics_orchestrator.storage.server import Server
from omics_orchestrator.storage.server_home import ServerHome, lock_file, same_file

POLL = 0.25
LINGER = 2.0


def watch(server: Server, own_lock: int) -> None:
    """Keep the server up until no client was seen for `LINGER` seconds, or the home folder was deleted.

    Returns holding the clients' lock (for good), so that new clients wait until the server has stopped.
    """
    last_seen = time.monotonic()
    while same_file(own_lock, server.files.supervisor):
        if server.ended():
            server.start()
        if (lock := lock_file(server.files.clients, fcntl.LOCK_EX)) is None:
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen >= LINGER:
            return
        else:
            os.close(lock)
        time.sleep(POLL)


def main(arguments: list[str]) -> int:
    """Own the server of one home folder; see the module's docstring."""
    home, programs, version, own_lock = arguments
    if os.fork():
        os._exit(0)  # init becomes our parent: the client that starts us keeps no child, and no zombie later
    os.chdir("/")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(ServerHome(Path(home)), Binaries(Path(programs), version))
    report = READY
    try:
        try:
            server.start()
        except (OmicsError, OSError) as error:
            report = str(error)
        with contextlib.suppress(
            BrokenPipeError
        ):  # the client that started us may be gone; others may have come
            os.write(sys.stdout.fileno(), report.encode())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        if report == READY:
            watch(server, int(own_lock))
    finally:
        server.stop()
    return report != READY


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
