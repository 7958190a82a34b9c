"""Sensors with a real code server and a real daemon: what is dropped, edited or declared anew arrives by itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest

from omics_orchestrator.cli.dev import LOCATION, Group
from omics_orchestrator.orchestration.instance import open_instance, prepare
from omics_orchestrator.orchestration.sensors.asking import ATTEMPT, PLACE
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator_tests.end_to_end.processes import free_port
from omics_orchestrator_tests.installation import FILES, MAPPING, STUDY, Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE = 500.0  # seconds for what takes ten on a quiet machine
PEAKS = "files/tiny/metabolomics"
VERSIONS = "select count(*) from registry.file_version"
CRP = """
select count(*) from information_schema.columns
where table_schema = 'harmonised_tiny' and table_name = 'visit' and column_name = 'crp'
"""
BREAK = """
create function registry.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger refuse before insert or update on registry.file_version for each row execute function registry.refuse()
"""
MEND = "drop function registry.refuse() cascade"
LATER = "update runs set start_time = start_time - 7200, end_time = end_time - 7200"


class Server:
    """The processes of a server without its webserver, and what they left in the databases."""

    def __init__(self, installation: Installation, group: Group) -> None:
        self.installation = installation
        self.group = group
        self.instance = open_instance(installation.settings)

    def ask(self, sql: str) -> Any:
        """Return the first cell of a query to the data database; None where its table does not exist yet."""
        connection = psycopg2.connect(self.installation.settings.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return (cursor.fetchone() or [None])[0] if cursor.description else None
        except psycopg2.errors.UndefinedTable:
            return None
        finally:
            connection.close()

    def hours_pass(self) -> None:
        """Make Dagster believe that all runs ended two hours earlier."""
        connection = psycopg2.connect(self.installation.settings.dagster_database_url)
        with connection, connection.cursor() as cursor:
            cursor.execute(LATER)
        connection.close()

    def runs(self, place: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags={PLACE: place})))

    def ended(self, place: str, count: int) -> bool:
        return sum(run.is_finished for run in self.runs(place)) >= count

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.group.ended() is None, self.group.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.group.log.read_text()[-6000:]
            time.sleep(0.5)


@pytest.fixture
def installed(
    tmp_path: Path, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A small installation with the environment of its processes; sensors look every five seconds."""
    made = Installation(tmp_path, settings, database_url=database.url, dagster_url=f"{database.url}_dagster")
    served = {"OMICS_CODE_HOST": "127.0.0.1", "OMICS_CODE_PORT": str(free_port()), "OMICS_LOOK_EVERY": "5"}
    for name, value in {**made.environment(), **served, **prepare(made.settings)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield made
    made.drop_dagster_database()


@pytest.fixture
def server(installed: Installation) -> Iterator[Server]:
    """Its code server and daemon."""
    with _served(installed) as found:
        yield found


@pytest.fixture
def made(installed: Installation) -> Iterator[Server]:
    """The same, where everything was materialised before."""
    session = Session(installed.workspace())
    assert not session.materialise(session.assets()).failed
    with _served(installed) as found:
        yield found


@contextmanager
def _served(installed: Installation) -> Iterator[Server]:
    group = Group(installed.folder / "server.log")
    try:
        port = os.environ["OMICS_CODE_PORT"]
        group.start("code", "dagster", "code-server", "start", "-m", LOCATION, "-h", "127.0.0.1", "-p", port)
        group.start("daemon", "omics_orchestrator.cli", "daemon")
        yield Server(installed, group)
    finally:
        group.stop()


def test_what_is_dropped_is_registered_read_and_harmonised(server: Server) -> None:
    server.until(lambda: server.ask(VERSIONS) == 1)
    server.until(lambda: server.ask("select count(*) from harmonised_tiny.visit") == 4)
    (server.installation.source / "visits.csv").write_text(FILES["visits.csv"] + "P2,2,S9,3\n")
    server.until(lambda: server.ask("select count(*) from harmonised_tiny.visit") == 5)


def test_a_batch_that_fails_is_tried_three_times_and_registered_once_its_cause_is_mended(
    made: Server,
) -> None:
    made.ask(BREAK)
    (made.installation.source / "peaks.csv").write_text(FILES["peaks.csv"] + "f3,1,1,1,1\n")
    made.until(lambda: made.ended(PEAKS, 3))
    assert sorted(run.tags[ATTEMPT] for run in made.runs(PEAKS)) == ["1", "2", "3"]
    assert {run.status for run in made.runs(PEAKS)} == {dg.DagsterRunStatus.FAILURE}
    ticks = _ticks(made)
    made.until(lambda: _ticks(made) >= ticks + 3)
    assert len(made.runs(PEAKS)) == 3
    assert made.ask(VERSIONS) == 1
    made.ask(MEND)
    made.hours_pass()
    made.until(lambda: made.ask(VERSIONS) == 2)


def test_declarations_that_change_on_the_disk_are_loaded_and_what_they_touch_is_made_again(
    made: Server,
) -> None:
    assert made.ask(CRP) == 1
    made.until(lambda: _ticks(made, "changed_upstream"))  # what is declared now is what changes are told from
    mapping = MAPPING.replace("  crp: {number: crp, unit: mg/L}\n", "").replace("[note]", "[note, crp]")
    made.installation.declare("tiny", mapping=mapping)
    made.until(lambda: made.ask(CRP) == 0)
    assert {run.status for run in made.runs("declarations")} == {dg.DagsterRunStatus.SUCCESS}

    made.installation.declare("tiny", mapping="participant: [")  # broken in between
    made.until(lambda: made.ended("declarations", 2))
    made.installation.declare("tiny")
    made.until(lambda: made.ask(CRP) == 1)


def test_what_was_declared_and_read_while_no_daemon_ran_is_followed(installed: Installation) -> None:
    """Also into the warehouse, to which a study belongs that never could be read."""
    session = Session(installed.workspace())
    assert not session.materialise(session.assets()).failed
    (installed.source / "people.csv").write_text(FILES["people.csv"].replace("P1,m,40", "P1,m,41"))
    assert not session.materialise(session.assets(["raw/tiny"])).failed
    mapping = MAPPING.replace("  crp: {number: crp, unit: mg/L}\n", "").replace("[note]", "[note, crp]")
    installed.declare("tiny", mapping=mapping)
    installed.declare("other", study=STUDY.format(name="other").replace("people.csv", "nowhere.csv"))
    with _served(installed) as server:
        server.until(lambda: server.ask(CRP) == 0)
        server.until(lambda: server.ask("select count(*) from warehouse.participant where age = 41") == 1)
        (installed.source / "visits.csv").write_text(FILES["visits.csv"] + "P2,2,S9,3\n")
        server.until(lambda: server.ask("select count(*) from warehouse.visit where study = 'tiny'") == 5)


def _ticks(server: Server, sensor: str = "new_files") -> int:
    """Return how often a sensor looked."""
    states = [one for one in server.instance.all_instigator_state() if one.name == sensor]
    ticks = [
        server.instance.get_ticks(one.instigator_origin_id, one.selector_id, limit=1000) for one in states
    ]
    return sum(map(len, ticks))
