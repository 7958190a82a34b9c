"""A run that is killed anywhere leaves the rows of before; the next run gives what a run that nobody disturbed gives.

The program runs in a process of its own and is killed by SIGKILL when the server hears its n-th request for records, or
when Postgres has reached the n-th row or the commit (a trigger waits there for a lock that the test holds).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.storage.fingerprint import fingerprint
from omics_orchestrator.storage.tables import read_table
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_extract_redcap import MAPPING, STUDY, made

PEOPLE = 40
LOCK = 4711
TABLES = ("redcap__person", "redcap__visit")


class Study:
    """A study over a server, and the program as a person starts it."""

    def __init__(self, installation: Installation, server: RedcapServer) -> None:
        self.installation, self.server = installation, server
        self.project = server.tokens["TOKEN"].project
        installation.declare("tiny", study=STUDY.format(url=server.url), mapping=MAPPING)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(installation.folder), "TINY_TOKEN": "TOKEN",
            **installation.environment(),
        }  # fmt: skip
        assert installation.settings.database_url
        self.url = installation.settings.database_url

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "omics_orchestrator.cli", "materialize", "raw"]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=WORKING_COPY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self) -> None:
        assert self.start().wait() == 0

    def change(self) -> None:
        """Change some rows, add some, remove some."""
        for number in range(0, PEOPLE, 3):
            self.project.edit(f"P{number}", "crp", "77", instrument="visit", instance=1)
        for number in range(200, 215):
            self.project.edit(f"P{number}", "crp", "5", instrument="visit", instance=1)
            self.project.edit(f"P{number}", "sex", "2")
        self.project.delete("P4")

    def prints(self) -> dict[str, str]:
        """Return table → fingerprint of what it holds."""
        database = self.installation.workspace().database
        return {
            table: fingerprint(read_table(database, "raw_tiny", table), ignore=("run_id",))
            for table in TABLES
        }


@pytest.fixture
def study(installation: Installation) -> Iterator[Study]:
    with RedcapServer({"TOKEN": made(PEOPLE)}) as server:
        yield Study(installation, server)


@pytest.fixture
def clean(study: Study) -> Callable[[], dict[str, str]]:
    """Return what a full pull that nobody disturbs makes of the project as it is now."""

    def pulled() -> dict[str, str]:
        connection = psycopg2.connect(study.url)
        with connection, connection.cursor() as cursor:
            cursor.execute("drop schema raw_tiny cascade")
        connection.close()
        run = subprocess.run(
            [sys.executable, "-m", "omics_orchestrator.cli", "materialize", "raw", "--force"],
            env=study.environment, cwd=WORKING_COPY, check=True, capture_output=True,
        )  # fmt: skip
        assert run.returncode == 0
        return study.prints()

    return pulled


def kill(running: subprocess.Popen[bytes]) -> None:
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL


def repaired(study: Study, before: dict[str, str], clean: Callable[[], dict[str, str]]) -> None:
    """Assert that the killed run changed nothing half, and that the next one ends as a clean one."""
    after = study.prints()
    study.run()
    found = study.prints()
    for table, held in after.items():
        assert held in {before[table], found[table]}
    assert found != before
    assert found == clean()


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_killed_at_a_request_for_records(
    study: Study, clean: Callable[[], dict[str, str]], number: int
) -> None:
    study.run()
    before = study.prints()
    study.change()
    heard, running = [], study.start()

    def listen(asked: object) -> None:
        if isinstance(asked, dict) and asked.get("content") == "record":
            heard.append(asked)
            if len(heard) == number:
                running.send_signal(signal.SIGKILL)

    study.server.before = listen
    assert running.wait() == -signal.SIGKILL
    study.server.before = lambda _: None
    repaired(study, before, clean)


TRIGGERS = {
    "row": """
        create function public.wait_at() returns trigger language plpgsql as $$ begin
          if (select count(*) from {table} where crp in ('77', '5')) >= {count}
          then perform pg_advisory_lock_shared({lock}); end if;
          return new; end $$;
        create trigger wait_at before insert or update on {table}
          for each row execute function public.wait_at()""",
    "commit": """
        create function public.wait_at() returns trigger language plpgsql as $$ begin
          perform pg_advisory_lock_shared({lock}); return null; end $$;
        create constraint trigger wait_at after insert or update or delete on {table}
          deferrable initially deferred for each row execute function public.wait_at()""",
}


@contextmanager
def waiting(
    url: str, kind: str, count: int, table: str = "raw_tiny.redcap__visit"
) -> Iterator[Callable[[], None]]:
    """Let the database wait at a row or the commit; the function given returns as soon as somebody waits there."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[kind].format(count=count, lock=LOCK, table=table))
        cursor.execute("select pg_advisory_lock(%s)", (LOCK,))

        def somebody() -> None:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                cursor.execute(
                    "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted",
                    (LOCK,),
                )
                (found,) = cursor.fetchone() or (0,)
                if found:
                    return
                time.sleep(0.02)
            raise AssertionError("nobody came to the place where it should be killed")

        yield somebody
        cursor.execute("select pg_advisory_unlock(%s)", (LOCK,))
        cursor.execute("drop function public.wait_at cascade")
    connection.close()


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("row", 0), ("row", 7), ("row", 20), ("commit", 0)])
def test_killed_while_rows_are_written(
    study: Study, clean: Callable[[], dict[str, str]], kind: str, count: int
) -> None:
    study.run()
    before = study.prints()
    study.change()
    with waiting(study.url, kind, count) as somebody:
        running = study.start()
        somebody()
        kill(running)
    repaired(study, before, clean)
