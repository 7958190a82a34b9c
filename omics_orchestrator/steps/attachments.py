"""Files that cells of a raw table name: their bytes into our own store, their names and digests beside the table."""

from __future__ import annotations

import contextlib
import hashlib

import pyarrow as pa

from omics_orchestrator.errors import ObjectExists
from omics_orchestrator.sources.base import Delivery
from omics_orchestrator.storage.objects import Store

FOLDER = "attachments"
COLUMNS = (
    pa.field("field", pa.string()),
    pa.field("name", pa.string(), metadata={"description": "as the source names it"}),
    pa.field("sha256", pa.string(), metadata={"description": "its place in the store: attachments/<sha256>"}),
    pa.field("bytes", pa.int64()),
)


def stored_attachments(store: Store, delivery: Delivery) -> tuple[pa.Table, tuple[str, ...]]:
    """Store the bytes of every attachment once and return the table that names them, with its key.

    An object bears the digest of its content as its name: what is there already is not written again, and a crash
    leaves no name without bytes.
    """
    rows = []
    for attachment in delivery.attachments:
        content = attachment.read()
        digest = hashlib.sha256(content).hexdigest()
        with contextlib.suppress(ObjectExists):
            store.put_new(f"{FOLDER}/{digest}", content)
        rows.append((*attachment.key, attachment.field, attachment.name, digest, len(content)))
    keys = [pa.field(name, delivery.data.schema.field(name).type) for name in delivery.key]
    schema = pa.schema([*keys, *COLUMNS])
    table = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
    return table, (*delivery.key, "field")
