"""The files of an embedded PostgreSQL below `OMICS_HOME`: locks, address, log; for clients and supervisor.

Locks are flocks: the kernel frees them however a process ends, so nobody keeps books of process ids. Only the
standard library is imported: every command passes here.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote


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
class ServerHome:
    """Names of the files.

    Attributes:
        home: `OMICS_HOME`.
        clients: lock that every client holds shared; held exclusively while the server is being stopped.
        address: `ServerAddress` as JSON (0600). It outlives the server: port and password stay the same.
        folder: everything below belongs to the supervisor.
        data: the data folder of PostgreSQL.
        supervisor: lock that the supervisor holds for life.
        processes: lock that PostgreSQL's processes inherit: free once the last of them is gone.
        log: what the supervisor and PostgreSQL say.
    """

    home: Path
    clients: Path = field(init=False)
    address: Path = field(init=False)
    folder: Path = field(init=False)
    data: Path = field(init=False)
    supervisor: Path = field(init=False)
    processes: Path = field(init=False)
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        folder = self.home / "postgres"
        for name, path in {
            "clients": self.home / "server.lock",
            "address": self.home / "server.json",
            "folder": folder,
            "data": folder / "data",
            "supervisor": folder / "supervisor.lock",
            "processes": folder / "processes.lock",
            "log": folder / "server.log",
        }.items():
            object.__setattr__(self, name, path)

    def read_address(self) -> ServerAddress | None:
        """Return the address that the supervisor wrote last; None when there is none that can be used."""
        try:
            return ServerAddress(**json.loads(self.address.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_address(self, address: ServerAddress) -> None:
        """Write the address so that readers see the old or the new one, never a part."""
        draft = self.address.with_suffix(".new")
        write_private(draft, json.dumps(asdict(address)))
        draft.replace(self.address)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, in place of an older one."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def lock_file(path: Path, kind: int) -> int | None:
    """Open `path` and lock it (`LOCK_SH` or `LOCK_EX`) without waiting: the descriptor, None when refused."""
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


def answers(address: ServerAddress) -> bool:
    """Tell whether a PostgreSQL accepts connections there: it then asks us for a proof of who we are."""
    words = f"user\0{address.user}\0database\0postgres\0\0".encode()
    message = struct.pack("!ii", len(words) + 8, 3 << 16) + words
    try:
        with socket.create_connection((address.host, address.port), timeout=2) as connection:
            connection.sendall(message)
            return connection.recv(4096)[:1] == b"R"
    except OSError:
        return False
