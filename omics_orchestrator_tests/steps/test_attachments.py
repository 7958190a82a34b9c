"""Files that cells name: their bytes lie in our store under their digest, once; their names beside the raw table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Attachment, Delivery
from omics_orchestrator.steps.attachments import FOLDER, stored_attachments
from omics_orchestrator.storage.objects import Store, Stores

KEY = ("record_id", "form_instance")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Stores(Settings.from_environment({"OMICS_STORE_URL": (tmp_path / "own").as_uri()})).own


def delivery(*files: tuple[str, int, str, Callable[[], bytes]]) -> Delivery:
    fields = pa.schema([("record_id", pa.string()), ("form_instance", pa.int64()), ("photo", pa.string())])
    found = tuple(Attachment((record, number), "photo", name, read) for record, number, name, read in files)
    return Delivery(fields.empty_table(), KEY, ("photo",), attachments=found)


def test_equal_content_is_stored_once_and_named_twice(store: Store) -> None:
    given = delivery(
        ("P1", 0, "a.jpg", lambda: b"same"),
        ("P2", 0, "b.jpg", lambda: b"same"),
        ("P2", 1, "c.jpg", lambda: b"other"),
    )
    table, key = stored_attachments(store, given)
    assert key == (*KEY, "field")
    assert table["name"].to_pylist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert table["bytes"].to_pylist() == [4, 4, 5]
    digests = [hashlib.sha256(content).hexdigest() for content in (b"same", b"same", b"other")]
    assert table["sha256"].to_pylist() == digests
    assert {one.key for one in store.list(FOLDER)} == {f"{FOLDER}/{digest}" for digest in digests}
    assert store.get(f"{FOLDER}/{digests[2]}") == b"other"


def test_a_second_time_nothing_is_written(store: Store) -> None:
    given = delivery(("P1", 0, "a.jpg", lambda: b"same"))
    first, _ = stored_attachments(store, given)
    (before,) = store.list(FOLDER)
    second, _ = stored_attachments(store, given)
    assert second.equals(first)
    assert list(store.list(FOLDER)) == [before]


def test_a_file_that_cannot_be_fetched_stops_the_delivery(store: Store) -> None:
    def refused() -> bytes:
        raise DeliveryError("REDCap refuses the file", retry=True)

    with pytest.raises(DeliveryError):
        stored_attachments(store, delivery(("P1", 0, "a.jpg", lambda: b"x"), ("P2", 0, "b.jpg", refused)))


def test_no_attachment_gives_an_empty_table_with_the_types_of_the_key(store: Store) -> None:
    table, _ = stored_attachments(store, delivery())
    assert table.num_rows == 0
    assert [field.type for field in table.schema][:2] == [pa.string(), pa.int64()]
