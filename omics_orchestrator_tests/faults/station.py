"""A station: one installation on an embedded Postgres with the processes of the server stack but the webserver.

Tests start its parts, kill them, launch runs through them, and compare what it holds with one that nobody disturbed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg2
from dagster._grpc.client import DagsterGrpcClient

from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.embedded import running
from omics_orchestrator_tests.end_to_end.processes import free_port, listens
from omics_orchestrator_tests.installation import Installation

PROGRAMS = Path(sys.executable).parent
LAUNCHES = itertools.count(1)
FINISHED = ["SUCCESS", "FAILURE", "CANCELED"]
PATIENCE = 300.0  # seconds: the tests' machine may be busy
CHANGED = {
    "people.csv": "id,sex,age,note\nP1,m,41,x\nP2,f,51,y\nP4,f,19,z\n",
    "visits.csv": "id,visit,sample,crp\nP1,1,S1,5.5\nP1,2,S2,8\nP2,1,S3,4\nP4,1,S5,12\n",
    "peaks.csv": "id,S1,S2,S3,S5\nf1,1,2,3,4\nf2,5,6,7,9\n",
}
SERIAL = (
    "number",
    "set_number",
    "file_number",
    "other_file_number",
)  # a transaction that ended badly leaves gaps
TIMES = ("registered_at", "verified_at", "written_at", "modified", "since", "etag")
BOOKS = ("omics.", "registry.alembic")
TABLES = """
    SELECT schemaname || '.' || tablename FROM pg_tables
    WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1
"""


class Station:
    """A home with the study `tiny`; `start` brings up what Compose would, under the same commands."""

    def __init__(self, folder: Path, *, copied: bool = False, **more: str) -> None:
        self.folder, self.home = folder, folder / "home"
        self.source, self.dictionary = folder / "source", folder / "dictionary"
        if not copied:
            folder.mkdir()
            plain = Settings.from_environment({"OMICS_HOME": str(self.home)})
            Installation(folder, plain, database_url="", dagster_url="")
        self.code_port = free_port()
        chosen = {name: os.environ[name] for name in ("OMICS_POSTGRES_BIN",) if name in os.environ}
        self.environment = {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(WORKING_COPY),
            "OMICS_HOME": str(self.home),
            "OMICS_DICTIONARY": str(self.dictionary),
            "OMICS_STORE_TINY_URL": self.source.as_uri(),
            "OMICS_CODE_HOST": "127.0.0.1",
            "OMICS_CODE_PORT": str(self.code_port),
            **chosen,
            **more,
        }
        self.parts: dict[str, subprocess.Popen[bytes]] = {}

    def copy(self, folder: Path, **more: str) -> Station:
        """Return a station like this one (which must have ended) in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("*.log"))
        return Station(folder, copied=True, **more)

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment)

    def omics(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "omics_orchestrator.cli", *arguments],
            env=self.environment, cwd=WORKING_COPY, capture_output=True, text=True,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def change(self) -> None:
        """The sources change: rows and files alter, come and go."""
        for name, text in CHANGED.items():
            (self.source / name).write_text(text)

    # ---- processes

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Start `omics <words>` as a part, its output going to a log."""
        command = [sys.executable, "-m", "omics_orchestrator.cli", *words]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.parts[name] = subprocess.Popen(
                command,
                env=self.environment,
                cwd=WORKING_COPY,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.parts[name]

    def start_code(self) -> None:
        location = "omics_orchestrator.orchestration.definitions"
        served = ("-h", "127.0.0.1", "-p", str(self.code_port))
        self.start("code", "run", "--", "dagster", "code-server", "start", "-m", location, *served)

    def start_daemon(self) -> None:
        self.start("daemon", "daemon")

    def kill(self, name: str) -> None:
        """End a part and everything below it by SIGKILL, as when its container is killed."""
        process = self.parts.pop(name)
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for one in [parent, *parent.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        process.wait()

    def end(self) -> None:
        """Kill every process of the station, whoever started it."""
        for name in list(self.parts):
            self.kill(name)
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.terminate() if is_supervisor(process) else None
        if not eventually(lambda: not self.processes(), 15):
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        assert eventually(lambda: not self.processes(), 30), self.processes()

    def processes(self) -> list[psutil.Process]:
        """Return every living process of this home."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                told = [process.environ().get("OMICS_HOME", ""), process.cwd(), *process.cmdline()]
                if process.status() != psutil.STATUS_ZOMBIE and any(
                    word == str(self.home) or word.startswith(f"{self.home}/") for word in told
                ):
                    found.append(process)
        return found

    def supervisor(self) -> psutil.Process:
        (found,) = [one for one in self.processes() if is_supervisor(one)]
        return found

    def postmaster_runs(self) -> bool:
        return any(one.name() == "postgres" for one in self.processes())

    def without_postgres(self, seconds: float) -> None:
        """Stop Postgres in order and let its supervisor start it again only after a while."""
        supervisor = self.supervisor()
        supervisor.suspend()
        first = int((self.home / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGINT)
        assert eventually(lambda: not (self.home / "postgres/data/postmaster.pid").exists(), 30)
        time.sleep(seconds)
        supervisor.resume()

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command of `omics` and do not wait for it."""
        with (self.folder / "omics.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "omics_orchestrator.cli", *arguments],
                env=self.environment, cwd=WORKING_COPY, stdout=log, stderr=log,
            )  # fmt: skip

    def workers(self) -> list[psutil.Process]:
        """Return the processes in which runs are executed; one that ends while we look is none."""
        found = []
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                if any("spawn_main" in word for word in one.cmdline()):
                    found.append(one)
        return found

    # ---- Postgres and Dagster

    def url(self, database: str = "omics") -> str:
        assert eventually(lambda: running(self.settings), 60), "Postgres does not run"
        address = running(self.settings)
        assert address
        return address.url(database)

    def query(self, sql: str, *parameters: object, database: str = "omics") -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.url(database))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def ready(self) -> None:
        """Wait until the code server answers."""
        client = DagsterGrpcClient(self.code_port, host="127.0.0.1")
        assert eventually(lambda: listens(self.code_port)), (
            self.tails()
        )  # before it does, Dagster prints each refusal
        assert eventually(lambda: client.health_check_query() == "SERVING"), self.tails()

    def settled(self) -> None:
        """Wait until no run is queued or at work."""
        assert eventually(lambda: set(self.runs().values()) <= set(FINISHED)), (self.runs(), self.tails())

    def launch(self) -> str:
        """Ask for a run of every asset, as a person does; return its id."""
        self.ready()
        tag = f"launch_{next(LAUNCHES)}"
        job = ("dagster", "job", "launch", "-w", "workspace.yaml", "-j", "__ASSET_JOB")
        self.omics("run", "--", *job, "--tags", json.dumps({tag: "yes"}))
        first = (
            "SELECT run_id FROM run_tags WHERE key = %s ORDER BY id LIMIT 1"  # its retries bear the tag too
        )
        ((run,),) = self.query(first, tag, database="dagster")
        return str(run)

    def runs(self) -> dict[str, str]:
        """Return run → status, the oldest first."""
        return dict(self.query("SELECT run_id, status FROM runs ORDER BY id", database="dagster"))

    @contextmanager
    def halted(self, table: str) -> Iterator[Callable[[], None]]:
        """Hold a table locked; the function given returns as soon as a run waits for it. The end lets go."""
        connection = psycopg2.connect(self.url())

        def somebody() -> None:
            assert eventually(lambda: self.waiting(table)), (self.runs(), self.tails())

        try:
            connection.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield somebody
        finally:
            connection.close()

    def waiting(self, table: str) -> list[int]:
        """Return the sessions that wait for a table."""
        sql = "SELECT pid FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        return [pid for (pid,) in self.query(sql, table)]

    def tails(self) -> str:
        """Return the last lines of the logs."""
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:])
            for log in self.folder.glob("*.log")
        )

    # ---- what it holds

    def content(self) -> Mapping[str, str]:
        """Return table → hash of its rows without run, time and serial number; the matrix by what its marker names."""
        found = {}
        for (table,) in self.query(TABLES):
            if not table.startswith(BOOKS):
                rows = self.query(
                    f"SELECT count(*), md5(string_agg(r, '|' ORDER BY r)) FROM "
                    f"(SELECT (to_jsonb(t) - %s::text[])::text AS r FROM {table} t) AS rows",
                    ["run_id", *SERIAL, *TIMES],
                )
                found[table] = "{} rows {}".format(*rows[0])
        for marker in Path(urlsplit(self.settings.store_url).path).rglob("matrix.json"):
            found[marker.parent.name] = hashlib.sha256(marker.read_bytes()).hexdigest()
        return found

    def recovered(self) -> Mapping[str, str]:
        """Return the content as soon as Postgres answers again."""
        assert eventually(lambda: self.query("SELECT 1")), self.tails()
        return self.content()


def is_supervisor(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "omics_orchestrator.storage.supervisor" in process.cmdline()
    return False


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait until `condition` holds; an error of Postgres (which may be down on purpose) means not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psycopg2.Error):
            if condition():
                return True
        time.sleep(0.1)
    return False
