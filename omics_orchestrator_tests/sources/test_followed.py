"""Which names are those of locks and half-written files, and that a glob does not read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Delimited, Excel, RedcapExport
from omics_orchestrator.sources.base import is_unfinished
from omics_orchestrator.storage.objects import Stores


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    environment = {"OMICS_HOME": str(tmp_path / "home"), "OMICS_STORE_DROP_URL": (tmp_path / "drop").as_uri()}
    (tmp_path / "drop").mkdir()
    return Stores(Settings.from_environment(environment))


@pytest.mark.parametrize(
    "name",
    ["~$book.xlsx", ".~lock.book.ods#", "a/b/x.csv.part", "x.PARTIAL", "x.filepart", "y.tmp", "._x.csv"],
)
def test_locks_and_half_written_files(name: str) -> None:
    assert is_unfinished(name)


@pytest.mark.parametrize(
    "name", ["book.xlsx", "a.b/x.csv", "part.csv", "x~$.csv", "tmp/x.csv", "counterpart"]
)
def test_other_files(name: str) -> None:
    assert not is_unfinished(name)


def test_a_glob_reads_no_lock_and_its_signature_knows_none(stores: Stores, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    source = Delimited.model_validate({"kind": "delimited", "location": "store+drop://*.csv"})
    (drop / "one.csv").write_text("a\n1\n")
    before = source.signature(stores)
    (drop / "~$one.csv").write_text("nobody")
    (drop / "._one.csv").write_text("nobody")
    assert source.signature(stores) == before
    assert source.deliver("s", "s", None, stores).data.num_rows == 1
    assert source.arriving(stores)
    assert not source.arriving(stores, datetime.now(UTC) + timedelta(hours=13))


def test_whole_folders_and_single_files_are_watched(stores: Stores, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    export = RedcapExport.model_validate({"kind": "redcap_export", "location": "store+drop://gid/"})
    book = Excel.model_validate({"kind": "excel", "location": "store+drop://gid/book.xlsx"})
    (drop / "gid").mkdir()
    (drop / "gid" / "book.xlsx").write_bytes(b"x")
    assert not export.arriving(stores)
    assert not book.arriving(stores)
    (drop / "gid" / "data.csv.part").write_bytes(b"x")
    assert export.arriving(stores)
    assert not book.arriving(stores)
    (drop / "gid" / "~$book.xlsx").write_bytes(b"x")
    assert book.arriving(stores)
