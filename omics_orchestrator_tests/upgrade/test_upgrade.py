"""Every released version left a dump of the tiny study (make_dump.py): this version goes on from each of them."""

from __future__ import annotations

import lzma
from pathlib import Path

import psycopg2
import pytest

from omics_orchestrator import load
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.private import read_crosswalk
from omics_orchestrator.storage.schema import REVISION, current_revision, migrate
from omics_orchestrator.storage.tables import read_query, read_table
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.upgrade.make_dump import DUMPS

FILES = "SELECT f.number, f.key, v.sha256 FROM registry.file f JOIN registry.file_version v ON v.file_number = f.number"


def test_there_is_a_dump() -> None:
    assert list(DUMPS.glob("*.sql.xz"))


@pytest.mark.parametrize("dump", sorted(DUMPS.glob("*.sql.xz")), ids=lambda dump: dump.name)
def test_this_version_goes_on_from_a_dump_of(dump: Path, installation: Installation) -> None:
    database = Database(str(installation.settings.database_url))
    connection = psycopg2.connect(database.url)
    with connection, connection.cursor() as cursor:
        cursor.execute(lzma.decompress(dump.read_bytes()))
    connection.close()
    files = read_query(database, FILES).to_pylist()
    people = read_table(database, "warehouse", "participant").to_pylist()
    assert len(people) == 3
    assert [one["key"] for one in files] == ["peaks.csv"]

    migrate(database)
    assert current_revision(database) == REVISION
    session = Session(installation.workspace())
    done = session.materialise(session.assets())
    assert done.failed == {}
    assert done.blocked == []
    assert read_table(database, "warehouse", "participant").to_pylist() == people
    assert read_query(database, FILES).to_pylist() == files  # a file keeps its number for ever
    assert load("harmonised/tiny/visit")["crp"].tolist()[:2] == [5.5, 7.0]
    assert read_crosswalk(database, "tiny__crosswalk") == {"P1": "QX1"}
