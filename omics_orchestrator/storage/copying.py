"""Arrow to Postgres: one binary COPY, encoded by pgpq as the server reads. tables.py decides into what."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg2 import errors
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.columntypes import holds_text, to_wire

ROWS = 4096  # encoded at a time: about a megabyte, small enough that server and client work at the same time


def identifier(name: str) -> str:
    """Return `name` quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def names(columns: list[str] | tuple[str, ...], prefix: str = "") -> str:
    """Return quoted column names, comma separated, each after `prefix`."""
    return ", ".join(prefix + identifier(column) for column in columns)


def copy_into(cursor: pg.cursor, target: str, table: pa.Table, *, freeze: bool = False) -> None:
    """Append `table` to the Postgres table `target` (quoted), column by name.

    Args:
        cursor: its transaction is aborted when an error is raised.
        target: quoted name of an existing table.
        table: columns with a place in Postgres.
        freeze: write rows that need no later vacuum; only for a table created in this transaction.

    Raises:
        StorageError: a value that Postgres cannot hold; names columns and counts, no values.
    """
    wire = pa.table([to_wire(name, table[name]) for name in table.column_names], names=table.column_names)
    blocks = _Blocks(_encoded(wire))
    options = "FORMAT binary, FREEZE" if freeze else "FORMAT binary"
    try:
        cursor.copy_expert(f"COPY {target} ({names(wire.column_names)}) FROM STDIN WITH ({options})", blocks)
    except errors.CharacterNotInRepertoire:
        raise StorageError(f"text that Postgres cannot hold: {_bad_text(wire)}") from None
    except errors.QueryCanceled:
        if blocks.failure is None:
            raise
        raise StorageError(f"a value is out of Postgres' range: {blocks.failure}") from None


class _Blocks(io.RawIOBase):
    """A file as `copy_expert` reads it: each `read` gives the next block, whatever size was asked for."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.failure: ValueError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return next(self.blocks, b"")
        except ValueError as error:  # psycopg2 would hide it
            self.failure = error
            raise


def _encoded(wire: pa.Table) -> Iterator[bytes]:
    encoder = ArrowToPostgresBinaryEncoder(wire.schema)
    yield encoder.write_header()
    for batch in wire.to_batches(max_chunksize=ROWS):
        if block := encoder.write_batch(batch):
            yield block
    yield encoder.finish()


def _bad_text(wire: pa.Table) -> str:
    """Tell which columns hold NUL bytes in how many cells."""
    counts = {}
    for name, column in zip(wire.column_names, wire.columns, strict=True):
        texts = pc.list_flatten(column) if pt.is_list(column.type) else column
        if holds_text(texts.type):
            counts[name] = pc.sum(pc.match_substring(texts.cast(pa.large_binary()), b"\0")).as_py()
    found = [f'NUL bytes in {count} cells of column "{name}"' for name, count in counts.items() if count]
    return ", ".join(found) or "bytes that are not UTF-8"
