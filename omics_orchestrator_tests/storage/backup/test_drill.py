"""The drill: an installation is saved, destroyed, and comes back in another home on another server."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.orchestration import current
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.backup import restore, take
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.private import READER, reading_role, remember_pseudonyms
from omics_orchestrator.storage.tables import read_query
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.storage.backup.contents import everything, tables


def materialised(settings: Settings) -> dict[str, str]:
    current.forget()
    session = Session(Workspace(settings))
    done = session.materialise(session.assets())
    assert done.failed == {}
    return done.ran


def destroy(settings: Settings) -> None:
    """Drop the tables, as a lost disk would, and delete the store."""
    for url in (settings.database_url, settings.dagster_database_url):
        with psycopg2.connect(str(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            )
            for (schema,) in cursor.fetchall():
                cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
            cursor.execute("CREATE SCHEMA public")
        connection.close()
    shutil.rmtree(settings.store_url.removeprefix("file://"))


@pytest.fixture
def elsewhere(installation: Installation, tmp_path: Path) -> Settings:
    """Another machine: a home with a server of its own; the sources and the dictionary are reached as before."""
    home = tmp_path / "another home"
    return replace(
        installation.settings,
        home=home,
        store_url=(home / "store").as_uri(),
        database_url=None,
        dagster_database_url=None,
    )


def test_what_was_destroyed_comes_back_elsewhere(
    installation: Installation, elsewhere: Settings, tmp_path: Path
) -> None:
    settings, folder = installation.settings, tmp_path / "back up"
    assert materialised(settings)
    remember_pseudonyms(Database.open(settings), "tiny__crosswalk", {"P1": "QX1", "P2": "QX2"})
    before = everything(settings)
    assert before["objects"]
    assert "identifiers.tiny__crosswalk" in before["data"]

    taken = take(settings, folder)
    assert taken.manifest.objects == len(before["objects"]) == taken.copied.new
    assert taken.manifest.identifiers
    assert [(one["store"], one["study"], one["assay"], one["objects"]) for one in taken.manifest.sources] == [
        ("tiny", "tiny", "metabolomics", 1)
    ]
    destroy(settings)

    done = restore(elsewhere, folder)
    assert done.grants == ()
    assert everything(elsewhere) == before
    assert materialised(elsewhere) == {}
    database = Database.open(elsewhere)
    assert reading_role(database) == READER
    with pytest.raises(StorageError, match="permission denied"):
        read_query(database, "select * from identifiers.tiny__crosswalk", role=READER)
    assert read_query(database, "select * from warehouse.participant", role=READER).num_rows == 3
    assert read_query(database, "select * from raw_tiny.files__people", role=READER).num_rows == 3


def test_files_of_a_back_up_are_for_their_owner_only(installation: Installation, tmp_path: Path) -> None:
    Stores(installation.settings).own.put("attachments/P1", b"x")
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o755)
    take(installation.settings, folder)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    told = json.loads((folder / "backup.json").read_text())["backup"]
    for part in told["parts"]:
        assert (folder / part["name"]).stat().st_size == part["size"]
    assert "P1" not in (folder / "backup.json").read_text()


def test_a_second_back_up_copies_only_what_changed(
    installation: Installation, elsewhere: Settings, tmp_path: Path
) -> None:
    settings, folder = installation.settings, tmp_path / "backup"
    own = Stores(settings).own
    for number in range(20):
        own.put(f"attachments/{number}", b"x" * number)
    assert take(settings, folder).copied.new == 20
    own.put("attachments/3", b"another")
    own.delete("attachments/4")
    own.put("attachments/20", b"x" * 5)  # the bytes of another object: copied, and kept once
    again = take(settings, folder)
    assert (again.copied.objects, again.copied.new) == (20, 2)
    copies = [path for path in (folder / "objects").rglob("*") if path.is_file()]
    assert len(copies) == 19
    assert len(list(folder.glob("*.dump"))) == 2
    restore(elsewhere, folder)
    there = Stores(elsewhere).own
    assert {found.key: there.get(found.key) for found in there.list()} == {
        found.key: own.get(found.key) for found in own.list()
    }


def test_an_installation_that_is_not_empty_stands_unless_forced(
    installation: Installation, tmp_path: Path
) -> None:
    settings, folder = installation.settings, tmp_path / "backup"
    with Database.open(settings).transaction() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA warehouse; CREATE TABLE warehouse.visit AS SELECT 7 AS crp")
    before = tables(str(settings.database_url))
    take(settings, folder)
    with Database.open(settings).transaction() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM warehouse.visit; CREATE TABLE later (id int)")
    Stores(settings).own.put("later", b"x")
    changed = everything(settings)
    with pytest.raises(StorageError, match="not empty.*--force"):
        restore(settings, folder)
    assert everything(settings) == changed
    with (
        psycopg2.connect(str(settings.database_url), application_name="a notebook") as connection,
        pytest.raises(StorageError, match=r"1 connection to the database .* \(a notebook\)"),
    ):
        restore(settings, folder, force=True)
    connection.close()
    restore(settings, folder, force=True)
    assert tables(str(settings.database_url)) == before
    assert "later" not in everything(settings)["objects"]
