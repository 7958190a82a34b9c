"""Fixtures for all tests: one embedded server per session, one fresh database per test that asks for it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psycopg2
import pytest

from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.embedded import ensure_server

if TYPE_CHECKING:
    from omics_orchestrator_tests.installation import Installation

SHARED_DATA = WORKING_COPY.parent / "shared" / "data"
numbers = itertools.count(1)
hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no fault of ours
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def omics_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An `OMICS_HOME` of this test session."""
    return tmp_path_factory.mktemp("omics_home")


@pytest.fixture(scope="session")
def settings(omics_home: Path) -> Settings:
    """Settings of this test session: nothing of the person's environment but the choice of Postgres."""
    chosen = {name: os.environ[name] for name in ("OMICS_POSTGRES_BIN", "PATH", "HOME") if name in os.environ}
    return Settings.from_environment({**chosen, "OMICS_HOME": str(omics_home)})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An empty database, dropped after the test."""
    server = ensure_server(settings)
    name = f"test_{next(numbers)}"
    database = Database.open(replace(settings, database_url=server.url(name)))
    yield database
    connection = psycopg2.connect(server.url("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the working copy; tests that read it are skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the public data sets are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def installation(
    tmp_path: Path, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A small installation with one study and databases of its own; this process's environment points to it."""
    from omics_orchestrator_tests.installation import (
        Installation,
    )  # imports Dagster, which most tests do not need

    made = Installation(tmp_path, settings, database_url=database.url, dagster_url=f"{database.url}_dagster")
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("DAGSTER_HOME", "OMICS_DAGSTER_STORAGE_URL", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    yield made
    made.drop_dagster_database()
