"""Home folders of embedded servers: each test gets its own, with a data folder that is already there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.embedded import running
from omics_orchestrator_tests.storage.server_clients import Client, eventually, query, working_in

AWKWARD = (
    "a home with spaces, 'quotes' and a name longer than the hundred and seven characters of a socket's path"
)


def settings_of(home: Path, **variables: str) -> Settings:
    return Settings.from_environment({"OMICS_HOME": str(home), **variables})


@pytest.fixture(scope="session")
def stopped_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server has stopped; it has an empty table `written`. At the end no client's server may be left."""
    home = tmp_path_factory.mktemp("stopped") / "home"
    client = Client(home).ready()
    address = running(settings_of(home))
    assert address is not None
    query(
        address.url("postgres"),
        "CREATE TABLE written (client text, number int, PRIMARY KEY (client, number))",
    )
    client.kill()
    assert eventually(lambda: not working_in(home))
    yield home
    for client in Client.started:
        if client.process.poll() is None:  # of a test that failed
            client.kill()

    def left() -> list[psutil.Process]:
        return [
            process for home in {client.home for client in Client.started} for process in working_in(home)
        ]

    assert eventually(lambda: not left()), left()


@pytest.fixture
def home(stopped_home: Path, tmp_path: Path) -> Path:
    """A home like `stopped_home`, under an awkward name."""
    return Path(shutil.copytree(stopped_home, tmp_path / AWKWARD))
