"""The client's side of the embedded PostgreSQL: find or start it, hold it while we live.

Every client holds `server.lock` shared; the supervisor stops the server once it gets that lock exclusively.
When it stops is in supervisor.py, how in server.py; programs: binaries.py, files: server_home.py.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.binaries import find_binaries
from omics_orchestrator.storage.server_home import ServerAddress, ServerHome, answers, lock_file, same_file

__all__ = ["ServerAddress", "ensure_server", "running"]

READY = "ready"
PATIENCE = 120.0
LOG_LIMIT = 5 << 20
_held: dict[Path, int] = {}
_guard = threading.Lock()


def ensure_server(settings: Settings, *, inheritable: bool = False) -> ServerAddress:
    """Find or start the server of `settings.home`; it stays up until this process has ended, however it ends.

    Args:
        settings: `home` and `postgres_bin` are used.
        inheritable: a program that this process *becomes* (`os.execvp`) goes on holding the server.
            Subprocesses do not: they call `ensure_server` themselves or end before this process.

    Raises:
        NotConfigured: no usable PostgreSQL programs, or another major version wrote the data folder.
        StorageError: the server does not start; the message says why.
    """
    files = ServerHome(settings.home)
    try:
        with _guard:
            lock = _hold(files)
            if inheritable:
                os.set_inheritable(lock, True)
            return _find_or_start(settings, files)
    except OSError as error:
        raise StorageError(f"the embedded server cannot use {error.filename}: {error.strerror}") from error


def running(settings: Settings) -> ServerAddress | None:
    """Return the address of the running server, or None; starts nothing and holds nothing."""
    files = ServerHome(settings.home)
    if not files.supervisor.exists():
        return None
    if (lock := lock_file(files.supervisor, fcntl.LOCK_SH)) is not None:
        os.close(lock)
        return None
    address = files.read_address()
    return address if address and answers(address) else None


def _hold(files: ServerHome) -> int:
    """Return the descriptor of our shared lock; waits while a supervisor stops the server."""
    held = _held.get(files.home)
    if held is not None and same_file(held, files.clients):
        return held
    files.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.folder.mkdir(mode=0o711, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    while (lock := lock_file(files.clients, fcntl.LOCK_SH)) is None:
        if time.monotonic() > deadline:
            raise StorageError(f"the embedded server does not finish stopping; see {files.log}", retry=True)
        time.sleep(0.02)
    if held is not None:
        os.close(held)
    _held[files.home] = lock
    return lock


def _find_or_start(settings: Settings, files: ServerHome) -> ServerAddress:
    """Return the address of a server that answers: who gets the supervisor's lock starts one, others wait."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.01
    while time.monotonic() < deadline:
        if (lock := lock_file(files.supervisor, fcntl.LOCK_EX)) is not None:
            _start_supervisor(settings, files, lock)
        elif (address := files.read_address()) and answers(address):
            return address
        else:
            time.sleep(pause)
            pause = min(2 * pause, 0.2)
    raise StorageError(f"the embedded server does not answer; see {files.log}", retry=True)


def _start_supervisor(settings: Settings, files: ServerHome, lock: int) -> None:
    """Start the supervisor, hand it its lock, and wait until it reports that the server is ready."""
    try:
        binaries = find_binaries(settings, files.data)
        if files.log.exists() and files.log.stat().st_size > LOG_LIMIT:
            files.log.replace(files.log.with_suffix(".log.1"))
        with (
            files.log.open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-m", "omics_orchestrator.storage.supervisor"]
                + [str(files.home), str(binaries.folder), binaries.version, str(lock)],
                cwd=WORKING_COPY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
            ) as process,
        ):
            report = process.communicate()[0].decode(errors="replace")
    finally:
        os.close(lock)
    if report != READY:
        reason = report or "its supervisor ended"
        raise StorageError(f"the embedded server does not start: {reason}; see {files.log}")
