"""The whole life of files in a bucket, over the wire: moto, rclone (signatures, files on disk), Azurite (Azure Blob).

`OMICS_TEST_S3_URL=s3://bucket/prefix` with the usual `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`
and `AWS_REGION` runs the same tests against real S3, SeaweedFS or Ceph (object_servers.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError, ObjectExists, StorageError
from omics_orchestrator.matrices.build import build_matrix, load_matrix
from omics_orchestrator.registry.verify import verify
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.fetch import fetch
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.bucket import BucketStore
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Store, Stores
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator_tests.object_servers import ObjectServer, azurite, moto, rclone, real_s3, split
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples

SAMPLES = table_of_samples(S1="P1", S2="P2")
PLACES = ("moto", "rclone", "azurite", "real_s3")


@pytest.fixture(scope="module", params=PLACES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObjectServer]:
    folder = tmp_path_factory.mktemp(request.param) / "kept"
    opened = {
        "moto": moto,
        "rclone": lambda: rclone(folder),
        "azurite": lambda: azurite(folder),
        "real_s3": real_s3,
    }
    with opened[request.param]() as made:
        yield made


class Far:
    """A laboratory whose files and whose own store lie behind the wire; the tests write to it as its owner."""

    def __init__(self, server: ObjectServer, database: Database, home: Path) -> None:
        self.url = server.place()
        self.server = server
        own = {"OMICS_STORE_URL": server.place(), "OMICS_STORE_LAB_URL": self.url}
        self.settings = Settings.from_environment({"OMICS_HOME": str(home), **own, **server.variables})
        self.registry = Laboratory(home, database, Stores(self.settings))
        self.owner = BucketStore(self.url, self.settings, "OMICS_STORE_LAB")

    def register(self, assay: dict[str, Any] = FASTQ) -> Any:
        return self.registry.register(assay, SAMPLES)


@pytest.fixture
def far(server: ObjectServer, database: Database, tmp_path: Path) -> Far:
    made = Far(server, database, tmp_path)
    for number in (1, 2):
        made.owner.put(f"mgx/P1_S1_R{number}.fastq.gz", reads(3))
    made.owner.put("mgx/P2_S2_R1.fastq.gz", reads(2, "TTGCA"))
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that are read from buckets."""
    seen: list[str] = []
    for name in ("get", "stream", "read_range"):
        original = getattr(BucketStore, name)

        def noted(self: BucketStore, key: str, *rest: Any, real: Any = original, **options: Any) -> Any:
            seen.append(key)
            return real(self, key, *rest, **options)

        monkeypatch.setattr(BucketStore, name, noted)
    return seen


def test_files_are_registered_once_changed_lost_and_found_again(far: Far, opened: list[str]) -> None:
    first = far.register()
    assert (first.rows["files"], first.rows["linked"], first.rows["read"]) == (3, 3, 3)
    opened.clear()
    second = far.register()
    assert (second.touched, second.rows["read"], opened) == (0, 0, [])
    assert second.data_version == first.data_version
    far.owner.put("mgx/P2_S2_R1.fastq.gz", reads(4, "TTGCA"))
    changed = far.register()
    assert changed.rows["read"] == 1
    assert [row["version"] for row in far.registry.files()] == [1, 1, 2]
    kept = far.owner.get("mgx/P1_S1_R2.fastq.gz")
    far.owner.delete("mgx/P1_S1_R2.fastq.gz")
    assert far.register().rows["missing"] == 1
    far.owner.put("mgx/P1_S1_R2.fastq.gz", kept)
    back = far.register()
    assert (back.rows["missing"], back.data_version) == (0, changed.data_version)


def test_what_was_registered_is_verified_and_fetched(far: Far, tmp_path: Path) -> None:
    far.register()
    database, stores = far.registry.database, far.registry.stores
    assert verify(database, stores).outcomes == {"same": 3}
    around = SimpleNamespace(database=database, stores=stores, catalogue=SimpleNamespace(studies={}))
    workspace = cast("Workspace", around)
    path = fetch(workspace, 1, tmp_path / "home")
    assert path.read_bytes() == far.owner.get("mgx/P1_S1_R1.fastq.gz")
    path.unlink()
    far.owner.put("mgx/P1_S1_R1.fastq.gz", reads(3, "TTTT"))
    assert verify(database, stores).outcomes == {"same": 2, "changed": 1}
    with pytest.raises(DeliveryError, match="other bytes"):
        fetch(workspace, 1, tmp_path / "home")
    far.owner.delete("mgx/P1_S1_R1.fastq.gz")
    assert verify(database, stores).outcomes == {"same": 2, "missing": 1}
    with pytest.raises(StorageError, match="no such object"):
        fetch(workspace, 1, tmp_path / "home")


def test_a_matrix_is_built_from_one_bucket_into_another(far: Far) -> None:
    assay = {"format": "feature_table", "samples": "columns", "location": "store+lab://table.csv"}
    far.owner.put("table.csv", b"feature,S1,S2\nalpha,1,2\nbeta,,4.5\n")
    far.register(assay)

    def build() -> Any:
        return build_matrix(
            far.registry.database,
            far.registry.stores,
            study="demo",
            assay_name="reads",
            assay=Assay.model_validate(assay),
            known_samples=cast("pa.Table", SAMPLES),
        )

    built = build()
    assert (built.shape, build().written_objects) == ((2, 2), 0)
    assert load_matrix(far.registry.stores, "demo", "reads").X[1, 1] == 4.5


def test_large_objects_come_back_whole_and_in_parts(far: Far) -> None:
    data = bytes(range(256)) * 50_000
    far.owner.put("large", data)
    assert far.owner.get("large") == data
    assert b"".join(far.owner.stream("large")) == data
    assert far.owner.read_range("large", 6_000_000, 300) == data[6_000_000:6_000_300]
    far.owner.delete("large")
    assert far.owner.head("large") is None


def test_of_racing_writers_one_creates_where_the_server_tells_them_apart(far: Far) -> None:
    def create(number: int) -> bool:
        try:
            far.owner.put_new("race", b"%d" % number)
        except ObjectExists:
            return False
        return True

    if far.server.creates_only_once:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(create, range(24))).count(True) == 1
    else:
        assert [create(1), create(2)] == [True, False]
        assert far.owner.get("race") == b"1"


def test_a_wrong_secret_is_told_as_denied(far: Far) -> None:
    if not far.server.checks_signatures:
        pytest.skip("this server accepts every secret")
    wrong = {
        name: "d3Jvbmc=" if name in {"AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"} else value
        for name, value in far.server.variables.items()
    }
    settings = Settings.from_environment({"OMICS_STORE_LAB_URL": far.url, **wrong})
    store: Store = BucketStore(far.url, settings, "OMICS_STORE_LAB", read_only=True)
    with pytest.raises(StorageError, match="access denied") as told:
        list(store.list())
    assert not told.value.retry
    with pytest.raises(StorageError, match="access denied"):
        store.get("mgx/P1_S1_R1.fastq.gz")


def test_a_server_that_was_restarted_still_has_what_is_registered(far: Far) -> None:
    if far.server.restart is None:
        pytest.skip("this server keeps nothing, or is not ours to stop")
    far.register()
    far.server.restart()
    again = far.register()
    assert (again.touched, again.rows["missing"]) == (0, 0)
    assert verify(far.registry.database, far.registry.stores).outcomes == {"same": 3}


def test_an_upload_that_arrives_as_other_bytes_is_refused_and_removed(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    def damaging(store: Any, key: str, data: bytes, **options: Any) -> Any:
        return real(store, key, data[:-1] + b"?", **options)

    real = obstore.put
    monkeypatch.setattr(obstore, "put", damaging)
    for write in (far.owner.put, far.owner.put_new):
        with pytest.raises(StorageError, match="other bytes arrived") as told:
            write("derived/x", b"0123456789")
        assert told.value.retry
        assert far.owner.head("derived/x") is None


def test_keys_with_tricks_are_registered_or_refused_in_words(far: Far) -> None:
    """Keys that no file system has: written past our own client, where the server takes them at all."""
    assay = {"format": "opaque", "location": "store+lab://odd/"}
    long = "odd/" + "/".join(["x" * 200] * 4)
    normal_forms = ["odd/Caf\u00e9.bin", "odd/Cafe\u0301.bin"]
    for key in (long, *normal_forms):
        far.owner.put(key, key.encode())
    done = far.register(assay)
    assert {row["key"] for row in far.registry.files()} == {long, *normal_forms}
    assert (done.rows["files"], done.rows["invalid"]) == (3, 0)
    if far.url.startswith("az:"):
        return
    bucket, prefix = split(far.url)
    client = far.server.boto3()
    for key in (
        "odd/../../etc/passwd",
        "odd/a//b",
        "odd/new\nline",
        "odd/bell\x07",
        "odd/./c",
        "odd/" + "y" * 900,
    ):
        where = f"{prefix}/{key}"
        try:
            client.put_object(Bucket=bucket, Key=where, Body=b"1")
        except Exception:  # noqa: BLE001 - a server that refuses such a key is no matter of ours
            continue
        told = ""
        try:
            far.register(assay)
        except StorageError as error:
            told = str(error)
        assert not told or "empty part" in told, told
        client.delete_object(Bucket=bucket, Key=where)
    assert far.register(assay).rows["invalid"] == 0
