"""Client processes of an embedded server, started and killed by tests; a census of what works in its home folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import psutil
import psycopg2

REPOSITORY = Path(__file__).parents[2]
CLIENT = """
import os, subprocess, sys, time
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.embedded import ensure_server

kind, name, home = sys.argv[1:4]

def connect():
    import psycopg2
    connection = psycopg2.connect(ensure_server(settings).url("postgres"))
    connection.autocommit = True
    return connection.cursor()

def write_rows():
    import psycopg2
    cursor, number = connect(), 0
    while True:
        try:
            cursor.execute("INSERT INTO written VALUES (%s, %s)", (name, number + 1))
            number += 1
            print(number, flush=True)
            time.sleep(0.002)
        except psycopg2.Error:
            if kind != "patient":
                raise
            cursor, number = resume()

def resume():
    import psycopg2
    while True:  # the server may be found in the moment in which it goes
        try:
            cursor = connect()
            cursor.execute("SELECT coalesce(max(number), 0) FROM written WHERE client = %s", (name,))
            return cursor, cursor.fetchone()[0]
        except psycopg2.Error:
            time.sleep(0.05)

settings = Settings.from_environment({**os.environ, "OMICS_HOME": home})
ensure_server(settings, inheritable=kind == "exec")
print("ready", flush=True)
if kind == "exec":
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", home])
elif kind == "parent":
    subprocess.run([sys.executable, "-c", sys.orig_argv[2], "plain", name, home])
elif kind == "forked" and os.fork():
    os.wait()
elif kind == "computing":
    connect().execute("DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$")
elif kind != "idle":
    write_rows()
time.sleep(600)
"""
WRITERS = ("plain", "parent", "forked", "patient")


class Client:
    """A process (with its children) that uses the embedded server of `home`."""

    started: ClassVar[list[Client]] = []

    def __init__(
        self,
        home: Path,
        kind: str = "idle",
        *,
        name: str = "",
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.name, self.home = name, home
        self.started.append(self)
        self.process = subprocess.Popen(
            [python, "-c", CLIENT, kind, name, str(home)],
            cwd=options.pop("cwd", REPOSITORY),
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def ready(self) -> Client:
        """Wait until the client has its server."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", line + self.process.communicate()[1]
        return self

    def kill(self) -> int:
        """Kill the client and its children at once; return the number of the last row it knows to be written."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        lines = self.process.communicate()[0].splitlines()
        return max((int(line) for line in lines if line.isdigit()), default=0)

    def failure(self) -> str:
        """Wait until the client ends by itself; return the last line it says."""
        return str(self.process.communicate(timeout=60)[1]).strip().splitlines()[-1]


def working_in(home: Path) -> list[psutil.Process]:
    """Return every living process that names `home` or a folder below it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status", "pid"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(home) in word for word in words):
            found.append(process)
    return found


def supervisors(home: Path) -> list[psutil.Process]:
    """Return the supervisors of `home`."""
    return [
        process
        for process in working_in(home)
        if "omics_orchestrator.storage.supervisor" in (process.info["cmdline"] or ())
    ]


def stop(home: Path, *clients: Client) -> None:
    """Kill the clients and end the server without waiting for its supervisor to notice that they are gone."""
    for client in clients:
        client.kill()
    for supervisor in supervisors(home):
        supervisor.terminate()
    assert eventually(lambda: not working_in(home)), working_in(home)


def postmaster(home: Path) -> psutil.Process:
    """Return PostgreSQL's first process."""
    return psutil.Process(int((home / "postgres/data/postmaster.pid").read_text().split()[0]))


def eventually(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Wait until `condition` holds; False when it does not within `seconds` (disks of shared machines stall)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def query(url: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
