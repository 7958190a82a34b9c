"""What every kind of source keeps, shown on the `example` of its test module: a new kind need not be named here."""

from __future__ import annotations

import importlib
import os
import random
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from omics_orchestrator.errors import DeliveryError, NotConfigured, OmicsError
from omics_orchestrator.sources import SOURCES, AnySource, Source
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator.storage.objects import Stores

SECRET = "Xq7secret"
ASKED = sorted(name for name, kind in SOURCES.items() if "location" not in kind.model_fields)
"""Kinds that ask a server: no file is theirs to change or to damage. Their own tests show what is left out here."""


@pytest.fixture(params=sorted(SOURCES.keys() - set(ASKED)))
def kind(request) -> str:
    return str(request.param)


@pytest.fixture
def example(kind: str, folder: Path) -> tuple[Source, str]:
    """A source with one small table of at least two columns, some cells of which hold SECRET."""
    module = importlib.import_module(f"omics_orchestrator_tests.sources.test_{kind}")
    declared, table = module.example(folder, SECRET)
    return TypeAdapter(AnySource).validate_python({"kind": kind, **declared}), table


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_documents_itself(kind):
    assert SOURCES[kind].explain()
    properties = SOURCES[kind].model_json_schema()["properties"]
    undescribed = [
        name for name, field in properties.items() if name != "kind" and not field.get("description")
    ]
    assert undescribed == []


def test_refuses_unknown_keys_and_changes(example):
    source, _ = example
    with pytest.raises(ValidationError, match="extra"):
        type(source).model_validate({**source.model_dump(by_alias=True), "seperator": ";"})
    with pytest.raises(ValidationError, match="frozen"):
        source.location = "store+here://elsewhere"


def test_delivers_text_under_a_key(example, stores):
    source, table = example
    delivery = source.deliver("s", table, None, stores)
    cells = [name for name in delivery.data.column_names if name not in delivery.key]
    assert delivery.data.num_rows > 0
    assert tuple(cells) == delivery.seen
    assert {delivery.data.schema.field(name).type for name in cells} == {pa.string()}
    assert all(column.null_count == 0 for column in delivery.data.columns)
    keys = delivery.data.select(delivery.key).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == len(keys)
    assert delivery.decisions["rows"] == str(delivery.data.num_rows)


def test_only_admitted_columns_leave(example, stores):
    source, table = example
    whole = source.deliver("s", table, None, stores)
    one = source.deliver("s", table, {whole.seen[0], "not there"}, stores)
    assert one.data.column_names == [*one.key, whole.seen[0]]
    assert one.seen == whole.seen
    pattern = source.deliver("s", table, {whole.seen[0][:2] + "*"}, stores)
    assert whole.seen[0] in pattern.data.column_names
    assert source.deliver("s", table, (), stores).data.column_names == list(whole.key)


def test_describes_its_columns_without_a_cell(example, stores):
    source, table = example
    found = [one for one in source.described("s", stores) if one.table in {table, "s"}]
    names = {one.name for one in found}
    seen = source.deliver("s", table, None, stores).seen
    assert {name for name in seen if not name.endswith("_complete")} <= names
    assert SECRET not in repr(found)


def test_signature_sees_a_change_and_reads_nothing(example, folder, stores, monkeypatch):
    source, _ = example
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "get", lambda *_: pytest.fail("a signature reads no file"))
        before = source.signature(stores)
        assert source.signature(stores) == before
    file = next(path for path in sorted(folder.rglob("*")) if path.is_file())
    file.write_bytes(file.read_bytes() + b"\n")
    os.utime(file, ns=(1, 1))
    assert source.signature(stores) != before


def test_the_same_files_give_the_same_delivery(example, stores):
    source, table = example
    assert source.deliver("s", table, None, stores) == source.deliver("s", table, None, stores)


def test_nothing_there(example, folder, stores):
    source, table = example
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.unlink()
    with pytest.raises(DeliveryError):
        source.deliver("s", table, None, stores)


def test_a_store_that_this_machine_lacks(example, stores):
    source, table = example
    elsewhere = source.model_copy(update={"location": source.location.replace("+here:", "+nowhere:")})
    with pytest.raises(NotConfigured, match="OMICS_STORE_NOWHERE_URL"):
        elsewhere.deliver("s", table, None, stores)


def test_damage_is_told_and_no_cell_with_it(example, folder: Path, stores: Stores):
    source, table = example
    dice = random.Random(1)
    files = [path for path in folder.rglob("*") if path.is_file()]
    refused = 0
    for _ in range(60):
        file = dice.choice(files)
        whole = file.read_bytes()
        cut = dice.randrange(len(whole))
        noise = dice.randbytes(dice.choice((0, 1, 40)))
        file.write_bytes(whole[:cut] + noise + (whole[cut + len(noise) :] if dice.random() < 0.5 else b""))
        os.utime(file, ns=(dice.randrange(10**18),) * 2)
        try:
            delivery = source.deliver("s", table, None, stores)
            told = " ".join(finding.message for finding in delivery.findings)
        except OmicsError as error:
            refused += 1
            told = str(error)
        assert SECRET not in told
        file.write_bytes(whole)
    assert refused > 0
