"""One daemon at a time: the second waits, says so once, and takes over when the first is killed."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest

from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import DAEMON, Holder, Presence, holder
from omics_orchestrator_tests.end_to_end.served import Served, within
from omics_orchestrator_tests.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SERVES, WAITS = "the daemon of this installation is this process", "this one waits until that one has ended"


@pytest.fixture
def served(installation: Installation) -> Iterator[Served]:
    made = Served(installation)
    made.code()
    yield made
    made.stop()


def holding(served: Served) -> Holder | None:
    return holder(Database(str(served.installation.settings.database_url)), DAEMON)


def test_the_second_daemon_waits_and_takes_over_when_the_first_is_killed(served: Served) -> None:
    first = served.daemon("first")
    within(60, lambda: SERVES in served.log("first"), "the first serves")
    second = served.daemon("second")
    within(60, lambda: WAITS in served.log("second"), "the second waits")
    within(60, lambda: "Instance is configured with the following daemons" in served.log("first"), "it works")
    held = holding(served)
    assert held is not None
    assert held.name.split()[-1] == str(first.pid)
    first.kill()
    first.wait()
    within(60, lambda: SERVES in served.log("second"), "the second takes over")
    within(60, lambda: "Instance is configured with the following daemons" in served.log("second"), "works")
    assert served.log("second").count(WAITS) == 1
    held = holding(served)
    assert held is not None
    assert held.name.split()[-1] == str(second.pid)


def test_a_daemon_that_lost_its_place_ends(served: Served) -> None:
    first = served.daemon("first")
    within(60, lambda: "Instance is configured with the following daemons" in served.log("first"), "it works")
    database = Database(str(served.installation.settings.database_url))
    with psycopg2.connect(database.url) as connection, connection.cursor() as cursor:
        other = Presence(database, DAEMON)
        cursor.execute(
            "select pid from pg_stat_activity where application_name like %s", (f"omics %{first.pid}",)
        )
        rows = cursor.fetchall()
        for (pid,) in rows:
            cursor.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        taken = other.take()
    assert rows
    assert taken
    within(60, lambda: first.poll() is not None, "the first ends")
    assert "another daemon took over" in served.log("first")
    other.release()
