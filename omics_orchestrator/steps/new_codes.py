"""Codes of a delivery that its table did not hold before: counted by column before anything is stored.

What a rule makes of a code that it does not name is another matter: the check `codes` of the harmonised table.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.steps.held import Before
from omics_orchestrator.storage.tables import read_table

FEW, LONGEST = 20, 12  # a column of so many different cells of such length is taken for codes
ENOUGH = 20  # rows from which on what was there before tells anything


def new_codes(before: Before, raw: pa.Table, key: tuple[str, ...], original: bytes) -> list[Finding]:
    """Return a note for each column of codes that holds some which it did not hold before.

    Args:
        before: the table as it is stored.
        raw: the rows that are to be stored.
        key: its key columns.
        original: under which word of a field's metadata the source's own name stands.
    """
    state = before.state()
    if state is None or state.rows < ENOUGH or state.schema != before.schema:
        return []
    coded = {
        name: codes for name in _common(state.arrow_schema, raw.schema, key) if (codes := _codes(raw[name]))
    }
    if not coded:
        return []
    held = read_table(before.database, before.schema, before.name, columns=list(coded))
    found = []
    for name, codes in coded.items():
        known = _codes(held[name])
        if known and (fresh := codes - known):
            told = (raw.schema.field(name).metadata or {}).get(original, name.encode()).decode()
            message = f"column '{told}' holds {counted(len(fresh), 'code')} that it did not hold before"
            found.append(Finding("drift", message, len(fresh), "note", told))
    return found


def _common(before: pa.Schema, now: pa.Schema, key: tuple[str, ...]) -> list[str]:
    names = set(before.names) - {*key, "row_hash", "run_id"}
    return [field.name for field in now if field.name in names and field.type == pa.string()]


def _codes(column: pa.ChunkedArray) -> set[str]:
    """Return the different cells of a column that looks like codes; of any other column nothing."""
    different = pc.unique(column)
    if len(different) > FEW + 1:
        return set()
    cells = {cell for cell in different.to_pylist() if cell}
    return cells if all(len(cell) <= LONGEST for cell in cells) else set()
