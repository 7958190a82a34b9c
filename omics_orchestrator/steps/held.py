"""What earlier deliveries of a raw table left here, and how a delivery of changes is laid over it.

Which rows changed is the source's word (sources/base.Delivery.replaced); nothing here asks a source.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pyarrow as pa

from omics_orchestrator.sources.base import Held, Window
from omics_orchestrator.steps.result import MARK
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, TableWrite, list_tables, read_table

DECLARED = "declared"  # word of the mark: the declaration under which the table was delivered
WORDS = pa.schema([pa.field("word", pa.string()), pa.field("said", pa.string())])
VERSIONS = "metadata_hash"  # side tables with this column in their key keep the rows of earlier versions


class Before:
    """A raw table and what stands beside it, as they were before a delivery.

    Attributes:
        schema: Postgres schema.
        name: of the table.
        declared: version of the declaration now; what was delivered under another one is not built upon.
    """

    def __init__(self, database: Database, schema: str, name: str, declared: str) -> None:
        self.database = database
        self.schema = schema
        self.name = name
        self.declared = declared

    def state(self, side: str = "") -> TableState | None:
        """Return what is known of the table, or of one beside it; None = there is none."""
        return self._states.get(self.beside(side) if side else self.name)

    @cached_property
    def _states(self) -> dict[str, TableState]:
        return {one.name: one for one in list_tables(self.database) if one.schema == self.schema}

    def beside(self, side: str) -> str:
        """Return the name of a table beside it."""
        return f"{self.name}__{side}"

    @cached_property
    def mark(self) -> dict[str, str]:
        """What the source wrote down with the last delivery; empty where that was under another declaration."""
        if self.state() is None or self.state(MARK) is None:
            return {}
        rows = read_table(self.database, self.schema, self.beside(MARK)).to_pylist()
        said = {row["word"]: row["said"] for row in rows}
        return said if said.pop(DECLARED, None) == self.declared else {}

    def held(self, windows: tuple[Window, ...] = ()) -> Held | None:
        """Return what a source may build upon; None = it must give the whole table."""
        state = self.state()
        if not self.mark or state is None:
            return None
        keys = read_table(self.database, self.schema, self.name, columns=state.key)
        return Held(self.mark, keys, windows)

    def marked(self, mark: Mapping[str, str]) -> TableWrite:
        """Return the write that remembers a delivery."""
        words = {**mark, DECLARED: self.declared}
        table = pa.table({"word": list(words), "said": list(words.values())}, schema=WORDS)
        told = "What the source wants to know again at the next delivery"
        return TableWrite(self.schema, self.beside(MARK), table, ("word",), description=told)

    def over(self, table: pa.Table, replaced: pa.Table | None) -> pa.Table:
        """Return the raw table with a delivery of changes laid over it; the whole table comes back as it is.

        Args:
            table: raw rows that were delivered.
            replaced: columns of the key; rows held that bear these values give way. None = all rows do.
        """
        return table if replaced is None else self._over(table, replaced, self.name)

    def side(self, side: str, table: pa.Table, key: tuple[str, ...], replaced: pa.Table | None) -> TableWrite:
        """Return the write of a side table: laid over the rows held, where those are still true."""
        held = self.state(side)
        there = held is not None and held.arrow_schema.names == table.schema.names
        if there and VERSIONS in key:
            table = self._over(table, table.select([VERSIONS]), self.beside(side))
        elif there and replaced is not None and set(replaced.column_names) <= set(table.column_names):
            table = self._over(table, replaced, self.beside(side))
        return TableWrite(self.schema, self.beside(side), table, key)

    def _over(self, table: pa.Table, replaced: pa.Table, name: str) -> pa.Table:
        before = read_table(self.database, self.schema, name)
        kept = before.take(_without(before.select(replaced.column_names), replaced))
        return pa.concat_tables([table, kept.select(table.column_names).cast(table.schema)])


def _without(keys: pa.Table, replaced: pa.Table) -> pa.Array:
    """Return the places of the rows whose key is not among those replaced, in their order."""
    fields = [pa.field(field.name, field.type) for field in keys.schema]
    plain = keys.cast(pa.schema(fields)).append_column("#", pa.array(np.arange(keys.num_rows)))
    gone = replaced.cast(pa.schema(fields)).group_by(replaced.column_names).aggregate([])
    kept = plain.join(gone, keys=replaced.column_names, join_type="left anti")
    return kept["#"].combine_chunks().sort()
