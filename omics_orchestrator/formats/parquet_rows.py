"""Parquet tables of omics tools as rows of text, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.matrix_table import Found, Row

MAGIC = b"PAR1"
BATCH = 64 * 1024  # rows at once


def is_parquet(head: bytes) -> bool:
    """Tell by the signature."""
    return head.startswith(MAGIC)


def names_column(head: bytes, name: str) -> bool:
    """Tell whether the columns, which stand at the end of a file, are at hand and `name` is one."""
    return name.encode() in head


def rows(file: OpenFile, found: Found, wanted: Collection[str]) -> Iterator[Row]:
    """Yield the header as line 1, then the rows as text, from line 2; only the columns `wanted`.

    Raises:
        FormatError: no Parquet file, cut off or damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    found.facts["compression"] = "parquet"
    try:
        with parquet.ParquetFile(file.path()) as table:
            names = [name for name in table.schema_arrow.names if name in wanted]
            yield 1, names
            line = 1
            for batch in table.iter_batches(BATCH, columns=names, use_threads=False):
                cells = [
                    ["" if one is None else str(one) for one in column.to_pylist()]
                    for column in batch.columns
                ]
                for row in zip(*cells, strict=True):
                    line += 1
                    yield line, list(row)
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        raise FormatError(f"cut off, damaged or no Parquet file ({type(error).__name__})") from None
