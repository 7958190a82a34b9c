"""A store that fails while files are registered: a verdict, a retry or an error that says so; the next run repairs."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.registry.register import Registered
from omics_orchestrator.registry.verify import verify
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage import bucket, bucket_options
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.registry.conftest import Laboratory
from omics_orchestrator_tests.registry.failing_server import FailingServer, failing_server

OPAQUE = {"format": "opaque", "location": "store+lab://runs/"}
ALWAYS = 10**6
SMALL, LARGE = "runs/a.bin", "runs/b.bin"
CONTENT = {SMALL: os.urandom(70_000), LARGE: os.urandom(3_000_000), "runs/c.bin": b"c", "runs/d.bin": b"d"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingServer]:
    """A server with four objects, and patience of a second instead of minutes."""
    monkeypatch.setitem(bucket_options.CLIENT, "read_timeout", timedelta(seconds=0.7))
    hasty = {"init_backoff": timedelta(milliseconds=20), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setattr(
        bucket_options, "RETRY", {"max_retries": 2, "retry_timeout": timedelta(seconds=5), "backoff": hasty}
    )
    with failing_server() as made:
        made.objects |= CONTENT
        yield made


@pytest.fixture
def far(server: FailingServer, database: Database, tmp_path: Path) -> Laboratory:
    environment = {
        "OMICS_HOME": str(tmp_path),
        "OMICS_STORE_LAB_URL": "s3://lab",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    return Laboratory(tmp_path, database, Stores(Settings.from_environment(environment)))


def digests(far: Laboratory) -> dict[str, str]:
    rows = far.rows(
        "select key, sha256 from registry.file join registry.file_version on file_number = number"
    )
    return dict(rows)


def whole(far: Laboratory, done: Registered) -> None:
    """Every object is registered under its own digest."""
    assert digests(far) == {key: hashlib.sha256(raw).hexdigest() for key, raw in CONTENT.items()}
    assert (done.rows["files"], done.rows["invalid"], done.rows["missing"]) == (4, 0, 0)


def no_half_rows(far: Laboratory) -> None:
    assert far.rows(
        "select count(*) from registry.file f full join registry.file_version v"
        " on v.file_number = f.number and v.version = f.version where v.version is null or f.number is null"
    ) == [(0,)]
    sound = {hashlib.sha256(raw).hexdigest() for raw in CONTENT.values()}
    assert set(digests(far).values()) <= {*sound, None}


@pytest.mark.faults
@pytest.mark.parametrize("key", [SMALL, LARGE, "list"])
@pytest.mark.parametrize("word", ["500", "503", "truncate", "stall", "reset"])
def test_a_fault_that_passes_is_waited_out(
    far: Laboratory, server: FailingServer, key: str, word: str
) -> None:
    server.faults[key] = (word, 1)
    if key == "list" and word in {
        "truncate",
        "stall",
    }:  # obstore does not ask again for a page that broke off
        with pytest.raises(StorageError) as told:
            far.register(OPAQUE)
        assert told.value.retry
        assert digests(far) == {}
    whole(far, far.register(OPAQUE))


@pytest.mark.faults
@pytest.mark.parametrize("key", [SMALL, LARGE, "list"])
@pytest.mark.parametrize("word", ["500", "503", "truncate", "stall", "reset"])
def test_a_fault_that_stays_ends_in_an_error_and_the_next_run_repairs(
    far: Laboratory, server: FailingServer, key: str, word: str
) -> None:
    server.faults[key] = (word, ALWAYS)
    started = time.monotonic()
    with pytest.raises(StorageError) as told:
        far.register(OPAQUE)
    assert told.value.retry
    assert time.monotonic() - started < 15
    assert "runs/" not in str(told.value)
    no_half_rows(far)
    server.faults.clear()
    whole(far, far.register(OPAQUE))


def test_a_denied_object_is_unreadable_until_it_is_handed_out(far: Laboratory, server: FailingServer) -> None:
    server.faults = {SMALL: ("403", ALWAYS), LARGE: ("403", ALWAYS)}
    far.register(OPAQUE)
    assert {row["key"]: row["verdict"] for row in far.files()} == {
        SMALL: "unreadable",
        LARGE: "unreadable",
        "runs/c.bin": "valid",
        "runs/d.bin": "valid",
    }
    no_half_rows(far)
    server.faults.clear()
    whole(far, far.register(OPAQUE))


def test_a_denied_listing_is_told_and_makes_nothing_missing(far: Laboratory, server: FailingServer) -> None:
    far.register(OPAQUE)
    server.faults["list"] = ("403", ALWAYS)
    with pytest.raises(StorageError, match="access denied") as told:
        far.register(OPAQUE)
    assert not told.value.retry
    assert far.rows("select count(*) from registry.file where missing_since is not null") == [(0,)]
    server.faults.clear()
    assert far.register(OPAQUE).touched == 0


def test_an_object_deleted_after_it_was_listed_is_unreadable_then_missing(
    far: Laboratory, server: FailingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bucket.BucketStore.pages

    def then_deleted(
        self: bucket.BucketStore, prefix: str = "", after: str = "", *, barred: object = None
    ) -> Iterator[object]:
        yield from real(self, prefix)
        server.objects.pop(SMALL)
        server.objects.pop(LARGE)

    with monkeypatch.context() as patched:
        patched.setattr(bucket.BucketStore, "pages", then_deleted)
        far.register(OPAQUE)
    assert {row["verdict"] for row in far.files() if row["key"] in {SMALL, LARGE}} == {"unreadable"}
    no_half_rows(far)
    assert far.register(OPAQUE).rows["missing"] == 2
    server.objects |= CONTENT
    whole(far, far.register(OPAQUE))


def test_verify_does_not_take_a_failing_store_for_damage(far: Laboratory, server: FailingServer) -> None:
    far.register(OPAQUE)
    for word in ("503", "truncate", "stall"):
        server.faults[LARGE] = (word, ALWAYS)
        with pytest.raises(StorageError) as told:
            verify(far.database, far.stores)
        assert told.value.retry
    server.faults.clear()
    assert verify(far.database, far.stores).outcomes == {"same": 4}


def test_the_time_outs_that_the_product_uses_end_in_minutes() -> None:
    worst = bucket_options.RETRY["retry_timeout"] + bucket_options.CLIENT["read_timeout"]  # type: ignore[operator]
    assert worst <= timedelta(minutes=5)
    assert bucket_options.CLIENT["timeout"] >= timedelta(
        hours=12
    )  # a whole object of 100 GB over a slow line


@pytest.mark.faults
@pytest.mark.parametrize("key", [SMALL, LARGE])
def test_a_body_cut_on_the_way_has_no_digest(server: FailingServer, far: Laboratory, key: str) -> None:
    server.faults[key] = ("shorten", ALWAYS)
    done = far.register(OPAQUE)
    assert done.rows["files"] == 4
    assert digests(far)[key] is None
    no_half_rows(far)
    server.faults.clear()
    whole(far, far.register(OPAQUE))
