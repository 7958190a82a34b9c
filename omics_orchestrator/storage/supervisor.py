"""The owner of the embedded PostgreSQL: a detached process that starts it, restarts it, and stops it after its last client.

Run by embedded.py as `python -m omics_orchestrator.storage.supervisor <home> <programs> <version> <lock descriptor>`. It says
"ready" or what went wrong on its standard output, once. PostgreSQL dies with its supervisor (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from omics_orchestrator.errors import OmicsError, StorageError
from omics_orchestrator.storage.binaries import Binaries, unprivileged
from omics_orchestrator.storage.embedded import (
    READY,
    ServerAddress,
    ServerFiles,
    answers,
    lock_file,
    read_address,
    same_file,
    write_address,
)

HOST = "127.0.0.1"
USER = "omics"
POLL = 0.25
LINGER = 2.0
STOPPING = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))
START_LIMIT = 300.0
LOG_LIMIT = 5 << 20
PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
}


class Server:
    """The PostgreSQL of one home folder, seen from its supervisor."""

    def __init__(self, files: ServerFiles, binaries: Binaries) -> None:
        self.files = files
        self.binaries = binaries
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start on the existing data folder or on a new one, and announce the address once it answers."""
        address = self._address()
        lock = self._leftovers_gone()
        try:
            if not self.files.data.exists():
                self._create(address)
            (self.files.data / "postmaster.pid").unlink(missing_ok=True)
            self._launch(address, lock)
        finally:
            os.close(lock)
        self._wait(address)

    def stop(self) -> None:
        """Stop: politely, then without a checkpoint (no row is lost: the next start recovers), then by force."""
        if self.process is None:
            return
        for number, seconds in STOPPING:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def ended(self) -> bool:
        """Tell whether PostgreSQL is gone without our doing."""
        return self.process is not None and self.process.poll() is not None

    def _address(self) -> ServerAddress:
        """Return last time's address when its port is still free, so that living clients find the server again."""
        known = read_address(self.files)
        password = known.password if known else secrets.token_urlsafe(24)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, known.port if known else 0))
            except OSError:
                probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        return ServerAddress(HOST, port, USER, password, self.binaries.version)

    def _leftovers_gone(self) -> int:
        """Return the processes' lock once no process of an earlier server is left; they get signals that grow harder."""
        for number, seconds in STOPPING:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if (lock := lock_file(self.files.processes, fcntl.LOCK_EX)) is not None:
                    return lock
                time.sleep(0.05)
            for pid in processes_in(self.files.data):
                os.kill(pid, number)
        raise StorageError(f"processes of an earlier server in {self.files.data} do not end")

    def _create(self, address: ServerAddress) -> None:
        """Make a new database cluster; it appears under its name only when it is complete."""
        draft = self.files.data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        runner = unprivileged(draft)
        write_address(self.files, address)
        password = self.files.folder / "password.new"
        password.unlink(missing_ok=True)
        with open(
            os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as file:
            file.write(address.password)
        os.chown(password, draft.stat().st_uid, draft.stat().st_gid)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.binaries.major >= 17 else []
        )
        command = [str(self.binaries.folder / "initdb"), "-D", str(draft), "-U", USER, f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", *locale]
        try:
            made = subprocess.run(
                [*runner.prefix, *command],
                capture_output=True, text=True, check=False, env=ENVIRONMENT, cwd="/", **runner.options,
            )  # fmt: skip
        finally:
            password.unlink()
        if made.returncode:
            raise StorageError(f"initdb failed: {made.stderr.strip()}")
        draft.rename(self.files.data)

    def _launch(self, address: ServerAddress, lock: int) -> None:
        runner = unprivileged(self.files.data)
        command = [
            str(self.binaries.folder / "postgres"),
            "-D",
            str(self.files.data),
            "-p",
            str(address.port),
        ]
        for name, value in SERVER_SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        parent = os.getpid()
        self.process = subprocess.Popen(
            [*runner.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=sys.stderr,
            pass_fds=(lock,),
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509
            env=ENVIRONMENT,
            cwd="/",
            **runner.options,
        )

    def _wait(self, address: ServerAddress) -> None:
        deadline = time.monotonic() + START_LIMIT
        while not answers(address):
            if self.ended():
                raise StorageError("PostgreSQL ended while starting")
            if time.monotonic() > deadline:
                raise StorageError(f"PostgreSQL does not answer after {START_LIMIT:.0f} s")
            time.sleep(0.02)
        write_address(self.files, address)


def processes_in(data: Path) -> list[int]:
    """Return the processes whose working folder is `data`: PostgreSQL's, since all of them work there (Linux only)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.path.samestat((entry / "cwd").stat(), data.stat()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _die_with(parent: int) -> None:
    """In the child: ask the kernel for a fast shutdown when the supervisor dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)


def watch(server: Server) -> None:
    """Return when no client has been there for `LINGER` seconds, or when the home folder is gone; holds `server.lock` then."""
    last_seen = time.monotonic()
    own = os.open(server.files.supervisor, os.O_RDONLY)
    while same_file(own, server.files.supervisor):
        time.sleep(POLL)
        if (lock := lock_file(server.files.clients, fcntl.LOCK_EX)) is None:
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen >= LINGER:
            return
        else:
            os.close(lock)
        if server.ended():
            server.start()


def main(arguments: list[str]) -> int:
    """Own the server of one home folder; see the module's docstring."""
    home, programs, version, _lock = arguments
    if os.fork():
        os._exit(0)
    server = Server(ServerFiles(Path(home)), Binaries(Path(programs), version))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    report = READY
    try:
        server.start()
    except (OmicsError, OSError) as error:
        report = str(error)
    try:
        sys.stdout.write(report)
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        if report == READY:
            watch(server)
    finally:
        server.stop()
    return report != READY


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
