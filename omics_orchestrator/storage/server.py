"""The PostgreSQL of one home folder: create its data folder, start it, stop it. When is decided elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import locale
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.binaries import Binaries, unprivileged
from omics_orchestrator.storage.server_home import (
    ServerAddress,
    ServerHome,
    answers,
    lock_file,
    write_private,
)

HOST = "127.0.0.1"
USER = "omics"
START_LIMIT = 300.0
STOPPING = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))
PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a path of a socket may have 107 characters; a home folder has any length
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "0",  # two cores; and a container's /dev/shm has 64 MB
    "max_parallel_maintenance_workers": "0",
    "wal_level": "minimal",  # nobody replicates it; filling a new table then writes no log
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # errors of statements hold values: they go to the client only
    "log_min_error_statement": "panic",
}


T = TypeVar("T")


class Server:
    """The PostgreSQL of one home folder; it ends when the process that started it ends."""

    def __init__(self, files: ServerHome, binaries: Binaries) -> None:
        self.files = files
        self.binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start on the existing data folder or on a new one; return when connections are accepted.

        Raises:
            StorageError: the data folder cannot be created, or PostgreSQL does not start.
        """
        lock = self._alone()
        try:
            known = self.files.read_address()
            password = known.password if known else secrets.token_urlsafe(24)
            if not self.files.data.exists():
                self._create(password, lock)
            elif known is None:
                self._set_password(password, lock)
            for port in (
                free_port(known.port if known else 0),
                free_port(0),
            ):  # another program may be faster
                address = ServerAddress(HOST, port, USER, password, self.binaries.version)
                self.files.write_address(address)
                if self._launch(address, lock):
                    return
        finally:
            os.close(lock)
        raise StorageError("PostgreSQL ends while starting")

    def stop(self) -> None:
        """Stop: politely, then without a checkpoint (the next start recovers every row), then by force."""
        for number, seconds in STOPPING:
            if self._process is None or self._process.poll() is not None:
                return
            self._process.send_signal(number)
            wait_for(self.ended, seconds)

    def ended(self) -> bool:
        """Tell whether PostgreSQL was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def _alone(self) -> int:
        """Return the processes' lock once no process of an earlier server is left; orphans get signals."""
        lock = lock_file(self.files.processes, fcntl.LOCK_EX)
        for number, seconds in STOPPING:
            if lock is not None:
                break
            for pid in processes_in(self.files.data):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            lock = wait_for(lambda: lock_file(self.files.processes, fcntl.LOCK_EX), seconds)
        if lock is None or processes_in(self.files.data):
            raise StorageError(f"a PostgreSQL that we did not start works in {self.files.data}")
        if (
            sys.platform == "linux"
        ):  # we have just looked; the process number in that file may be anybody's by now
            (self.files.data / "postmaster.pid").unlink(missing_ok=True)
        return lock

    def _create(self, password: str, lock: int) -> None:
        """Make a new data folder; it appears under its name only when it is complete."""
        draft = self.files.data.with_name("data.new")
        password_file = draft.with_name("password.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        options = (f"--pwfile={password_file}", *initdb_options(self.binaries.major))
        initdb = self._program(draft, lock, "initdb", "-D", draft, *options)
        write_private(password_file, password)
        os.chown(password_file, draft.stat().st_uid, draft.stat().st_gid)
        try:
            _run(initdb)
        finally:
            password_file.unlink()
        draft.rename(self.files.data)

    def _set_password(self, password: str, lock: int) -> None:
        """Set a new password without logging in: the file with the old one was deleted."""
        single = ("--single", "-D", self.files.data, "postgres")
        program = self._program(self.files.data, lock, "postgres", *single)
        _run(program, f"ALTER ROLE {USER} PASSWORD '{password}'")

    def _launch(self, address: ServerAddress, lock: int) -> bool:
        """Start PostgreSQL and wait; False when it ended instead of accepting connections."""
        flags = [f"--{name}={value}" for name, value in {"port": address.port, **SERVER_SETTINGS}.items()]
        program = self._program(self.files.data, lock, "postgres", "-D", self.files.data, *flags)
        log = sys.stderr.fileno()
        self._process = subprocess.Popen(**program, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_for(lambda: self.ended() or answers(address), START_LIMIT):
            raise StorageError(f"PostgreSQL does not accept connections within {START_LIMIT:.0f} s")
        return not self.ended()

    def _program(self, data: Path, lock: int, name: str, *arguments: object) -> dict[str, Any]:
        """Return how `subprocess` runs a program on `data`: never as root, never longer than we live."""
        runner = unprivileged(data, self.binaries.folder)
        parent = os.getpid()
        return {
            "args": [*runner.prefix, str(self.binaries.folder / name), *map(str, arguments)],
            "env": ENVIRONMENT,
            "cwd": "/",
            "pass_fds": (lock,),
            "preexec_fn": lambda: _die_with(parent),
            **runner.options,
        }


def initdb_options(major: int) -> tuple[str, ...]:
    """Return what a new data folder is like: texts sort by code point on every machine."""
    options: tuple[str, ...] = (
        f"--username={USER}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--locale=C",
    )
    if major >= 16:
        # The password is random, not guessable: hashing it 4096 times at each login would only cost time
        options = (*options, "--set=scram_iterations=1")
    if major >= 17:
        return (*options, "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return options  # upper() and lower() then know ASCII letters only
    return (*options, "--lc-ctype=C.UTF-8")


def free_port(wish: int) -> int:
    """Return the port `wish` when it is free, else one that is."""
    for port in (wish, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise StorageError(f"no free port at {HOST}")


def processes_in(data: Path) -> list[int]:
    """Return PostgreSQL's processes on the folder `data`: it is their working folder (seen on Linux only)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").samefile(data) and (entry / "comm").read_text() == "postgres\n":
                found.append(int(entry.name))
    return found


def wait_for(get: Callable[[], T], seconds: float) -> T | None:
    """Call `get` until it returns something true (returned), at most for `seconds` (then None)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if got := get():
            return got
        time.sleep(0.02)
    return None


def _run(program: dict[str, Any], entered: str = "") -> None:
    done = subprocess.run(**program, input=entered, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StorageError(f"{Path(program['args'][0]).name} fails: {done.stderr.strip()}")


def _die_with(parent: int) -> None:
    """In the child: ask the kernel for a fast shutdown when the supervisor ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)
