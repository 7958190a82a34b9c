"""The rows behind a wide table: variables of one entity with their comparators and missing reasons, row by row.

Which rows meet: wide_rows.py; how a value is published: wide_values.py. Nothing here reads or writes a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.harmonise.dated import Dated, Inputs
from omics_orchestrator.studies.datasets import BESIDE

NO_ROW = "not_collected"  # nothing was collected of a participant or sample that has no row
NO_REASON = "unknown"
Arrays = Mapping[str, pa.ChunkedArray]


@dataclass(frozen=True)
class Part:
    """Rows of one entity.

    Attributes:
        table: keys and variables.
        reasons: variable → why there is no value, null where there is one.
        comparators: censored number or partial date → its comparator or precision, null where exact.
    """

    table: pa.Table
    reasons: Arrays
    comparators: Arrays

    @classmethod
    def of(
        cls,
        table: pa.Table,
        missing: pa.Table,
        comparators: pa.Table,
        keys: Sequence[str],
        variables: Iterable[Variable],
    ) -> Part:
        """Put the side tables of a harmonised table beside its rows."""
        ids = joined(table, keys)
        places = pc.index_in(ids, value_set=joined(missing, keys).combine_chunks())
        names = [name for name in missing.column_names if name not in keys]
        reasons = dict(zip(names, missing.select(names).take(places).columns, strict=True))
        marks = {
            variable.name: _marks(ids, comparators, keys, variable.name)
            for variable in variables
            if variable.type in BESIDE
        }
        return cls(table, reasons, marks)

    def inputs(self, names: Iterable[str]) -> Inputs:
        """Return these variables as what rules read."""
        held = [name for name in names if name in self.table.column_names]
        return Inputs({name: self.table[name] for name in held}, self.comparators)

    def with_dated(self, found: Dated) -> Part:
        """Return the part with what the dated rules gave."""
        table = self.table
        for name, values in found.values.items():
            if name in table.column_names:
                table = table.drop_columns([name])
            table = table.append_column(name, values)
        return replace(self, table=table, reasons={**self.reasons, **found.reasons})

    def take(self, rows: pa.ChunkedArray | pa.Array) -> Part:
        """Return the rows at these places; where the place is null, all is missing."""
        absent = pc.is_null(rows)
        reasons = {
            name: pc.if_else(absent, NO_ROW, column.take(rows)) for name, column in self.reasons.items()
        }
        marks = {name: column.take(rows) for name, column in self.comparators.items()}
        return Part(self.table.take(rows), reasons, marks)

    def reason(self, name: str) -> pa.ChunkedArray:
        """Return why a variable has no value, row by row; every missing value has a reason."""
        values = self.table[name]
        told = self.reasons.get(name)
        known = pc.fill_null(told, NO_REASON) if told is not None else pa.scalar(NO_REASON)
        return chunked(pc.if_else(pc.is_valid(values), pa.scalar(None, pa.string()), known))


def joined(table: pa.Table, keys: Sequence[str]) -> pa.ChunkedArray:
    """Return each row's key as one text."""
    return chunked(pc.binary_join_element_wise(*(table[key] for key in keys), "\x1f"))


def _marks(
    ids: pa.ChunkedArray, comparators: pa.Table, keys: Sequence[str], variable: str
) -> pa.ChunkedArray:
    found = comparators.filter(pc.equal(comparators["variable"], variable))
    places = pc.index_in(ids, value_set=joined(found, keys).combine_chunks())
    return chunked(found["comparator"].take(places).cast(pa.string()))


def chunked(found: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """Return an array as a column."""
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])
