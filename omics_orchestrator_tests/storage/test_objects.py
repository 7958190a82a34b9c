"""Object stores: one suite over a folder and over S3 (moto's server), then what is particular to each."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr

from omics_orchestrator.errors import NotConfigured, ObjectExists, StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage import bucket, bucket_options
from omics_orchestrator.storage.folder import STAGING
from omics_orchestrator.storage.objects import Store, Stores

ODD_KEYS = [
    "a b.txt",
    "a#1",
    "x%20y",
    "p+q&r=s",
    "ü/é.txt",
    "q?.csv",
    "x[1]{2}~",
    "d/e/f",
    "d-e",
    "d.e",
    "漢",
]


def stores(home: Path, **variables: str) -> Stores:
    return Stores(Settings.from_environment({"OMICS_HOME": str(home), **variables}))


@pytest.fixture(scope="session")
def s3():
    """The variables of a running S3 server with the buckets `own` and `lab`."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    variables = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:{1}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="own")
    client.create_bucket(Bucket="lab")
    yield variables, client
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path) -> Store:
    if request.param == "folder":
        return stores(tmp_path / "home #%20ü").own
    variables, _ = request.getfixturevalue("s3")
    return stores(tmp_path, OMICS_STORE_URL=f"s3://own/{tmp_path.name}", **variables).own


def keys(store: Store, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


def test_objects_come_back_whole_under_odd_keys_and_listed_by_key(store):
    for number, key in enumerate(ODD_KEYS):
        store.put(key, b"%d" % number * 3)
    assert keys(store) == sorted(ODD_KEYS)
    for number, key in enumerate(ODD_KEYS):
        assert store.get(key) == b"%d" % number * 3
        found = store.head(key)
        assert found is not None
        assert (found.key, found.size) == (key, len(b"%d" % number * 3))
        assert abs(found.modified.timestamp() - time.time()) < 60


def test_a_prefix_is_a_folder_not_the_beginning_of_a_name(store):
    for key in ("ab/c", "a/b", "a/b-c/d", "a.txt"):
        store.put(key, b"1")
    assert keys(store, "a") == keys(store, "a/") == ["a/b", "a/b-c/d"]
    assert keys(store, "nothing") == []


def test_a_listing_goes_on_after_a_key(store):
    keys = [*ODD_KEYS, "d/e/g", "d/f", "d0"]
    for key in keys:
        store.put(f"go on/{key}", b"x")
    whole = [found.key for found in store.list("go on")]
    for key in ["", *whole, "go on/d/ez", "nothing like it"]:
        assert [found.key for found in store.list("go on", key)] == [one for one in whole if one > key]
    (page,) = store.pages("go on", whole[2])
    assert page["key"].to_pylist() == whole[3:]


def test_ranges_and_blocks(store):
    data = os.urandom(300_000)
    store.put("data", data)
    assert store.read_range("data", 1000, 10) == data[1000:1010]
    assert store.read_range("data", len(data) - 3, 10) == data[-3:]
    assert store.read_range("data", 5, 0) == b""
    with pytest.raises(StorageError):
        store.read_range("data", len(data) + 1, 1)
    blocks = list(store.stream("data", 64 * 1024))
    assert b"".join(blocks) == data
    assert all(len(block) >= 64 * 1024 for block in blocks[:-1])


def test_an_object_of_several_parts_is_put_at_once(store):
    data = os.urandom(12 * 1024 * 1024)
    store.put("large", data)
    assert store.get("large") == data


def test_put_replaces_and_put_new_never_does(store):
    store.put("key", b"old")
    with pytest.raises(ObjectExists):
        store.put_new("key", b"other")
    assert store.get("key") == b"old"
    store.put("key", b"new")
    assert store.get("key") == b"new"
    store.put_new("another", b"1")
    assert store.get("another") == b"1"


def test_of_racing_writers_one_creates(store):
    def create(number: int) -> bool:
        try:
            store.put_new("race", b"%d" % number)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(24)))
    assert won.count(True) == 1
    assert store.get("race") == b"%d" % won.index(True)


def test_delete_is_quiet_about_what_is_not_there(store):
    store.put("a/b", b"1")
    store.delete("a/b")
    store.delete("a/b")
    assert store.head("a/b") is None
    assert keys(store) == []


def test_errors_name_the_store_and_never_the_key(store):
    for call in (store.get, lambda key: list(store.stream(key)), lambda key: store.read_range(key, 0, 1)):
        with pytest.raises(StorageError, match="no such object") as told:
            call("GID-136-7/reads.fq")
        assert "GID-136" not in str(told.value)
        assert store.url in str(told.value)
        assert not told.value.retry


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b"])
def test_keys_that_name_no_object_are_refused(store, key):
    with pytest.raises(StorageError):
        store.put(key, b"1")


def test_zarr_writes_and_reads_through_the_same_store(store):
    array = zarr.create_array(
        zarr.storage.ObjectStore(store.obstore("matrix/a.zarr/")), shape=(4,), dtype="f8"
    )
    array[:] = 7.0
    assert "matrix/a.zarr/zarr.json" in keys(store, "matrix")
    again = zarr.open_array(zarr.storage.ObjectStore(store.obstore("matrix/a.zarr/")), mode="r")
    assert np.asarray(again[:]).tolist() == [7.0] * 4


# Stores and locations


def test_locations_name_our_own_or_a_source_store(tmp_path):
    (tmp_path / "lab" / "hmp2").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "x[1].csv", "notes.txt"):
        (tmp_path / "lab" / "hmp2" / name).write_bytes(b"1")
    (tmp_path / "lab" / "hmp2" / "deep").mkdir()
    (tmp_path / "lab" / "hmp2" / "deep" / "c.csv").write_bytes(b"1")
    here = stores(tmp_path / "home", OMICS_STORE_LAB_URL=(tmp_path / "lab").as_uri())
    store, key = here.resolve("store+lab://hmp2/a b%20#1.csv")
    assert (store.read_only, key) == (True, "hmp2/a b%20#1.csv")
    assert here.resolve("store://matrix/x") == (here.own, "matrix/x")

    def expand(location: str) -> list[str]:
        return [found.key.removeprefix("hmp2/") for _, found in here.expand(location)]

    assert expand("store+lab://hmp2/") == ["a.csv", "b.csv", "deep/c.csv", "notes.txt", "x[1].csv"]
    assert expand("store+lab://hmp2/*.csv") == ["a.csv", "b.csv", "x[1].csv"]
    assert expand("store+lab://hmp2/x[1].csv") == ["x[1].csv"]
    assert expand("store+lab://hmp2/b.csv") == ["b.csv"]
    assert expand("store+lab://hmp2/none.csv") == []
    assert len(here.expand("store+lab://")) == 5
    with pytest.raises(StorageError, match="store://key"):
        here.resolve("s3://bucket/key")


def test_a_store_that_is_not_configured_says_which_variable(tmp_path):
    here = stores(tmp_path)
    assert here.missing("store+public://hmp2/") == "OMICS_STORE_PUBLIC_URL"
    assert here.missing("store://x") is None
    with pytest.raises(NotConfigured, match="OMICS_STORE_PUBLIC_URL"):
        here.resolve("store+public://hmp2/")


def test_source_stores_are_read_only(tmp_path):
    source = stores(tmp_path, OMICS_STORE_LAB_URL=(tmp_path / "lab").as_uri()).source("lab")
    for write in (source.put, source.put_new):
        with pytest.raises(StorageError, match="read-only"):
            write("a", b"1")
    with pytest.raises(StorageError, match="read-only"):
        source.delete("a")
    assert list(tmp_path.iterdir()) == []


def test_importing_the_stores_is_light():
    code = (
        "import sys, omics_orchestrator.storage.objects\n"
        "print({'obstore', 'pyarrow', 'pandas', 'psycopg2'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# Folders


def test_a_link_that_leads_to_itself_hides_no_other_file(tmp_path):
    store = stores(tmp_path / "home").own
    store.put("other", b"a")
    (tmp_path / "home" / "store" / "loop").symlink_to("loop")
    assert keys(store) == ["other"]
    assert store.head("loop") is None


def test_a_folder_lists_what_is_a_file_and_follows_links_but_no_loop(tmp_path):
    home = tmp_path / "home"
    store = stores(home).own
    store.put("a/x", b"1")
    folder = home / "store"
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "gone").symlink_to(folder / "nowhere")
    (folder / "same").symlink_to(folder / "a" / "x")
    os.mkfifo(folder / "pipe")
    (folder / "line\nend\t").write_bytes(b"1")
    assert keys(store) == ["a/x", "line\nend\t", "same"]
    assert store.local_path("a/x") == folder / "a" / "x"


def test_a_name_that_is_not_utf8_is_told_not_skipped(tmp_path):
    (tmp_path / "store").mkdir()
    Path(os.fsdecode(bytes(tmp_path / "store") + b"/\xff.csv")).write_bytes(b"1")
    with pytest.raises(StorageError, match="not UTF-8"):
        keys(stores(tmp_path).own)


WRITER = """
import sys
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.objects import Stores
store = Stores(Settings.from_environment({"OMICS_HOME": sys.argv[1]})).own
for number in range(1_000_000):
    store.put("same", bytes([65 + number % 26]) * 8_000_000)
    print("put", flush=True)
"""


def test_a_killed_writer_leaves_whole_objects_only(tmp_path):
    for delay in (0.0, 0.003, 0.011):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        store = stores(tmp_path).own
        assert keys(store) == ["same"]
        data = store.get("same")
        assert len(data) == 8_000_000
        assert data == data[:1] * len(data)


def test_what_a_killed_writer_left_is_removed_a_day_later(tmp_path):
    store = stores(tmp_path).own
    store.put("a", b"1")
    left, fresh = (tmp_path / "store" / STAGING / name for name in ("left", "fresh"))
    for file in (left, fresh):
        file.write_bytes(b"half")
    os.utime(left, (0, 0))
    stores(tmp_path).own.put("b", b"1")
    assert (left.exists(), fresh.exists()) == (False, True)
    assert keys(store) == ["a", "b"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        + WRITER.partition("for number")[0]
        + "try:\n"
        "    store.put('a', b'x' * 5000)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "StorageError"
    assert keys(stores(tmp_path).own) == []
    assert list((tmp_path / "store" / STAGING).iterdir()) == []


# Buckets


def test_a_listing_crosses_pages_and_leaves_out_folder_markers(s3, tmp_path, monkeypatch):
    variables, client = s3
    monkeypatch.setattr(bucket, "PAGE", 7)
    store = stores(tmp_path, OMICS_STORE_URL="s3://own/pages", **variables).own
    for number in range(30):
        client.put_object(Bucket="own", Key=f"pages/f{number:02}", Body=b"1")
    client.put_object(Bucket="own", Key="pages/marker/", Body=b"")
    client.put_object(Bucket="own", Key="pages/empty", Body=b"")
    client.put_object(Bucket="own", Key="pages/", Body=b"")
    assert keys(store) == ["empty", *(f"f{number:02}" for number in range(30))]


def test_each_store_may_have_its_own_endpoint_and_secrets(s3, tmp_path):
    variables, client = s3
    client.put_object(Bucket="lab", Key="runs/a.csv", Body=b"1")
    (tmp_path / "secret").write_text("secret\n")
    here = stores(
        tmp_path,
        OMICS_STORE_LAB_URL="s3://lab/runs",
        OMICS_STORE_LAB_ENDPOINT=variables["AWS_ENDPOINT_URL"],
        OMICS_STORE_LAB_ACCESS_KEY_ID="key",
        OMICS_STORE_LAB_SECRET_ACCESS_KEY_FILE=str(tmp_path / "secret"),
        OMICS_STORE_LAB_REGION="us-east-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
    )
    assert here.source("lab").get("a.csv") == b"1"


def test_http_only_where_the_endpoint_says_so(tmp_path):
    def options(**variables: str) -> dict[str, object]:
        return bucket_options.options_of(
            bucket_options.S3, "OMICS_STORE_LAB", Settings.from_environment(variables)
        )

    http = options(AWS_ENDPOINT_URL="http://127.0.0.1:1")["client_options"]
    assert http == {**bucket_options.CLIENT, "allow_http": True}
    assert options(AWS_ENDPOINT_URL="https://s3.example.org")["client_options"] == bucket_options.CLIENT
    assert options() == {"client_options": bucket_options.CLIENT, "retry_config": bucket_options.RETRY}


def test_a_key_that_obstore_cannot_say_stops_the_listing_with_a_word(s3, tmp_path):
    variables, client = s3
    client.put_object(Bucket="own", Key="odd/a//b", Body=b"1")
    with pytest.raises(StorageError, match="empty part"):
        keys(stores(tmp_path, OMICS_STORE_URL="s3://own/odd", **variables).own)


def test_azure_is_opened_with_the_keys_of_the_environment(tmp_path):
    own = stores(
        tmp_path,
        OMICS_STORE_URL="az://container/prefix",
        AZURE_STORAGE_ACCOUNT_NAME="account",
        AZURE_STORAGE_ACCOUNT_KEY="a2V5",
    ).own
    assert type(own.obstore()).__name__ == "AzureStore"


def test_another_scheme_is_refused(tmp_path):
    with pytest.raises(NotConfigured, match="OMICS_STORE_URL must begin with one of file"):
        _ = stores(tmp_path, OMICS_STORE_URL="ftp://host/x").own
