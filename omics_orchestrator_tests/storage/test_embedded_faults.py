"""What happens to the embedded server, and to the rows in it, when processes are killed."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import psutil
import psycopg2
import pytest

from omics_orchestrator.storage.embedded import running
from omics_orchestrator_tests.storage.conftest import settings_of
from omics_orchestrator_tests.storage.server_clients import (
    WRITERS,
    Client,
    eventually,
    postmaster,
    query,
    stop,
    supervisors,
    working_in,
)


def url_of(home: Path) -> str:
    address = running(settings_of(home))
    assert address is not None
    return address.url("postgres")


def assert_written(home: Path, acknowledged: dict[str, int]) -> None:
    """Every row that a client knew to be written is there, and at most one that it had no time to hear of."""
    client = Client(home).ready()
    found = query(url_of(home), "SELECT client, count(*), max(number) FROM written GROUP BY client")
    client.kill()
    rows = {name: count for name, count, _ in found}
    assert all(count == last for _, count, last in found)
    assert {name: rows.get(name, 0) - number for name, number in acknowledged.items()}.items() <= {
        (name, more) for name in acknowledged for more in (0, 1)
    }


def kill_in_random_orders(home: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: dict[str, int] = {}
    for number in range(rounds):
        kinds = [*WRITERS, chance.choice(WRITERS), "exec", "idle"]
        chance.shuffle(kinds)
        clients = [
            Client(home, kind, name=f"{number} {kind} {i}")
            for i, kind in enumerate(kinds[: chance.randint(2, 5)])
        ]
        if chance.random() < 0.8:  # else they are killed while they start
            for client in clients:
                client.ready()
        time.sleep(chance.random() / 2)
        chance.shuffle(clients)
        for client in clients:
            acknowledged[client.name] = client.kill()
            time.sleep(chance.choice((0, 0, 0.1, 0.4)))
        begin = time.monotonic()
        assert eventually(lambda: not working_in(home), 10), (number, working_in(home))
        assert time.monotonic() - begin < 10
        if chance.random() < 0.5:
            assert_written(home, acknowledged)
            if chance.random() < 0.5:
                assert eventually(lambda: not working_in(home), 10)
    assert sum(acknowledged.values()) > 0
    assert_written(home, acknowledged)


def test_clients_killed_in_random_order_leave_no_process_and_lose_no_row(home: Path) -> None:
    kill_in_random_orders(home, rounds=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_rounds_of_killed_clients(home: Path) -> None:
    kill_in_random_orders(home, rounds=20, seed=20)


def test_postgresql_dies_with_a_killed_supervisor_and_the_next_client_recovers(home: Path) -> None:
    writer = Client(home, "patient", name="writer").ready()
    url = url_of(home)
    supervisors(home)[0].kill()
    assert eventually(lambda: url_of_new_server(home, url)), "the living writer has started a new one"
    supervisors(home)[0].kill()
    written = writer.kill()
    assert eventually(lambda: not working_in(home)), "nobody is there who would start a new one"
    assert_written(home, {"writer": written})


def url_of_new_server(home: Path, url: str) -> bool:
    address = running(settings_of(home))
    if address is None or address.url("postgres") != url:
        return False
    try:
        return query(url, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:  # the old one, asked in the moment in which it shuts down
        return False


def test_a_killed_postgresql_is_restarted_at_the_same_address(home: Path) -> None:
    writer = Client(home, "patient", name="writer").ready()
    url, supervisor, first = url_of(home), supervisors(home)[0], postmaster(home)
    time.sleep(0.3)
    first.kill()
    assert eventually(lambda: postmaster_is_new(home, first) and url_of_new_server(home, url))
    assert supervisors(home) == [supervisor]
    assert_written(home, {"writer": writer.kill()})


def postmaster_is_new(home: Path, first: psutil.Process) -> bool:
    try:
        return postmaster(home) != first
    except (FileNotFoundError, psutil.NoSuchProcess, IndexError):
        return False


def test_busy_orphans_do_not_keep_the_next_client_waiting(home: Path) -> None:
    """Supervisor and postmaster are killed while a connection computes, which therefore does not notice."""
    computing = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %'"
    clients = [Client(home, "computing").ready()]
    assert eventually(lambda: query(url_of(home), computing))
    ((busy,),) = query(url_of(home), computing)
    supervisors(home)[0].suspend()
    postmaster(home).kill()
    supervisors(home)[0].kill()
    assert busy in {process.pid for process in working_in(home)}
    begin = time.monotonic()
    clients.append(Client(home).ready())
    assert time.monotonic() - begin < 10
    assert busy not in {process.pid for process in working_in(home)}
    assert query(url_of(home), "SELECT count(*) FROM written") == [(0,)]
    stop(home, *clients)


def test_a_client_killed_while_the_first_server_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = Client(home)
    assert eventually((home / "postgres/data.new/base").exists)
    client.kill()
    other = Client(home).ready()
    assert query(url_of(home), "SELECT 1") == [(1,)]
    stop(home, other)


def test_a_supervisor_killed_while_the_first_server_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = Client(home)
    assert eventually((home / "postgres/data.new/base").exists)
    supervisors(home)[0].kill()
    assert "its supervisor ended" in client.failure()
    other = Client(home).ready()
    assert query(url_of(home), "SELECT 1") == [(1,)]
    stop(home, other)


@pytest.mark.slow
def test_a_client_that_comes_while_the_server_stops_gets_a_new_one(home: Path) -> None:
    """PostgreSQL is halted, so that stopping takes as long as it may: until it is killed."""
    client = Client(home).ready()
    first = postmaster(home)
    first.send_signal(signal.SIGSTOP)
    client.kill()
    time.sleep(3)
    other = Client(home).ready()
    assert not first.is_running()
    assert query(url_of(home), "SELECT count(*) FROM written") == [(0,)]
    stop(home, other)


def test_a_deleted_home_ends_its_server(home: Path) -> None:
    client = Client(home).ready()
    shutil.rmtree(home)
    assert eventually(lambda: working_in(home) == [psutil.Process(client.process.pid)])
    other = Client(home).ready()
    assert query(url_of(home), "SELECT 1") == [(1,)]
    stop(home, client, other)
