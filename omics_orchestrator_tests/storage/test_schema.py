"""The fixed tables: made once, under concurrent callers too, equal to their description, refused when newer."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.migrations.tables import METADATA, SCHEMA
from omics_orchestrator.storage.schema import REVISION, current_revision, migrate


def execute(database: Database, sql: str) -> None:
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def test_migrates_once(database: Database) -> None:
    assert current_revision(database) is None
    assert migrate(database) is True
    assert migrate(database) is False
    assert current_revision(database) == REVISION


def test_the_revisions_make_what_tables_py_describes(database: Database) -> None:
    migrate(database)
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "compare_server_default": True,
        "version_table_schema": SCHEMA,
    }
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_of_many_callers_one_migrates(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: migrate(Database(database.url)), range(8)))
    assert done.count(True) == 1
    assert current_revision(database) == REVISION


def test_a_failed_revision_leaves_nothing(database: Database) -> None:
    execute(database, "create schema registry; create table registry.quarantine (in_the_way int)")
    with pytest.raises(Exception, match="quarantine"):
        migrate(database)
    assert current_revision(database) is None
    execute(database, "drop table registry.quarantine")
    assert migrate(database) is True


def test_a_newer_database_is_refused(database: Database) -> None:
    migrate(database)
    execute(database, "update registry.alembic_version set version_num = '9999'")
    with pytest.raises(StorageError, match="9999.*install a newer"):
        migrate(database)


def test_an_up_to_date_database_imports_neither_alembic_nor_sqlalchemy(database: Database) -> None:
    migrate(database)
    code = f"""
import sys
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.schema import migrate
assert migrate(Database({database.url!r})) is False
assert not {{"alembic", "sqlalchemy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")
