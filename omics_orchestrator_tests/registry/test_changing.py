"""Files that grow, shrink, are replaced or vanish between the listing and the reading, and while they are read.

Never is a digest registered that no file had; the verdict says what happened, and the next run settles it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.formats.opaque import Opaque
from omics_orchestrator.registry import streamed
from omics_orchestrator.registry.register import Registered
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.bucket import BucketStore
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.object_servers import ObjectServer, moto
from omics_orchestrator_tests.registry.conftest import Laboratory

OPAQUE = {"format": "opaque", "location": "store+lab://runs/"}
SMALL, LARGE = 1000, 9_000_000
CHANGED = "it changed while it was read: the next run reads it again"
GONE = "it was listed and is not there any more"


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 1)
        file.write(b"!")


def replace(path: Path) -> None:
    beside = path.with_name(".beside")
    beside.write_bytes(os.urandom(path.stat().st_size))
    beside.replace(path)


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = [grow, shrink, overwrite, replace, become_a_pipe, Path.unlink]


def told(laboratory: Laboratory) -> dict[str, tuple[str, str | None, str]]:
    return {row["key"]: (row["verdict"], row["sha256"], row["problems"]) for row in laboratory.files()}


def settled(laboratory: Laboratory, path: Path) -> Registered:
    """Register once more: what is there has its own digest, what is not is missing."""
    done = laboratory.register(OPAQUE)
    (row,) = [row for row in laboratory.files() if row["key"] == "runs/a"]
    if path.is_file():
        assert (row["verdict"], row["sha256"]) == ("valid", hashlib.sha256(path.read_bytes()).hexdigest())
    else:
        assert row["missing"]
    assert laboratory.register(OPAQUE).touched == 0
    return done


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("change", CHANGES)
def test_between_listing_and_reading(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, size: int, change: Callable[[Path], None]
) -> None:
    path = laboratory.put("runs/a", os.urandom(size))
    laboratory.put("runs/b", b"another")
    real = FolderStore.pages

    def then_changed(self: FolderStore, *around: Any, **options: Any) -> Iterator[Any]:
        yield from real(self, *around, **options)
        change(path)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "pages", then_changed)
        laboratory.register(OPAQUE)
    found = told(laboratory)
    assert found["runs/a"] == ("unreadable", None, GONE if change == Path.unlink else CHANGED)
    assert found["runs/b"][0] == "valid"
    settled(laboratory, path)


@pytest.mark.parametrize("change", [grow, shrink, overwrite])
def test_while_it_is_read(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    path = laboratory.put("runs/a", os.urandom(LARGE))
    real = FolderStore.stream

    def changing(self: FolderStore, *around: Any, **options: Any) -> Iterator[bytes]:
        for number, block in enumerate(real(self, *around, **options)):
            yield block
            if not number:
                change(path)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "stream", changing)
        laboratory.register(OPAQUE)
    assert told(laboratory)["runs/a"] == ("unreadable", None, CHANGED)
    settled(laboratory, path)


def test_replaced_while_it_is_read_gives_the_digest_of_what_was_listed(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = os.urandom(LARGE)
    path = laboratory.put("runs/a", raw)
    inspect = Opaque.inspect

    def replacing(self: Opaque, file: Any) -> Any:
        blocks = file.blocks()
        next(blocks)
        replace(path)
        return inspect(self, file)

    with monkeypatch.context() as patch:
        patch.setattr(Opaque, "inspect", replacing)
        laboratory.register(OPAQUE)
    assert told(laboratory)["runs/a"][1] in {hashlib.sha256(raw).hexdigest(), None}
    settled(laboratory, path)


def test_a_known_file_that_changes_again_keeps_its_versions(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = laboratory.put("runs/a", b"first")
    laboratory.register(OPAQUE)
    grow(path)
    real = FolderStore.pages

    def then_changed(self: FolderStore, *around: Any, **options: Any) -> Iterator[Any]:
        yield from real(self, *around, **options)
        grow(path)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "pages", then_changed)
        laboratory.register(OPAQUE)
    settled(laboratory, path)
    versions = laboratory.rows(
        "select version, sha256 is not null from registry.file_version order by version"
    )
    assert versions == [(1, True), (2, True)]


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with moto() as made:
        yield made


@pytest.fixture
def bucket(server: ObjectServer, laboratory: Laboratory) -> Laboratory:
    environment = {
        "OMICS_HOME": str(laboratory.folder),
        "OMICS_STORE_LAB_URL": server.place(),
        **server.variables,
    }
    return Laboratory(laboratory.folder, laboratory.database, Stores(Settings.from_environment(environment)))


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("to", [b"other", b"", None])
def test_an_object_that_changes_after_it_was_listed(
    bucket: Laboratory, monkeypatch: pytest.MonkeyPatch, size: int, to: bytes | None
) -> None:
    url = bucket.stores.settings.source_stores["lab"]
    owner = BucketStore(url, bucket.stores.settings, "OMICS_STORE_LAB")
    owner.put("runs/a", os.urandom(size))
    other = os.urandom(size) if to == b"other" else to
    real = BucketStore.pages

    def then_changed(self: BucketStore, *around: Any, **options: Any) -> Iterator[Any]:
        yield from real(self, *around, **options)
        if other is None:
            owner.delete("runs/a")
        else:
            owner.put("runs/a", other)

    with monkeypatch.context() as patch:
        patch.setattr(BucketStore, "pages", then_changed)
        bucket.register(OPAQUE)
    assert told(bucket)["runs/a"] == ("unreadable", None, GONE if other is None else CHANGED)
    bucket.register(OPAQUE)
    (row,) = bucket.files()
    assert row["missing"] if other is None else row["sha256"] == hashlib.sha256(other).hexdigest()


def test_a_full_disk_while_spooling_is_told_and_the_next_run_goes_on(
    bucket: Laboratory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = bucket.stores.settings.source_stores["lab"]
    owner = BucketStore(url, bucket.stores.settings, "OMICS_STORE_LAB")
    raw = os.urandom(LARGE)
    owner.put("runs/a", raw)
    (tmp_path / "spool").mkdir()
    inspect = Opaque.inspect

    def by_its_name(self: Opaque, file: Any) -> Any:
        file.path()  # as a library does that wants a file with a name
        return inspect(self, file)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spool"))
    with monkeypatch.context() as patch:
        patch.setattr(Opaque, "inspect", by_its_name)
        patch.setattr(streamed, "SPARE", 2**60)
        with pytest.raises(
            StorageError, match="MiB free; a file of 8 MiB must be copied there: free space"
        ) as full:
            bucket.register(OPAQUE)
        assert full.value.retry
        patch.setattr(streamed, "SPARE", 0)
        real = Path.open

        def no_room(self: Path, *around: Any, **options: Any) -> Any:
            opened = real(self, *around, **options)
            if self.is_relative_to(tmp_path / "spool"):
                opened.close()
                raise OSError(errno.ENOSPC, "No space left on device")
            return opened

        patch.setattr(Path, "open", no_room)
        with pytest.raises(StorageError, match="No space left on device; .* TMPDIR"):
            bucket.register(OPAQUE)
        patch.setattr(Path, "open", real)
        assert bucket.files() == []
        assert list((tmp_path / "spool").iterdir()) == []
        bucket.register(OPAQUE)
    assert told(bucket)["runs/a"][:2] == ("valid", hashlib.sha256(raw).hexdigest())
    assert list((tmp_path / "spool").iterdir()) == []
