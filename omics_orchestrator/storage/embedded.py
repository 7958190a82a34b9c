"""The clients' side of the embedded PostgreSQL: find or start the server of `OMICS_HOME` and hold it while we live.

Locks (flock: the kernel frees them however a process ends): every client holds `server.lock` shared; the supervisor holds
`postgres/supervisor.lock` for life and stops the server once it gets `server.lock` exclusively. Only the standard library
is imported: every command passes here. What the server does is in supervisor.py, its programs in binaries.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.binaries import find_binaries

READY = "ready"
PATIENCE = 120.0
_held: dict[Path, int] = {}
_guard = threading.Lock()


@dataclass(frozen=True)
class ServerAddress:
    """Where the embedded server listens and how to log in; `version` is PostgreSQL's, e.g. `18.6`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: str

    def url(self, database: str) -> str:
        """Return the plain `postgresql://` URL of `database` (holds the password: never print it)."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{quote(database, safe='')}"


@dataclass(frozen=True)
class ServerFiles:
    """The files of the embedded server below `home`."""

    home: Path

    @property
    def clients(self) -> Path:
        """Lock held shared by every client."""
        return self.home / "server.lock"

    @property
    def address(self) -> Path:
        """Address and password (0600); it stays when the server stops, so that port and password stay the same."""
        return self.home / "server.json"

    @property
    def folder(self) -> Path:
        """Everything else."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def supervisor(self) -> Path:
        """Lock held by the supervisor for life."""
        return self.folder / "supervisor.lock"

    @property
    def processes(self) -> Path:
        """Lock inherited by PostgreSQL's processes: free only when the last of them is gone."""
        return self.folder / "processes.lock"

    @property
    def log(self) -> Path:
        """What supervisor and server say."""
        return self.folder / "server.log"


def ensure_server(settings: Settings, *, inheritable: bool = False) -> ServerAddress:
    """Find or start the server of `settings.home`; it stays while this process lives, however this process ends.

    Args:
        settings: `home` and `postgres_bin` are used.
        inheritable: a program that this process *becomes* (`os.execvp`) goes on holding the server. Subprocesses do
            not: they call `ensure_server` themselves or live no longer than this process.

    Raises:
        NotConfigured: no usable PostgreSQL programs, or the data folder belongs to another major version.
        StorageError: the server does not start; the message ends with what it said.
    """
    files = ServerFiles(settings.home)
    with _guard:
        os.set_inheritable(_hold(files), inheritable)
        deadline = time.monotonic() + PATIENCE
        while True:
            if (lock := lock_file(files.supervisor, fcntl.LOCK_EX)) is not None:
                _start_supervisor(settings, files, lock)
            elif (address := read_address(files)) and answers(address):
                return address
            elif time.monotonic() > deadline:
                raise StorageError(f"the embedded server does not answer; see {files.log}", retry=True)
            time.sleep(0.02)


def running(settings: Settings) -> ServerAddress | None:
    """Return the address of the running server, or None; starts nothing and holds nothing."""
    files = ServerFiles(settings.home)
    if not files.supervisor.exists():
        return None
    if (lock := lock_file(files.supervisor, fcntl.LOCK_SH)) is not None:
        os.close(lock)
        return None
    address = read_address(files)
    return address if address and answers(address) else None


def lock_file(path: Path, kind: int) -> int | None:
    """Open `path` and lock it (`fcntl.LOCK_SH` or `LOCK_EX`) without waiting: the descriptor, or None when refused."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def same_file(descriptor: int, path: Path) -> bool:
    """Tell whether the open file is still the one at `path` (somebody may have deleted the folder)."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def read_address(files: ServerFiles) -> ServerAddress | None:
    """Return the address that the supervisor wrote last; None when there is none."""
    try:
        return ServerAddress(**json.loads(files.address.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_address(files: ServerFiles, address: ServerAddress) -> None:
    """Write the address as a whole, readable by its owner only."""
    draft = files.address.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    draft.replace(files.address)


def answers(address: ServerAddress) -> bool:
    """Tell whether a PostgreSQL at `address` accepts connections: it greets a start-up message by asking who we are."""
    words = f"user\0{address.user}\0database\0postgres\0\0".encode()
    message = struct.pack("!ii", len(words) + 8, 3 << 16) + words
    try:
        with socket.create_connection((address.host, address.port), timeout=2) as connection:
            connection.sendall(message)
            return connection.recv(4096)[:1] == b"R"
    except OSError:
        return False


def _hold(files: ServerFiles) -> int:
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


def _start_supervisor(settings: Settings, files: ServerFiles, lock: int) -> None:
    """Start the supervisor, hand it its lock, and wait until it reports that the server is ready."""
    try:
        binaries = find_binaries(settings, files.data)
        command = [sys.executable, "-m", "omics_orchestrator.storage.supervisor"]
        arguments = [str(files.home), str(binaries.folder), binaries.version, str(lock)]
        with (
            files.log.open("ab") as log,
            subprocess.Popen(
                [*command, *arguments],
                cwd=WORKING_COPY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
                text=True,
            ) as process,
        ):
            report = process.stdout.read() if process.stdout else ""
    finally:
        os.close(lock)
    if report != READY:
        raise StorageError(
            f"the embedded server did not start: {report or 'its supervisor ended'}; see {files.log}"
        )
