"""What is listed and out of reach costs itself only: told, shown, and registered once it is mended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from omics_orchestrator.registry.arrivals import Arrivals
from omics_orchestrator.registry.barred import barred_of
from omics_orchestrator.registry.verify import verify
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.barred import DENIED, NO_KEY, NOT_UTF8, TOO_LONG
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.object_servers import ObjectServer, moto, split
from omics_orchestrator_tests.registry.conftest import Laboratory
from omics_orchestrator_tests.registry.test_arrivals import look

OPAQUE = {"format": "opaque", "location": "store+lab://runs/"}
ODD = ("a//b", "a/../c", "bell\x07", "tab\t", "/lead")


def barred(laboratory: Laboratory) -> dict[str, str]:
    return {one.key: one.why for one in barred_of(laboratory.database, "demo", "reads")}


def told(done: object) -> list[str]:
    return [one.message for one in done.findings if "verdict barred" in one.message]  # type: ignore[attr-defined]


def test_a_name_that_is_not_utf8_costs_its_file(laboratory: Laboratory) -> None:
    laboratory.put("runs/a.bin", b"1")
    bad = laboratory.put("runs/caf\udce9.bin", b"2")
    laboratory.put("runs/\udcff/x.bin", b"3")
    laboratory.put("runs/caf\\xe9.bin", b"a name that looks like the escaped one")
    done = laboratory.register(OPAQUE)
    assert done.rows["files"] == 2
    assert barred(laboratory) == {"runs/caf\\xe9.bin": NOT_UTF8, "runs/\\xff/": NOT_UTF8}
    (message,) = told(done)
    assert "1 listed file cannot be registered" in message
    assert "1 folder cannot be listed" in message
    assert "caf" not in message
    again = laboratory.register(OPAQUE)
    assert (again.touched, again.data_version, told(again)) == (0, done.data_version, [message])
    assert look(laboratory, OPAQUE) == Arrivals()
    new = laboratory.put("runs/\udcfe", b"4")
    assert look(laboratory, OPAQUE).changed == 1
    new.unlink()
    bad.rename(bad.with_name("café.bin"))
    shutil.rmtree(laboratory.folder / "runs/\udcff")
    mended = laboratory.register(OPAQUE)
    assert (mended.rows["files"], mended.rows["read"], told(mended), barred(laboratory)) == (3, 1, [], {})


def test_a_path_longer_than_an_index_takes_costs_its_file(laboratory: Laboratory) -> None:
    parts = [os.urandom(120).hex() for _ in range(9)]  # no text that Postgres could compress
    laboratory.put("runs/" + "/".join(parts), b"1")
    longest = "runs/" + "/".join(parts)[: 2048 - 6] + "x"
    laboratory.put(longest[:2048], b"2")
    assert laboratory.register(OPAQUE).rows["files"] == 1
    assert list(barred(laboratory).values()) == [TOO_LONG]


def test_what_the_study_leaves_out_is_not_told(laboratory: Laboratory) -> None:
    laboratory.put("runs/a.bin", b"1")
    laboratory.put("runs/logs/caf\udce9.log", b"2")
    assert told(laboratory.register({**OPAQUE, "leave_out": ["logs/*"]})) == []
    assert barred(laboratory) == {}


@pytest.fixture
def denied(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that may not be read: this process asks as a user without rights where it is root's."""
    folder = laboratory.put("runs/closed/b.bin", b"2").parent
    laboratory.put("runs/a.bin", b"1")
    laboratory.register(OPAQUE)
    folder.chmod(0)
    real = os.scandir

    def scandir(path: str) -> object:
        if os.stat(path).st_mode & 0o777 == 0:  # noqa: PTH116 - as root may not be told
            raise PermissionError(13, "Permission denied")
        return real(path)

    if os.geteuid() == 0:  # storage/test_barred.py asks the real system, as nobody
        monkeypatch.setattr(os, "scandir", scandir)
    yield folder
    folder.chmod(0o755)


def test_files_of_a_folder_that_may_not_be_read_are_not_missing(laboratory: Laboratory, denied: Path) -> None:
    (laboratory.folder / "runs/a.bin").unlink()
    done = laboratory.register(OPAQUE)
    assert (done.rows["missing"], barred(laboratory)) == (1, {"runs/closed/": DENIED})
    assert {row["key"]: row["missing"] for row in laboratory.files()} == {
        "runs/a.bin": True,
        "runs/closed/b.bin": False,
    }
    assert look(laboratory, OPAQUE) == Arrivals()
    denied.chmod(0o755)
    assert look(laboratory, OPAQUE).changed == 1
    assert laboratory.register(OPAQUE).rows["missing"] == 1
    assert barred(laboratory) == {}


def test_names_with_control_characters_are_registered_in_a_folder(laboratory: Laboratory) -> None:
    names = [
        "line\nend",
        "tab\t",
        "bell\x07",
        "esc\x1b[31m",
        "back\\slash",
        "quote'\"",
        "%41",
        "a b#1",
        "\u202etxt.nib",
    ]
    for name in names:
        laboratory.put(f"runs/{name}", name.encode())
    assert laboratory.register(OPAQUE).rows["files"] == len(names)
    assert {row["key"].removeprefix("runs/") for row in laboratory.files()} == set(names)
    assert verify(laboratory.database, laboratory.stores).outcomes == {"same": len(names)}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with moto() as made:
        yield made


@pytest.fixture
def bucket(server: ObjectServer, laboratory: Laboratory) -> Laboratory:
    url = server.place()
    environment = {"OMICS_HOME": str(laboratory.folder), "OMICS_STORE_LAB_URL": url, **server.variables}
    made = Laboratory(laboratory.folder, laboratory.database, Stores(Settings.from_environment(environment)))
    client, (name, prefix) = server.boto3(), split(url)
    for key in ("first", "second", "z" * 900, "zz", *ODD):
        client.put_object(Bucket=name, Key=f"{prefix}/runs/{key}", Body=key.encode())
    return made


def test_keys_that_obstore_cannot_say_cost_themselves(bucket: Laboratory) -> None:
    done = bucket.register(OPAQUE)
    assert {row["key"].removeprefix("runs/") for row in bucket.files()} == {
        "first",
        "second",
        "z" * 900,
        "zz",
    }
    assert set(barred(bucket)) == {
        "runs/a//b", "runs/a/../c", "runs/bell\\x07", "runs/tab\\t", "runs//lead"
    }  # fmt: skip
    assert set(barred(bucket).values()) == {NO_KEY}
    assert len(told(done)) == 1
    again = bucket.register(OPAQUE)
    assert (again.touched, again.rows["read"], again.rows["missing"]) == (0, 0, 0)
    assert verify(bucket.database, bucket.stores).outcomes == {"same": 4}
    assert look(bucket, OPAQUE) == Arrivals()


def test_an_object_and_a_folder_marker_of_one_name(bucket: Laboratory, server: ObjectServer) -> None:
    client, (name, prefix) = server.boto3(), split(bucket.stores.source("lab").url)
    for key, raw in {"m": b"", "m/": b"", "m-": b"2", "n": b"3", "n/": b"", "n/x": b"4"}.items():
        client.put_object(Bucket=name, Key=f"{prefix}/marks/{key}", Body=raw)
    found = bucket.register({**OPAQUE, "location": "store+lab://marks/"})
    assert {row["key"]: row["size"] for row in bucket.files()} == {
        "marks/m": 0, "marks/m-": 1, "marks/n": 1, "marks/n/x": 1
    }  # fmt: skip
    assert found.rows["files"] == 4


def test_a_source_of_tables_refuses_what_it_would_lose(tmp_path: Path) -> None:
    (tmp_path / "caf\udce9.csv").write_bytes(b"1")
    (tmp_path / "a.csv").write_bytes(b"1")
    stores = Stores(Settings.from_environment({"OMICS_STORE_LAB_URL": tmp_path.as_uri()}))
    assert [found.key for _, found in stores.expand("store+lab://a*.csv")] == ["a.csv"]
    with pytest.raises(Exception, match="not UTF-8"):
        stores.expand("store+lab://*.csv")
